import type { Kysely } from 'kysely';
import { isPostgresUnavailable } from './postgres-errors.ts';
import type { Tables } from './tables.ts';

/** A value that both databases store as it is. */
export type SqlValue = string | number | null | Uint8Array;

/** A statement that was prepared once; the rows come back as plain objects. */
export interface Statement<Row> {
  get(...parameters: SqlValue[]): Promise<Row | undefined> | Row | undefined;
  all(...parameters: SqlValue[]): Promise<Row[]> | Row[];
  run(...parameters: SqlValue[]): Promise<void> | undefined;
}

/** Where statements run: inside a transaction, or on a connection that cannot write. */
export interface Connection {
  query: Kysely<Tables>;
  /** For the few statements of the unlock path; everything else goes through `query`. */
  prepare<Row>(sql: string): Statement<Row>;
}

export interface Transaction extends Connection {
  /** Runs a statement whose answer nobody waits for: when it fails, so does the transaction, at its commit at the latest. */
  send(sql: string, ...parameters: SqlValue[]): void;
  /**
   * Holds a row until the transaction ends, so that what was decided on it stays true: `to change` waits for everybody
   * else, `as it is` only for those who change it. Locks are taken in the order link, door, group.
   */
  lock(table: LockableTable, key: RowKey, how: 'to change' | 'as it is'): Promise<void>;
  /** Runs `work`; when it answers `undo`, everything it wrote is taken back and the transaction goes on. */
  attempt<T>(work: () => Promise<{ result: T; undo: boolean }>): Promise<T>;
}

/** Tables whose rows are locked by `(organization_id, id)`. */
export type LockableTable = 'links' | 'doors' | 'groups' | 'places' | 'members' | 'agents' | 'readers';

export interface RowKey {
  organization_id: number;
  id: number;
}

/** What one organization, or the installation as a whole, has in the database. */
export interface Scope {
  /** Reads what was last committed; never writes. */
  read: Connection;
  /** Runs `work` in one transaction and resolves when it is durable. A thrown error takes all of it back. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
}

/** The seam between Postern and its database. One implementation a database; no feature knows which. */
export interface Database {
  /**
   * One organization's rows. Every statement names its organization all the same; on PostgreSQL the database itself
   * shows and takes nothing else here, so that a statement that forgets to is no leak.
   */
  of(organization_id: number): Scope;
  /** All rows: to find whose credential this is, for the operator's commands and for work on the whole installation. */
  everywhere: Scope;
  /** Resolves when every event that this process has committed has its position, so that it can be read in order. */
  settled(): Promise<void>;
  /** Waits for what was begun, then closes. */
  close(): Promise<void>;
}

/** What an insert that names no `returning` column may rely on: one row. Throws when there is none. */
export function only<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new Error('the database returned no row where there must be one');
  return row;
}

/** SQLite's primary result codes (sqlite.org/rescode.html) that say "not now": busy, locked, read-only, I/O, full, cannot open. */
const passingCodes = [5, 6, 8, 10, 13, 14];

/** Whether an error says that the database cannot be reached or written to just now, rather than that we misused it. */
export function isUnavailable(error: unknown): boolean {
  return passingCodes.includes(primaryCode(error)) || isPostgresUnavailable(error);
}

/** The primary result code of a database error; 0 for any other. */
export function primaryCode(error: unknown): number {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
}
