import { spawn } from 'node:child_process';
import { createPrivateKey, createPublicKey, randomUUIDv7 } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { composeAgent } from '../agent/composition.ts';
import { writeIdentity } from '../agent/identity.ts';
import { keptFile } from '../agent/kept-file.ts';
import { outside } from '../agent/main.ts';
import { logStore } from '../agent/outbox-file.ts';
import { Session } from '../agent/session.ts';
import { openWebSocket, type ServerAddress } from '../agent/socket.ts';
import type { UpkeepMessage } from '../agent/upkeep.ts';
import { type AgentsSize, type Site, siteAddress, startSite } from './agents-site.ts';
import { lightSettings } from './light-agent.ts';
import { askOnce } from './load.ts';
import { type Figure, median, rounded } from './measure.ts';
import { type OwnProcess, startProcess } from './processes.ts';
import type { FleetState } from './programs/fleet.ts';
import { unlockRequest } from './running-house.ts';

const postern = fileURLToPath(new URL('../postern.ts', import.meta.url));
const atOnce = 32;
/** Nothing here takes so long, or it has failed. */
const deadlineMs = 120_000;
/** An agent is at rest when it has been connected for so long. */
const restMs = 3_000;
const fleetProcesses = 2;

/** What agents cost: the line, the memory at the door, and the server that many of them hang on. All of it on this machine. */
export async function measureAgents(size: AgentsSize): Promise<Figure[]> {
  await using site = await startSite(size);
  return [
    ...(await listFigures(site, size)),
    ...(await programFigures(site, size)),
    ...(await fleetFigures(site, size)),
  ];
}

/** An agent that knows nothing meets a server on which nobody has asked for the list yet. */
async function listFigures(site: Site, { liveLinks, rounds }: AgentsSize): Promise<Figure[]> {
  const results: { bytes: number; seconds: number }[] = [];
  for (let round = 0; round < rounds; round++)
    results.push(await synchronise(site, join(site.folder, `new-agent-${round}`)));
  const what = `${liveLinks.toLocaleString('en')} live links, 1 % of them revoked`;
  const seconds = results.map((result) => result.seconds);
  return [
    {
      name: 'what an agent that knows nothing is told: replica and revocation list',
      value: median(results.map(({ bytes }) => bytes)) / 1_000,
      ...{ unit: 'kB', better: 'lower' },
      detail: `${what}; everything that the server sent until the signed list was taken`,
    },
    {
      name: 'from hello to the signed list on the disk of the agent',
      value: median(seconds),
      ...{ unit: 's', better: 'lower' },
      detail: `${what}; read by the server for the first time; ${rounded(Math.min(...seconds))} to ${rounded(Math.max(...seconds))} s`,
    },
  ];
}

async function synchronise({ house, server }: Site, folder: string) {
  mkdirSync(join(folder, 'outbox'), { recursive: true });
  const core = composeAgent({
    file: (name) => keptFile(join(folder, name)),
    store: logStore(join(folder, 'outbox')),
    systemMs: Date.now,
    ...{ monotonicMs: outside.monotonicMs, after: outside.after, nonce: outside.nonce },
    ...{ uuid: randomUUIDv7, version: 'measured', log: { info() {}, warn() {} } },
  });
  await core.open();
  const taken = Promise.withResolvers<void>();
  let bytes = 0;
  let began = Number.NaN;
  const settings = lightSettings({
    ...siteAddress({ house, server }),
    agent: {
      id: house.agent.id,
      private_key: createPrivateKey(house.agent.private_key),
      door_id: house.door.id,
    },
    upkeep: {
      begin: (say) => core.upkeep.begin(say),
      end: () => core.upkeep.end(),
      async receive(message: UpkeepMessage) {
        await core.upkeep.receive(message);
        if (core.revocations.statement !== null) taken.resolve();
      },
    },
    openSocket(address: ServerAddress) {
      const socket = openWebSocket(address);
      socket.on('open', () => {
        began = performance.now();
      });
      socket.on('message', (data) => {
        bytes += String(data).length; // as bytes: the messages are ASCII but for names, and here those are too
      });
      return socket;
    },
  });
  const session = new Session(settings);
  void session.ended.then((why) => taken.reject(new Error(why)));
  await inTime(taken.promise, 'an agent to be told everything');
  const seconds = (performance.now() - began) / 1_000;
  await session.close();
  await core.close();
  return { bytes, seconds };
}

