import type { AgentLog } from '../log.ts';

/*
 * The contract of a lock driver: one file a driver, one line in `drivers.ts`, and `contract.test.ts` to pass.
 * A driver obeys and reports. Whether a door may open, and whether the command came in time, was settled before it is called.
 */

/** A driver that has not heard from its hardware by then says `unknown`, and starts nothing more for this pulse. */
export const lockTimeoutMs = 2_000;

export interface Pulse {
  /** Names the command in the driver's own records. */
  command_id: string;
  /** How long the lock stays released, in milliseconds; afterwards it locks again by itself. */
  pulse_ms: number;
}

/** `unknown`: the command left, and nobody said what became of it. */
export type Moved = 'done' | 'unknown';

/** What a sensor said of itself, never what was commanded. A field is absent when its sensor said nothing. */
export interface SensorReport {
  /** The door's contact. */
  open?: boolean;
  /** The bolt or the relay. */
  locked?: boolean;
}

export interface Lock {
  /**
   * Releases the lock once. Resolves when the lock has begun to move, not when the pulse is over, and at the latest after
   * `lockTimeoutMs`. Rejects, with a sentence for the event log, when the lock did not move and never will for this pulse.
   */
  pulse(pulse: Pulse): Promise<Moved>;
  /** Looks, without moving anything, whether the hardware answers: a sentence that says what is wired to what. Rejects with one too. */
  check(): Promise<string>;
  /** Gives everything back; a lock that still stands released is locked first. May be called twice; a pulse after it rejects. */
  close(): Promise<void>;
}

/** What every driver is given beside its own settings. */
export interface LockParts {
  door: { id: number; name: string };
  /** The agent's folder. */
  folder: string;
  /** The wall clock, ISO 8601: for the driver's own records. */
  at: () => string;
  /** A fresh random text, 256 bits. */
  nonce: () => string;
  log: AgentLog;
  /** Told whenever a sensor says something. Must not be relied on for anything by the driver. */
  onReport: (report: SensorReport) => void;
  /** Somebody who watches a simulated lock. */
  onPulse?: ((door: { id: number; name: string }, pulse_ms: number) => void) | undefined;
}
