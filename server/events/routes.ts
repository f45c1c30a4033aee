import { invalidField } from '../../domain/errors.ts';
import { eventTypes } from '../../domain/event.ts';
import { EventQuery, EventSetQuery, EventStreamQuery, NewEventSet } from '../../domain/schemas/events.ts';
import type { Context } from '../context.ts';
import { readCredential } from '../http/credentials.ts';
import type { LoginRequest } from '../http/handlers.ts';
import { bodyParser, parseId, queryParser } from '../http/parse.ts';
import { createEventSet, type EventSetPage, showEventSet } from './event-sets.ts';
import { listNewestEvents } from './log.ts';
import { openEventStream } from './stream.ts';
import { eventAnswer } from './view.ts';

const eventSetLimit = 50;
const parseQuery = queryParser(EventQuery);
const parseStreamQuery = queryParser(EventStreamQuery);
const parseNewSet = bodyParser('event_set', NewEventSet);
const parseSetQuery = queryParser(EventSetQuery);

/** In Kisi's shape: the names alone. */
export function listEventTypes(): string[] {
  return Object.keys(eventTypes).sort();
}

/** Newest first. The next page is named by the `Link` header (RFC 8288) and by `X-Next-Cursor`. */
export async function listEvents(context: Context, { caller, query, reply }: LoginRequest) {
  const parsed = parseQuery(query);
  const { rows, cursor } = await listNewestEvents(context, caller, parsed);
  if (cursor !== null) {
    const next = new URLSearchParams({ ...toTexts(parsed), cursor });
    reply.header('x-next-cursor', cursor);
    reply.header('link', `</events?${next}>; rel="next"`);
  }
  return rows.map((row) => eventAnswer(row, context.clock.now()));
}

/** Server-sent events; the answer ends when the caller hangs up, its login ends or the server stops. */
export async function streamEvents(context: Context, { caller, query, headers, reply }: LoginRequest) {
  const stream = await openEventStream(context, {
    caller,
    secret: readCredential(headers.authorization)?.secret ?? '',
    filters: parseStreamQuery(query),
    after: parseLastEventId(headers['last-event-id']),
  });
  reply.raw.once('close', () => stream.close());
  if (reply.raw.closed) stream.close();
  // Proxies that collect answers before they pass them on would keep the events to themselves.
  reply.type('text/event-stream; charset=utf-8').header('x-accel-buffering', 'no');
  return stream.body;
}

export async function createEventSetFromBody(context: Context, { caller, body }: LoginRequest) {
  const fields = parseNewSet(body);
  return setAnswer(context, await createEventSet(context, caller, { fields, limit: eventSetLimit }));
}

export async function showEventSetById(context: Context, { caller, params, query }: LoginRequest) {
  const { limit = eventSetLimit, cursor } = parseSetQuery(query);
  const id = parseId(params.id ?? '');
  return setAnswer(context, await showEventSet(context, caller, { id, limit, cursor }));
}

/** A set is a question that was written down: its events are there at once, so that it is always `finished`. */
function setAnswer(context: Context, { set, page }: EventSetPage) {
  const { id, created_at, filters } = set;
  return {
    id,
    created_at,
    status: 'finished',
    interval: filters.interval,
    event_actor_id: filters.event_actor_id ?? null,
    event_actor_type: filters.event_actor_type ?? null,
    event_authenticated_by_id: filters.event_authenticated_by_id ?? null,
    event_authenticated_by_type: filters.event_authenticated_by_type ?? null,
    event_object_id: filters.event_object_id ?? null,
    event_object_type: filters.event_object_type ?? null,
    event_place_id: filters.event_place_id ?? null,
    event_success: filters.event_success ?? null,
    event_sequence: filters.event_sequence ?? null,
    event_type: filters.event_type ?? null,
    event_uuid: filters.event_uuid ?? null,
    events: page.rows.map((row) => eventAnswer(row, context.clock.now())),
    cursor: page.cursor,
    place_id: filters.place_id ?? null,
  };
}

/** The position of the event that a client of server-sent events has seen last; null: of none. */
function parseLastEventId(header: string | string[] | undefined): number | null {
  if (header === undefined || header === '') return null;
  if (typeof header === 'string' && /^\d{1,15}$/.test(header)) return Number(header);
  throw invalidField('Last-Event-ID', 'must be the `id` of an event that a stream has sent');
}

function toTexts(query: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)]));
}
