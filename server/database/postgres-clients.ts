import { Socket } from 'node:net';
import { Client, type ClientConfig, escapeLiteral, Pool, type PoolClient, type PoolConfig, types } from 'pg';
import { isLostConnection } from './postgres-errors.ts';

const connectionsMax = 20;
/** Waiting for a free connection included. */
const connectTimeoutMs = 5_000;
const statementTimeoutMs = 8_000;
const lockTimeoutMs = 5_000;
/** int8 and numeric: ids and sums are safe integers here. */
const numberTypes = [20, 1700];

/** `*`: all organizations. */
export type ScopeName = string;

/**
 * One connection for a while, its scope set. A statement may be given before the one before it is answered: they are
 * carried out in their order. It must be released when all are answered, and is thrown away when it broke.
 */
export interface ScopedClient {
  query<Row extends object>(query: NamedQuery | string, values?: readonly unknown[]): Promise<QueryRows<Row>>;
  release(): void;
}

/** A connection for one transaction. */
export interface TransactionClient extends ScopedClient {
  /** The statement that begins it. */
  begin: string;
}

export interface NamedQuery {
  name: string;
  text: string;
  values: unknown[];
}

export interface QueryRows<Row> {
  rows: Row[];
  rowCount: number | null;
  command: string;
}

/**
 * The connections to PostgreSQL. Each remembers whose rows it may see, so that a statement of the same organization
 * costs no other; one that breaks is thrown away, and the next is made when somebody needs it.
 */
export class PostgresClients {
  readonly #pool: Pool;
  readonly #scopes = new WeakMap<PoolClient, ScopeName>();

  constructor(url: string, onLost: (error: Error) => void) {
    this.#pool = new Pool({ ...settings, connectionString: url, Client: BatchingClient });
    // Without a listener on every connection, one that the server ends takes this process with it.
    this.#pool.on('error', onLost);
    this.#pool.on('connect', (client) => client.on('error', onLost));
  }

  async acquire(scope: ScopeName): Promise<ScopedClient> {
    const client = await this.#pool.connect();
    try {
      if (this.#scopes.get(client) !== scope) {
        await client.query("select set_config('postern.organization', $1, false)", [scope]);
        this.#scopes.set(client, scope);
      }
    } catch (error) {
      client.release(true);
      throw error;
    }
    return lent(client);
  }

  /**
   * Whose rows a transaction may see is said in the statement that begins it and ends with it: who may call is asked of
   * all organizations, and a connection that went back and forth between them would pay for it twice in every request.
   */
  async acquireForTransaction(scope: ScopeName): Promise<TransactionClient> {
    const client = await this.#pool.connect();
    const local = `select set_config('postern.organization', ${escapeLiteral(scope)}, true)`;
    const isTold = this.#scopes.get(client) === scope;
    return { ...lent(client), begin: isTold ? 'begin read write' : `begin read write; ${local}` };
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}

function lent(client: PoolClient): ScopedClient {
  let broken = false;
  const note = (error: unknown) => {
    if (isLostConnection(error)) broken = true;
    throw error;
  };
  return {
    query: <Row extends object>(query: NamedQuery | string, values?: readonly unknown[]) =>
      together(client)
        // pg mutates neither; its types say it might.
        .query<Row>(query as string, values as unknown[] | undefined)
        .catch(note),
    release: () => client.release(broken),
  };
}

/** What is asked in one go leaves in one packet: a system call for each statement would cost more than the statement. */
class BatchingClient extends Client {
  readonly socket: Socket;

  constructor(config?: ClientConfig) {
    const socket = new Socket();
    super({ ...config, stream: () => socket });
    this.socket = socket;
  }
}

/** The same client; what is written to it from here to the next microtask is sent together. */
function together(client: PoolClient): PoolClient {
  if (client instanceof BatchingClient) {
    const { socket } = client;
    socket.cork();
    queueMicrotask(() => socket.uncork());
  }
  return client;
}

const settings: PoolConfig = {
  pipeline: true,
  max: connectionsMax,
  connectionTimeoutMillis: connectTimeoutMs,
  idleTimeoutMillis: 30_000,
  query_timeout: statementTimeoutMs + 2_000,
  keepAlive: true,
  application_name: 'postern',
  // Outside a transaction nothing writes, as on the embedded database's connection for reading.
  options: `-c default_transaction_read_only=on -c statement_timeout=${statementTimeoutMs} -c lock_timeout=${lockTimeoutMs} -c idle_in_transaction_session_timeout=10000`,
  types: {
    getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
      numberTypes.includes(oid) ? Number : types.getTypeParser(oid, format)) as typeof types.getTypeParser, // overloads
  },
};
