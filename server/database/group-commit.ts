import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { primaryCode } from './database.ts';

/** How many units of work one commit carries at most: bounds how long the first one waits. */
const unitsPerCommitMax = 256;
/** SQLITE_IOERR. */
const inputOutputError = 10;

interface Unit {
  run(): Promise<void>;
  settle(commitError: unknown): void;
}

/**
 * One writer: the units that arrived while the last commit ran are executed one after the other in one
 * `BEGIN IMMEDIATE`, each in its own savepoint, then one fsync. Nobody hears of a result before it is durable.
 * A commit that fails is not tried again, and after an input/output error all later work is refused until a restart:
 * an fsync that failed once may have lost pages, and a second one would not say so.
 */
export class GroupCommit {
  readonly #database: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #commitAll: StatementSync;
  readonly #savepoint: StatementSync;
  readonly #release: StatementSync;
  #waiting: Unit[] = [];
  #running: Promise<void> | null = null;
  #broken: unknown = null;
  #closed = false;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#begin = database.prepare('begin immediate');
    this.#commitAll = database.prepare('commit');
    this.#savepoint = database.prepare('savepoint unit');
    this.#release = database.prepare('release unit');
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new Error('the database is closed'));
    if (this.#broken) return Promise.reject(this.#broken);
    return new Promise<T>((resolve, reject) => {
      let outcome: { value: T } | { error: unknown } | undefined;
      this.#waiting.push({
        run: async () => {
          outcome = await this.#inSavepoint(work);
        },
        settle: (commitError) => {
          if (commitError) reject(commitError);
          else if (outcome && 'value' in outcome) resolve(outcome.value);
          else reject(outcome?.error);
        },
      });
      this.#running ??= this.#drain();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      // A turn of the event loop first: requests that arrived during the last fsync join this commit.
      await new Promise<void>((resolve) => setImmediate(resolve));
      const units = this.#waiting.splice(0, unitsPerCommitMax);
      const failure = this.#broken ?? (await this.#commit(units));
      for (const unit of units) unit.settle(failure);
    }
    this.#running = null;
  }

  async #commit(units: readonly Unit[]): Promise<unknown> {
    try {
      this.#begin.run();
      for (const unit of units) await unit.run();
      this.#commitAll.run();
      return null;
    } catch (error) {
      if (primaryCode(error) === inputOutputError) this.#broken = error;
      if (this.#database.isTransaction) this.#database.exec('rollback');
      return error;
    }
  }

  async #inSavepoint<T>(work: () => Promise<T>): Promise<{ value: T } | { error: unknown }> {
    this.#savepoint.run();
    try {
      const value = await work();
      this.#release.run();
      return { value };
    } catch (error) {
      // A full disk makes SQLite take back the whole transaction by itself.
      if (!this.#database.isTransaction) throw error;
      this.#database.exec('rollback to unit; release unit');
      return { error };
    }
  }
}
