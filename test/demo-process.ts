import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Demo } from '../server/demo.ts';
import { type Answer, type Call, fetchAnswer } from './test-server.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
/** A third less work for each of the many processes that start here. */
const compileCache = join(root, 'node_modules', '.cache', 'postern-tests');
const readyDeadlineMs = 30_000;
const reportDeadlineMs = 10_000;
const exitDeadlineMs = 30_000;

export type Settings = Record<string, string>;

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface Finished extends Exit {
  stdout: string;
  stderr: string;
}

/** One `postern` as a process of its own, as an operator starts it. Disposing of it kills it. */
export interface Postern extends AsyncDisposable {
  stdout(): string;
  stderr(): string;
  /** The first whole line of stdout; rejects, with all of stderr, when there is none in time. */
  firstLine(): Promise<string>;
  exited: Promise<Exit>;
  /** Sends the signal and answers how the process ended. */
  kill(signal: NodeJS.Signals): Promise<Exit>;
  /** Sends a signal that does not end it. */
  signal(signal: NodeJS.Signals): void;
}

export interface RunningDemo extends Postern {
  demo: Demo;
  dataFolder: string;
  /** From the start of the process to its line of JSON, in milliseconds. */
  readyMs: number;
  /** With the demo's API key unless the call says otherwise. */
  call(method: string, path: string, call?: Call): Promise<Answer>;
  createLink(fields?: object): Promise<CreatedLink>;
  /** The unlocks that this link asked for, newest first, granted or not; waits for so many of them. */
  unlocksBy(link: { id: number }, countMin?: number): Promise<UnlockEvent[]>;
  pulses(): PulseLine[];
}

export interface CreatedLink {
  id: number;
  secret: string;
  url: string;
  quick_response_code_token: string;
}

export interface UnlockEvent {
  uuid: string;
  success: boolean;
  actor_name: string;
  object_id: number;
  details: { method: string; reason: string | null; outcome: string | null };
}

export interface PulseLine {
  at: string;
  command_id: string;
  door_id: number;
}

const running = new Set<ChildProcess>();
// However this process ends, nothing that it started stays behind.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

/** A folder of the test's own, and how to be rid of it. */
export function freshFolder(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), 'postern-system-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A TCP port that was free a moment ago: for a server that must come back at the same address. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  server.close();
  await once(server, 'close');
  return port;
}

export function startPostern(args: readonly string[], settings: Settings = {}): Postern {
  const child = spawn(process.execPath, [join(root, 'postern.ts'), ...args], {
    cwd: root,
    env: environment(settings),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const exited = once(child, 'close').then(([code, signal]): Exit => {
    running.delete(child);
    return { code, signal };
  });
  const kill = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    return within(exited, exitDeadlineMs, () => `it did not end after ${signal}: ${stderr}`);
  };
  return {
    stdout: () => stdout,
    stderr: () => stderr,
    async firstLine() {
      const line = async () => {
        while (!stdout.includes('\n')) await once(child.stdout, 'data');
        return stdout.slice(0, stdout.indexOf('\n'));
      };
      const ended = exited.then(({ code, signal }) => {
        throw new Error(`it ended with ${code ?? signal} before it was ready: ${stderr}`);
      });
      return within(Promise.race([line(), ended]), readyDeadlineMs, () => `it is not ready: ${stderr}`);
    },
    exited,
    kill,
    signal: (signal) => void child.kill(signal),
    [Symbol.asyncDispose]: async () => {
      await kill('SIGKILL');
    },
  };
}

/** Runs a command to its end. */
export async function runPostern(args: readonly string[], settings: Settings = {}): Promise<Finished> {
  await using postern = startPostern(args, settings);
  const exit = await within(postern.exited, exitDeadlineMs, () => `postern ${args.join(' ')} does not end`);
  return { ...exit, stdout: postern.stdout(), stderr: postern.stderr() };
}

/** Starts the demo and waits until its doors can be opened. */
export async function startDemo(dataFolder: string, settings: Settings = {}): Promise<RunningDemo> {
  const started = performance.now();
  const postern = startPostern(['demo', '--json'], {
    POSTERN_DATA: dataFolder,
    POSTERN_PORT: '0',
    ...settings,
  });
  const demo: Demo = JSON.parse(await postern.firstLine()); // the demo's own words: every test here would notice
  const readyMs = performance.now() - started;
  const call = (method: string, path: string, given: Call = {}) =>
    fetchAnswer(demo.url, { method, path, secret: demo.api_key, ...given });
  return {
    ...postern,
    demo,
    dataFolder,
    readyMs,
    call,
    async createLink(fields = {}) {
      const group_link = { name: 'Robin Guest', group_id: demo.group_id, ...fields };
      const { status, body } = await call('POST', '/group_links', { body: { group_link } });
      if (status !== 200) throw new Error(`POST /group_links answered ${status}: ${JSON.stringify(body)}`);
      return body;
    },
    async unlocksBy({ id }, countMin = 0) {
      const query = `event_type=lock.unlock&event_actor_type=GroupLink&event_actor_id=${id}&limit=250`;
      // What a reader decided is reported a moment later.
      const deadline = performance.now() + reportDeadlineMs;
      for (;;) {
        const { body } = await call('GET', `/events?${query}`);
        if (body.length >= countMin || performance.now() > deadline) return body;
        await pause(20);
      }
    },
    pulses: () => pulsesIn(join(dataFolder, 'agent')),
  };
}

/** What the simulated locks of an agent have done. */
export function pulsesIn(agentFolder: string): PulseLine[] {
  const lines = readFileSync(join(agentFolder, 'pulses.log'), 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
}

/** The text of the QR code in a picture, read by a decoder that shares no code with the encoder. */
export async function readQrCode(picture: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('zbarimg', ['-q', '--raw', picture], { timeout: 15_000 }, (error, stdout) => {
      if (error)
        reject(new Error(`zbarimg (Debian's zbar-tools) reads nothing in ${picture}: ${error.message}`));
      else resolve(stdout.replace(/\n$/, ''));
    });
  });
}

/** Of this process only what any program needs: no setting of ours gets in by accident. */
function environment(settings: Settings): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, TZ } = process.env;
  return { PATH, HOME, TMPDIR, TZ, NODE_COMPILE_CACHE: compileCache, ...settings };
}

async function within<T>(work: Promise<T>, deadlineMs: number, problem: () => string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(problem())), deadlineMs);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
