import { type Insertable, sql, type Updateable } from 'kysely';
import { fold } from '../../domain/fold.ts';
import { type Connection, only, type Transaction } from '../database/database.ts';
import type { Tables } from '../database/tables.ts';
import { containing, idsOf, type ListQuery, listPage } from '../http/lists.ts';

export type PlaceWithCounts = NonNullable<Awaited<ReturnType<typeof selectPlace>>>;

export function selectPlaces(
  connection: Connection,
  organization_id: number,
  query: ListQuery & { sort?: string; favorite?: string },
) {
  let rows = places(connection, organization_id);
  if (query.ids) rows = rows.where('places.id', 'in', idsOf(query.ids));
  if (query.favorite === 'true') rows = rows.where(sql<boolean>`1 = 0`); // nobody has favourites here
  if (query.query) rows = rows.where(sql<boolean>`places.folded like ${containing(query.query)} escape '\\'`);
  rows = rows.orderBy(sql`places.folded`, query.sort === '-name' ? 'desc' : 'asc').orderBy('places.id');
  return listPage(rows, { ...query, limit: query.limit ?? 50 });
}

export function selectPlace(connection: Connection, organization_id: number, id: number) {
  return places(connection, organization_id).where('places.id', '=', id).executeTakeFirst();
}

export async function insertPlace(
  tx: Transaction,
  row: Omit<Insertable<Tables['places']>, 'folded'>,
): Promise<number> {
  return only(
    await tx.query
      .insertInto('places')
      .values({ ...row, folded: fold(row.name) })
      .returning('id')
      .executeTakeFirst(),
  ).id;
}

export async function updatePlace(
  tx: Transaction,
  key: { organization_id: number; id: number },
  change: Updateable<Tables['places']>,
): Promise<void> {
  const { organization_id, id } = key;
  await tx.query
    .updateTable('places')
    .set({ ...change, ...(change.name === undefined ? {} : { folded: fold(change.name) }) })
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .execute();
}

export async function countDoors(
  connection: Connection,
  organization_id: number,
  place_id: number,
): Promise<number> {
  const row = await connection.query
    .selectFrom('doors')
    .select(sql<number>`count(*)`.as('count'))
    .where('organization_id', '=', organization_id)
    .where('place_id', '=', place_id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
  return only(row).count;
}

function places(connection: Connection, organization_id: number) {
  return connection.query
    .selectFrom('places')
    .innerJoin('organizations', 'organizations.id', 'places.organization_id')
    .selectAll('places')
    .select(['organizations.name as organization_name', 'organizations.domain as organization_domain'])
    .select((at) =>
      at
        .selectFrom('doors')
        .select(sql<number>`count(*)`.as('count'))
        .whereRef('doors.organization_id', '=', 'places.organization_id')
        .whereRef('doors.place_id', '=', 'places.id')
        .where('doors.deleted_at', 'is', null)
        .$castTo<number>()
        .as('doors_count'),
    )
    .where('places.organization_id', '=', organization_id)
    .where('places.deleted_at', 'is', null);
}
