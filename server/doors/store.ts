import { type Insertable, sql, type Updateable } from 'kysely';
import { fold } from '../../domain/fold.ts';
import type { Sight } from '../context.ts';
import { type Connection, only, type RowKey, type Transaction } from '../database/database.ts';
import type { Tables } from '../database/tables.ts';
import { containing, idsOf, type ListQuery, listPage, oneOf } from '../http/lists.ts';

export type DoorWithPlace = NonNullable<Awaited<ReturnType<typeof selectDoor>>>;

export interface DoorListQuery extends ListQuery {
  place_id?: number;
  configured?: boolean;
  online?: boolean;
  locked_down?: boolean;
  /** These ask for what no door of ours has: a floor, being held open, being somebody's favourite. */
  floor_id?: number;
  unlocked?: boolean;
  favorite?: string;
  sort?: string;
  /** The agents that are connected, for `online`. */
  reachableAgents: readonly number[];
}

/** Since when a door opens for nobody: because it was locked down, or its whole place was. */
const lockedDownAt = sql<string | null>`case when places.locked_down_at < doors.locked_down_at
  then places.locked_down_at else coalesce(doors.locked_down_at, places.locked_down_at) end`;

export function selectDoors(connection: Connection, sight: Sight, query: DoorListQuery) {
  let rows = doors(connection, sight);
  if (query.ids) rows = rows.where('doors.id', 'in', idsOf(query.ids));
  if (query.place_id) rows = rows.where('doors.place_id', '=', query.place_id);
  if (query.configured !== undefined)
    rows = rows.where('doors.agent_id', query.configured ? 'is not' : 'is', null);
  if (query.locked_down !== undefined)
    rows = rows.where(lockedDownAt, query.locked_down ? 'is not' : 'is', null);
  if (query.online !== undefined) {
    const agents = sql.join(oneOf(query.reachableAgents));
    const isOnline = sql<number>`case when doors.agent_id in (${agents}) then 1 else 0 end`;
    rows = rows.where(isOnline, '=', Number(query.online));
  }
  if (query.floor_id || query.unlocked || query.favorite === 'true') rows = rows.where(sql<boolean>`1 = 0`);
  if (query.query) rows = rows.where(sql<boolean>`doors.folded like ${containing(query.query)} escape '\\'`);
  if (query.sort?.endsWith('name'))
    rows = rows.orderBy(sql`doors.folded`, query.sort === '-name' ? 'desc' : 'asc');
  else rows = rows.orderBy(sql`doors.order_id is null`).orderBy('doors.order_id');
  return listPage(rows.orderBy('doors.id'), { ...query, limit: query.limit ?? 50 });
}

/** The door, if there is one that this caller may see. */
export function selectDoor(connection: Connection, sight: Sight, id: number) {
  return doors(connection, sight).where('doors.id', '=', id).executeTakeFirst();
}

/** The doors of a place that this caller may see, in the order of their ids. */
export function selectDoorsOfPlace(connection: Connection, sight: Sight, place_id: number) {
  return doors(connection, sight).where('doors.place_id', '=', place_id).orderBy('doors.id').execute();
}

/** The doors of a group, in the order in which a person is shown them. */
export function selectDoorsOfGroup(connection: Connection, organization_id: number, group_id: number) {
  return doors(connection, { organization_id, group_ids: [group_id] })
    .orderBy(sql`doors.order_id is null`)
    .orderBy('doors.order_id')
    .orderBy('doors.id')
    .execute();
}

/** Which of the groups the door is in. */
export async function selectGroupsOfDoor(
  connection: Connection,
  { organization_id, id }: RowKey,
  group_ids: readonly number[],
): Promise<number[]> {
  const rows = await connection.query
    .selectFrom('group_doors')
    .select('group_id')
    .where('organization_id', '=', organization_id)
    .where('door_id', '=', id)
    .where('group_id', 'in', oneOf(group_ids))
    .orderBy('group_id')
    .execute();
  return rows.map(({ group_id }) => group_id);
}

export async function insertDoor(
  tx: Transaction,
  row: Omit<Insertable<Tables['doors']>, 'folded'>,
): Promise<number> {
  return only(
    await tx.query
      .insertInto('doors')
      .values({ ...row, folded: fold(row.name) })
      .returning('id')
      .executeTakeFirst(),
  ).id;
}

export async function updateDoor(
  tx: Transaction,
  { organization_id, id }: RowKey,
  change: Updateable<Tables['doors']>,
): Promise<void> {
  await tx.query
    .updateTable('doors')
    .set({ ...change, ...(change.name === undefined ? {} : { folded: fold(change.name) }) })
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .execute();
}

export async function updateDoorLockDown(
  tx: Transaction,
  { organization_id, id }: RowKey,
  locked_down_at: string | null,
): Promise<void> {
  await tx.query
    .updateTable('doors')
    .set((row) => ({ locked_down_at, state_revision: row('state_revision', '+', 1) }))
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .execute();
}

export async function deleteGroupDoorsOf(tx: Transaction, { organization_id, id }: RowKey): Promise<void> {
  await tx.query
    .deleteFrom('group_doors')
    .where('organization_id', '=', organization_id)
    .where('door_id', '=', id)
    .execute();
}

/** The ids of the doors in the groups, for `in (…)`. */
export function doorIdsIn(
  connection: Connection,
  { organization_id, group_ids }: { organization_id: number; group_ids: readonly number[] },
) {
  return connection.query
    .selectFrom('group_doors')
    .select('door_id')
    .where('organization_id', '=', organization_id)
    .where('group_id', 'in', oneOf(group_ids));
}

function doors(connection: Connection, { organization_id, group_ids }: Sight) {
  const rows = connection.query
    .selectFrom('doors')
    .innerJoin('places', (join) =>
      join
        .onRef('places.organization_id', '=', 'doors.organization_id')
        .onRef('places.id', '=', 'doors.place_id'),
    )
    .select(['doors.id', 'doors.organization_id', 'doors.place_id', 'doors.agent_id', 'doors.name'])
    .select(['doors.description', 'doors.latitude', 'doors.longitude', 'doors.order_id', 'doors.pulse_ms'])
    .select([
      'doors.static_offline_limit',
      'doors.live_offline_limit',
      'doors.live_only',
      'doors.fail_secure',
    ])
    .select(['doors.sensor_open', 'doors.sensor_locked', 'doors.sensor_at'])
    .select(['doors.created_at', 'doors.updated_at', 'doors.locked_down_at as own_locked_down_at'])
    .select(lockedDownAt.as('locked_down_at'))
    .select(sql<number>`doors.state_revision + places.state_revision`.as('state_revision'))
    .select(['places.name as place_name', 'places.time_zone as place_time_zone'])
    .select(['places.latitude as place_latitude', 'places.longitude as place_longitude'])
    .select((at) => {
      const groups = at
        .selectFrom('group_doors')
        .select(sql<number>`count(*)`.as('count'))
        .whereRef('group_doors.organization_id', '=', 'doors.organization_id')
        .whereRef('group_doors.door_id', '=', 'doors.id');
      const visible = group_ids ? groups.where('group_id', 'in', oneOf(group_ids)) : groups;
      return visible.$castTo<number>().as('groups_count');
    })
    .where('doors.organization_id', '=', organization_id)
    .where('doors.deleted_at', 'is', null);
  if (!group_ids) return rows;
  return rows.where('doors.id', 'in', doorIdsIn(connection, { organization_id, group_ids }));
}
