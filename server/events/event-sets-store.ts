import { type Insertable, sql } from 'kysely';
import type { Connection, Transaction } from '../database/database.ts';
import type { Tables } from '../database/tables.ts';

export type StoredEventSet = NonNullable<Awaited<ReturnType<typeof selectEventSet>>>;

export function selectEventSet(connection: Connection, organization_id: number, id: number) {
  return connection.query
    .selectFrom('event_sets')
    .selectAll()
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .executeTakeFirst();
}

/** Undefined when the organization has as many as it may. */
export async function insertEventSet(
  tx: Transaction,
  row: Insertable<Tables['event_sets']> & { organization_id: number },
  most: number,
): Promise<number | undefined> {
  const { organization_id, filters, last_position, created_at } = row;
  const inserted = await tx.query
    .insertInto('event_sets')
    .columns(['organization_id', 'filters', 'last_position', 'created_at'])
    .expression((from) =>
      from
        .selectFrom('organizations')
        .select((at) => [
          'organizations.id',
          at.val(filters).as('filters'),
          at.val(last_position).as('last_position'),
          at.val(created_at).as('created_at'),
        ])
        .where('organizations.id', '=', organization_id)
        .where(
          (at) =>
            at
              .selectFrom('event_sets')
              .select(sql<number>`count(*)`.as('count'))
              .where('event_sets.organization_id', '=', organization_id),
          '<',
          most,
        ),
    )
    .returning('id')
    .executeTakeFirst();
  return inserted?.id;
}

export async function deleteEventSetsBefore(
  tx: Transaction,
  organization_id: number,
  instant: string,
): Promise<void> {
  await tx.query
    .deleteFrom('event_sets')
    .where('organization_id', '=', organization_id)
    .where('created_at', '<', instant)
    .execute();
}

/** Whether the organization has or had the place. */
export async function hasPlace(
  connection: Connection,
  organization_id: number,
  id: number,
): Promise<boolean> {
  const place = await connection.query
    .selectFrom('places')
    .select('id')
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .executeTakeFirst();
  return place !== undefined;
}
