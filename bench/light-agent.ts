import type { KeyObject } from 'node:crypto';
import type { Lock } from '../agent/locks/lock.ts';
import { outside } from '../agent/main.ts';
import type { SessionSettings } from '../agent/session.ts';
import { agentPath } from '../domain/agent-protocol.ts';

export interface LightAgentSettings {
  url: string;
  public_url: string;
  server_public_key: KeyObject;
  agent: { id: number; private_key: KeyObject; door_id: number };
  upkeep: SessionSettings['upkeep'];
  openSocket?: SessionSettings['openSocket'];
  onPulse?: () => void;
}

/** For sessions as the agent has them, with a lock made of nothing: what is known and kept is up to `upkeep`. */
export function lightSettings(settings: LightAgentSettings): SessionSettings {
  const { url, public_url, server_public_key, agent, upkeep, openSocket, onPulse = () => {} } = settings;
  const lock: Lock = {
    async pulse() {
      onPulse();
      return 'done';
    },
    check: () => Promise.resolve('It is made of nothing.'),
    close: () => Promise.resolve(),
  };
  return {
    url: new URL(agentPath, url).href.replace(/^http/, 'ws'),
    identity: { agent_id: agent.id, private_key: agent.private_key, server_public_key, public_url },
    readers: [{ name: 'Reader', door_id: agent.door_id }],
    locks: new Map([[agent.door_id, lock]]),
    upkeep,
    ...(openSocket === undefined ? {} : { openSocket }),
    nowMs: Date.now,
    doorStates: { isLockedDown: () => false, keep: () => Promise.resolve() },
    ...{ monotonicMs: outside.monotonicMs, after: outside.after, nonce: outside.nonce },
    log: { info() {}, warn() {} },
  };
}
