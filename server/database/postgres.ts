import { Kysely, PostgresDialect } from 'kysely';
import type { Connection, Database, RowKey, Scope, SqlValue, Statement, Transaction } from './database.ts';
import { EventSealer } from './event-sealer.ts';
import {
  type NamedQuery,
  PostgresClients,
  type ScopedClient,
  type ScopeName,
  type TransactionClient,
} from './postgres-clients.ts';
import { isConflict } from './postgres-errors.ts';
import { checkPostgres, refuseHalfCopied } from './postgres-schema.ts';
import type { Tables } from './tables.ts';

/** A transaction that stood in another's way is tried again this often. */
const triesMax = 4;
/** How many organizations' query builders are kept. */
const scopesKeptMax = 1_000;
const everyOrganization: ScopeName = '*';

/** Where a statement's connection comes from: the pool for reading, a transaction's own one otherwise. */
type Acquire = () => Promise<ScopedClient>;

export interface PostgresSettings {
  url: string;
  /** A connection broke while nobody used it; the next one is made when it is needed. */
  onLost(error: Error): void;
}

/** Opens a PostgreSQL database whose schema is up to date. Throws a DatabaseSetupError when it must not be used. */
export async function openPostgres(settings: PostgresSettings): Promise<Database> {
  const clients = new PostgresClients(settings.url, settings.onLost);
  try {
    const client = await clients.acquire(everyOrganization);
    try {
      await checkPostgres(client);
      await refuseHalfCopied(client);
    } finally {
      client.release();
    }
  } catch (error) {
    await clients.close();
    throw error;
  }
  const sealer = new EventSealer(() => clients.acquireForTransaction(everyOrganization));
  const scopes = new Map<ScopeName, Scope>();
  const scope = (name: ScopeName): Scope => {
    const known = scopes.get(name);
    if (known) return known;
    const acquire = () => clients.acquire(name);
    const made: Scope = {
      read: connection(acquire),
      transaction: (work) =>
        transaction(() => clients.acquireForTransaction(name), work).finally(() => sealer.request()),
    };
    scopes.set(name, made);
    const [oldest] = scopes.keys();
    if (scopes.size > scopesKeptMax && oldest !== undefined) scopes.delete(oldest);
    return made;
  };
  return {
    everywhere: scope(everyOrganization),
    of: (organization_id) => scope(String(organization_id)),
    settled: () => sealer.settled(),
    async close() {
      await sealer.close();
      await clients.close();
    },
  };
}

async function transaction<T>(
  acquire: () => Promise<TransactionClient>,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const client = await acquire();
    try {
      return await runOnce(client, work);
    } catch (error) {
      if (!isConflict(error) || attempt === triesMax) throw error;
    } finally {
      client.release();
    }
  }
}

async function runOnce<T>(client: TransactionClient, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const sent = new SentStatements(client);
  try {
    sent.send(client.begin);
    const result = await work(transactionOn(client, sent));
    // A commit after a failed statement takes everything back, and only says so.
    const [{ command }] = await Promise.all([client.query('commit'), sent.done()]);
    if (command !== 'COMMIT') throw new Error('the transaction had failed before its commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => {}); // a lost connection has done that by itself
    await sent.done(); // what failed first says why
    throw error;
  }
}

/** The statements of a transaction that nobody waits for one by one. */
class SentStatements {
  readonly #client: ScopedClient;
  readonly #answers: Promise<unknown>[] = [];

  constructor(client: ScopedClient) {
    this.#client = client;
  }

  send(query: NamedQuery | string): void {
    const answer = this.#client.query(query);
    answer.catch(() => {}); // it is asked in `done`
    this.#answers.push(answer);
  }

  /** Resolves when all are done; rejects with the error of the first that failed. */
  async done(): Promise<void> {
    await Promise.all(this.#answers);
  }
}

function transactionOn(client: ScopedClient, sent: SentStatements): Transaction {
  const own = { ...client, release: () => {} };
  let built: Kysely<Tables> | undefined;
  return {
    /** Made when it is asked for: the transactions of an unlock never do. */
    get query() {
      built ??= queryBuilder(async () => own);
      return built;
    },
    prepare: (sql) => statement(sql, (query) => client.query(query)),
    send: (sql, ...parameters) => sent.send(named(numbered(sql), parameters)),
    async lock(table, key: RowKey, how) {
      const strength = how === 'to change' ? 'for no key update' : 'for share';
      const text = `select 1 from ${table} where organization_id = $1 and id = $2 ${strength}`;
      await client.query(named(text, [key.organization_id, key.id]));
    },
    async attempt(work) {
      sent.send('savepoint attempt');
      const { result, undo } = await work();
      if (undo) await sent.done(); // taking back would hide that one failed
      sent.send(undo ? 'rollback to attempt' : 'release attempt');
      return result;
    },
  };
}

function connection(acquire: Acquire): Connection {
  const query = async <Row extends object>(named: NamedQuery) => {
    const client = await acquire();
    try {
      return await client.query<Row>(named);
    } finally {
      client.release();
    }
  };
  return { query: queryBuilder(acquire), prepare: (sql) => statement(sql, query) };
}

type Ask = <Row extends object>(query: NamedQuery) => Promise<{ rows: Row[] }>;

function statement<Row>(sql: string, ask: Ask): Statement<Row> {
  const text = numbered(sql);
  const run = async (parameters: SqlValue[]) => (await ask<Row & object>(named(text, parameters))).rows;
  return {
    get: async (...parameters) => (await run(parameters))[0],
    all: (...parameters) => run(parameters),
    run: async (...parameters) => void (await run(parameters)),
  };
}

function queryBuilder(acquire: Acquire): Kysely<Tables> {
  const dialect = new PostgresDialect({
    // Kysely uses these two methods of a pool and no others.
    pool: { connect: acquire, end: async () => {} } as unknown as ConstructorParameters<
      typeof PostgresDialect
    >[0]['pool'],
  });
  return new Kysely<Tables>({ dialect });
}

const numberedTexts = new Map<string, string>();
const statementNames = new Map<string, string>();

/** `?` as `$1`, `$2` …: our prepared statements hold no other question mark. */
function numbered(sql: string): string {
  const known = numberedTexts.get(sql);
  if (known) return known;
  let count = 0;
  const text = sql.replace(/\?/g, () => `$${++count}`);
  numberedTexts.set(sql, text);
  return text;
}

/** A name makes PostgreSQL keep the plan for the connection's life. There are as many as statements in the code. */
function named(text: string, values: unknown[]): NamedQuery {
  const name = statementNames.get(text) ?? `postern_${statementNames.size + 1}`;
  statementNames.set(text, name);
  return { name, text, values };
}
