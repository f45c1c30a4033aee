import type { TransactionClient } from './postgres-clients.ts';

/** How long an event that another process committed before it died may wait for its position. */
const tickMs = 150;
/** Between two seals that nobody waits for, so that under load one serves many commits. */
const restMs = 25;

/**
 * Gives committed events their positions (the database's `seal_events`): after each commit of this process,
 * many at once, and every so often for those of others. A position is final; who reads by position reads everything once.
 */
export class EventSealer {
  readonly #acquire: () => Promise<TransactionClient>;
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  #resting: NodeJS.Timeout | null = null;
  #requested = false;
  #closed = false;

  constructor(acquire: () => Promise<TransactionClient>) {
    this.#acquire = acquire;
    this.#timer = setInterval(() => this.request(), tickMs);
    this.#timer.unref();
  }

  /** Something was committed: sealed at once, or after a short rest. What fails is done by the next one. */
  request(): void {
    this.#requested = true;
    if (this.#resting === null) this.#sealRequested();
  }

  #sealRequested(): void {
    this.#resting = null;
    if (!this.#requested) return;
    this.#requested = false;
    this.#resting = setTimeout(() => this.#sealRequested(), restMs);
    this.#resting.unref();
    this.settled().catch(() => {});
  }

  /** Resolves when all that was committed before this call has its position; rejects when that cannot be known. */
  settled(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    if (this.#running === null) {
      this.#running = this.#seal().finally(() => {
        this.#running = null;
      });
      return this.#running;
    }
    // The one that runs may have looked already: one more, for everybody who came meanwhile.
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = null;
        return this.settled();
      });
    return this.#next;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#resting) clearTimeout(this.#resting);
    if (this.#requested) await this.settled().catch(() => {});
    await this.#next?.catch(() => {});
    await this.#running?.catch(() => {});
    this.#closed = true;
  }

  async #seal(): Promise<void> {
    const client = await this.#acquire();
    try {
      await Promise.all([
        client.query(client.begin),
        client.query({ name: 'seal_events', text: 'select seal_events()', values: [] }),
        client.query('commit'),
      ]);
    } catch (error) {
      await client.query('rollback').catch(() => {});
      throw error;
    } finally {
      client.release();
    }
  }
}
