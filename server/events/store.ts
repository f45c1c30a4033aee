import { type ExpressionBuilder, type Selectable, sql } from 'kysely';
import type { Sight } from '../context.ts';
import type { Connection, RowKey, SqlValue, Transaction } from '../database/database.ts';
import type { EventRow, Tables } from '../database/tables.ts';
import { oneOf } from '../http/lists.ts';
import type { NewOutcome } from './events.ts';
import { type EventFilters, wordsOf } from './filters.ts';

type InsertedEvent = Omit<Selectable<EventRow>, 'position'>;
/** An event of the log, with what became of its command if it sent one. */
export type StoredEvent = Awaited<ReturnType<typeof selectEvents>>[number];

/** Which events: of what somebody may see, those that pass the filters. */
export interface WantedEvents {
  sight: Sight;
  filters: EventFilters;
}

/** A stretch of the log between two positions, neither of them part of it, read from one end. */
export interface Stretch {
  above: number;
  below: number;
  order: 'asc' | 'desc';
  limit: number;
}

const columns = [
  'uuid',
  'organization_id',
  'type',
  'created_at',
  'recorded_at',
  'actor_type',
  'actor_id',
  'actor_name',
  'actor_email',
  'authenticated_by_type',
  'authenticated_by_id',
  'object_type',
  'object_id',
  'object_name',
  'action',
  'success',
  'message',
  'reason',
  'error_code',
  'error_message',
  'sequence',
  'place_id',
  'method',
  'reader',
  'agent_id',
  'unverified',
] as const satisfies readonly (keyof InsertedEvent)[];

const insertEventSql = `insert into events (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`;
/** As many rows as one statement takes: each number of them is a statement of its own, prepared once. */
const outcomesPerStatementMax = 64;
const insertOutcomesSql = Array.from(
  { length: outcomesPerStatementMax },
  (_, fewer) =>
    `insert into event_outcomes (event_uuid, organization_id, outcome, recorded_at)
     values ${Array(fewer + 1)
       .fill('(?, ?, ?, ?)')
       .join(', ')} on conflict do nothing`,
);

export function insertEvent(tx: Transaction, event: InsertedEvent): void {
  const values: SqlValue[] = columns.map((column) => event[column]);
  tx.send(insertEventSql, ...values);
}

export function insertOutcomes(tx: Transaction, rows: readonly NewOutcome[]): void {
  for (let start = 0; start < rows.length; start += outcomesPerStatementMax) {
    const few = rows.slice(start, start + outcomesPerStatementMax);
    const values = few.flatMap((row) => [row.event_uuid, row.organization_id, row.outcome, row.recorded_at]);
    tx.send(insertOutcomesSql[few.length - 1] ?? '', ...values); // there is one for each number
  }
}

/** The wanted events of one stretch of the log. An event that has no position yet is in none. */
export function selectEvents(connection: Connection, wanted: WantedEvents, stretch: Stretch) {
  const { sight, filters } = wanted;
  const { organization_id, group_ids } = sight;
  let rows = connection.query
    .selectFrom('events')
    .leftJoin('event_outcomes', 'event_outcomes.event_uuid', 'events.uuid')
    .select(columns.map((column) => `events.${column}` as const))
    .select(['events.position', 'event_outcomes.outcome'])
    .where('events.organization_id', '=', organization_id)
    .where('position', '>', stretch.above)
    .where('position', '<', stretch.below)
    .orderBy('position', stretch.order)
    .limit(stretch.limit);
  if (filters.interval) {
    const [from = '', until = ''] = filters.interval.split('/');
    rows = rows.where('created_at', '>=', from).where('created_at', '<', until);
  }
  if (filters.event_type) rows = rows.where('type', 'in', wordsOf(filters.event_type));
  if (filters.event_uuid) rows = rows.where('uuid', 'in', wordsOf(filters.event_uuid));
  if (filters.event_sequence) rows = rows.where('sequence', 'in', wordsOf(filters.event_sequence));
  if (filters.event_success !== undefined) rows = rows.where('success', '=', Number(filters.event_success));
  for (const [parameter, column] of equalities) {
    const value = filters[parameter];
    if (value !== undefined) rows = rows.where(column, '=', value);
  }
  if (group_ids !== null) rows = rows.where((any) => isAroundGroups(any, organization_id, group_ids));
  return rows.execute();
}

const equalities = [
  ['event_actor_type', 'actor_type'],
  ['event_actor_id', 'actor_id'],
  ['event_authenticated_by_type', 'authenticated_by_type'],
  ['event_authenticated_by_id', 'authenticated_by_id'],
  ['event_object_type', 'object_type'],
  ['event_object_id', 'object_id'],
  ['event_place_id', 'place_id'],
] as const;

/** The object is a door of the groups or one of their links, or such a link did it. */
function isAroundGroups(
  any: ExpressionBuilder<Tables, 'events'>,
  organization_id: number,
  group_ids: readonly number[],
) {
  const groups = oneOf(group_ids);
  const doors = any
    .selectFrom('group_doors')
    .select('group_doors.door_id')
    .where('group_doors.organization_id', '=', organization_id)
    .where('group_doors.group_id', 'in', groups);
  const links = any
    .selectFrom('links')
    .select('links.id')
    .where('links.organization_id', '=', organization_id)
    .where('links.group_id', 'in', groups);
  return any.or([
    any.and([any('object_type', '=', 'Lock'), any('object_id', 'in', doors)]),
    any.and([any('object_type', '=', 'GroupLink'), any('object_id', 'in', links)]),
    any.and([any('actor_type', '=', 'GroupLink'), any('actor_id', 'in', links)]),
  ]);
}

/** The first and the last position of an organization's events; both 0 when it has none. */
export async function selectEnds(connection: Connection, organization_id: number) {
  // Asked for one by one each is the end of an index; together SQLite reads all of it.
  const { query } = connection;
  const own = query.selectFrom('events').where('organization_id', '=', organization_id);
  const row = await query
    .selectNoFrom([
      own.select(sql<number | null>`min(position)`.as('first')).as('first'),
      own.select(sql<number | null>`max(position)`.as('last')).as('last'),
    ])
    .executeTakeFirst();
  return { first: row?.first ?? 0, last: row?.last ?? 0 };
}

/** The last position of the whole log; 0 when it is empty. */
export async function selectLastPosition(connection: Connection): Promise<number> {
  const row = await connection.query
    .selectFrom('events')
    .select(sql<number | null>`max(position)`.as('last'))
    .executeTakeFirst();
  return row?.last ?? 0;
}

/** Of every organization that has events above the position: its last. */
export function selectNews(connection: Connection, above: number) {
  return connection.query
    .selectFrom('events')
    .select(['organization_id', sql<number>`max(position)`.as('last')])
    .where('position', '>', above)
    .groupBy('organization_id')
    .execute();
}

/** Whether the same was said of the same thing not long ago. */
export async function hasEventSince(
  connection: Connection,
  { organization_id, id }: RowKey,
  {
    type,
    object,
    message,
    since,
  }: { type: string; object: { type: string }; message: string; since: string },
): Promise<boolean> {
  const row = await connection.query
    .selectFrom('events')
    .select('uuid')
    .where('organization_id', '=', organization_id)
    .where('object_type', '=', object.type)
    .where('object_id', '=', id)
    .where('type', '=', type)
    .where('message', '=', message)
    .where('created_at', '>', since)
    .executeTakeFirst();
  return row !== undefined;
}
