import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { type RunningAgent, startAgent } from '../agent/main.ts';
import { openPostgres } from '../server/database/postgres.ts';
import { openHostKey } from '../server/installation.ts';
import { rawPublicKey } from '../server/organizations/keys.ts';
import { createSealer } from '../server/secrets/sealer.ts';
import { type CreatedLink, type Postern, runPostern, type Settings, startPostern } from './demo-process.ts';
import type { TestDatabase } from './postgres.ts';
import { type Answer, type Call, fetchAnswer } from './test-server.ts';

const doorNames = ['Front door', 'Meeting room'];
/** What all processes of an installation are reached under; nothing asks there. */
const publicUrl = 'https://doors.example.org';

/** `postern serve` as a process of its own. */
export interface Serve extends Postern {
  url: string;
  /** From the start of the process until it listens, in milliseconds. */
  readyMs: number;
}

/** An installation on PostgreSQL: one organization, a group of two doors, and the agent that drives them. */
export interface House {
  /** Of every server process of this installation. */
  settings: Settings;
  database: TestDatabase;
  api_key: string;
  group_id: number;
  locks: { id: number; name: string }[];
  agent: { id: number; private_key: KeyObject; server_public_key: KeyObject };
  /** With the API key unless the call says otherwise. */
  call(at: Serve, method: string, path: string, call?: Call): Promise<Answer>;
  createLink(at: Serve, fields?: object): Promise<CreatedLink>;
  unlock(at: Serve, link: { secret: string }, door?: number): Promise<Answer>;
}

/** What a server process on this database is told; the secret key is a new one. */
export function serveSettings(database: TestDatabase): Settings {
  return {
    POSTERN_DATABASE_URL: database.url,
    POSTERN_SECRET_KEY: randomBytes(32).toString('base64'),
    POSTERN_PUBLIC_URL: publicUrl,
    POSTERN_PORT: '0',
    POSTERN_RATE_LIMITS: 'off',
  };
}

/** Starts `postern serve` and waits until it listens. */
export async function startServe(settings: Settings): Promise<Serve> {
  const started = performance.now();
  const postern = startPostern(['serve'], settings);
  const line = await postern.firstLine();
  const url = /^Postern listens at (http\S+)$/.exec(line)?.[1];
  if (url === undefined) throw new Error(`not what \`serve\` says first: ${line}`);
  return { ...postern, url, readyMs: performance.now() - started };
}

/** Sets an empty installation up as an operator does, and gives it its doors through a server process. */
export async function buildHouse(at: Serve, settings: Settings, database: TestDatabase): Promise<House> {
  const setup = await runPostern(['setup', '--json', '--name', 'Test House'], settings);
  if (setup.code !== 0) throw new Error(`\`setup\` failed: ${setup.stderr}`);
  const { api_key, organization } = JSON.parse(setup.stdout);
  const call: House['call'] = (serve, method, path, given = {}) =>
    fetchAnswer(serve.url, { method, path, secret: api_key, ...given });
  const create = async (serve: Serve, noun: string, fields: object) => {
    const { status, body } = await call(serve, 'POST', `/${noun}s`, { body: { [noun]: fields } });
    if (status !== 200) throw new Error(`POST /${noun}s answered ${status}: ${JSON.stringify(body)}`);
    return body;
  };
  const place = await create(at, 'place', { name: 'House', address: '1 Gate Lane', time_zone: 'UTC' });
  const group = await create(at, 'group', { name: 'Visitors', place_id: place.id });
  const locks: House['locks'] = [];
  for (const name of doorNames) {
    const { id } = await create(at, 'lock', { name, place_id: place.id });
    await create(at, 'group_lock', { group_id: group.id, lock_id: id });
    locks.push({ id, name });
  }
  return {
    settings,
    database,
    api_key,
    group_id: group.id,
    locks,
    agent: await makeAgent(settings, database, organization.id),
    call,
    createLink: (serve, fields = {}) =>
      create(serve, 'group_link', { name: 'Robin Guest', group_id: group.id, ...fields }),
    unlock: (serve, { secret }, door = locks[0]?.id ?? 0) =>
      call(serve, 'POST', `/locks/${door}/unlock`, { secret, as: 'link' }),
  };
}

