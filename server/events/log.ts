import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import type { Static } from 'typebox';
import type { EventQuery } from '../../domain/schemas/events.ts';
import type { Context, Sight } from '../context.ts';
import type { Connection } from '../database/database.ts';
import { requireFilters } from './filters.ts';
import { type StoredEvent, selectEnds, selectEvents, type WantedEvents } from './store.ts';

/**
 * How many positions one statement looks through at most. A filter that matches little makes the embedded database
 * read the whole log, and nobody can be let in meanwhile: so it is read in pieces, with a turn for others between.
 */
const positionsPerRead = 20_000;
/** The same for what an index finds: of those positions only the events of one actor or one object are looked at. */
const positionsPerIndexedRead = 1_000_000;

/** A page of the log, newest first, and the `cursor` of the next one; null: there is none. */
export interface LogPage {
  rows: StoredEvent[];
  cursor: string | null;
}

/** What the caller may see of the log, newest first. */
export async function listNewestEvents(
  context: Context,
  sight: Sight,
  { limit = 10, cursor, ...query }: Static<typeof EventQuery>,
): Promise<LogPage> {
  const filters = requireFilters(query);
  await context.database.settled();
  const below = cursor === undefined ? Number.POSITIVE_INFINITY : Number(cursor);
  const { read } = context.database.of(sight.organization_id);
  return readLog(read, { sight, filters }, { below, limit });
}

/** The newest wanted events below a position. `piece`: how many positions one statement looks through. */
export async function readLog(
  connection: Connection,
  wanted: WantedEvents,
  page: { below: number; limit: number; piece?: number },
): Promise<LogPage> {
  const { first, last } = await selectEnds(connection, wanted.sight.organization_id);
  const { piece = pieceFor(wanted) } = page;
  const found: StoredEvent[] = [];
  let below = Math.min(page.below, last + 1);
  while (found.length <= page.limit && below > first) {
    const above = Math.max(below - piece, first) - 1;
    const limit = page.limit + 1 - found.length;
    found.push(...(await selectEvents(connection, wanted, { above, below, order: 'desc', limit })));
    below = above + 1;
    if (found.length <= page.limit) await turnOfTheLoop();
  }
  const rows = found.slice(0, page.limit);
  return { rows, cursor: found.length > page.limit ? String(rows.at(-1)?.position) : null };
}

/** The oldest wanted events of the next piece of the log, and up to which position all of them are read now. */
export async function readLogOn(
  connection: Connection,
  wanted: WantedEvents,
  from: { after: number; upTo: number; limit: number; piece?: number },
): Promise<{ rows: StoredEvent[]; readTo: number }> {
  const { after, upTo, limit, piece = pieceFor(wanted) } = from;
  await turnOfTheLoop();
  const below = Math.min(upTo, after + piece) + 1;
  const rows = await selectEvents(connection, wanted, { above: after, below, order: 'asc', limit });
  return { rows, readTo: rows.length < limit ? below - 1 : (rows.at(-1)?.position ?? after) };
}

function pieceFor({ filters }: WantedEvents): number {
  const isOfOne =
    (filters.event_actor_type !== undefined && filters.event_actor_id !== undefined) ||
    (filters.event_object_type !== undefined && filters.event_object_id !== undefined);
  return isOfOne || filters.event_uuid ? positionsPerIndexedRead : positionsPerRead;
}
