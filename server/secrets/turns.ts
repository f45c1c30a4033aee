import { PosternError } from '../../domain/errors.ts';

/** Lets a few pieces of work run at once and a bounded number wait, in the order in which they came. */
export class Turns {
  readonly #atOnceMax: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limits: { atOnceMax: number; waitingMax: number }) {
    this.#atOnceMax = limits.atOnceMax;
    this.#waitingMax = limits.waitingMax;
  }

  /** Throws `busy` at once when as many wait as may. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#atOnceMax) this.#running += 1;
    else await this.#wait();
    try {
      return await work();
    } finally {
      // The turn goes to the next one, who does not count as another.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }

  #wait(): Promise<void> {
    if (this.#waiting.length >= this.#waitingMax) throw new PosternError('busy');
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
