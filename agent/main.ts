import { type KeyObject, randomBytes, randomUUIDv7 } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import { join } from 'node:path';
import { agentPath } from '../domain/agent-protocol.ts';
import { type Hardware, lookAt } from './check.ts';
import { moveLock } from './commands.ts';
import { type AgentCore, composeAgent } from './composition.ts';
import { Connection } from './connection.ts';
import { keptFile } from './kept-file.ts';
import { type LockConfig, openLock } from './locks/drivers.ts';
import type { Lock, SensorReport } from './locks/lock.ts';
import type { AgentLog } from './log.ts';
import { logStore } from './outbox-file.ts';
import { Presence } from './presence.ts';
import { createReader, type ReaderConfig } from './readers/drivers.ts';
import { removeReadersFile, writeReadersFile } from './readers/file.ts';
import type { Reader } from './readers/reader.ts';
import { scanning } from './scan.ts';

/** What the agent says of its software. */
export const agentVersion = '0.1.0';

export interface AgentDoor {
  id: number;
  /** Until the server says what it is called. */
  name?: string;
  lock: LockConfig;
  readers: ({ name: string } & ReaderConfig)[];
}

export interface AgentSettings {
  /** Where the server is reached; the address of the WebSocket follows from it. */
  server_url: string;
  /** The server's public URL exactly as the server knows it: part of what both sign. */
  public_url: string;
  agent_id: number;
  /** Both Ed25519. */
  private_key: KeyObject;
  server_public_key: KeyObject;
  /** Trust this certificate (PEM) and no other, whatever names it has: for an agent on the server's own machine. */
  server_certificate?: () => string | undefined;
  /** Certificates of authorities to trust beside the system's, as PEM. */
  authority?: string | undefined;
  /** Made if missing; holds what the agent knows and what it has still to tell, and `readers.json` while it runs. */
  folder: string;
  doors: AgentDoor[];
  log: AgentLog;
  onPulse?: (door: { id: number; name: string }, pulse_ms: number) => void;
}

export interface RunningAgent extends AsyncDisposable {
  /** At the first welcome; rejects when the agent cannot start or is closed before it. */
  connected(): Promise<void>;
  /** How it stands: parts that `postern agent status` shows, by their names. */
  status(): Record<string, unknown>;
  /** Looks at every lock and reader, without moving anything. */
  check(): Promise<Hardware[]>;
  /** A person at this machine says what time it is: ISO 8601 UTC with milliseconds. */
  setTime(instant: string): object;
  /** The readers that programs on this machine can present texts to by now. */
  readers(): { door_id: number; name: string; port: number }[];
  /** In the reverse order of the start; leaves nothing open. May be called twice. */
  close(): Promise<void>;
}

const at = () => new Date().toISOString();
const systemMs = () => Date.now();
const monotonicMs = () => performance.now();
const after = (ms: number, work: () => void) => {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
};
const nonce = () => randomBytes(32).toString('base64url');
const random = () => Math.random();

/** The clocks and the chance that the agent's other commands go by. */
export const outside = { at, monotonicMs, after, nonce };

/** Starts readers, then connects; keeps both up until closed. Throws a sentence when the settings cannot work. */
export function startAgent(settings: AgentSettings): RunningAgent {
  checkSettings(settings);
  const agent = new Agent(settings, agentUrl(settings.server_url));
  return {
    connected: () => agent.connected,
    status: () => agent.status(),
    check: () => agent.check(),
    setTime: (instant) => agent.setTime(instant),
    readers: () => agent.listening().map(({ door_id, reader, port }) => ({ door_id, name: reader, port })),
    close: () => agent.close(),
    [Symbol.asyncDispose]: () => agent.close(),
  };
}

/** Plain `ws:` carries nothing but its own machine's traffic: from anywhere else it would be read and changed. */
export function agentUrl(server_url: string): string {
  const url = new URL(agentPath, server_url);
  if (url.protocol === 'https:') return url.href.replace(/^https:/, 'wss:');
  if (url.protocol === 'http:' && isLoopback(url.hostname)) return url.href.replace(/^http:/, 'ws:');
  throw new Error(`The agent reaches a server on another machine by https only: change ${url.origin}.`);
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' || hostname === '[::1]' || (isIPv4(hostname) && hostname.startsWith('127.'))
  );
}

function checkSettings({ doors, private_key, server_public_key }: AgentSettings): void {
  if (new Set(doors.map((door) => door.id)).size < doors.length) {
    throw new Error('Two of the doors have the same id: each door is named once.');
  }
  for (const key of [private_key, server_public_key]) {
    if (key.asymmetricKeyType !== 'ed25519')
      throw new Error('The keys of the agent and the server are Ed25519.');
  }
}

/** A door with the name it has by now: drivers hold on to the object, not to the name. */
interface NamedDoor {
  id: number;
  name: string;
}

class Agent {
  readonly connected: Promise<void>;

  readonly #settings: AgentSettings;
  readonly #url: string;
  readonly #open = new AsyncDisposableStack();
  readonly #locks = new Map<number, Lock>();
  readonly #doors: NamedDoor[];
  readonly #presence: Presence;
  readonly #readers: { door: NamedDoor; name: string; reader: Reader }[] = [];
  readonly #core: AgentCore;
  readonly #started: Promise<Connection>;
  #connection: Connection | null = null;

