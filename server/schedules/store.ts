import { type Insertable, sql, type Updateable } from 'kysely';
import type { Static } from 'typebox';
import type { Schedule } from '../../domain/schedule.ts';
import type { ScheduleQuery } from '../../domain/schemas/schedules.ts';
import type { Sight } from '../context.ts';
import { type Connection, only, type RowKey, type Transaction } from '../database/database.ts';
import type { ScheduleRow, Tables } from '../database/tables.ts';
import { idsOf, listPage, oneOf } from '../http/lists.ts';

export type ScheduleWithGroup = NonNullable<Awaited<ReturnType<typeof selectSchedule>>>;

/** When a schedule applies, and to what end, as it lies in the database. */
export type StoredSchedule = Pick<ScheduleWithGroup, keyof ScheduleRow>;

const columns = 'weekly, exceptions, starts_at, ends_at, starts_at_date, ends_at_date, override';
const selectSql = `select ${columns} from schedules where organization_id = ? and group_id = ? and enabled = 1`;

type Hours = Pick<
  StoredSchedule,
  'weekly' | 'exceptions' | 'starts_at' | 'ends_at' | 'starts_at_date' | 'ends_at_date' | 'override'
>;

/** The schedules of a group that are in force, read on the unlock path. None: its doors open at any hour. */
export async function selectSchedules(
  connection: Connection,
  organization_id: number,
  group_id: number,
): Promise<Schedule[]> {
  return (await connection.prepare<Hours>(selectSql).all(organization_id, group_id)).map(scheduleOf);
}

/** What `decide` asks of a schedule. */
export function scheduleOf(row: Hours): Schedule {
  const { starts_at, ends_at, starts_at_date, ends_at_date } = row;
  return {
    weekly: JSON.parse(row.weekly),
    exceptions: JSON.parse(row.exceptions),
    days: starts_at_date && ends_at_date ? [{ start: starts_at_date, end: ends_at_date }] : [],
    spans: starts_at && ends_at ? [{ from: starts_at, until: ends_at }] : [],
    override: row.override === 1,
  };
}

export function listSchedules(connection: Connection, sight: Sight, query: Static<typeof ScheduleQuery>) {
  const { ids, consequence = 'allow', scheduleable_type = 'Group', scheduleable_id } = query;
  let rows = schedules(connection, sight);
  if (ids) rows = rows.where('schedules.id', 'in', idsOf(ids));
  if (scheduleable_id) rows = rows.where('schedules.group_id', '=', scheduleable_id);
  // There are none of any other kind.
  if (consequence !== 'allow' || scheduleable_type !== 'Group') rows = rows.where(sql<boolean>`1 = 0`);
  return listPage(rows.orderBy('schedules.id'), query);
}

/** The schedule, if there is one that this caller may see. */
export function selectSchedule(connection: Connection, sight: Sight, id: number) {
  return schedules(connection, sight).where('schedules.id', '=', id).executeTakeFirst();
}

export async function countSchedules(
  connection: Connection,
  { organization_id, id }: RowKey,
): Promise<number> {
  const row = await connection.query
    .selectFrom('schedules')
    .select(sql<number>`count(*)`.as('count'))
    .where('organization_id', '=', organization_id)
    .where('group_id', '=', id)
    .executeTakeFirst();
  return only(row).count;
}

export async function insertSchedule(tx: Transaction, row: Insertable<Tables['schedules']>): Promise<number> {
  return only(await tx.query.insertInto('schedules').values(row).returning('id').executeTakeFirst()).id;
}

export async function updateSchedule(
  tx: Transaction,
  { organization_id, id }: RowKey,
  change: Updateable<Tables['schedules']>,
): Promise<void> {
  await tx.query
    .updateTable('schedules')
    .set(change)
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .execute();
}

export async function deleteSchedule(tx: Transaction, { organization_id, id }: RowKey): Promise<void> {
  await tx.query
    .deleteFrom('schedules')
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .execute();
}

export async function deleteSchedulesOfGroup(
  tx: Transaction,
  { organization_id, id }: RowKey,
): Promise<void> {
  await tx.query
    .deleteFrom('schedules')
    .where('organization_id', '=', organization_id)
    .where('group_id', '=', id)
    .execute();
}

/** The zone that a schedule is shown in: its group's place, else that of the group's first door. */
const timeZone = sql<string | null>`coalesce(places.time_zone, (
  select p.time_zone from group_doors g
    join doors d on d.organization_id = g.organization_id and d.id = g.door_id
    join places p on p.organization_id = d.organization_id and p.id = d.place_id
  where g.organization_id = schedules.organization_id and g.group_id = schedules.group_id
  order by g.id limit 1))`;

function schedules(connection: Connection, { organization_id, group_ids }: Sight) {
  const rows = connection.query
    .selectFrom('schedules')
    .innerJoin('groups', (join) =>
      join
        .onRef('groups.organization_id', '=', 'schedules.organization_id')
        .onRef('groups.id', '=', 'schedules.group_id'),
    )
    .leftJoin('places', (join) =>
      join
        .onRef('places.organization_id', '=', 'groups.organization_id')
        .onRef('places.id', '=', 'groups.place_id'),
    )
    .selectAll('schedules')
    .select(['groups.name as group_name', 'groups.place_id as place_id', 'places.name as place_name'])
    .select(timeZone.as('time_zone'))
    .where('schedules.organization_id', '=', organization_id)
    .where('groups.deleted_at', 'is', null);
  return group_ids ? rows.where('schedules.group_id', 'in', oneOf(group_ids)) : rows;
}