/** The program as it is installed: in a process of its own, with a folder of its own. */
async function programFigures(site: Site, { rounds }: AgentsSize): Promise<Figure[]> {
  const { house, server, folder: siteFolder } = site;
  const folder = join(siteFolder, 'installed-agent');
  mkdirSync(folder);
  const { public_url, url: server_url } = siteAddress(site);
  await writeIdentity(folder, {
    ...{ agent_id: house.agent.id, organization: 'Measured house', server_url, public_url },
    server_public_key: createPublicKey(house.host_key),
    private_key: createPrivateKey(house.agent.private_key),
  });
  const lock = { driver: 'simulated' };
  const readers = [{ name: 'Reader', driver: 'simulated', port: 0 }];
  writeFileSync(
    join(folder, 'agent.json'),
    JSON.stringify({ doors: [{ id: house.door.id, lock, readers }] }),
  );
  const runs: { seconds: number; memoryMb: number }[] = [];
  for (let round = -1; round < rounds; round++) runs.push(await runAgent(folder, server.ready.url));
  runs.shift(); // the first start ever
  const seconds = runs.map((run) => run.seconds);
  const memories = runs.map((run) => run.memoryMb);
  const range = (values: number[]) => `${rounded(Math.min(...values))} to ${rounded(Math.max(...values))}`;
  return [
    {
      name: 'memory of an agent at rest',
      value: median(memories),
      ...{ unit: 'MB', better: 'lower', bound: 110 },
      detail: `resident, ${restMs / 1_000} s after it was connected; one door; ${range(memories)} MB`,
    },
    {
      name: 'start of an agent, until it is connected',
      value: median(seconds),
      ...{ unit: 's', better: 'lower' },
      detail: `process, folder, reader, lock, handshake; not its first start; ${range(seconds)} s`,
    },
  ];
}

async function runAgent(folder: string, url: string): Promise<{ seconds: number; memoryMb: number }> {
  const began = performance.now();
  const child = spawn(process.execPath, [postern, 'agent', '--folder', folder], {
    // As the unit file has it. Without it the program is translated at each start, and what that took stays in memory.
    env: { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compile-cache') },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  try {
    const connected = Promise.withResolvers<void>();
    const said: string[] = [];
    createInterface(child.stderr).on('line', (line) => {
      said.push(line);
      if (line.startsWith('Connected to the server.')) connected.resolve();
    });
    void ended.then(() => connected.reject(new Error(`The agent ended: ${said.join('\n')}`)));
    await inTime(connected.promise, `an agent to reach ${url}`);
    const seconds = (performance.now() - began) / 1_000;
    await pause(restMs);
    const [, kilobytes] =
      /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
    return { seconds, memoryMb: (Number(kilobytes) * 1_024) / 1e6 };
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

/** Many agents on one server: all of them connect at once, stay, and are asked to open their doors once each. */
async function fleetFigures(site: Site, { agentCount }: AgentsSize): Promise<Figure[]> {
  const { server, house, folder } = site;
  await using stack = new AsyncDisposableStack();
  const fleets: OwnProcess<object>[] = [];
  for (let number = 0; number < fleetProcesses; number++) {
    const agentsFile = join(folder, `fleet-${number}.json`);
    const own = house.fleet.filter((_, index) => index % fleetProcesses === number);
    writeFileSync(agentsFile, JSON.stringify(own));
    const settings = { server: server.ready, host_key: house.host_key, agentsFile };
    fleets.push(stack.use(await startProcess<object>('fleet', settings)));
  }
  const before = await server.memoryMb();
  const began = performance.now();
  await inTime(Promise.all(fleets.map((fleet) => fleet.ask({ connect: true }))), `${agentCount} agents`);
  const connectedS = (performance.now() - began) / 1_000;
  const unlockedS = await inTime(unlockAll(site), `${agentCount} unlocks`);
  const states = await Promise.all(fleets.map((fleet) => fleet.ask<FleetState>({ state: true })));
  const lost = checkFleet(states, agentCount);
  const memory = await server.memoryMb();
  const detail = `${agentCount.toLocaleString('en')} agents of one organization, ${fleetProcesses} processes of them`;
  return [
    {
      name: 'many agents on one server, until all are connected and told what is revoked',
      value: connectedS,
      ...{ unit: 's', better: 'lower' },
      detail: `${detail}, all at once; ${lost} had to try again`,
    },
    {
      name: 'many agents on one server, one unlock at each of their doors',
      value: agentCount / unlockedS,
      ...{ unit: 'per s', better: 'higher' },
      detail: `${agentCount.toLocaleString('en')} of ${agentCount.toLocaleString('en')} done, ${atOnce} at once; ${rounded(unlockedS)} s`,
    },
    {
      name: 'memory of the server with many agents',
      value: memory,
      ...{ unit: 'MB', better: 'lower' },
      detail: `resident; ${rounded(before)} MB before they came`,
    },
  ];
}

async function unlockAll({ house, links, server }: Site): Promise<number> {
  const port = Number(new URL(server.ready.url).port);
  const left = house.fleet.map(({ door_id }, index) => unlockRequest(links[index]?.secret ?? '', door_id));
  const began = performance.now();
  const inTurn = async () => {
    for (let request = left.pop(); request; request = left.pop()) await askOnce(port, request); // throws unless 200
  };
  await Promise.all(Array.from({ length: atOnce }, inTurn));
  return (performance.now() - began) / 1_000;
}

/** How often an agent had to come back. */
function checkFleet(states: FleetState[], agentCount: number): number {
  const pulses = states.reduce((sum, state) => sum + state.pulses, 0);
  if (pulses !== agentCount) throw new Error(`${pulses} locks moved, of ${agentCount}.`);
  return states.reduce((sum, { lost }) => sum + lost, 0);
}

async function inTime<T>(work: Promise<T>, what: string): Promise<T> {
  const late = new AbortController();
  const tooLate = pause(deadlineMs, undefined, { signal: late.signal }).then(() => {
    throw new Error(`It took more than ${deadlineMs / 1_000} s for ${what}.`);
  });
  tooLate.catch(() => {});
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    late.abort();
  }
}
