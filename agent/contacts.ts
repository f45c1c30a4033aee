import type { AgentClock } from './clock.ts';
import type { Lock, SensorReport } from './locks/lock.ts';
import type { Outbox } from './outbox.ts';

/** After a pulse somebody may still be pulling the door. */
export const openingGraceMs = 5_000;
/** A door that stands open for longer is held open. */
export const heldOpenMs = 60_000;

export interface ContactsParts {
  outbox: Pick<Outbox, 'record'>;
  clock: Pick<AgentClock, 'now'>;
  monotonicMs: () => number;
  after: (ms: number, work: () => void) => () => void;
}

interface Door {
  said: SensorReport;
  /** Until when it may be opened because it was unlocked. */
  unlockedUntilMs: number;
  isAlarmed: boolean;
  cancel: () => void;
}

/** What the sensors at the doors say, beside what was commanded: a door that opens by itself, or stays open, is an alarm. */
export class Contacts {
  readonly #parts: ContactsParts;
  readonly #doors = new Map<number, Door>();
  onNews: (door_id: number, said: SensorReport) => void = () => {};

  constructor(parts: ContactsParts) {
    this.#parts = parts;
  }

  /** The same lock, whose every pulse makes an opening expected. */
  watch(door_id: number, lock: Lock): Lock {
    return {
      pulse: (pulse) => {
        this.#door(door_id).unlockedUntilMs = this.#parts.monotonicMs() + pulse.pulse_ms + openingGraceMs;
        return lock.pulse(pulse);
      },
      check: () => lock.check(),
      close: () => lock.close(),
    };
  }

  /** What every door's sensors said last. */
  all(): ({ door_id: number } & SensorReport)[] {
    return [...this.#doors]
      .filter(([, { said }]) => Object.keys(said).length > 0)
      .map(([door_id, { said }]) => ({ door_id, ...said }));
  }

  report(door_id: number, said: SensorReport): void {
    const door = this.#door(door_id);
    const wasOpen = door.said.open;
    door.said = { ...door.said, ...said };
    this.onNews(door_id, said);
    if (said.open === undefined || said.open === wasOpen) return;
    if (said.open) this.#opened(door_id, door, wasOpen);
    else this.#closed(door_id, door);
  }

  /** No timer is left. */
  close(): void {
    for (const { cancel } of this.#doors.values()) cancel();
  }

  /** What was open when the agent began to listen was not forced since. */
  #opened(door_id: number, door: Door, wasOpen: boolean | undefined): void {
    const { monotonicMs, after } = this.#parts;
    if (wasOpen !== undefined && monotonicMs() > door.unlockedUntilMs)
      this.#alarm(door_id, door, 'forced_open');
    door.cancel();
    door.cancel = after(heldOpenMs, () => this.#alarm(door_id, door, 'held_open'));
  }

  #closed(door_id: number, door: Door): void {
    door.cancel();
    if (!door.isAlarmed) return;
    door.isAlarmed = false;
    this.#record(door_id, 'closed');
  }

  #alarm(door_id: number, door: Door, what: 'forced_open' | 'held_open'): void {
    door.isAlarmed = true;
    this.#record(door_id, what);
  }

  #record(door_id: number, what: 'forced_open' | 'held_open' | 'closed'): void {
    const { outbox, clock } = this.#parts;
    const report = { kind: 'door', at: clock.now(), door_id, what } as const;
    outbox.record(report, { isGrant: true, settled: true }).catch(() => {});
  }

  #door(door_id: number): Door {
    const known = this.#doors.get(door_id);
    if (known) return known;
    const door = { said: {}, unlockedUntilMs: Number.NEGATIVE_INFINITY, isAlarmed: false, cancel: () => {} };
    this.#doors.set(door_id, door);
    return door;
  }
}
