import { type Decision, type DenialReason, decide, type UnlockMethod } from '../../domain/decide.ts';
import { PosternError } from '../../domain/errors.ts';
import type { Actor, Outcome } from '../../domain/event.ts';
import type { Context, LoginCaller } from '../context.ts';
import type { Transaction } from '../database/database.ts';
import { selectGroupsOfDoor } from '../doors/store.ts';
import { causedBy, type NewEvent, recordEvent, recordOutcomes } from '../events/events.ts';
import { credentialOf, doorState, requireDoor, selectFacts } from './facts.ts';
import type { Press } from './holds.ts';
import { requirePrompt } from './promptness.ts';
import {
  type DoorFacts,
  insertUsedPress,
  type LinkKey,
  type LinkTerms,
  selectLinkRow,
  selectOutcome,
  takeUse,
} from './store.ts';

export interface LinkUnlock {
  link: LinkKey;
  door_id: number;
  /** When it was asked for, in monotonic milliseconds. */
  askedMs: number;
  method: UnlockMethod;
  /** For a QR code: which of the link's passes was presented, and where. */
  pass?: { index: number };
  reader?: string;
  /** For the visitor's page: the press that this uses up. */
  press?: Press;
}

export type UnlockResult =
  | { opened: true; door: DoorFacts; event_uuid: string }
  | { opened: false; reason: DenialReason | 'outcome_unknown' | 'lock_failed' };

/** `decidedMs`: from when on the life of the command is counted, in monotonic milliseconds. */
type Committed = { decidedMs: number; decision: Decision; door: DoorFacts; event_uuid: string };

/**
 * Unlocks a door with an access link: one transaction takes the use, decides and writes the event; only when that is
 * durable does the command leave. Throws `not_found` for a door that the organization does not have.
 */
export async function unlockWithLink(context: Context, request: LinkUnlock): Promise<UnlockResult> {
  const committed = await context.database
    .of(request.link.organization_id)
    .transaction((tx) => decideWithLink(context, tx, request));
  return carryOut(context, committed, request.link.organization_id);
}

/** Unlocks a door for a member or an API key. Throws `not_found` for a door that the caller may not see. */
export async function unlockWithLogin(
  context: Context,
  caller: LoginCaller,
  { door_id, askedMs }: Pick<LinkUnlock, 'door_id' | 'askedMs'>,
): Promise<UnlockResult> {
  const { organization_id } = caller;
  const committed = await context.database.of(organization_id).transaction(async (tx) => {
    await tx.lock('doors', { organization_id, id: door_id }, 'as it is');
    await requireDoorOfGroups(tx, caller, door_id);
    const door = await requireDoor(tx, { organization_id, door_id, group_id: null });
    const decidedMs = requirePrompt(context, askedMs); // whatever was waited for is over
    const at = context.clock.now();
    const decision = decide({
      ...{ at, method: 'api', reader_id: null, credential: { kind: 'login' } },
      ...{ door: doorState(context, door), evidence: null },
    });
    const event = unlockEvent({ ...causedBy(caller), at, door, decision, method: 'api' });
    return { decidedMs, decision, door, event_uuid: await recordEvent(context, tx, event) };
  });
  return carryOut(context, committed, organization_id);
}

async function decideWithLink(context: Context, tx: Transaction, request: LinkUnlock): Promise<Committed> {
  const { organization_id } = request.link;
  const used_at = context.clock.now();
  if (request.press) await insertUsedPress(tx, { organization_id, press_id: request.press.id, used_at });
  const decided = await tx.attempt(async () => {
    const taken = await takeUseAndHold(tx, request.link, context.clock.now());
    const link = taken ?? (await selectLinkRow(tx, request.link));
    if (!link) throw new PosternError('not_found');
    // What may close the door in this moment changes these rows, and so comes before or after all of this. They are held
    // before the facts are read: statements are carried out in the order in which they are given.
    const [, , facts] = await Promise.all([
      tx.lock('doors', { organization_id, id: request.door_id }, 'as it is'),
      tx.lock('groups', { organization_id, id: link.group_id }, 'as it is'),
      selectFacts(tx, request, link),
    ]);
    const { door } = facts;
    const uses_before = taken ? link.uses - 1 : link.uses;
    const credential = credentialOf(link, { ...facts, uses_before });
    const decidedMs = requirePrompt(context, request.askedMs); // whatever was waited for is over
    const at = context.clock.now();
    const { method } = request;
    const state = { door: doorState(context, door), evidence: null };
    const decision = decide({ at, method, reader_id: null, credential, ...state });
    if (decision.granted && !taken) throw new Error('a grant without a taken use');
    return { result: { at, decidedMs, decision, door, link }, undo: !decision.granted };
  });
  const { at, decidedMs, decision, door, link } = decided;
  const by = { actor: recipientOf(link), authenticated_by: { type: 'GroupLink', id: link.id } } as const;
  const { method, reader } = request;
  const event = unlockEvent({
    organization_id,
    ...by,
    at,
    door,
    decision,
    method,
    ...(reader ? { reader } : {}),
  });
  return { decidedMs, decision, door, event_uuid: await recordEvent(context, tx, event) };
}

