import { type Insertable, sql, type Updateable } from 'kysely';
import { fold } from '../../domain/fold.ts';
import type { Sight } from '../context.ts';
import { type Connection, only, type RowKey, type Transaction } from '../database/database.ts';
import type { Tables } from '../database/tables.ts';
import { doorIdsIn } from '../doors/store.ts';
import { containing, idsOf, type ListQuery, listPage, oneOf } from '../http/lists.ts';

export type PlaceWithCounts = NonNullable<Awaited<ReturnType<typeof selectPlace>>>;

export function selectPlaces(
  connection: Connection,
  sight: Sight,
  query: ListQuery & { sort?: string; favorite?: string },
) {
  let rows = places(connection, sight);
  if (query.ids) rows = rows.where('places.id', 'in', idsOf(query.ids));
  if (query.favorite === 'true') rows = rows.where(sql<boolean>`1 = 0`); // nobody has favourites here
  if (query.query) rows = rows.where(sql<boolean>`places.folded like ${containing(query.query)} escape '\\'`);
  rows = rows.orderBy(sql`places.folded`, query.sort === '-name' ? 'desc' : 'asc').orderBy('places.id');
  return listPage(rows, { ...query, limit: query.limit ?? 50 });
}

/** The place, if there is one that this caller may see. */
export function selectPlace(connection: Connection, sight: Sight, id: number) {
  return places(connection, sight).where('places.id', '=', id).executeTakeFirst();
}

export async function insertPlace(
  tx: Transaction,
  row: Omit<Insertable<Tables['places']>, 'folded'>,
): Promise<number> {
  return only(
    await tx.query
      .insertInto('places')
      .values({ ...row, folded: fold(row.name, row.address) })
      .returning('id')
      .executeTakeFirst(),
  ).id;
}

export async function updatePlace(
  tx: Transaction,
  before: PlaceWithCounts,
  change: Updateable<Tables['places']>,
): Promise<void> {
  const { name = before.name, address = before.address } = change;
  await tx.query
    .updateTable('places')
    .set({ ...change, folded: fold(name, address) })
    .where('organization_id', '=', before.organization_id)
    .where('id', '=', before.id)
    .execute();
}

export async function updatePlaceLockDown(
  tx: Transaction,
  { organization_id, id }: RowKey,
  locked_down_at: string | null,
): Promise<void> {
  await tx.query
    .updateTable('places')
    .set((row) => ({ locked_down_at, state_revision: row('state_revision', '+', 1) }))
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .execute();
}

export async function countDoors(connection: Connection, { organization_id, id }: RowKey): Promise<number> {
  const row = await connection.query
    .selectFrom('doors')
    .select(sql<number>`count(*)`.as('count'))
    .where('organization_id', '=', organization_id)
    .where('place_id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
  return only(row).count;
}

/** A manager sees the places of the groups' doors, and those that the groups are for. */
function places(connection: Connection, { organization_id, group_ids }: Sight) {
  const doorIds = group_ids && doorIdsIn(connection, { organization_id, group_ids });
  const rows = connection.query
    .selectFrom('places')
    .innerJoin('organizations', 'organizations.id', 'places.organization_id')
    .selectAll('places')
    .select(['organizations.name as organization_name', 'organizations.domain as organization_domain'])
    .select((at) => {
      const doors = at
        .selectFrom('doors')
        .select(sql<number>`count(*)`.as('count'))
        .whereRef('doors.organization_id', '=', 'places.organization_id')
        .whereRef('doors.place_id', '=', 'places.id')
        .where('doors.deleted_at', 'is', null);
      const visible = doorIds ? doors.where('doors.id', 'in', doorIds) : doors;
      return visible.$castTo<number>().as('doors_count');
    })
    .where('places.organization_id', '=', organization_id)
    .where('places.deleted_at', 'is', null);
  if (!doorIds) return rows;
  const { query } = connection;
  const ofDoors = query.selectFrom('doors').select('place_id').where('doors.id', 'in', doorIds);
  const ofGroups = query
    .selectFrom('groups')
    .select('place_id')
    .where('id', 'in', oneOf(group_ids ?? []));
  return rows.where((any) =>
    any.or([
      any('places.id', 'in', ofDoors.where('organization_id', '=', organization_id)),
      any('places.id', 'in', ofGroups.where('organization_id', '=', organization_id)),
    ]),
  );
}
