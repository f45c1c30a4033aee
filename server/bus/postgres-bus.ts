import { Client, type Notification } from 'pg';
import type { Bus, Listener, Topic } from './bus.ts';

const channel = 'postern_bus';
/** The database's `seal_events` speaks here by itself. */
const eventsChannel = 'postern_events';
const connectTimeoutMs = 3_000;
const retryDelayMsMin = 100;
const retryDelayMsMax = 2_000;
const clockIntervalMs = 5_000;
/** PostgreSQL takes less than 8,000 bytes. */
const payloadBytesMax = 7_500;

export interface PostgresBusSettings {
  url: string;
  process_id: string;
  /** Milliseconds that only go forward. */
  monotonicMs(): number;
  onLost(error: unknown): void;
}

/** The bus over PostgreSQL's LISTEN and NOTIFY, on one connection of its own that comes back by itself. */
export class PostgresBus implements Bus {
  readonly process_id: string;
  readonly #settings: PostgresBusSettings;
  readonly #listeners = new Map<Topic, Listener[]>();
  readonly #whenConnected: (() => void)[] = [];
  #client: Client | null = null;
  #clock: { offsetMs: number; errorMs: number } | null = null;
  #clockTimer: NodeJS.Timeout | null = null;
  #retryTimer: NodeJS.Timeout | null = null;
  #retryDelayMs = retryDelayMsMin;
  #closed = false;

  constructor(settings: PostgresBusSettings) {
    this.#settings = settings;
    this.process_id = settings.process_id;
  }

  /** Resolves when the line stands; from then on it is kept up until `close`. */
  async open(): Promise<void> {
    await this.#connect();
  }

  async publish(topic: Topic, message: object): Promise<void> {
    const body = JSON.stringify(message);
    if (Buffer.byteLength(body) > payloadBytesMax) throw new Error('the message is too long for the bus');
    if (!this.#client || !this.#clock) throw new Error('the bus has no line to the database');
    // By the database's clock, which all processes share, and early rather than late. It is not stamped there: what
    // waits on its way out of this process has to count too.
    const { offsetMs, errorMs } = this.#clock;
    const sentMs = Math.floor(this.#settings.monotonicMs() + offsetMs - errorMs);
    await this.#client.query({
      name: 'publish',
      text: `select pg_notify('${channel}', $1)`,
      values: [`${this.process_id} ${topic} ${sentMs} ${body}`],
    });
  }

  subscribe(topic: Topic, listener: Listener): void {
    const listeners = this.#listeners.get(topic) ?? [];
    this.#listeners.set(topic, [...listeners, listener]);
  }

  onConnected(listener: () => void): void {
    this.#whenConnected.push(listener);
    if (this.#client) listener();
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#retryTimer) clearTimeout(this.#retryTimer);
    if (this.#clockTimer) clearInterval(this.#clockTimer);
    const client = this.#client;
    this.#client = null;
    await client?.end().catch(() => {});
  }

  async #connect(): Promise<void> {
    const client = new Client({
      connectionString: this.#settings.url,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
      query_timeout: connectTimeoutMs,
      application_name: 'postern bus',
      // A notification is nothing that must survive a power cut.
      options: '-c synchronous_commit=off',
    });
    client.on('error', (error) => this.#lost(client, error));
    client.on('end', () => this.#lost(client, new Error('the connection ended')));
    client.on('notification', (notification) => this.#hear(notification));
    try {
      await client.connect();
      await client.query(`listen ${channel}; listen ${eventsChannel}`);
      await this.#readClock(client);
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
    if (this.#closed) return void client.end().catch(() => {});
    this.#client = client;
    this.#retryDelayMs = retryDelayMsMin;
    this.#clockTimer = setInterval(
      () => void this.#readClock(client).catch((error: unknown) => this.#lost(client, error)),
      clockIntervalMs,
    );
    this.#clockTimer.unref();
    for (const listener of this.#whenConnected) listener();
  }

  #lost(client: Client, error: unknown): void {
    if (this.#client !== client) return;
    this.#client = null;
    if (this.#clockTimer) clearInterval(this.#clockTimer);
    if (this.#closed) return;
    this.#settings.onLost(error);
    client.end().catch(() => {});
    this.#retry();
  }

  #retry(): void {
    this.#retryTimer = setTimeout(() => {
      this.#connect().catch(() => {
        if (!this.#closed) this.#retry();
      });
    }, this.#retryDelayMs);
    this.#retryTimer.unref();
    this.#retryDelayMs = Math.min(this.#retryDelayMs * 2, retryDelayMsMax);
  }

  /** How far the database's clock is from ours, and how wrong that may be: half of what the question took. */
  async #readClock(client: Client): Promise<void> {
    const askedMs = this.#settings.monotonicMs();
    const { rows } = await client.query<{ ms: string }>(
      'select (extract(epoch from clock_timestamp()) * 1000)::bigint::text as ms',
    );
    const tookMs = this.#settings.monotonicMs() - askedMs;
    this.#clock = { offsetMs: Number(rows[0]?.ms) - askedMs - tookMs / 2, errorMs: tookMs / 2 + 1 };
  }

  #hear({ channel: heard, payload = '' }: Notification): void {
    if (heard === eventsChannel)
      return this.#tell('events', { position: Number(payload) }, { from: '', ageMs: 0 });
    const [, from = '', topic, sentMs, body = ''] = /^(\S+) (\S+) (\d+) (.*)$/s.exec(payload) ?? [];
    if (from === this.process_id || !isTopic(topic)) return;
    const message = parse(body);
    if (message !== undefined) this.#tell(topic, message, { from, ageMs: this.#ageMs(Number(sentMs)) });
  }

  #tell(topic: Topic, message: unknown, sent: { from: string; ageMs: number }): void {
    for (const listener of this.#listeners.get(topic) ?? []) listener(message, sent);
  }

  #ageMs(sentMs: number): number {
    if (!this.#clock) return Number.POSITIVE_INFINITY;
    const { offsetMs, errorMs } = this.#clock;
    return Math.max(0, this.#settings.monotonicMs() + offsetMs - sentMs) + errorMs;
  }
}

function isTopic(text: string | undefined): text is Topic {
  return text !== undefined && ['agents', 'news', 'requests', 'answers', 'counters', 'events'].includes(text);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
