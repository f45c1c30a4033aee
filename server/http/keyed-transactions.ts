import type { Clock } from '../context.ts';
import type { Database, Scope, Transaction } from '../database/database.ts';

export interface KeyedTransactionParts {
  organization_id: number;
  /** What the first transaction answered when it was committed earlier; null: it is still to be done. */
  done: { result: unknown } | null;
  clock: Pick<Clock, 'after'>;
  /** How long taking the key may wait for somebody else's transaction. */
  waitMsMax: number;
  /** Takes the key for this transaction; answers false when somebody has it. */
  take(tx: Transaction): Promise<boolean>;
  /** Writes down what the transaction answers. */
  keep(tx: Transaction, result: unknown): Promise<void>;
}

/**
 * A request's transactions when the request has a key. The first one takes the key before it does anything, and writes
 * down what it answers: so there is no effect without its key and no key without its effect. If that was committed
 * earlier, the first transaction is not run and answers what it answered then. What comes after is run as always.
 */
export class KeyedTransactions {
  /** `taken`: somebody else has the key. `late`: nobody waits for this any more. In both nothing was, or will be, done. */
  state: 'open' | 'taken' | 'late' | 'committed' = 'open';
  readonly #parts: KeyedTransactionParts;
  readonly #late = Promise.withResolvers<never>();
  #first: Promise<unknown> | null = null;

  constructor(parts: KeyedTransactionParts) {
    this.#parts = parts;
    this.#late.promise.catch(() => {}); // it may never be raced
  }

  over(database: Database): Database {
    const own = this.#scope(database.of(this.#parts.organization_id));
    const everywhere = this.#scope(database.everywhere);
    return {
      of: (organization_id) =>
        organization_id === this.#parts.organization_id ? own : database.of(organization_id),
      everywhere,
      settled: () => database.settled(),
      close: () => database.close(),
    };
  }

  /** Rejects when the key could not be had in time; what was begun then takes itself back. */
  unlessLate<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#late.promise]);
  }

  #scope(scope: Scope): Scope {
    return { read: scope.read, transaction: (work) => this.#run(scope, work) };
  }

  /** One after the other: nothing is done beside a first transaction that may find the key taken. */
  async #run<T>(scope: Scope, work: (tx: Transaction) => Promise<T>): Promise<T> {
    while (this.state === 'open' && this.#first) await this.#first.catch(() => {});
    if (this.state === 'committed') return scope.transaction(work);
    if (this.state !== 'open') throw new Error('the key of this request is not to be had');
    const first = this.#parts.done ? this.#repeat<T>(this.#parts.done) : this.#begin(scope, work);
    this.#first = first;
    try {
      return await first;
    } finally {
      this.#first = null;
    }
  }

  async #repeat<T>({ result }: { result: unknown }): Promise<T> {
    this.state = 'committed';
    return result as T; // the same transaction answered it
  }

  async #begin<T>(scope: Scope, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const result = await scope.transaction(async (tx) => {
      if (!(await this.#take(tx))) throw new Error('the key of this request is not to be had');
      const answered = await work(tx);
      await this.#parts.keep(tx, answered);
      return answered;
    });
    this.state = 'committed';
    return result;
  }

  /** On PostgreSQL this waits for a transaction that has the key and has not ended. */
  async #take(tx: Transaction): Promise<boolean> {
    const cancel = this.#parts.clock.after(this.#parts.waitMsMax, () => this.#giveUp());
    try {
      const isOurs = await this.#parts.take(tx);
      if (this.state === 'open' && !isOurs) this.state = 'taken';
      return this.state === 'open';
    } finally {
      cancel();
    }
  }

  #giveUp(): void {
    this.state = 'late';
    this.#late.reject(new Error('the key of this request was not to be had in time'));
  }
}
