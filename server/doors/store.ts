import { type Insertable, sql, type Updateable } from 'kysely';
import { fold } from '../../domain/fold.ts';
import { type Connection, only, type Transaction } from '../database/database.ts';
import type { Tables } from '../database/tables.ts';
import { containing, idsOf, type ListQuery, listPage } from '../http/lists.ts';

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

export function selectDoors(connection: Connection, organization_id: number, query: DoorListQuery) {
  let rows = doors(connection, organization_id);
  if (query.ids) rows = rows.where('doors.id', 'in', idsOf(query.ids));
  if (query.place_id) rows = rows.where('doors.place_id', '=', query.place_id);
  if (query.configured !== undefined)
    rows = rows.where('doors.agent_id', query.configured ? 'is not' : 'is', null);
  if (query.locked_down !== undefined) {
    rows = rows.where('doors.locked_down_at', query.locked_down ? 'is not' : 'is', null);
  }
  if (query.online !== undefined) {
    const agents = sql.join(query.reachableAgents.map((id) => sql`${id}`));
    const isOnline = sql<number>`coalesce(doors.agent_id in (${agents}), 0)`;
    rows = rows.where(isOnline, '=', Number(query.online));
  }
  if (query.floor_id || query.unlocked || query.favorite === 'true') rows = rows.where(sql<boolean>`1 = 0`);
  if (query.query) rows = rows.where(sql<boolean>`doors.folded like ${containing(query.query)} escape '\\'`);
  if (query.sort?.endsWith('name'))
    rows = rows.orderBy(sql`doors.folded`, query.sort === '-name' ? 'desc' : 'asc');
  else rows = rows.orderBy(sql`doors.order_id is null`).orderBy('doors.order_id');
  return listPage(rows.orderBy('doors.id'), { ...query, limit: query.limit ?? 50 });
}

export function selectDoor(connection: Connection, organization_id: number, id: number) {
  return doors(connection, organization_id).where('doors.id', '=', id).executeTakeFirst();
}

/** The doors of a group, in the order in which a person is shown them. */
export function selectDoorsOfGroup(connection: Connection, organization_id: number, group_id: number) {
  return doors(connection, organization_id)
    .innerJoin('group_doors', (join) =>
      join
        .onRef('group_doors.organization_id', '=', 'doors.organization_id')
        .onRef('group_doors.door_id', '=', 'doors.id'),
    )
    .where('group_doors.group_id', '=', group_id)
    .orderBy(sql`doors.order_id is null`)
    .orderBy('doors.order_id')
    .orderBy('doors.id')
    .execute();
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
  key: { organization_id: number; id: number },
  change: Updateable<Tables['doors']>,
): Promise<void> {
  const { organization_id, id } = key;
  await tx.query
    .updateTable('doors')
    .set({ ...change, ...(change.name === undefined ? {} : { folded: fold(change.name) }) })
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .execute();
}

export async function deleteGroupDoorsOf(
  tx: Transaction,
  organization_id: number,
  door_id: number,
): Promise<void> {
  await tx.query
    .deleteFrom('group_doors')
    .where('organization_id', '=', organization_id)
    .where('door_id', '=', door_id)
    .execute();
}

function doors(connection: Connection, organization_id: number) {
  return connection.query
    .selectFrom('doors')
    .innerJoin('places', (join) =>
      join
        .onRef('places.organization_id', '=', 'doors.organization_id')
        .onRef('places.id', '=', 'doors.place_id'),
    )
    .selectAll('doors')
    .select([
      'places.name as place_name',
      'places.latitude as place_latitude',
      'places.longitude as place_longitude',
      'places.time_zone as place_time_zone',
    ])
    .select((at) =>
      at
        .selectFrom('group_doors')
        .select(sql<number>`count(*)`.as('count'))
        .whereRef('group_doors.organization_id', '=', 'doors.organization_id')
        .whereRef('group_doors.door_id', '=', 'doors.id')
        .$castTo<number>()
        .as('groups_count'),
    )
    .where('doors.organization_id', '=', organization_id)
    .where('doors.deleted_at', 'is', null);
}
