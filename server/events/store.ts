import type { Static } from 'typebox';
import { invalidField } from '../../domain/errors.ts';
import { parseInterval } from '../../domain/instants.ts';
import type { EventQuery } from '../../domain/schemas/events.ts';
import type { Connection, SqlValue, Transaction } from '../database/database.ts';
import type { EventRow } from '../database/tables.ts';
import type { NewOutcome } from './events.ts';

type InsertedEvent = Omit<EventRow, 'position'>;

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
] as const satisfies readonly (keyof InsertedEvent)[];

const insertEventSql = `insert into events (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`;
const insertOutcomeSql =
  'insert into event_outcomes (event_uuid, organization_id, outcome, recorded_at) values (?, ?, ?, ?) on conflict do nothing';

export async function insertEvent(tx: Transaction, event: InsertedEvent): Promise<void> {
  const values: SqlValue[] = columns.map((column) => event[column]);
  await tx.prepare(insertEventSql).run(...values);
}

export async function insertOutcome(tx: Transaction, row: NewOutcome): Promise<void> {
  const { event_uuid, organization_id, outcome, recorded_at } = row;
  await tx.prepare(insertOutcomeSql).run(event_uuid, organization_id, outcome, recorded_at);
}

/** The page of events that the query asks for, newest first, each with its outcome if there is one. */
export function selectEvents(
  connection: Connection,
  organization_id: number,
  query: Static<typeof EventQuery>,
) {
  let rows = connection.query
    .selectFrom('events')
    .leftJoin('event_outcomes', 'event_outcomes.event_uuid', 'events.uuid')
    .selectAll('events')
    .select('event_outcomes.outcome')
    .where('events.organization_id', '=', organization_id)
    .orderBy('position', 'desc')
    .limit((query.limit ?? 10) + 1);
  if (query.cursor) rows = rows.where('position', '<', Number(query.cursor));
  if (query.interval) {
    const { from, to } = requireInterval(query.interval);
    rows = rows.where('created_at', '>=', from).where('created_at', '<', to);
  }
  if (query.event_type) rows = rows.where('type', 'in', words(query.event_type));
  if (query.event_uuid) rows = rows.where('uuid', 'in', words(query.event_uuid));
  if (query.event_sequence) rows = rows.where('sequence', 'in', words(query.event_sequence));
  if (query.event_success !== undefined) rows = rows.where('success', '=', Number(query.event_success));
  for (const [parameter, column] of equalities) {
    const value = query[parameter];
    if (value !== undefined) rows = rows.where(column, '=', value);
  }
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

function requireInterval(text: string) {
  const interval = parseInterval(text);
  if (!interval)
    throw invalidField('interval', 'must be an ISO 8601 interval such as 2026-12-01T00:00:00Z/P1D');
  return interval;
}

function words(text: string): string[] {
  return text.split(',').map((word) => word.trim());
}
