import { outcomeTimeoutMs } from '../../domain/agent-protocol.ts';
import { msBetween } from '../../domain/instants.ts';
import type { StoredEvent } from './store.ts';

/** An event in Kisi's shape, with ours in its `details`. */
export function eventAnswer(row: StoredEvent, now: string) {
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
      agent_id: row.agent_id,
      unverified: row.unverified === 1,
    },
    via: {},
  };
}

/** A granted unlock whose outcome was never recorded (a crash came between) is unknown once it can no longer come. */
function outcomeOf(row: StoredEvent, now: string) {
  if (row.type !== 'lock.unlock' || row.success === 0) return null;
  return row.outcome ?? (msBetween(row.created_at, now) > outcomeTimeoutMs ? 'unknown' : null);
}
