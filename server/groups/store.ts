import { type Insertable, sql, type Updateable } from 'kysely';
import { fold } from '../../domain/fold.ts';
import type { Sight } from '../context.ts';
import { type Connection, only, type RowKey, type Transaction } from '../database/database.ts';
import type { Tables } from '../database/tables.ts';
import { containing, idsOf, type ListQuery, listPage, oneOf } from '../http/lists.ts';

export type GroupWithCounts = NonNullable<Awaited<ReturnType<typeof selectGroup>>>;
export type GroupDoorWithNames = NonNullable<Awaited<ReturnType<typeof selectGroupDoor>>>;

export interface GroupListQuery extends ListQuery {
  place_id?: number;
  lock_id?: number;
  /** No group has elevator stops. */
  elevator_stop_id?: number;
  scope?: 'organization' | 'place';
  sort?: string;
}

export interface GroupDoorListQuery extends ListQuery {
  group_id?: number;
  lock_id?: number;
}

export function selectGroups(connection: Connection, sight: Sight, query: GroupListQuery) {
  const { ids, place_id, lock_id, query: text, sort } = query;
  let rows = groups(connection, sight);
  if (ids) rows = rows.where('groups.id', 'in', idsOf(ids));
  if (place_id) rows = rows.where('groups.place_id', '=', place_id);
  if (query.scope) rows = rows.where('groups.place_id', query.scope === 'place' ? 'is not' : 'is', null);
  if (query.elevator_stop_id) rows = rows.where(sql<boolean>`1 = 0`);
  if (text) rows = rows.where(sql<boolean>`groups.folded like ${containing(text)} escape '\\'`);
  if (lock_id) {
    rows = rows.where('groups.id', 'in', (from) =>
      from
        .selectFrom('group_doors')
        .select('group_id')
        .where('organization_id', '=', sight.organization_id)
        .where('door_id', '=', lock_id),
    );
  }
  rows = rows.orderBy(sql`groups.folded`, sort === '-name' ? 'desc' : 'asc').orderBy('groups.id');
  return listPage(rows, query);
}

/** The group, if there is one that this caller may see. */
export function selectGroup(connection: Connection, sight: Sight, id: number) {
  return groups(connection, sight).where('groups.id', '=', id).executeTakeFirst();
}

export async function insertGroup(
  tx: Transaction,
  row: Omit<Insertable<Tables['groups']>, 'folded'>,
): Promise<number> {
  return only(
    await tx.query
      .insertInto('groups')
      .values({ ...row, folded: fold(row.name) })
      .returning('id')
      .executeTakeFirst(),
  ).id;
}

export async function updateGroup(
  tx: Transaction,
  key: RowKey,
  change: Updateable<Tables['groups']>,
): Promise<void> {
  const { organization_id, id } = key;
  await tx.query
    .updateTable('groups')
    .set({ ...change, ...(change.name === undefined ? {} : { folded: fold(change.name) }) })
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .execute();
}

/** How many links of the group may still open a door. */
export async function countLiveLinks(
  connection: Connection,
  { organization_id, id }: RowKey,
  at: string,
): Promise<number> {
  const row = await connection.query
    .selectFrom('links')
    .select(sql<number>`count(*)`.as('count'))
    .where('organization_id', '=', organization_id)
    .where('group_id', '=', id)
    .where('revoked_at', 'is', null)
    .where('valid_until', '>', at)
    .executeTakeFirst();
  return only(row).count;
}

export function selectGroupDoors(connection: Connection, sight: Sight, query: GroupDoorListQuery) {
  const { ids, group_id, lock_id, query: text } = query;
  let rows = groupDoors(connection, sight);
  if (ids) rows = rows.where('group_doors.id', 'in', idsOf(ids));
  if (group_id) rows = rows.where('group_doors.group_id', '=', group_id);
  if (lock_id) rows = rows.where('group_doors.door_id', '=', lock_id);
  if (text) rows = rows.where(sql<boolean>`doors.folded like ${containing(text)} escape '\\'`);
  return listPage(rows.orderBy('group_doors.id'), query);
}

export function selectGroupDoor(connection: Connection, sight: Sight, id: number) {
  return groupDoors(connection, sight).where('group_doors.id', '=', id).executeTakeFirst();
}

/** Undefined when the door is in the group already. */
export async function insertGroupDoor(
  tx: Transaction,
  row: Insertable<Tables['group_doors']>,
): Promise<number | undefined> {
  const inserted = await tx.query
    .insertInto('group_doors')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  return inserted?.id;
}

export async function deleteGroupDoor(tx: Transaction, { organization_id, id }: RowKey): Promise<void> {
  await tx.query
    .deleteFrom('group_doors')
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .execute();
}

/** The group holds no door any more. */
export async function deleteDoorsOfGroup(tx: Transaction, { organization_id, id }: RowKey): Promise<void> {
  await tx.query
    .deleteFrom('group_doors')
    .where('organization_id', '=', organization_id)
    .where('group_id', '=', id)
    .execute();
}

/** Groups of a place that is gone belong to the organization as a whole. */
export async function detachGroups(
  tx: Transaction,
  organization_id: number,
  place_id: number,
): Promise<void> {
  await tx.query
    .updateTable('groups')
    .set({ place_id: null })
    .where('organization_id', '=', organization_id)
    .where('place_id', '=', place_id)
    .execute();
}

function groups(connection: Connection, { organization_id, group_ids }: Sight) {
  const rows = connection.query
    .selectFrom('groups')
    .leftJoin('places', (join) =>
      join
        .onRef('places.organization_id', '=', 'groups.organization_id')
        .onRef('places.id', '=', 'groups.place_id'),
    )
    .selectAll('groups')
    .select('places.name as place_name')
    .select((at) =>
      at
        .selectFrom('group_doors')
        .select(sql<number>`count(*)`.as('count'))
        .whereRef('group_doors.organization_id', '=', 'groups.organization_id')
        .whereRef('group_doors.group_id', '=', 'groups.id')
        .$castTo<number>()
        .as('doors_count'),
    )
    .select((at) =>
      at
        .selectFrom('schedules')
        .select(sql<number>`count(*)`.as('count'))
        .whereRef('schedules.organization_id', '=', 'groups.organization_id')
        .whereRef('schedules.group_id', '=', 'groups.id')
        .where('schedules.enabled', '=', 1)
        .as('schedules_count'),
    )
    .where('groups.organization_id', '=', organization_id)
    .where('groups.deleted_at', 'is', null);
  return group_ids ? rows.where('groups.id', 'in', oneOf(group_ids)) : rows;
}

function groupDoors(connection: Connection, { organization_id, group_ids }: Sight) {
  const rows = connection.query
    .selectFrom('group_doors')
    .innerJoin('groups', (join) =>
      join
        .onRef('groups.organization_id', '=', 'group_doors.organization_id')
        .onRef('groups.id', '=', 'group_doors.group_id'),
    )
    .innerJoin('doors', (join) =>
      join
        .onRef('doors.organization_id', '=', 'group_doors.organization_id')
        .onRef('doors.id', '=', 'group_doors.door_id'),
    )
    .innerJoin('places', (join) =>
      join
        .onRef('places.organization_id', '=', 'doors.organization_id')
        .onRef('places.id', '=', 'doors.place_id'),
    )
    .selectAll('group_doors')
    .select(['groups.name as group_name', 'doors.name as door_name', 'doors.description as door_description'])
    .select(['places.id as place_id', 'places.name as place_name'])
    .where('group_doors.organization_id', '=', organization_id);
  return group_ids ? rows.where('group_doors.group_id', 'in', oneOf(group_ids)) : rows;
}
