import { PosternError } from '../../domain/errors.ts';
import type { Context, LoginCaller } from '../context.ts';
import { causedBy, recordEvent } from '../events/events.ts';
import { type DoorWithPlace, selectDoor, updateDoorLockDown } from './store.ts';

/** How a door stands after its lock-down was changed, and whether its agent has said that it keeps that. */
export interface LockDown {
  door: DoorWithPlace;
  reached: boolean;
}

/**
 * Shuts a door for everybody, or lets it open again. What is decided after this has its answer knows it; the door's agent
 * is told as well, if it can be. Doing it twice is doing it once.
 */
export async function changeLockDown(
  context: Context,
  caller: LoginCaller,
  { id, down }: { id: number; down: boolean },
): Promise<LockDown> {
  const key = { organization_id: caller.organization_id, id };
  const at = context.clock.now();
  const door = await context.database.of(caller.organization_id).transaction(async (tx) => {
    await tx.lock('doors', key, 'to change');
    const before = await selectDoor(tx, caller, id);
    if (!before) throw new PosternError('not_found');
    if ((before.own_locked_down_at !== null) === down) return before;
    await updateDoorLockDown(tx, key, down ? at : null);
    const { name, place_id } = before;
    const object = { type: 'Lock', id, name } as const;
    const message = down
      ? `${caller.member_name} locked down ${name}`
      : `${caller.member_name} cancelled the lock-down of ${name}`;
    const type = down ? 'lock.lock_down' : 'lock.cancel_lockdown';
    await recordEvent(context, tx, { ...causedBy(caller), type, at, object, place_id, message });
    return selectDoor(tx, caller, id);
  });
  if (!door) throw new PosternError('not_found');
  const reached = await tellAgents(context, [door]);
  return { door, reached: reached.has(door.id) };
}

/** Tells the agents how these doors stand. Answers for which doors the agent has said that it keeps it. */
export async function tellAgents(context: Context, doors: readonly DoorWithPlace[]): Promise<Set<number>> {
  const byAgent = Map.groupBy(doors, ({ agent_id }) => agent_id);
  const told = [...byAgent].map(async ([agent_id, driven]) => {
    if (agent_id === null) return [];
    const states = driven.map(({ id, state_revision, locked_down_at }) => ({
      ...{ door_id: id, revision: state_revision, locked_down: locked_down_at !== null },
    }));
    return (await context.agents.tellDoorState(agent_id, states)) ? driven.map(({ id }) => id) : [];
  });
  return new Set((await Promise.all(told)).flat());
}