/** Takes a use of the link, if it has one. Its row is held either way, so that it stays as it was judged. */
async function takeUseAndHold(tx: Transaction, key: LinkKey, at: string): Promise<LinkTerms | undefined> {
  const taken = await takeUse(tx, key, at);
  if (taken) return taken;
  await tx.lock('links', { organization_id: key.organization_id, id: key.link_id }, 'to change');
  return takeUse(tx, key, at); // somebody may have resumed it just now, or given a use back
}

/** After the commit: carries out a grant, and says what became of it. */
async function carryOut(
  context: Context,
  committed: Committed,
  organization_id: number,
): Promise<UnlockResult> {
  const { decision } = committed;
  if (context.isRepetition) return repeated(context, committed, organization_id);
  const outcome = decision.granted ? await command(context, committed, organization_id) : null;
  const result = resultOf(committed, outcome);
  context.metrics.countUnlock(result.opened ? null : result.reason);
  return result;
}

/** The answer once more, to what was committed earlier: nothing is commanded. */
async function repeated(
  context: Context,
  committed: Committed,
  organization_id: number,
): Promise<UnlockResult> {
  const { read } = context.database.of(organization_id);
  const { event_uuid } = committed;
  await context.outcomes.written();
  return resultOf(committed, (await selectOutcome(read, { organization_id, event_uuid })) ?? 'unknown');
}

function resultOf({ decision, door, event_uuid }: Committed, outcome: Outcome | null): UnlockResult {
  if (!decision.granted) return { opened: false, reason: decision.reason };
  if (outcome === 'done') return { opened: true, door, event_uuid };
  return { opened: false, reason: outcome === 'not_done' ? 'lock_failed' : 'outcome_unknown' };
}

/** Sends the command of a grant, waits for its outcome, and keeps it beside the event. */
async function command(
  context: Context,
  { decidedMs, door, event_uuid }: Committed,
  organization_id: number,
): Promise<Outcome> {
  // The commit may have taken long: what is left of the command's life is counted from the decision.
  const age_ms = context.clock.monotonicMs() - decidedMs;
  const sent = { command_id: event_uuid, door_id: door.id, pulse_ms: door.pulse_ms, age_ms };
  const outcome = door.agent_id === null ? 'unknown' : await context.agents.unlock(door.agent_id, sent);
  const recorded_at = context.clock.now();
  const recorded = { event_uuid, organization_id, outcome, recorded_at };
  if (outcome === 'done') {
    context.outcomes.add(recorded); // an open door is answered at once
    return outcome;
  }
  await context.database.of(organization_id).transaction(async (tx) => {
    recordOutcomes(tx, [recorded]);
    await recordFailure(context, tx, { event_uuid, organization_id, door, outcome });
  });
  return outcome;
}

async function recordFailure(
  context: Context,
  tx: Transaction,
  {
    event_uuid,
    organization_id,
    door,
    outcome,
  }: { event_uuid: string; organization_id: number; door: DoorFacts; outcome: string },
): Promise<void> {
  await recordEvent(context, tx, {
    organization_id,
    type: 'lock.unlock_failed',
    at: context.clock.now(),
    actor: null,
    authenticated_by: null,
    object: { type: 'Lock', id: door.id, name: door.name },
    place_id: door.place_id,
    sequence: event_uuid,
    reason: outcome === 'not_done' ? 'lock_failed' : 'outcome_unknown',
    message:
      outcome === 'not_done'
        ? `${door.name} did not unlock`
        : `${door.name} did not say in time whether it unlocked`,
  });
}

function unlockEvent(facts: {
  organization_id: number;
  actor: Actor;
  authenticated_by: { type: 'GroupLink' | 'Login'; id: number };
  at: string;
  door: DoorFacts;
  decision: Decision;
  method: UnlockMethod;
  reader?: string;
}): NewEvent {
  const { door, decision, actor, ...rest } = facts;
  const message = decision.granted
    ? `${actor.name} unlocked ${door.name}`
    : `${actor.name} was refused at ${door.name}`;
  return {
    ...rest,
    type: 'lock.unlock',
    actor,
    object: { type: 'Lock', id: door.id, name: door.name },
    place_id: door.place_id,
    message,
    ...(decision.granted ? {} : { reason: decision.reason }),
  };
}

function recipientOf({ id, name, email }: LinkTerms): Actor {
  return { type: 'GroupLink', id, name, email };
}

/** A manager opens the doors of the named groups; whoever takes one out of a group holds the group. */
async function requireDoorOfGroups(tx: Transaction, caller: LoginCaller, door_id: number): Promise<void> {
  const { organization_id, group_ids } = caller;
  if (group_ids === null) return;
  const key = { organization_id, id: door_id };
  for (const id of await selectGroupsOfDoor(tx, key, group_ids))
    await tx.lock('groups', { organization_id, id }, 'as it is');
  if ((await selectGroupsOfDoor(tx, key, group_ids)).length === 0) throw new PosternError('not_found');
}
