import { isInstant } from '../domain/instants.ts';
import type { KeptFile } from './kept-file.ts';

/** A statement that differs by more than this from the time that is known is not believed at once. */
export const stepMsMax = 3_600_000;
/** Two statements so far apart that agree are believed. */
export const agreementMs = 600_000;
/** So much may two clocks run apart between those two. */
const agreementErrorMsMax = 60_000;
/** A clock of this machine that is so little behind what was known is only inexact. */
const behindMsMax = 2_000;
/** How often a running agent without the server writes down what time it is. */
export const keptEveryMs = 60_000;

export interface AgentClockParts {
  /** This machine's own clock, milliseconds since 1970: believed only as far as it is not behind what is known. */
  systemMs: () => number;
  /** Never goes back, and is not set by anyone. */
  monotonicMs: () => number;
  /** Keeps the floor over restarts. */
  file: KeptFile;
  /** Something needs a person's eye. */
  onAlarm: (message: string) => void;
}

/** What time it was, in milliseconds since 1970, when the monotonic clock showed `monotonicMs`. */
interface Said {
  ms: number;
  monotonicMs: number;
}

/** From where the time counts. */
interface Anchor extends Said {
  /** Who says so. */
  by: 'server' | 'person' | 'this machine';
}

/**
 * The time as far as it can be trusted. It counts from the server's signed statements by the monotonic clock, so that
 * setting this machine's clock changes nothing; and it never runs back behind a floor, which survives restarts.
 * A pass is never evidence of the time.
 */
export class AgentClock {
  readonly #parts: AgentClockParts;
  #floorMs = 0;
  #anchor: Anchor | null = null;
  #suspect: Said | null = null;
  /** Since when, by the monotonic clock, every statement says that it is earlier than those before it said. */
  #lateSinceMs: number | null = null;

  constructor(parts: AgentClockParts) {
    this.#parts = parts;
  }

  async open(): Promise<void> {
    const text = await this.#parts.file.read();
    if (text === null) return;
    const floorMs = floorIn(text);
    if (floorMs === null)
      this.#parts.onAlarm(
        'The file with the last known time cannot be read: the server or set-time must say it.',
      );
    this.#floorMs = floorMs ?? Number.MAX_SAFE_INTEGER; // unreadable: this machine's clock proves nothing
  }

  /** The present instant, ISO 8601 UTC with milliseconds; null: it is not known. */
  now(): string | null {
    const ms = this.nowMs();
    return ms === null ? null : new Date(ms).toISOString();
  }

  nowMs(): number | null {
    if (this.#anchor === null) this.#believeThisMachine();
    if (this.#anchor === null) return null;
    return Math.floor(this.#anchor.ms + this.#parts.monotonicMs() - this.#anchor.monotonicMs);
  }

  /** The server, which has proven itself, has signed this time a moment ago. Answers whether that is believed. */
  learn(signed_at: string): boolean {
    const ms = Date.parse(signed_at);
    const monotonicMs = this.#parts.monotonicMs();
    const knownMs = this.nowMs();
    const isReadable = this.#floorMs !== Number.MAX_SAFE_INTEGER;
    if (knownMs !== null && Math.abs(ms - knownMs) > stepMsMax && !this.#agrees({ ms, monotonicMs }))
      return false;
    if (isReadable && ms < this.#floorMs) return this.#isBehind(ms);
    this.#suspect = null;
    this.#raise(ms);
    if (!this.#isLate({ ms, monotonicMs }, knownMs)) this.#anchor = { ms, monotonicMs, by: 'server' };
    return true;
  }

  /** A person at this machine says what time it is. */
  set(instant: string): void {
    const ms = Date.parse(instant);
    this.#suspect = null;
    this.#anchor = { ms, monotonicMs: this.#parts.monotonicMs(), by: 'person' };
    this.#raise(ms);
  }

  /**
   * A statement that was long under way sets nothing back: who holds it up must not make a pass last longer. If it is the
   * clock here that has run ahead, no statement says otherwise for a while.
   */
  #isLate({ ms, monotonicMs }: Said, knownMs: number | null): boolean {
    if (knownMs === null || this.#anchor?.by !== 'server' || knownMs - ms <= behindMsMax) {
      this.#lateSinceMs = null;
      return false;
    }
    this.#lateSinceMs ??= monotonicMs;
    return monotonicMs - this.#lateSinceMs < agreementMs;
  }

  /**
   * Writes down the time that has passed since, for a restart with this machine's clock set back. What only this machine
   * said is not written: a clock that is far ahead would bar the server's own word for good.
   */
  async keep(): Promise<void> {
    const now = this.now();
    if (now !== null && this.#anchor?.by !== 'this machine') await this.#write(now);
  }

  /** Whether this is the second of two statements that agree about a step; the first is only remembered. */
  #agrees({ ms, monotonicMs }: Said): boolean {
    const first = this.#suspect;
    const passedMs = first === null ? 0 : monotonicMs - first.monotonicMs;
    const isSame = first !== null && Math.abs(ms - first.ms - passedMs) <= agreementErrorMsMax;
    if (isSame) return passedMs >= agreementMs;
    this.#suspect = { ms, monotonicMs };
    this.#parts.onAlarm(
      `The server says that it is ${new Date(ms).toISOString()}, the clock here ${this.now()}: not believed unless it says so again in 10 minutes.`,
    );
    return false;
  }

  /** What was signed a moment before the last is old; what was signed long before is a server whose clock went back. */
  #isBehind(ms: number): boolean {
    if (this.#floorMs - ms > stepMsMax)
      this.#parts.onAlarm(
        `The server's clock shows ${new Date(ms).toISOString()}, which was over already: only set-time sets the clock back.`,
      );
    return false;
  }

  #believeThisMachine(): void {
    const ms = this.#parts.systemMs();
    if (this.#floorMs === 0 || ms + behindMsMax < this.#floorMs) return;
    const monotonicMs = this.#parts.monotonicMs();
    this.#anchor = { ms: Math.max(ms, this.#floorMs), monotonicMs, by: 'this machine' };
  }

  #raise(ms: number): void {
    this.#floorMs = ms;
    void this.#write(new Date(ms).toISOString());
  }

  async #write(floor: string): Promise<void> {
    const { file, onAlarm } = this.#parts;
    const written = file.write(`${JSON.stringify({ floor })}\n`);
    await written.catch((error: unknown) => onAlarm(`The time was not kept: ${error}`));
  }
}

function floorIn(text: string): number | null {
  try {
    const { floor }: { floor?: unknown } = JSON.parse(text);
    return typeof floor === 'string' && isInstant(floor) ? Date.parse(floor) : null;
  } catch {
    return null;
  }
}