  constructor(settings: AgentSettings, url: string) {
    this.#settings = settings;
    this.#url = url;
    const { folder, log } = settings;
    this.#core = composeAgent({
      file: (name) => keptFile(join(folder, name)),
      store: logStore(join(folder, 'outbox')),
      ...{ systemMs, monotonicMs, after, uuid: randomUUIDv7, nonce, version: agentVersion, log },
    });
    this.#doors = settings.doors.map(({ id, name = `Door ${id}` }) => ({ id, name }));
    this.#presence = new Presence({ doors: this.#doors, at, log: settings.log });
    this.#started = this.#start();
    this.connected = this.#started.then((connection) => connection.connected);
    this.connected.catch(() => {});
  }

  async close(): Promise<void> {
    await this.#started.catch(() => {});
    await this.#open.disposeAsync();
  }

  status(): Record<string, unknown> {
    const readers = this.#readers.map(({ door, name, reader }) => ({
      ...{ name, door_id: door.id },
      listens_at: reader.listensAt(),
    }));
    const { clock, revocations, replica, outbox } = this.#core;
    const { waiting, waiting_max } = outbox.status;
    const signed_at = revocations.statement?.signed_at ?? null;
    return {
      ...this.#presence.status(),
      readers,
      clock: { time: clock.now() ?? 'not known: nothing opens here until the server or set-time says it' },
      revocation_list: { signed_at, epoch: revocations.statement?.epoch ?? null },
      replica: { revision: replica.revision },
      outbox: { waiting, waiting_max },
    };
  }

  setTime(instant: string): object {
    this.#core.clock.set(instant);
    return { time: this.#core.clock.now() };
  }

  async check(): Promise<Hardware[]> {
    await this.#started;
    return lookAt(this.#doors, { locks: this.#locks, readers: this.#readers });
  }

  listening() {
    return this.#readers.flatMap(({ door, name, reader }) => {
      const address = reader.listensAt();
      return address === null ? [] : [{ door_id: door.id, door: door.name, reader: name, ...address }];
    });
  }

  async #start(): Promise<Connection> {
    try {
      const { folder } = this.#settings;
      await mkdir(join(folder, 'outbox'), { recursive: true, mode: 0o700 });
      await this.#core.open();
      this.#open.defer(() => this.#core.close());
      for (const door of this.#doors) await this.#openLock(door);
      for (const door of this.#doors) await this.#openReaders(door);
      this.#open.defer(() => removeReadersFile(folder));
      await writeReadersFile(folder, this.listening());
      return this.#connect();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#settings.log.warn({}, `The agent did not start: ${message}`);
      throw error;
    }
  }

  #configOf({ id }: NamedDoor): AgentDoor {
    const config = this.#settings.doors.find((door) => door.id === id);
    if (!config) throw new Error(`There is no door ${id}.`);
    return config;
  }

  async #openLock(door: NamedDoor): Promise<void> {
    const { folder, log, onPulse } = this.#settings;
    const { contacts } = this.#core;
    const onReport = (said: SensorReport) => contacts.report(door.id, said);
    const lock = await openLock(this.#configOf(door).lock, {
      door,
      folder,
      at,
      nonce,
      log,
      onReport,
      onPulse,
    });
    this.#open.defer(() => lock.close());
    this.#locks.set(door.id, contacts.watch(door.id, lock));
  }

  async #openReaders(door: NamedDoor): Promise<void> {
    for (const { name, ...config } of this.#configOf(door).readers) {
      const reader = createReader(config, { name, log: this.#settings.log });
      this.#open.defer(() => reader.close());
      const ask = async (text: string) =>
        this.#connection?.ask({ door_id: door.id, reader: name, text }) ?? null;
      const { replica, revocations, clock, outbox, unreadable, doorStates } = this.#core;
      const scan = scanning({
        ...{ door_id: door.id, reader: name, ask, monotonicMs },
        ...{ replica, revocations, clock, outbox, unreadable },
        isLockedDown: (door_id) => doorStates.isLockedDown(door_id),
        pulse: (pulse) => moveLock(this.#locks.get(door.id), pulse),
      });
      await reader.start(scan);
      this.#readers.push({ door, name, reader });
    }
  }

  #connect(): Connection {
    const { agent_id, private_key, server_public_key, public_url, folder, log } = this.#settings;
    const { authority, server_certificate } = this.#settings;
    const presence = this.#presence;
    this.#connection = new Connection({
      url: this.#url,
      identity: { agent_id, private_key, server_public_key, public_url },
      authority,
      server_certificate,
      readers: this.#readers.map(({ door, name }) => ({ door_id: door.id, name })),
      locks: this.#locks,
      doorStates: this.#core.doorStates,
      upkeep: this.#core.upkeep,
      nowMs: () => this.#core.clock.nowMs(),
      monotonicMs,
      after,
      nonce,
      random,
      log,
      onConnected: () => presence.connected(),
      onLost: (problem) => presence.lost(problem),
      onDoors: (message) => {
        if (!presence.learn(message)) return;
        writeReadersFile(folder, this.listening()).catch((error: unknown) =>
          log.warn({ error: String(error) }, 'The list of readers was not written.'),
        );
      },
    });
    const connection = this.#connection;
    this.#open.defer(() => connection.close());
    return connection;
  }
}
