import type { Clock } from '../../server/context.ts';

/** A process that runs until it is killed: nothing that it left to be done later is done after that. */
export class Life {
  ended = false;

  end(): void {
    this.ended = true;
  }
}

interface Due {
  atMs: number;
  /** What is due at the same time is done in the order in which it was asked for. */
  order: number;
  life: Life | undefined;
  /** Null: it was cancelled. */
  work: (() => void) | null;
}

/** All the time of a world: it passes only when the world says so, and jumps from one thing that is due to the next. */
export class Time {
  nowMs = 0;
  /** Counts what has happened: of two things, the one with the lower number was before. */
  moment = 0;
  #wallMs: number;
  readonly #jumps: { atMs: number; ms: number }[] = [];
  #order = 0;
  /** Sorted, the last one is due first. */
  readonly #due: Due[] = [];
  #spelt = { ms: Number.NaN, instant: '' };

  constructor(start: string) {
    this.#wallMs = Date.parse(start);
  }

  get wallMs(): number {
    return this.#wallMs + this.nowMs;
  }

  /** As every process of the world sees it: ISO 8601 UTC with milliseconds. */
  instant(): string {
    const ms = Math.floor(this.wallMs);
    if (ms !== this.#spelt.ms) this.#spelt = { ms, instant: new Date(ms).toISOString() };
    return this.#spelt.instant;
  }

  /** The clocks on the wall are put forward, as after a sleep of the machines: no monotonic clock has moved. */
  jump(ms: number): void {
    this.#wallMs += ms;
    this.#jumps.push({ atMs: this.nowMs, ms });
  }

  /** What clocks on the wall would show if they had not been put forward for so long. */
  wallMsWithoutJumps(forMs: number): number {
    let ms = this.wallMs;
    for (const jump of this.#jumps) if (this.nowMs - jump.atMs <= forMs) ms -= jump.ms;
    return ms;
  }

  after(ms: number, work: () => void, life?: Life): () => void {
    this.#order += 1;
    const due: Due = { atMs: this.nowMs + Math.max(0, ms), order: this.#order, life, work };
    this.#insert(due);
    return () => {
      due.work = null;
    };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.after(ms, resolve));
  }

  /** The next thing that is due until then; time passes up to it. Null: nothing is, and time has passed up to then. */
  next(untilMs: number): (() => void) | null {
    for (let due = this.#due.at(-1); due && due.atMs <= untilMs; due = this.#due.at(-1)) {
      this.#due.pop();
      if (!due.work || due.life?.ended) continue;
      this.nowMs = due.atMs;
      return due.work;
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
    return null;
  }

  clockOf(life: Life): Clock {
    return {
      now: () => this.instant(),
      monotonicMs: () => this.nowMs,
      after: (ms, work) => this.after(ms, work, life),
    };
  }

  #insert(due: Due): void {
    let [low, high] = [0, this.#due.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#due[middle];
      const isBefore =
        other && (other.atMs > due.atMs || (other.atMs === due.atMs && other.order > due.order));
      if (isBefore) low = middle + 1;
      else high = middle;
    }
    this.#due.splice(low, 0, due);
  }
}

/** Until nothing is left to be done without time passing. Nothing in a world waits for the machine it runs on. */
export async function settle(): Promise<void> {
  for (;;) {
    await new Promise<void>((resolve) => process.nextTick(resolve)); // after every promise that can go on
    if (!process.getActiveResourcesInfo().includes('Immediate')) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
