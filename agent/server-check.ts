import type { StoredIdentity } from './identity.ts';
import type { Lock } from './locks/lock.ts';
import { agentUrl, type outside } from './main.ts';
import { refusalWords } from './presence.ts';
import { Session } from './session.ts';

const doorsTimeoutMs = 5_000;

/** Meets the server as the agent would, and leaves: what is wrong, a sentence each; empty: nothing is. */
export async function serverProblems(
  identity: StoredIdentity,
  { door_ids, world }: { door_ids: readonly number[]; world: typeof outside },
): Promise<string[]> {
  const told = Promise.withResolvers<string[]>();
  const session = new Session({
    url: agentUrl(identity.server_url),
    authority: identity.authority,
    identity,
    readers: [],
    locks: new Map(door_ids.map((id) => [id, noLock])),
    ...nothingKept,
    ...world,
    log: { info: () => {}, warn: () => {} },
    onDoors: ({ refused }) =>
      told.resolve(refused.map(({ door_id, why }) => `Door ${door_id}: ${refusalWords(why)}.`)),
  });
  if (!(await session.welcomed)) return [await session.ended];
  const cancel = world.after(doorsTimeoutMs, () => told.resolve([]));
  const problems = await told.promise;
  cancel();
  await session.close();
  return problems;
}

/** It only looks: what the server would have kept here is dropped. */
const nothingKept = {
  doorStates: { isLockedDown: () => true, keep: async () => {} },
  upkeep: { begin: () => {}, receive: async () => {}, end: () => {} },
  nowMs: () => null,
};

/** No command can come before the first heartbeat is answered, and none is obeyed. */
const noLock: Lock = {
  pulse: () => Promise.reject(new Error('The agent is only looking.')),
  check: async () => '',
  close: async () => {},
};
