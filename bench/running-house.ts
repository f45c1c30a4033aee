import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { growHouse, grownSecret, type Size } from './grow.ts';
import { askOnce } from './load.ts';
import { type OwnProcess, startProcess } from './processes.ts';
import type { MadeHouse } from './programs/house.ts';
import type { ServerReady } from './programs/server.ts';

/** A house with its server and its agent, each a process of its own. */
export interface RunningHouse extends AsyncDisposable {
  house: MadeHouse;
  server: OwnProcess<ServerReady>;
  agent: OwnProcess<{ readers: { port: number }[] }>;
  port: number;
  /** The next request for an unlock, of the next link: they take turns. */
  nextUnlock(): Buffer;
  linkIds: number[];
  /** The QR codes of some of the links. */
  passes: string[];
  /** What an unlock is answered. */
  answer: string;
}

export interface RunningHouseSettings {
  linkCount: number;
  environment?: Record<string, string>;
  /** For Node: of the server's process. */
  flags?: string[];
  /** Makes the embedded database so large before the server opens it; the unlocks are then of those links. */
  grown?: Size;
}

export async function startHouse({
  linkCount,
  environment = {},
  flags = [],
  grown,
}: RunningHouseSettings): Promise<RunningHouse> {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const settings = {
    POSTERN_DATA: join(folder, 'data'),
    POSTERN_PORT: '0',
    POSTERN_SECRET_KEY: Buffer.alloc(32, 7).toString('base64'),
    ...environment,
  };
  const linksFile = join(folder, 'links.json');
  const house = await makeHouse({ environment: settings, linkCount, linksFile });
  if (grown) growHouse(join(folder, 'data', 'postern.db'), grown);
  const logFile = join(folder, 'log');
  const server = stack.use(
    await startProcess<ServerReady>('server', { environment: settings }, { flags, logFile }),
  );
  const agentSettings = { server: server.ready, house, folder: join(folder, 'agent') };
  const agent = stack.use(await startProcess<{ readers: { port: number }[] }>('agent', agentSettings));
  const port = Number(new URL(server.ready.url).port);
  const links: { id: number; secret: string }[] = JSON.parse(readFileSync(linksFile, 'utf8')); // our own program wrote it
  const nextUnlock = grown ? unlocksAtRandom(grown, house.door.id) : unlocksInTurn(links, house.door.id);
  const answer = await firstAnswer(port, nextUnlock);
  const open = stack.move();
  const { passes } = house;
  return {
    house,
    server,
    agent,
    port,
    nextUnlock,
    linkIds: links.map(({ id }) => id),
    passes,
    answer,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

async function makeHouse(settings: object): Promise<MadeHouse> {
  await using made = await startProcess<MadeHouse>('house', settings);
  return made.ready;
}

function unlocksInTurn(links: readonly { secret: string }[], door_id: number): () => Buffer {
  const requests = links.map(({ secret }) => unlockRequest(secret, door_id));
  let turn = 0;
  return () => requests[turn++ % requests.length] as Buffer; // there is at least one link
}

/** The same ones in every run. */
function unlocksAtRandom({ links }: Size, door_id: number): () => Buffer {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0; // a linear congruential generator
    return unlockRequest(grownSecret(1 + (state % links)), door_id);
  };
}

export function unlockRequest(secret: string, door_id: number): Buffer {
  return Buffer.from(
    `POST /locks/${door_id}/unlock HTTP/1.1\r\nHost: localhost\r\nAuthorization: KISI-GROUP-LINK ${secret}\r\nContent-Length: 0\r\n\r\n`,
  );
}

/** A request of ours, for a client that puts it together itself. */
export function requestParts(bytes: Buffer): {
  method: string;
  path: string;
  headers: Record<string, string>;
} {
  const [first = '', ...lines] = bytes.toString('latin1').split('\r\n\r\n', 1)[0]?.split('\r\n') ?? [];
  const [method = '', path = ''] = first.split(' ');
  const headers = lines.map((line) => line.split(/: */, 2));
  return { method, path, headers: Object.fromEntries(headers) };
}

async function firstAnswer(port: number, next: () => Buffer): Promise<string> {
  for (let tries = 0; ; tries++) {
    try {
      return (await askOnce(port, next())).toString();
    } catch (error) {
      if (tries === 100) throw error;
      await pause(50); // the agent's first heartbeat is on its way
    }
  }
}
