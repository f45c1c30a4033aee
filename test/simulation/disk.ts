import { copyFileSync, existsSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { Database, Scope } from '../../server/database/database.ts';
import { openSqlite } from '../../server/database/sqlite.ts';
import type { Chance } from './chance.ts';
import type { Time } from './time.ts';

/** A page in the write-ahead log, with its header (sqlite.org/fileformat2.html §4). */
const frameBytes = 4096 + 24;

/** No two disks of a process have files of the same name. */
let files = 0;

/** The server's disk: one file with its write-ahead log, which may be full, slow, or left by a process that was killed. */
export class Disk {
  file: string;
  /** How long a transaction waits before it begins, and before it is known to be durable. */
  slownessMsMax = 0;
  /** How many transactions wait for it. */
  dawdling = 0;
  isFull = false;
  /** How many transactions have begun: without one more, nothing in the file has changed. */
  transactions = 0;
  /** Called in the middle of the transaction that begins next, after so many turns: for a crash there. */
  fuse: { ticks: number; burn: () => void } | null = null;
  /** For a fault: what was written last is not there any more after a crash. */
  forgets = false;
  readonly #folder: string;
  readonly #time: Time;
  readonly #chance: Chance;
  #open: Database | null = null;

  constructor(parts: { folder: string; template: string; time: Time; chance: Chance }) {
    this.#folder = parts.folder;
    this.#time = parts.time;
    this.#chance = parts.chance;
    this.file = this.#nextFile();
    copyFileSync(parts.template, this.file);
  }

  open(): Database {
    const database = openSqlite(this.file);
    this.#open = database;
    return this.#moody(database);
  }

  /** The process is no more: what it had committed is in the file. It goes on with a copy that nobody looks at. */
  crash(): () => Promise<void> {
    const [before, orphan] = [this.file, this.#open];
    this.file = this.#nextFile();
    this.#open = null;
    this.fuse = null;
    for (const suffix of ['', '-wal'])
      if (existsSync(before + suffix)) copyFileSync(before + suffix, this.file + suffix);
    const log = `${this.file}-wal`;
    if (this.forgets && existsSync(log)) truncateSync(log, Math.max(0, statSync(log).size - frameBytes));
    return async () => {
      await orphan?.close();
      remove(before);
    };
  }

  async fill(): Promise<void> {
    this.isFull = true;
    await this.limit((pages) => pages);
  }

  async free(): Promise<void> {
    this.isFull = false;
    await this.limit(() => 1_000_000);
  }

  async close(): Promise<void> {
    await this.#open?.close();
    remove(this.file);
  }

  /** The database's own limit, which holds until the file is opened again. */
  async limit(pagesMax: (pages: number) => number): Promise<void> {
    await this.#open?.everywhere.transaction(async (tx) => {
      const row = await tx.prepare<{ page_count: number }>('pragma page_count').get();
      await tx.prepare(`pragma max_page_count = ${pagesMax(row?.page_count ?? 0)}`).get();
    });
  }

  #moody(database: Database): Database {
    const scope = (inner: Scope): Scope => ({
      read: inner.read,
      transaction: async (work) => {
        if (this.slownessMsMax > 0) await this.#dawdle();
        const result = await inner.transaction((tx) => {
          this.transactions += 1;
          this.#light();
          return work(tx);
        });
        if (this.slownessMsMax > 0) await this.#dawdle();
        return result;
      },
    });
    return {
      of: (organization_id) => scope(database.of(organization_id)),
      everywhere: scope(database.everywhere),
      settled: () => database.settled(),
      close: () => database.close(),
    };
  }

  async #dawdle(): Promise<void> {
    this.dawdling += 1;
    await this.#time.sleep(this.#chance.between(0, this.slownessMsMax));
    this.dawdling -= 1;
  }

  #light(): void {
    const { fuse } = this;
    if (!fuse) return;
    this.fuse = null;
    void (async () => {
      for (let tick = 0; tick < fuse.ticks; tick++) await null;
      fuse.burn();
    })();
  }

  #nextFile(): string {
    files += 1;
    return join(this.#folder, `world-${files}.db`);
  }
}

function remove(file: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
}
