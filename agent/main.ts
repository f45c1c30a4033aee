import { type KeyObject, randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import { agentPath } from '../domain/agent-protocol.ts';
import { Connection } from './connection.ts';
import { DoorStates } from './door-states.ts';
import { type LockConfig, openLock } from './locks/drivers.ts';
import type { Lock } from './locks/lock.ts';
import type { AgentLog } from './log.ts';
import { createReader, type ReaderConfig } from './readers/drivers.ts';
import { removeReadersFile, writeReadersFile } from './readers/file.ts';
import type { Reader } from './readers/reader.ts';
import { scanning } from './scan.ts';

export interface AgentDoor {
  id: number;
  name: string;
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
  /** Made if missing; holds `readers.json` while the agent runs, `door-states.json` and `pulses.log`. */
  folder: string;
  doors: AgentDoor[];
  log: AgentLog;
  onPulse?: (door: { id: number; name: string }, pulse_ms: number) => void;
}

export interface RunningAgent extends AsyncDisposable {
  /** At the first welcome; rejects when the agent cannot start or is closed before it. */
  connected(): Promise<void>;
  /** The readers that programs on this machine can present texts to by now. */
  readers(): { door_id: number; name: string; port: number }[];
  /** In the reverse order of the start; leaves nothing open. May be called twice. */
  close(): Promise<void>;
}

const at = () => new Date().toISOString();
const monotonicMs = () => performance.now();
const after = (ms: number, work: () => void) => {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
};
const nonce = () => randomBytes(32).toString('base64url');
const random = () => Math.random();

/** Starts readers, then connects; keeps both up until closed. Throws a sentence when the settings cannot work. */
export function startAgent(settings: AgentSettings): RunningAgent {
  checkSettings(settings);
  const agent = new Agent(settings, agentUrl(settings.server_url));
  return {
    connected: () => agent.connected,
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

class Agent {
  readonly connected: Promise<void>;

  readonly #settings: AgentSettings;
  readonly #url: string;
  readonly #open = new AsyncDisposableStack();
  readonly #locks = new Map<number, Lock>();
  readonly #readers: { door: AgentDoor; name: string; reader: Reader }[] = [];
  readonly #doorStates: DoorStates;
  readonly #started: Promise<Connection>;
  #connection: Connection | null = null;

  constructor(settings: AgentSettings, url: string) {
    this.#settings = settings;
    this.#url = url;
    this.#doorStates = new DoorStates(settings.folder);
    this.#started = this.#start();
    this.connected = this.#started.then((connection) => connection.connected);
    this.connected.catch(() => {});
  }

  async close(): Promise<void> {
    await this.#started.catch(() => {});
    await this.#open.disposeAsync();
  }

  listening() {
    return this.#readers.flatMap(({ door, name, reader }) => {
      const address = reader.listensAt();
      return address === null ? [] : [{ door_id: door.id, door: door.name, reader: name, ...address }];
    });
  }

  async #start(): Promise<Connection> {
    try {
      const { folder, doors } = this.#settings;
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await this.#doorStates.open();
      for (const door of doors) await this.#openLock(door);
      for (const door of doors) await this.#openReaders(door);
      this.#open.defer(() => removeReadersFile(folder));
      await writeReadersFile(folder, this.listening());
      return this.#connect();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#settings.log.warn({}, `The agent did not start: ${message}`);
      throw error;
    }
  }

  async #openLock({ id, name, lock: config }: AgentDoor): Promise<void> {
    const { folder, log, onPulse } = this.#settings;
    const parts = { door: { id, name }, folder, at, nonce, log, onReport: () => {}, onPulse };
    const lock = await openLock(config, parts);
    this.#open.defer(() => lock.close());
    this.#locks.set(id, lock);
  }

  async #openReaders(door: AgentDoor): Promise<void> {
    for (const { name, ...config } of door.readers) {
      const reader = createReader(config, { name, log: this.#settings.log });
      this.#open.defer(() => reader.close());
      const ask = async (text: string) =>
        this.#connection?.ask({ door_id: door.id, reader: name, text }) ?? null;
      const isLockedDown = () => this.#doorStates.isLockedDown(door.id);
      await reader.start(scanning({ ask, isLockedDown, monotonicMs }));
      this.#readers.push({ door, name, reader });
    }
  }

  #connect(): Connection {
    const { agent_id, private_key, server_public_key, public_url, server_certificate, log } = this.#settings;
    this.#connection = new Connection({
      url: this.#url,
      identity: { agent_id, private_key, server_public_key, public_url },
      server_certificate,
      readers: this.#readers.map(({ door, name }) => ({ door_id: door.id, name })),
      locks: this.#locks,
      doorStates: this.#doorStates,
      monotonicMs,
      after,
      nonce,
      random,
      log,
    });
    const connection = this.#connection;
    this.#open.defer(() => connection.close());
    return connection;
  }
}
