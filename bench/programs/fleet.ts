import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Connection } from '../../agent/connection.ts';
import type { AgentMessage } from '../../domain/agent-protocol.ts';
import type { FleetAgent } from '../house.ts';
import { lightSettings } from '../light-agent.ts';
import { asProgram } from '../processes.ts';
import type { ServerReady } from './server.ts';

export interface FleetSettings {
  server: ServerReady;
  host_key: string;
  /** A file with the agents, as JSON. */
  agentsFile: string;
}

/** What the fleet is asked, and what it answers. */
export type FleetQuestion = { connect: true } | { state: true };
export interface FleetState {
  connected: number;
  pulses: number;
  /** Sessions that ended: the agent comes back by itself. */
  lost: number;
}

/** Many agents in one process: their sessions are real, their disks and locks are not. */
await asProgram(async ({ server, host_key, agentsFile }: FleetSettings) => {
  const agents: FleetAgent[] = JSON.parse(readFileSync(agentsFile, 'utf8')); // our own program wrote it
  const keys = agents.map(({ private_key }) => createPrivateKey(private_key));
  const server_public_key = createPublicKey(host_key);
  const connections: Connection[] = [];
  const state: FleetState = { connected: 0, pulses: 0, lost: 0 };
  const connect = async () => {
    await Promise.all(
      agents.map(({ id, door_id }, index) => {
        const known = Promise.withResolvers<void>();
        const private_key = keys[index] ?? createPrivateKey(''); // there is one for each
        const settings = lightSettings({
          ...{ url: server.url, public_url: server.public_url, server_public_key },
          agent: { id, door_id, private_key },
          upkeep: upkeepOfNothing(() => known.resolve()),
          onPulse: () => void state.pulses++,
        });
        const onLost = () => void state.lost++;
        connections.push(new Connection({ ...settings, random: Math.random, onLost }));
        return known.promise.then(() => void state.connected++);
      }),
    );
    return state;
  };
  return {
    ready: {},
    answer: (question) => ('connect' in (question as FleetQuestion) ? connect() : Promise.resolve(state)),
    close: () => Promise.all(connections.map((connection) => connection.close())),
  };
});

/** Says that it has nothing; `onKnown` when the server has told it what is revoked, which it does last. */
function upkeepOfNothing(onKnown: () => void) {
  const status: AgentMessage = {
    type: 'status',
    ...{ version: 'measured', replica_revision: null, revocation_epoch: null, revocation_signed_at: null },
    outbox: { id: randomBytes(32).toString('base64url'), waiting: 0, waiting_max: 100_000 },
  };
  return {
    begin: (say: (message: AgentMessage) => void) => say(status),
    async receive({ type }: { type: string }) {
      if (type === 'revocation_statement') onKnown();
    },
    end() {},
  };
}
