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
  /** The agent that reported it; absent: it happened here. */
  agent_id?: number;
  /** It is a grant with a pass that was never signed here. */
  unverified?: boolean;
  /** The uuid that it was given where it happened; absent: a new one. */
  uuid?: string;
  /** Joins events that belong to one action; absent: the event's own uuid. */
  sequence?: string;
}

/** Appends the event in the transaction of what it records, and answers its uuid. */
export async function recordEvent(context: Context, tx: Transaction, event: NewEvent): Promise<string> {
  const uuid = event.uuid ?? context.random.uuid();
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
    agent_id: event.agent_id ?? null,
    unverified: Number(event.unverified ?? false),
  });
  if (concernsAgents.has(event.type)) await noteChange(context, tx, event.organization_id);
  return uuid;
}

/** What is part of what agents know: after it they are told anew. */
const concernsAgents: ReadonlySet<EventType> = new Set([
  ...(['lock.create', 'lock.update', 'lock.destroy', 'place.update'] as const),
  ...(['group.create', 'group.update', 'group.destroy', 'group_lock.create', 'group_lock.destroy'] as const),
  ...(['agent.update'] as const), // its doors may have changed
  ...(['schedule.create', 'schedule.update', 'schedule.destroy'] as const),
]);

async function noteChange(context: Context, tx: Transaction, organization_id: number): Promise<void> {
  await tx.query
    .updateTable('organizations')
    .set((row) => ({ agent_revision: row('agent_revision', '+', 1) }))
    .where('id', '=', organization_id)
    .execute();
  context.agentNews.expect(organization_id);
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
