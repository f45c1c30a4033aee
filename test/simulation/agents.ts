import type { KeyObject } from 'node:crypto';
import { Connection } from '../../agent/connection.ts';
import type { Lock, Pulse } from '../../agent/locks/lock.ts';
import type { Shown } from '../../agent/readers/reader.ts';
import { scanning } from '../../agent/scan.ts';
import type { SessionSocket } from '../../agent/socket.ts';
import type { ToldDoorState } from '../../domain/agent-protocol.ts';
import type { Chance } from './chance.ts';
import { Life, type Time } from './time.ts';

/** What an agent is enrolled with, and the doors that it drives. */
export interface Enrolled {
  agent_id: number;
  private_key: KeyObject;
  server_public_key: KeyObject;
  public_url: string;
  door_ids: readonly number[];
}

export interface AgentParts {
  enrolled: Enrolled;
  time: Time;
  chance: Chance;
  /** What is on the agent's disk. */
  file: LockedDownDoors;
  openSocket(life: Life): SessionSocket;
  onPulse(door_id: number, pulse: Pulse): void;
}

/** What an agent keeps over restarts. */
export type LockedDownDoors = Map<number, boolean>;

const readerOf = (door_id: number) => `reader ${door_id}`;
const slowLockMsMax = 1_000;
const keepMsMax = 30;

/** An agent as one process: sessions, commands and scans are the real thing; disk, locks and readers are the world's. */
export class AgentProcess {
  readonly life = new Life();
  readonly #killed = Promise.withResolvers<null>();
  readonly #clock: { monotonicMs(): number };
  readonly #connection: Connection;
  readonly #scans: ReadonlyMap<number, (text: string) => Promise<Shown>>;

  constructor(parts: AgentParts) {
    const { enrolled, time, chance } = parts;
    const { door_ids, ...identity } = enrolled;
    const startedMs = time.nowMs;
    this.#clock = { monotonicMs: () => time.nowMs - startedMs };
    const doorStates = new KeptDoorStates(parts, this.life);
    this.#connection = new Connection({
      url: '',
      identity,
      readers: door_ids.map((door_id) => ({ name: readerOf(door_id), door_id })),
      locks: new Map(door_ids.map((door_id) => [door_id, this.#lock(parts, door_id)])),
      doorStates,
      ...this.#clock,
      after: (ms, work) => time.after(ms, work, this.life),
      nonce: () => Buffer.from(chance.bytes(32)).toString('base64url'),
      random: () => chance.fraction(),
      log: { info: () => {}, warn: () => {} },
      openSocket: () => parts.openSocket(this.life),
    });
    this.#scans = new Map(
      door_ids.map((door_id) => {
        const ask = (text: string) => this.#connection.ask({ door_id, reader: readerOf(door_id), text });
        return [
          door_id,
          scanning({ ask, isLockedDown: () => doorStates.isLockedDown(door_id), ...this.#clock }),
        ];
      }),
    );
  }

  /** What its monotonic clock shows. */
  nowMs(): number {
    return this.#clock.monotonicMs();
  }

  kill(): void {
    this.life.end();
    this.#killed.resolve(null);
  }

  /** What the reader shows; null: nothing, because the agent was killed before. */
  present(door_id: number, text: string): Promise<Shown | null> {
    const scan = this.#scans.get(door_id);
    if (!scan) throw new Error(`the agent has no door ${door_id}`);
    return Promise.race([scan(text), this.#killed.promise]);
  }

  /** A lock with moods: it jams, it dawdles, or it does not say whether it moved. */
  #lock({ time, chance, onPulse }: AgentParts, door_id: number): Lock {
    return {
      pulse: async (pulse: Pulse) => {
        const mood = chance.fraction();
        if (mood < 0.04) throw new Error('The lock is jammed.');
        if (mood < 0.12) await time.sleep(chance.between(1, slowLockMsMax));
        if (mood < 0.16) await new Promise(() => {});
        if (this.life.ended) await new Promise(() => {});
        onPulse(door_id, pulse);
        if (mood < 0.18) await new Promise(() => {});
        return 'done';
      },
      check: async () => 'a lock of this world',
      close: async () => {},
    };
  }
}

/** Holds at once and is on the disk a little later, as `agent/door-states.ts` has it. */
class KeptDoorStates {
  readonly #held: LockedDownDoors;
  readonly #parts: AgentParts;
  readonly #life: Life;

  constructor(parts: AgentParts, life: Life) {
    this.#parts = parts;
    this.#life = life;
    this.#held = new Map(parts.file);
  }

  isLockedDown(door_id: number): boolean {
    return this.#held.get(door_id) ?? false;
  }

  keep(doors: readonly ToldDoorState[]): Promise<void> {
    const { time, chance, file } = this.#parts;
    for (const { door_id, locked_down } of doors) this.#held.set(door_id, locked_down);
    return new Promise((resolve) => {
      const write = () => {
        for (const [door_id, locked_down] of this.#held) file.set(door_id, locked_down);
        resolve();
      };
      time.after(chance.between(1, keepMsMax), write, this.#life);
    });
  }
}
