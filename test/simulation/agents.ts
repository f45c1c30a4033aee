import type { KeyObject } from 'node:crypto';
import { moveLock } from '../../agent/commands.ts';
import { type AgentCore, composeAgent } from '../../agent/composition.ts';
import { Connection } from '../../agent/connection.ts';
import type { Knowledge } from '../../agent/door-decision.ts';
import { type Lock, lockTimeoutMs, type Moved, type Pulse } from '../../agent/locks/lock.ts';
import type { LogStore } from '../../agent/outbox-file.ts';
import type { Shown } from '../../agent/readers/reader.ts';
import { scanning } from '../../agent/scan.ts';
import type { SessionSocket } from '../../agent/socket.ts';
import type { AgentDisk, Mount } from './agent-disk.ts';
import { type Chance, randomOf } from './chance.ts';
import { Life, type Time } from './time.ts';

/** What an agent is enrolled with, and the doors that it drives. */
export interface Enrolled {
  agent_id: number;
  private_key: KeyObject;
  server_public_key: KeyObject;
  public_url: string;
  door_ids: readonly number[];
}

/** What is wrong with an agent, for faults. */
export interface AgentFault {
  /** Stands between the agent and its log. */
  store?(inner: LogStore): LogStore;
  /** What it decides by. */
  knowing?(known: Knowledge): Knowledge;
}

export interface AgentParts {
  enrolled: Enrolled;
  time: Time;
  chance: Chance;
  disk: AgentDisk;
  fault: AgentFault;
  openSocket(life: Life): SessionSocket;
  /** `commanded`: when the lock was told to move, which may have been a moment before. */
  onPulse(door_id: number, pulse: Pulse, commanded: number): void;
}

const readerOf = (door_id: number) => `reader ${door_id}`;
const slowLockMsMax = 1_000;
const silent = { info: () => {}, warn: () => {} };

/** An agent as one process: all that it knows and does is the real thing; disk, locks and readers are the world's. */
export class AgentProcess {
  readonly life = new Life();
  readonly #killed = Promise.withResolvers<null>();
  readonly #parts: AgentParts;
  readonly #mount: Mount;
  readonly #clock: { monotonicMs(): number };
  readonly #core: AgentCore;
  readonly #locks: ReadonlyMap<number, Lock>;
  readonly #scans: ReadonlyMap<number, (text: string) => Promise<Shown>>;
  /** Before that nobody is let in, and nobody is refused. */
  readonly #opened: Promise<Connection>;

  constructor(parts: AgentParts) {
    this.#parts = parts;
    const { enrolled, time, disk } = parts;
    const startedMs = time.nowMs;
    this.#clock = { monotonicMs: () => time.nowMs - startedMs };
    this.#mount = disk.mount(this.life);
    this.#core = this.#compose();
    this.#locks = new Map(enrolled.door_ids.map((door_id) => [door_id, this.#lock(door_id)]));
    this.#scans = new Map(enrolled.door_ids.map((door_id) => [door_id, this.#scanning(door_id)]));
    this.#opened = this.#core.open().then(() => this.#connect());
  }

  /** What its monotonic clock shows. */
  nowMs(): number {
    return this.#clock.monotonicMs();
  }

  kill(): void {
    this.life.end();
    this.#mount.abandon();
    this.#killed.resolve(null);
  }

  /** What the reader shows; null: nothing, because the agent was killed before. */
  async present(door_id: number, text: string): Promise<Shown | null> {
    const scan = this.#scans.get(door_id);
    if (!scan) throw new Error(`the agent has no door ${door_id}`);
    return Promise.race([this.#opened.then(() => scan(text)), this.#killed.promise]);
  }

  #compose(): AgentCore {
    const { time, chance, fault } = this.#parts;
    const startedMs = time.wallMs;
    const store = this.#mount.store();
    return composeAgent({
      file: (name) => this.#mount.file(name),
      store: fault.store?.(store) ?? store,
      systemMs: () => Math.floor(time.wallMs),
      // What jumps for the world is time that passes: the clock of a machine that was asleep has gone on.
      monotonicMs: () => time.wallMs - startedMs,
      after: (ms, work) => time.after(ms, work, this.life),
      uuid: randomOf(chance, () => time.wallMs).uuid,
      nonce: () => this.#nonce(),
      version: '0.0.0',
      log: silent,
    });
  }

  #connect(): Connection {
    const { enrolled, time, chance, openSocket } = this.#parts;
    const { door_ids, ...identity } = enrolled;
    const { doorStates, upkeep, clock } = this.#core;
    return new Connection({
      url: '',
      identity,
      readers: door_ids.map((door_id) => ({ name: readerOf(door_id), door_id })),
      locks: this.#locks,
      doorStates,
      upkeep,
      nowMs: () => clock.nowMs(),
      ...this.#clock,
      after: (ms, work) => time.after(ms, work, this.life),
      nonce: () => this.#nonce(),
      random: () => chance.fraction(),
      log: silent,
      openSocket: () => openSocket(this.life),
    });
  }

  #scanning(door_id: number): (text: string) => Promise<Shown> {
    const { replica, revocations, clock, outbox, unreadable, doorStates } = this.#core;
    const isLockedDown = (id: number) => doorStates.isLockedDown(id);
    const known = { replica, revocations, clock, isLockedDown };
    const reader = readerOf(door_id);
    return scanning({
      ...(this.#parts.fault.knowing?.(known) ?? known),
      ...{ door_id, reader, outbox, unreadable, ...this.#clock },
      ask: async (text) => (await this.#opened).ask({ door_id, reader, text }),
      pulse: (pulse) => moveLock(this.#locks.get(door_id), pulse),
    });
  }

  #nonce(): string {
    return Buffer.from(this.#parts.chance.bytes(32)).toString('base64url');
  }

  /** A lock with moods: it jams, it dawdles, or it does not say whether it moved. */
  #lock(door_id: number): Lock {
    const { time, chance, onPulse } = this.#parts;
    return {
      pulse: async (pulse: Pulse) => {
        const commanded = time.moment;
        const mood = chance.fraction();
        if (mood < 0.04) throw new Error('The lock is jammed.');
        if (mood < 0.12) await time.sleep(chance.between(1, slowLockMsMax));
        if (mood >= 0.12 && mood < 0.16) return this.#saysNothing();
        if (this.life.ended) await new Promise(() => {});
        onPulse(door_id, pulse, commanded);
        return mood >= 0.16 && mood < 0.18 ? this.#saysNothing() : 'done';
      },
      check: async () => 'a lock of this world',
      close: async () => {},
    };
  }

  async #saysNothing(): Promise<Moved> {
    await this.#parts.time.sleep(lockTimeoutMs);
    return 'unknown';
  }
}
