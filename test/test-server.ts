import { generateKeyPairSync, randomBytes, randomUUIDv7 } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningAgent, startAgent } from '../agent/main.ts';
import { insertAgent } from '../server/agents/store.ts';
import { readConfig } from '../server/config.ts';
import type { Clock, Context } from '../server/context.ts';
import { openInstallation, startServer } from '../server/main.ts';
import { rawPublicKey } from '../server/organizations/keys.ts';
import { setUp } from '../server/setup.ts';
import { assertContract } from './contract.ts';
import { createDatabase } from './postgres.ts';

const after: Clock['after'] = (ms, work) => {
  const timer = setTimeout(work, ms).unref();
  return () => clearTimeout(timer);
};

const roomBytesMin = 2 ** 31;
/** In memory, where there is enough of it: what must survive a kill is tested with processes of their own, on a disk. */
const fastFolder = hasRoom('/dev/shm') ? '/dev/shm' : tmpdir();

/** A clock that stands still until a test moves it, in both directions. What is due after a while is so in real time. */
export class TestClock implements Clock {
  readonly after = after;
  #ms: number;
  #monotonicMs = 0;

  constructor(start: string) {
    this.#ms = Date.parse(start);
  }

  now(): string {
    return new Date(this.#ms).toISOString();
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** Time passes. */
  advance(ms: number): void {
    this.#ms += ms;
    this.#monotonicMs += ms;
  }

  /** Somebody sets the clock: the monotonic one does not follow. */
  set(instant: string): void {
    this.#ms = Date.parse(instant);
  }
}

/** The real clock: for tests in which an agent's heartbeats must be in time. */
export const realClock: Clock = {
  now: () => new Date().toISOString(),
  monotonicMs: () => performance.now(),
  after,
};

export interface Answer {
  status: number;
  headers: Headers;
  /** The body, parsed when it is JSON. A test knows the shape it asks for. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  body: any;
}

export interface Call {
  /** An API key or, with `as: 'link'`, a link's secret. */
  secret?: string;
  as?: 'login' | 'link';
  body?: unknown;
  headers?: Record<string, string>;
}

type Noun = 'place' | 'lock' | 'group' | 'group_lock' | 'group_link' | 'schedule' | 'reader';

/**
 * A real server on a free port with a fresh data folder, and one organization with an API key. On PostgreSQL, with a
 * fresh database, when POSTERN_TEST_POSTGRES names one to make it in: `npm test` runs every test on both.
 */
export interface TestServer extends AsyncDisposable {
  url: string;
  folder: string;
  /** On PostgreSQL: as the tables' owner; null: the embedded database. */
  ownerUrl: string | null;
  context: Context;
  organization_id: number;
  api_key: string;
  call(method: string, path: string, call?: Call): Promise<Answer>;
  /** Creates by `POST /<path>` with the API key and answers the body; throws when it did not succeed. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  create(noun: Noun, fields: object): Promise<any>;
  /** Connects a simulated agent that drives these doors, at `url` or directly, and waits until the server knows it. */
  connectAgent(doors: { id: number; name: string }[], url?: string): Promise<RunningAgent>;
  close(): Promise<void>;
}

export async function startTestServer(
  options: { clock?: Omit<Clock, 'after'>; environment?: Record<string, string> } = {},
): Promise<TestServer> {
  const folder = mkdtempSync(join(fastFolder, 'postern-test-'));
  const adminUrl = process.env['POSTERN_TEST_POSTGRES'];
  const database = adminUrl === undefined ? null : await createDatabase(adminUrl);
  const config = readConfig({
    POSTERN_DATA: join(folder, 'data'),
    POSTERN_PORT: '0',
    POSTERN_SECRET_KEY: randomBytes(32).toString('base64'),
    POSTERN_LOG_LEVEL: 'silent',
    ...(database ? { POSTERN_DATABASE_URL: database.url } : {}),
    ...options.environment,
  });
  const random = {
    bytes: (length: number) => randomBytes(length),
    uuid: () => randomUUIDv7(),
    keyPair: () => generateKeyPairSync('ed25519'),
  };
  const given = options.clock ?? realClock;
  const clock: Clock = { now: () => given.now(), monotonicMs: () => given.monotonicMs(), after };
  const installation = await openInstallation(config, { clock, random });
  const server = await startServer(installation, config);
  const { context } = installation;
  const made = await setUp(context, { name: 'Test House', domain: 'test', email: 'owner@test.invalid' });
  const agents: RunningAgent[] = [];
  const call = (method: string, path: string, given: Call = {}) =>
    fetchAnswer(server.url, { method, path, ...given });
  const close = async () => {
    for (const agent of agents) await agent.close();
    await server.close();
    await installation.close();
    await database?.drop();
    rmSync(folder, { recursive: true, force: true });
  };
  return {
    url: server.url,
    folder,
    ownerUrl: database?.ownerUrl ?? null,
    context,
    organization_id: made.organization.id,
    api_key: made.api_key,
    call,
    async create(noun, fields) {
      const { status, body } = await call('POST', `/${noun}s`, {
        secret: made.api_key,
        body: { [noun]: fields },
      });
      if (status !== 200) throw new Error(`POST /${noun}s answered ${status}: ${JSON.stringify(body)}`);
      return body;
    },
    async connectAgent(doors, url = server.url) {
      const agent = await connectAgent(doors, {
        context,
        url,
        host: installation.hostKey.publicKey,
        folder,
      });
      agents.push(agent);
      return agent;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function hasRoom(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize >= roomBytesMin;
}

/** One HTTP request, its answer read whole. What the OpenAPI document says of the operation must be true of it. */
export async function fetchAnswer(
  url: string,
  request: Call & { method: string; path: string },
): Promise<Answer> {
  const { method, path, secret, as = 'login', body } = request;
  const headers: Record<string, string> = { ...request.headers };
  if (secret !== undefined)
    headers.authorization = `${as === 'link' ? 'KISI-GROUP-LINK' : 'KISI-LOGIN'} ${secret}`;
  if (body !== undefined) headers['content-type'] ??= 'application/json';
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  const signal = AbortSignal.timeout(15_000);
  const response = await fetch(url + path, {
    method,
    headers,
    signal,
    redirect: 'manual',
    ...(text === undefined ? {} : { body: text }),
  });
  const isJson = response.headers.get('content-type')?.startsWith('application/json');
  const content = await response.text();
  const parsed = isJson && content !== '' ? JSON.parse(content) : content;
  const answer = { status: response.status, headers: response.headers, body: parsed };
  assertContract({ method, path }, answer);
  return answer;
}

interface AgentPlace {
  context: Context;
  url: string;
  host: Parameters<typeof startAgent>[0]['server_public_key'];
  folder: string;
}

async function connectAgent(doors: { id: number; name: string }[], at: AgentPlace): Promise<RunningAgent> {
  const { context } = at;
  const { publicKey, privateKey } = context.random.keyPair();
  const organization = await context.database.everywhere.read.query
    .selectFrom('doors')
    .select('organization_id')
    .where('id', '=', doors[0]?.id ?? 0)
    .executeTakeFirstOrThrow();
  const agent_id = await context.database.everywhere.transaction(async (tx) => {
    const row = {
      organization_id: organization.organization_id,
      name: 'Test agent',
      created_at: context.clock.now(),
    };
    const id = await insertAgent(tx, { ...row, public_key: rawPublicKey(publicKey) });
    const ids = doors.map((door) => door.id);
    await tx.query.updateTable('doors').set({ agent_id: id }).where('id', 'in', ids).execute();
    return id;
  });
  const agent = startAgent({
    server_url: at.url,
    public_url: context.publicUrl,
    agent_id,
    private_key: privateKey,
    server_public_key: at.host,
    folder: join(at.folder, `agent-${agent_id}`),
    doors: doors.map((door) => ({
      ...door,
      lock: { driver: 'simulated' },
      readers: [{ name: `${door.name} reader`, driver: 'simulated', port: 0 }],
    })),
    log: { info: () => {}, warn: () => {} },
  });
  await agent.connected();
  while (!context.agents.isReachable(agent_id)) await new Promise((resolve) => setTimeout(resolve, 5));
  return agent;
}
