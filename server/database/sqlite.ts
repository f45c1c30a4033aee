import { readdirSync, readFileSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { Kysely, SqliteDialect } from 'kysely';
import { fold } from '../../domain/fold.ts';
import type { Connection, Database, Scope, SqlValue, Statement, Transaction } from './database.ts';
import { GroupCommit } from './group-commit.ts';
import type { Tables } from './tables.ts';

const migrationFolder = new URL('./migrations/sqlite/', import.meta.url);
const statementsKeptMax = 500;
const busyTimeoutMs = 5_000;

/** Opens the embedded database in one file, creates or upgrades its tables, and returns the seam to it. */
export function openSqlite(file: string): Database {
  const writer = open(file, false);
  migrate(writer);
  const reader = open(file, true);
  const reading = connection(reader);
  const writing = connection(writer);
  const commits = new GroupCommit(writer);
  const tx = transaction(writer, writing);
  const everywhere: Scope = {
    // Every commit makes the reader's pages stale. The writer has them all, and shows the same while it is at rest.
    read: {
      ...reading,
      prepare: (sql) => (onlyReads(sql) && !writer.isTransaction ? writing : reading).prepare(sql),
    },
    transaction: (work) => commits.run(() => work(tx)),
  };
  return {
    everywhere,
    of: () => everywhere,
    settled: async () => {}, // a position is the event's rowid, and there with it
    async close() {
      await commits.close();
      reader.close();
      writer.close();
    },
  };
}

function open(file: string, readOnly: boolean): DatabaseSync {
  const database = new DatabaseSync(file, { readOnly, timeout: busyTimeoutMs });
  database.exec(readOnly ? 'pragma query_only = on' : 'pragma journal_mode = wal; pragma synchronous = full');
  database.exec(
    'pragma foreign_keys = on; pragma recursive_triggers = on; pragma cache_size = -65536; pragma temp_store = memory',
  );
  return database;
}

/** No statement that begins like this changes anything; what does is refused by the connection for reading. */
function onlyReads(sql: string): boolean {
  return /^\s*select\b/i.test(sql);
}

function transaction(database: DatabaseSync, writing: Connection): Transaction {
  const savepoint = database.prepare('savepoint attempt');
  const release = database.prepare('release attempt');
  const rollback = database.prepare('rollback to attempt');
  return {
    ...writing,
    send: (sql, ...parameters) => void writing.prepare(sql).run(...parameters),
    lock: async () => {}, // one writer: nobody else changes anything meanwhile
    async attempt(work) {
      savepoint.run();
      const { result, undo } = await work();
      if (undo) rollback.run();
      release.run();
      return result;
    },
  };
}

function connection(database: DatabaseSync): Connection {
  const statements = new StatementCache(database);
  const prepared = (sql: string) => {
    const statement = statements.get(sql);
    return {
      // node:sqlite calls a statement without result columns "not a reader", as Kysely wants to know.
      reader: statement.columns().length > 0,
      all: (parameters: readonly unknown[]) => statement.all(...sqlValues(parameters)),
      iterate: (parameters: readonly unknown[]) => statement.iterate(...sqlValues(parameters)),
      run: (parameters: readonly unknown[]) => statement.run(...sqlValues(parameters)),
    };
  };
  const dialect = new SqliteDialect({ database: { prepare: prepared, close: () => database.close() } });
  return {
    query: new Kysely<Tables>({ dialect }),
    prepare: <Row>(sql: string): Statement<Row> => {
      const statement = statements.get(sql);
      return {
        get: (...parameters) => statement.get(...parameters) as Row | undefined, // the caller wrote the columns
        all: (...parameters) => statement.all(...parameters) as Row[], // likewise
        run: (...parameters) => void statement.run(...parameters),
      };
    },
  };
}

/** Kysely types its parameters as unknown; what a query binds is one of these. */
function sqlValues(parameters: readonly unknown[]): SqlValue[] {
  return parameters.map((value) => (typeof value === 'boolean' ? Number(value) : (value as SqlValue)));
}

/** Prepared statements by their text; the oldest goes when there are too many. */
class StatementCache {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  get(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    const [oldest] = this.#statements.keys();
    if (this.#statements.size > statementsKeptMax && oldest !== undefined) this.#statements.delete(oldest);
    return statement;
  }
}

/** Runs the migrations that this file has not seen, each in its own transaction, in the order of their names. */
function migrate(database: DatabaseSync): void {
  const row = database.prepare('pragma user_version').get() as { user_version: number }; // the pragma's one column
  const files = readdirSync(migrationFolder).sort();
  if (row.user_version > files.length) {
    throw new Error(
      'This database was written by a newer version of Postern: install that version or a later one.',
    );
  }
  database.function('fold', { varargs: true, deterministic: true }, (...parts) =>
    fold(...parts.map((part) => (part === null ? null : String(part)))),
  );
  for (const [index, name] of files.entries()) {
    if (index < row.user_version) continue;
    const sql = readFileSync(new URL(name, migrationFolder), 'utf8');
    database.exec(`begin immediate; ${sql}; pragma user_version = ${index + 1}; commit`);
  }
}
