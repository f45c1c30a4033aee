import { Readable } from 'node:stream';
import { endpoints } from '../../domain/endpoints.ts';
import type { Context, LoginCaller } from '../context.ts';
import { authenticateLogin } from '../logins/logins.ts';
import { type EventFilters, requireFilters } from './filters.ts';
import { readLogOn } from './log.ts';
import { type StoredEvent, selectEnds } from './store.ts';
import { eventAnswer } from './view.ts';

/** How often a stream makes sure that its login still may: so long may it go on after that has changed. */
const checkMs = 30_000;
/** How often something is sent when nothing happens, so that whoever is between does not take the line for dead. */
const heartbeatMs = 15_000;
/** How long a reader may leave what it was sent lying before it is cut off. */
const stalledMsMax = 30_000;
/** How much waits for a slow reader at most: one read of the log beyond this many bytes. */
const bufferBytesMax = 64 * 1024;
const eventsPerRead = 100;
/** How long a client should wait before it comes back. */
const retryMs = 2_000;

export interface StreamRequest {
  caller: LoginCaller;
  /** The login's secret, to be asked again whose it is. */
  secret: string;
  filters: EventFilters;
  /** Where the reader stopped before; null: it wants what happens from now on. */
  after: number | null;
}

/** Follows the log for one reader. Throws `limit_reached` when the organization has too many streams open. */
export async function openEventStream(context: Context, request: StreamRequest): Promise<EventStream> {
  const filters = requireFilters(request.filters);
  const stream = new EventStream(context, { ...request, filters });
  context.feed.follow(stream);
  try {
    await stream.begin();
    return stream;
  } catch (error) {
    stream.close();
    throw error;
  }
}

/**
 * One reader of the log as server-sent events (HTML Living Standard §9.2): `id` is the event's position. What the
 * reader does not take stays in the log until it does: nothing is read ahead of a full buffer.
 */
export class EventStream {
  readonly organization_id: number;
  readonly body: Readable;
  readonly #context: Context;
  readonly #request: StreamRequest;
  #caller: LoginCaller;
  /** Every event up to here was sent or is not wanted. */
  #last = 0;
  /** There may be events up to here. */
  #newest = 0;
  #checkedMs: number;
  #sentMs: number;
  /** Since when what was sent waits to be taken; null: it does not. */
  #waitingMs: number | null = null;
  #ended = false;
  #resume = () => {};

  constructor(context: Context, request: StreamRequest) {
    this.#context = context;
    this.#request = request;
    this.#caller = request.caller;
    this.organization_id = request.caller.organization_id;
    this.#checkedMs = this.#sentMs = context.clock.monotonicMs();
    this.body = Readable.from(this.#write(), { objectMode: false, highWaterMark: bufferBytesMax });
    this.body.once('error', context.onBackgroundError);
  }

  /** Finds where to begin. A reader that knows of positions that are not there yet begins with the next event. */
  async begin(): Promise<void> {
    await this.#context.database.settled();
    const { last } = await selectEnds(this.#read, this.organization_id);
    this.#last = Math.min(this.#request.after ?? last, last);
    this.#newest = Math.max(this.#newest, last);
  }

  wake(position: number | null): void {
    this.#newest = Math.max(this.#newest, position ?? 0);
    if (this.#waitingMs !== null && this.#now() - this.#waitingMs > stalledMsMax) this.body.destroy();
    this.#resume();
  }

  /** Sends what was begun, and then no more. */
  end(): void {
    this.#ended = true;
    this.#resume();
  }

  /** Nobody reads it any more: makes room for another. */
  close(): void {
    this.end();
    this.#context.feed.leave(this);
  }

  async *#write(): AsyncGenerator<string> {
    yield* this.#send(`retry: ${retryMs}\n\n`);
    while (!this.#ended && (await this.#mayGoOn())) {
      if (this.#last < this.#newest) yield* this.#send(await this.#readOn());
      else if (this.#now() - this.#sentMs >= heartbeatMs) yield* this.#send(':\n\n');
      else await new Promise<void>((resolve) => (this.#resume = resolve));
    }
  }

  *#send(text: string): Generator<string> {
    if (text === '') return;
    this.#waitingMs = this.#now();
    yield text;
    this.#waitingMs = null;
    this.#sentMs = this.#now();
  }

  /** What was written since, a piece of the log at a time. */
  async #readOn(): Promise<string> {
    const wanted = { sight: this.#caller, filters: this.#request.filters };
    const from = { after: this.#last, upTo: this.#newest, limit: eventsPerRead };
    const { rows, readTo } = await readLogOn(this.#read, wanted, from);
    this.#last = readTo;
    return rows.map((row) => this.#format(row)).join('');
  }

  #format(row: StoredEvent): string {
    const data = JSON.stringify(eventAnswer(row, this.#context.clock.now()));
    return `id: ${row.position}\ndata: ${data}\n\n`;
  }

  /** Whether the login may still read events; its groups may have changed too. */
  async #mayGoOn(): Promise<boolean> {
    if (this.#now() - this.#checkedMs < checkMs) return true;
    const caller = await authenticateLogin(this.#context, this.#request.secret);
    if (!caller?.scopes.has(endpoints['events.stream'].scope)) return false;
    this.#caller = caller;
    this.#checkedMs = this.#now();
    return true;
  }

  get #read() {
    return this.#context.database.of(this.organization_id).read;
  }

  #now(): number {
    return this.#context.clock.monotonicMs();
  }
}
