import type { Static } from 'typebox';
import type { AgentMessage } from '../../domain/agent-protocol.ts';
import { PosternError } from '../../domain/errors.ts';
import type { AgentChange } from '../../domain/schemas/agents.ts';
import type { Context, LoginCaller } from '../context.ts';
import { causedBy, recordEvent } from '../events/events.ts';
import type { ProvenAgent } from './handshake.ts';
import {
  type AgentStatus,
  detachDoor,
  selectAgentSeen,
  selectDoorIdsOfAgent,
  selectOutbox,
  updateAgent,
  updateSensors,
} from './store.ts';

type ToldStatus = AgentStatus;
type ToldSensors = Extract<AgentMessage, { type: 'sensors' }>['doors'][number];

/** Writes down that the agent is there, or was until now. */
export async function noteAgentSeen(
  context: Context,
  { organization_id, agent_id: id }: { organization_id: number; agent_id: number },
): Promise<void> {
  const last_seen_at = context.clock.now();
  await context.database
    .of(organization_id)
    .transaction((tx) => updateAgent(tx, { organization_id, id }, { last_seen_at }));
}

/**
 * Keeps what the agent says of itself. Answers up to which number of this log of its the reports are known: 0 for
 * another log than the last, which is a new one.
 */
export async function noteStatus(
  context: Context,
  { organization_id, agent_id: id }: ProvenAgent,
  said: ToldStatus,
): Promise<number> {
  const last_seen_at = context.clock.now();
  return context.database.of(organization_id).transaction(async (tx) => {
    await tx.lock('agents', { organization_id, id }, 'to change');
    const before = await selectOutbox(tx, { organization_id, id });
    const outbox_sequence = before?.outbox_id === said.outbox.id ? before.outbox_sequence : 0;
    const outbox = { outbox_id: said.outbox.id, outbox_sequence };
    await updateAgent(tx, { organization_id, id }, { ...outbox, status: JSON.stringify(said), last_seen_at });
    return outbox_sequence;
  });
}

/** Keeps what the sensors at the agent's doors say. */
export async function noteSensors(
  context: Context,
  { organization_id, agent_id }: ProvenAgent,
  doors: readonly ToldSensors[],
): Promise<void> {
  const at = context.clock.now();
  await context.database.of(organization_id).transaction(async (tx) => {
    for (const { door_id: id, ...said } of doors)
      await updateSensors(tx, { organization_id, id }, { ...said, agent_id, at });
  });
}

export async function changeAgent(
  context: Context,
  caller: LoginCaller,
  { id, change }: { id: number; change: Static<typeof AgentChange> },
): Promise<void> {
  const key = { organization_id: caller.organization_id, id };
  const at = context.clock.now();
  await context.database.of(caller.organization_id).transaction(async (tx) => {
    await tx.lock('agents', key, 'to change');
    const agent = await selectAgentSeen(tx, caller, id);
    if (!agent) throw new PosternError('not_found');
    const { name = agent.name } = change;
    await updateAgent(tx, key, { name, updated_at: at });
    const object = { type: 'Agent', id, name } as const;
    const message = `${caller.member_name} changed the agent ${name}`;
    await recordEvent(context, tx, { ...causedBy(caller), type: 'agent.update', at, object, message });
  });
}

/** The agent's doors have none any more, it is recognised no more, and its session ends. */
export async function removeAgent(context: Context, caller: LoginCaller, id: number): Promise<void> {
  const key = { organization_id: caller.organization_id, id };
  const at = context.clock.now();
  await context.database.of(caller.organization_id).transaction(async (tx) => {
    await tx.lock('agents', key, 'to change');
    const agent = await selectAgentSeen(tx, caller, id);
    if (!agent) throw new PosternError('not_found');
    for (const door_id of await selectDoorIdsOfAgent(tx, key.organization_id, id)) {
      const door = { organization_id: key.organization_id, id: door_id };
      await tx.lock('doors', door, 'to change');
      await detachDoor(tx, door);
    }
    await updateAgent(tx, key, { deleted_at: at, updated_at: at, enrollment_code_hash: null });
    const object = { type: 'Agent', id, name: agent.name } as const;
    const message = `${caller.member_name} removed the agent ${agent.name}`;
    await recordEvent(context, tx, { ...causedBy(caller), type: 'agent.destroy', at, object, message });
  });
  await context.agents.end(id, 'the agent was removed');
}
