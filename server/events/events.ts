import type { DenialReason, UnlockMethod } from '../../domain/decide.ts';
import { denials, type ErrorName, errors } from '../../domain/errors.ts';
import type { Actor, EventType, ObjectType, Outcome } from '../../domain/event.ts';
import type { Caller, Context } from '../context.ts';
import type { Transaction } from '../database/database.ts';
import { insertEvent, insertOutcomes } from './store.ts';

/** Something that happened, before it has a place in the log. */
export interface NewEvent {
  organization_id: number;
  type: EventType;
  at: string;
  actor: Actor | null;
  authenticated_by: { type: 'GroupLink' | 'Login'; id: number } | null;
  object: { type: ObjectType; id: number; name: string };
  place_id?: number | null;
  message: string;
  /** Why it did not succeed; absent: it did. */
  reason?: DenialReason | Extract<ErrorName, 'outcome_unknown' | 'lock_failed'>;
  method?: UnlockMethod;
  reader?: string;
  /** Joins events that belong to one action; absent: the event's own uuid. */
  sequence?: string;
}

/** Appends the event in the transaction of what it records, and answers its uuid. */
export async function recordEvent(context: Context, tx: Transaction, event: NewEvent): Promise<string> {
  const uuid = context.random.uuid();
  const { actor, authenticated_by: by, object, reason } = event;
  const problem = reason && { ...errors, ...denials }[reason];
  insertEvent(tx, {
    uuid,
    organization_id: event.organization_id,
    type: event.type,
    created_at: event.at,
    recorded_at: context.clock.now(),
    actor_type: actor?.type ?? null,
    actor_id: actor?.id ?? null,
    actor_name: actor?.name ?? null,
    actor_email: actor?.email ?? null,
    authenticated_by_type: by?.type ?? null,
    authenticated_by_id: by?.id ?? null,
    object_type: object.type,
    object_id: object.id,
    object_name: object.name,
    action: event.type.slice(event.type.indexOf('.') + 1),
    success: reason ? 0 : 1,
    message: event.message,
    reason: reason ?? null,
    error_code: problem?.code ?? null,
    error_message: problem?.title ?? null,
    sequence: event.sequence ?? uuid,
    place_id: event.place_id ?? null,
    method: event.method ?? null,
    reader: event.reader ?? null,
  });
  return uuid;
}

/** Keeps what became of commands beside their events, which themselves never change. */
export function recordOutcomes(tx: Transaction, outcomes: readonly NewOutcome[]): void {
  insertOutcomes(tx, outcomes);
}

export interface NewOutcome {
  event_uuid: string;
  organization_id: number;
  outcome: Outcome;
  recorded_at: string;
}

/** The actor and credential of an event that a member or an API key caused. */
export function causedBy(caller: Extract<Caller, { kind: 'login' }>) {
  return {
    organization_id: caller.organization_id,
    actor: { type: 'User', id: caller.member_id, name: caller.member_name, email: caller.member_email },
    authenticated_by: { type: 'Login', id: caller.login_id },
  } as const;
}
