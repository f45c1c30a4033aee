import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { LockParts } from './lock.ts';

/** About three minutes, with the pauses below; then a person must look. */
export const relockAttemptsMax = 10;
export const relockAttemptsAtCloseMax = 2;
const retryMs = 500;
const retryMsMax = 60_000;

/**
 * Locks again what was released, for devices that do not do so by themselves: when the last pulse that stands is
 * over, at close, and at the next start when the agent died in between (a file in its folder says so).
 */
export class Relocker {
  readonly #parts: LockParts;
  readonly #send: () => Promise<void>;
  readonly #mark: string;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #closing = new AbortController();
  #standing = 0;
  #owed: boolean;
  #running: Promise<void> | null = null;

  /** `send` locks, and rejects when it cannot. */
  constructor(parts: LockParts, send: () => Promise<void>) {
    this.#parts = parts;
    this.#send = send;
    this.#mark = join(parts.folder, `released-${parts.door.id}`);
    this.#owed = existsSync(this.#mark);
    this.nudge();
  }

  /** Before a command leaves. One of the two that follow must be called for it. */
  before(): void {
    this.#standing++;
    this.#owed = true;
    try {
      writeFileSync(this.#mark, '', { mode: 0o600 });
    } catch (error) {
      this.#warn(error, 'It could not be written down that the lock is released.');
    }
  }

  /** The lock is released, or may be: it is locked again when the pulse is over. */
  released(pulse_ms: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#over();
    }, pulse_ms);
    this.#timers.add(timer);
  }

  /** The command did not leave, or the device refused it. */
  never(): void {
    this.#over();
  }

  /** The device can be reached again. */
  nudge(): void {
    if (this.#standing > 0 || !this.#owed || this.#closing.signal.aborted) return;
    this.#running ??= this.#relock(relockAttemptsMax).finally(() => {
      this.#running = null;
    });
  }

  /** Locks what stands released; may be called twice. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    await this.#running;
    this.#standing = 0;
    if (this.#owed) await this.#relock(relockAttemptsAtCloseMax, true);
  }

  #over(): void {
    this.#standing--;
    this.nudge();
  }

  async #relock(attemptsMax: number, closing = false): Promise<void> {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      if (await this.#locked(attempt, attemptsMax)) return;
      if (!closing && attempt < attemptsMax) await this.#pause(attempt);
      if (!closing && this.#closing.signal.aborted) return; // close() makes attempts of its own
      if (this.#standing > 0) return; // that pulse ends in a relock of its own
    }
    this.#warn(null, 'THE LOCK STANDS RELEASED and could not be locked again. Lock the door by hand.');
  }

  async #locked(attempt: number, attemptsMax: number): Promise<boolean> {
    try {
      await this.#send();
    } catch (error) {
      this.#warn(error, `The lock could not be locked again (attempt ${attempt} of ${attemptsMax}).`);
      return false;
    }
    if (this.#standing > 0) return true;
    this.#owed = false;
    rmSync(this.#mark, { force: true });
    return true;
  }

  async #pause(attempt: number): Promise<void> {
    const ms = Math.min(retryMs * 2 ** (attempt - 1), retryMsMax);
    await delay(ms, undefined, { signal: this.#closing.signal }).catch(() => {});
  }

  #warn(error: unknown, message: string): void {
    const reason = error instanceof Error ? { error: error.message } : {};
    this.#parts.log.warn({ door_id: this.#parts.door.id, door: this.#parts.door.name, ...reason }, message);
  }
}
