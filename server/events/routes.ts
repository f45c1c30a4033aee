import { outcomeTimeoutMs } from '../../domain/agent-protocol.ts';
import { msBetween } from '../../domain/instants.ts';
import { EventQuery } from '../../domain/schemas/events.ts';
import type { Context } from '../context.ts';
import type { LoginRequest } from '../http/handlers.ts';
import { queryParser } from '../http/parse.ts';
import { selectEvents } from './store.ts';

const parseQuery = queryParser(EventQuery);

/** Newest first. The next page is named by the `Link` header (RFC 8288) and by `X-Next-Cursor`. */
export async function listEvents(context: Context, { caller, query, reply }: LoginRequest) {
  const parsed = parseQuery(query);
  const limit = parsed.limit ?? 10;
  const found = await selectEvents(
    context.database.of(caller.organization_id).read,
    caller.organization_id,
    parsed,
  );
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  if (found.length > limit && last) {
    const next = new URLSearchParams({ ...toTexts(parsed), cursor: String(last.position) });
    reply.header('x-next-cursor', String(last.position));
    reply.header('link', `</events?${next}>; rel="next"`);
  }
  return rows.map((row) => eventAnswer(row, context.clock.now()));
}

function eventAnswer(row: Awaited<ReturnType<typeof selectEvents>>[number], now: string) {
  const { uuid, type, created_at, object_type, object_id, object_name, action, message, sequence } = row;
  return {
    uuid,
    type,
    created_at,
    actor_type: row.actor_type,
    actor_id: row.actor_id,
    actor_name: row.actor_name,
    actor_email: row.actor_email,
    authenticated_by_type: row.authenticated_by_type,
    authenticated_by_id: row.authenticated_by_id,
    authorized_by_type: null,
    authorized_by_id: null,
    authorized_by_role_id: null,
    object_type,
    object_id,
    object_name,
    object: { id: object_id, name: object_name },
    action,
    message,
    success: row.success === 1,
    code: null,
    error_code: row.error_code,
    error_message: row.error_message,
    sequence,
    organization_id: row.organization_id,
    place_id: row.place_id,
    details: {
      method: row.method,
      reader: row.reader,
      recorded_at: row.recorded_at,
      reason: row.reason,
      outcome: outcomeOf(row, now),
    },
    via: {},
  };
}

/** A granted unlock whose outcome was never recorded (a crash came between) is unknown once it can no longer come. */
function outcomeOf(
  row: { type: string; success: number; created_at: string; outcome: string | null },
  now: string,
) {
  if (row.type !== 'lock.unlock' || row.success === 0) return null;
  return row.outcome ?? (msBetween(row.created_at, now) > outcomeTimeoutMs ? 'unknown' : null);
}

function toTexts(query: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)]));
}