/** An agent that drives all doors there are. */
async function makeAgent(
  settings: Settings,
  { ownerUrl }: TestDatabase,
  organization_id: number,
): Promise<House['agent']> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const id = await withOwner(ownerUrl, async (owner) => {
    const { rows } = await owner.query<{ id: string }>(
      `insert into agents (organization_id, name, folded, public_key, created_at, updated_at)
       values ($1, 'Test agent', 'test agent', $2, $3, $3) returning id`,
      [organization_id, rawPublicKey(publicKey), new Date().toISOString()],
    );
    await owner.query('update doors set agent_id = $1', [rows[0]?.id]);
    return Number(rows[0]?.id);
  });
  return { id, private_key: privateKey, server_public_key: await hostKeyOf(settings) };
}

/** By what agents recognise the servers of this database. */
export async function hostKeyOf(settings: Settings): Promise<KeyObject> {
  const database = await openPostgres({ url: settings['POSTERN_DATABASE_URL'] ?? '', onLost: () => {} });
  const secretKey = Buffer.from(settings['POSTERN_SECRET_KEY'] ?? '', 'base64');
  const sealer = createSealer({ secretKey, random: randomBytes });
  const keyPair = () => generateKeyPairSync('ed25519');
  const random = { bytes: randomBytes, uuid: () => '', keyPair };
  const { publicKey } = await openHostKey({ database, sealer, random });
  await database.close();
  return publicKey;
}

/** A connection as the tables' owner that may see everything. */
export async function withOwner<T>(ownerUrl: string, work: (owner: Client) => Promise<T>): Promise<T> {
  const owner = new Client({ connectionString: ownerUrl });
  owner.on('error', () => {}); // what the running statement rejects with says it already
  await owner.connect();
  try {
    await owner.query("select set_config('postern.organization', '*', false)");
    return await work(owner);
  } finally {
    await owner.end();
  }
}

/** Waits for the condition to hold; answers what it gave, and how long that took. */
export async function until<T>(
  what: string,
  condition: () => Promise<T | false> | T | false,
  deadlineMs = 10_000,
): Promise<{ value: T; ms: number }> {
  const started = performance.now();
  for (;;) {
    const value = await condition();
    const ms = performance.now() - started;
    if (value !== false) return { value, ms };
    if (ms > deadlineMs) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await pause(10);
  }
}

/** The house's agent, in this process. Two at once are two sessions of the same agent. */
export function runAgent(
  house: Pick<House, 'settings' | 'agent' | 'locks'>,
  { server_url, folder }: { server_url: string; folder: string },
): RunningAgent {
  const { id, private_key, server_public_key } = house.agent;
  return startAgent({
    server_url,
    public_url: house.settings['POSTERN_PUBLIC_URL'] ?? '',
    agent_id: id,
    private_key,
    server_public_key,
    folder: join(folder, 'agent'),
    doors: house.locks.map((door) => ({
      ...door,
      lock: { driver: 'simulated' },
      readers: [{ name: `${door.name} reader`, driver: 'simulated', port: 0 }],
    })),
    log: { info: () => {}, warn: () => {} },
  });
}

/** An address of its own in front of a server, as a load balancer has one. */
export interface Switch extends AsyncDisposable {
  url: string;
  /** New connections go there from now on; null: they are refused. */
  turn(to: { url: string } | null): void;
}

export async function openSwitch(first: { url: string }): Promise<Switch> {
  let target: { url: string } | null = first;
  const open = new Set<Socket>();
  const keep = (socket: Socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket)).on('error', () => {});
    return socket;
  };
  const server = createServer((incoming) => {
    keep(incoming);
    if (!target) {
      incoming.destroy();
      return;
    }
    const { hostname, port } = new URL(target.url);
    const outgoing = keep(connect({ host: hostname, port: Number(port) }));
    incoming.pipe(outgoing).pipe(incoming);
    incoming.on('close', () => outgoing.destroy());
    outgoing.on('close', () => incoming.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: `http://127.0.0.1:${port}`,
    turn: (to) => {
      target = to;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, 'close');
    },
  };
}
