import type { Static } from 'typebox';
import { invalidField, PosternError } from '../../domain/errors.ts';
import { addMs, msBetween } from '../../domain/instants.ts';
import type { NewEventSet } from '../../domain/schemas/events.ts';
import type { Context, Sight } from '../context.ts';
import {
  deleteEventSetsBefore,
  hasPlace,
  insertEventSet,
  type StoredEventSet,
  selectEventSet,
} from './event-sets-store.ts';
import { type EventFilters, requireFilters } from './filters.ts';
import { type LogPage, readLog } from './log.ts';
import { selectEnds } from './store.ts';

const dayMs = 24 * 3_600_000;
/** How long a set can be read. */
const eventSetLifeMs = dayMs;
/** How much time a set may cover, and covers when nothing else is asked for. */
const intervalMsMax = 90 * dayMs;
/** How many sets an organization may have at once. */
export const eventSetsMax = 10_000;

/** What was asked for, each field that was. A set of one place (`place_id`) is one whose events are all of that place. */
export type EventSetFilters = EventFilters & { place_id?: number };

export interface EventSet {
  id: number;
  created_at: string;
  filters: EventSetFilters & { interval: string };
}

/** A set with one page of its events. */
export interface EventSetPage {
  set: EventSet;
  page: LogPage;
}

/**
 * Holds on to a question about the events, as they are now: its pages show each of them once, and none that comes
 * later. Answers it with its first page.
 */
export async function createEventSet(
  context: Context,
  caller: Sight,
  { fields, limit }: { fields: Static<typeof NewEventSet>; limit: number },
): Promise<EventSetPage> {
  const { organization_id } = caller;
  const now = context.clock.now();
  const filters = requireSetFilters(fields, now);
  await context.database.settled();
  const { last } = await selectEnds(context.database.of(organization_id).read, organization_id);
  const id = await context.database.of(organization_id).transaction(async (tx) => {
    if (filters.place_id !== undefined && !(await hasPlace(tx, organization_id, filters.place_id)))
      throw invalidField('place_id', 'must be the id of one of your places');
    await deleteEventSetsBefore(tx, organization_id, addMs(now, -eventSetLifeMs));
    const row = { organization_id, filters: JSON.stringify(filters), last_position: last, created_at: now };
    const inserted = await insertEventSet(tx, row, eventSetsMax);
    if (inserted !== undefined) return inserted;
    const message = `This organization has ${eventSetsMax} event sets, the most that there may be in a day.`;
    throw new PosternError('limit_reached', { message });
  });
  return readEventSet(context, caller, { set: { id, created_at: now, filters, last }, limit });
}

/** A page of a set that anyone of its organization made in the last 24 hours. */
export async function showEventSet(
  context: Context,
  caller: Sight,
  { id, limit, cursor }: { id: number; limit: number; cursor: string | undefined },
): Promise<EventSetPage> {
  const { organization_id } = caller;
  const row = await selectEventSet(context.database.of(organization_id).read, organization_id, id);
  if (!row || msBetween(row.created_at, context.clock.now()) > eventSetLifeMs)
    throw new PosternError('not_found');
  const more = cursor === undefined ? {} : { below: Number(cursor) };
  return readEventSet(context, caller, { set: openEventSet(row), limit, ...more });
}

async function readEventSet(
  context: Context,
  sight: Sight,
  { set, limit, below }: { set: EventSet & { last: number }; limit: number; below?: number },
): Promise<EventSetPage> {
  const { place_id, ...filters } = set.filters;
  const event_place_id = place_id ?? filters.event_place_id;
  const wanted = {
    sight,
    filters: { ...filters, ...(event_place_id === undefined ? {} : { event_place_id }) },
  };
  const page = await readLog(context.database.of(sight.organization_id).read, wanted, {
    below: Math.min(below ?? Number.POSITIVE_INFINITY, set.last + 1),
    limit,
  });
  return { set, page };
}

function requireSetFilters(
  fields: Static<typeof NewEventSet>,
  now: string,
): EventSetFilters & { interval: string } {
  const given = Object.entries(fields).filter(([, value]) => value !== null);
  const asked: EventSetFilters = Object.fromEntries(given); // null asks for nothing
  if (asked.place_id !== undefined && asked.event_place_id !== undefined)
    throw invalidField('place_id', 'must not be given together with event_place_id');
  // The present instant is part of the time up to now, and an interval ends before its end.
  const until = addMs(now, 1);
  const { interval = `${addMs(until, -intervalMsMax)}/${until}`, ...filters } = requireFilters(asked);
  const [from = '', to = ''] = interval.split('/');
  if (msBetween(from, to) > intervalMsMax) throw invalidField('interval', 'must be at most 90 days long');
  return { ...filters, interval };
}

function openEventSet(row: StoredEventSet): EventSet & { last: number } {
  const { id, created_at, last_position } = row;
  return { id, created_at, last: last_position, filters: JSON.parse(row.filters) }; // written above
}
