import { createPrivateKey, createPublicKey } from 'node:crypto';
import { startAgent } from '../../agent/main.ts';
import { asProgram } from '../processes.ts';
import type { MadeHouse } from './house.ts';
import type { ServerReady } from './server.ts';

export interface AgentProgramSettings {
  server: ServerReady;
  house: MadeHouse;
  folder: string;
}

/** The real agent, with a simulated lock and reader at the one door. */
await asProgram(async ({ server, house, folder }: AgentProgramSettings) => {
  const agent = startAgent({
    server_url: server.url,
    public_url: server.public_url,
    agent_id: house.agent.id,
    private_key: createPrivateKey(house.agent.private_key),
    server_public_key: createPublicKey(house.host_key),
    folder,
    doors: [
      {
        ...house.door,
        lock: { driver: 'simulated' },
        readers: [{ name: 'Reader', driver: 'simulated', port: 0 }],
      },
    ],
    log: { info() {}, warn: (fields, text) => console.error(text, fields) },
  });
  await agent.connected();
  return { ready: { readers: agent.readers() }, close: () => agent.close() };
});
