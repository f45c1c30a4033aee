import type { Presentation } from './questions.ts';
import type { Answer } from './scan.ts';
import { Session, type SessionSettings } from './session.ts';

export const reconnectDelayMsMin = 100;
export const reconnectDelayMsMax = 5_000;

export interface ConnectionSettings extends SessionSettings {
  /** A random number in [0, 1): agents that lost the same server do not come back in step. */
  random: () => number;
  /** Told at each welcome, and why each session ended. */
  onConnected?: (() => void) | undefined;
  onLost?: ((problem: string) => void) | undefined;
}

/** Keeps one session open: when it ends, opens the next, after a pause that doubles while that does not help. */
export class Connection {
  /** At the first welcome; rejects when closed before it. */
  readonly connected: Promise<void>;

  readonly #settings: ConnectionSettings;
  readonly #connected = Promise.withResolvers<void>();
  readonly #done: Promise<void>;
  #session: Session | null = null;
  #lastProblem = '';
  #isStopped = false;
  #endPause = () => {};

  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
    this.connected = this.#connected.promise;
    // Whoever waits hears of it; if nobody does, it is no fault of the process.
    this.connected.catch(() => {});
    this.#done = this.#keepOpen();
  }

  /** Null: there is no session, or no answer. */
  async ask(presentation: Presentation): Promise<Answer | null> {
    return this.#session === null ? null : this.#session.ask(presentation);
  }

  async close(): Promise<void> {
    this.#isStopped = true;
    this.#endPause();
    await this.#session?.close();
    await this.#done;
    this.#connected.reject(new Error('The agent was stopped before it was connected.'));
  }

  async #keepOpen(): Promise<void> {
    let delay = reconnectDelayMsMin;
    while (!this.#isStopped) {
      const lasted_ms = await this.#oneSession();
      // A session that ends right after its welcome is a quarrel, not a connection: keep backing off.
      if (lasted_ms > reconnectDelayMsMax) delay = reconnectDelayMsMin;
      await this.#pause(delay * (0.5 + this.#settings.random() / 2));
      delay = Math.min(delay * 2, reconnectDelayMsMax);
    }
  }

  /** Over at once when the connection is closed. */
  #pause(ms: number): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#settings.after(ms, resolve);
    this.#endPause = () => {
      cancel();
      resolve();
    };
    return promise;
  }

  async #oneSession(): Promise<number> {
    const { log, url, monotonicMs, onConnected, onLost } = this.#settings;
    this.#session = new Session(this.#settings);
    let since = Number.POSITIVE_INFINITY;
    if (await this.#session.welcomed) {
      since = monotonicMs();
      this.#lastProblem = '';
      log.info({ url }, 'Connected to the server.');
      this.#connected.resolve();
      onConnected?.();
    }
    const problem = await this.#session.ended;
    onLost?.(problem);
    // While it only says the same again, once is enough.
    if (!this.#isStopped && problem !== this.#lastProblem) log.warn({ url }, problem);
    this.#lastProblem = problem;
    return monotonicMs() - since;
  }
}
