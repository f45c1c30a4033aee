import { addMs } from '../domain/instants.ts';
import { EndedSegments } from './agents/ended-segments.ts';
import type { Clock, Context } from './context.ts';
import { answersKeptMs } from './http/idempotency.ts';
import { deleteOldKeys } from './http/idempotency-store.ts';
import { deleteOldPresses } from './unlocks/store.ts';

const intervalMs = 60_000;
/** Rows removed in one transaction: bounds how long others wait for it. */
const batchMax = 500;
/** Batches of one task in one round: what is left is the next round's. */
const batchesMax = 20;
/** Far longer than a press is good for, so that setting the clock back revives none. */
const pressesKeptMs = 3_600_000;

/** Work that is due again and again, a bounded piece at a time. */
export interface HousekeepingTask {
  name: string;
  /** Does at most `countMax` pieces and answers how many there were; fewer: that was all. */
  run(countMax: number): Promise<number>;
}

/** What has to be cleared away in the database. */
export function housekeepingTasks(context: Context): HousekeepingTask[] {
  const { database, clock } = context;
  const endedSegments = new EndedSegments(context);
  return [
    { name: 'ended segments of revocation lists', run: (countMax) => endedSegments.drop(countMax) },
    {
      name: 'idempotency keys',
      run: (countMax) => deleteOldKeys(database, addMs(clock.now(), -answersKeptMs), countMax),
    },
    {
      name: 'used presses',
      run: (countMax) => deleteOldPresses(database, addMs(clock.now(), -pressesKeptMs), countMax),
    },
  ];
}

export interface HousekeepingParts {
  tasks: readonly HousekeepingTask[];
  clock: Clock;
  onError(error: unknown): void;
}

/** Does its tasks every minute. A task that fails keeps no other from its turn. */
export class Housekeeping {
  /** When a round was last done in which nothing failed; null: not yet. */
  lastAt: string | null = null;
  readonly #parts: HousekeepingParts;
  #timer: NodeJS.Timeout | null = null;
  #round: Promise<void> | null = null;

  constructor(parts: HousekeepingParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = setInterval(() => void this.run(), intervalMs);
    this.#timer.unref();
  }

  /** One round; the one that is being done, if one is. */
  run(): Promise<void> {
    this.#round ??= this.#runAll().finally(() => {
      this.#round = null;
    });
    return this.#round;
  }

  /** Waits for the round that is being done. */
  async stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    await this.#round;
  }

  async #runAll(): Promise<void> {
    let failed = false;
    for (const task of this.#parts.tasks) {
      try {
        await runTask(task);
      } catch (error) {
        failed = true;
        this.#parts.onError(error);
      }
    }
    if (!failed) this.lastAt = this.#parts.clock.now();
  }
}

async function runTask(task: HousekeepingTask): Promise<void> {
  for (let batch = 0; batch < batchesMax; batch++) {
    if ((await task.run(batchMax)) < batchMax) return;
  }
}
