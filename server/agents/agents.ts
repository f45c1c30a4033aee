import type { Static } from 'typebox';
import { PosternError } from '../../domain/errors.ts';
import type { AgentChange } from '../../domain/schemas/agents.ts';
import type { Context, LoginCaller } from '../context.ts';
import { causedBy, recordEvent } from '../events/events.ts';
import { detachDoor, selectAgentSeen, selectDoorIdsOfAgent, updateAgent } from './store.ts';

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
