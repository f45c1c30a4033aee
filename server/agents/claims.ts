import { type DoorsMessage, doorsPerMessageMax, type RefusedDoor } from '../../domain/agent-protocol.ts';
import { addMs } from '../../domain/instants.ts';
import type { Context } from '../context.ts';
import type { RowKey, Transaction } from '../database/database.ts';
import { recordEvent } from '../events/events.ts';
import { hasEventSince } from '../events/store.ts';
import {
  attachDoor,
  detachDoor,
  selectAgent,
  selectClaimedDoors,
  selectDoorIdsOfAgent,
  selectDoorsOfAgents,
} from './store.ts';

/** The same alarm is raised once in this time, however often the agent comes back. */
const alarmIntervalMs = 60_000;

export type RecognisedAgent = NonNullable<Awaited<ReturnType<typeof selectAgent>>>;

export interface Claims {
  /** The doors that the agent drives from now on. */
  doors: { id: number; name: string }[];
  refused: RefusedDoor[];
}

/**
 * Gives an agent that has proved itself the doors that it names and nobody else drives, and takes from it those that it
 * names no more. Null: the agent was removed or enrolled again since it was recognised.
 */
export async function claimDoors(
  context: Context,
  agent: RecognisedAgent,
  named: readonly number[],
): Promise<Claims | null> {
  const scope = context.database.of(agent.organization_id);
  const everything = { organization_id: agent.organization_id, group_ids: null };
  const own = await selectDoorsOfAgents(scope.read, everything, [agent.id]);
  // What a reconnect finds: nothing to change, and nothing to write.
  if (new Set(named).symmetricDifference(new Set(own.map(({ id }) => id))).size === 0)
    return { doors: own.map(({ id, name }) => ({ id, name })), refused: [] };
  return scope.transaction((tx) => claim(context, tx, { agent, named }));
}

async function claim(
  context: Context,
  tx: Transaction,
  { agent, named }: { agent: RecognisedAgent; named: readonly number[] },
): Promise<Claims | null> {
  const { organization_id, id } = agent;
  await tx.lock('agents', { organization_id, id }, 'to change');
  const now = await selectAgent(tx, id);
  if (!now || !isSameKey(now, agent)) return null;
  const own = await selectDoorIdsOfAgent(tx, organization_id, id);
  const ids = [...new Set([...own, ...named])].sort((one, other) => one - other);
  for (const door_id of ids) await tx.lock('doors', { organization_id, id: door_id }, 'to change');
  const there = new Map((await selectClaimedDoors(tx, organization_id, ids)).map((door) => [door.id, door]));
  const claims: Claims = { doors: [], refused: [] };
  for (const door_id of new Set(named)) {
    const door = there.get(door_id);
    if (!door) claims.refused.push({ door_id, why: 'unknown' });
    else if (door.agent_id !== null && door.agent_id !== id)
      claims.refused.push({ door_id, why: 'driven_by_another' });
    else claims.doors.push({ id: door_id, name: door.name });
  }
  const driven = new Set(claims.doors.map((door) => door.id));
  const fresh = [...driven].filter((door_id) => !own.includes(door_id));
  const left = own.filter((door_id) => !driven.has(door_id));
  for (const door_id of fresh) await attachDoor(tx, { organization_id, id: door_id }, id);
  for (const door_id of left) await detachDoor(tx, { organization_id, id: door_id });
  if (fresh.length + left.length > 0) await recordChange(context, tx, { agent: now, doors: claims.doors });
  const disputed = claims.refused.filter(({ why }) => why === 'driven_by_another');
  const names = disputed.map(({ door_id }) => there.get(door_id)?.name ?? String(door_id));
  if (names.length > 0) await alarm(context, tx, { agent: now, names });
  return claims;
}

/** Whether the agent is still the one with the key that was believed. */
export function isSameKey(one: RecognisedAgent, other: RecognisedAgent | null): boolean {
  return Buffer.compare(one.public_key ?? Buffer.alloc(0), other?.public_key ?? Buffer.alloc(0)) === 0;
}

async function recordChange(
  context: Context,
  tx: Transaction,
  { agent, doors }: { agent: RecognisedAgent; doors: Claims['doors'] },
): Promise<void> {
  const names = doors.length === 0 ? 'no doors' : doors.map(({ name }) => name).join(', ');
  const message = `The agent ${agent.name} drives ${names} from now on`;
  await recordEvent(context, tx, { ...eventOf(context, agent), type: 'agent.update', message });
}

/** Two agents for one door: one of the files is wrong, or a box that was replaced is still in use. */
async function alarm(
  context: Context,
  tx: Transaction,
  { agent, names }: { agent: RecognisedAgent; names: readonly string[] },
): Promise<void> {
  const message = `The agent ${agent.name} names doors that another agent drives: ${names.join(', ')}`;
  const event = { ...eventOf(context, agent), type: 'agent.alarm', message } as const;
  const since = addMs(event.at, -alarmIntervalMs);
  const key: RowKey = { organization_id: agent.organization_id, id: agent.id };
  if (!(await hasEventSince(tx, key, { ...event, since }))) await recordEvent(context, tx, event);
}

function eventOf(context: Context, { organization_id, id, name }: RecognisedAgent) {
  const object = { type: 'Agent', id, name } as const;
  return { organization_id, at: context.clock.now(), actor: null, authenticated_by: null, object };
}

/** What the agent is told of it, in as many messages as that takes; at least one. */
export function* doorsMessages({ doors, refused }: Claims): Generator<DoorsMessage> {
  const named = doors.map(({ id, name }) => ({ door_id: id, name }));
  for (
    let start = 0;
    start === 0 || start < Math.max(named.length, refused.length);
    start += doorsPerMessageMax
  ) {
    const end = start + doorsPerMessageMax;
    yield { type: 'doors', doors: named.slice(start, end), refused: refused.slice(start, end) };
  }
}
