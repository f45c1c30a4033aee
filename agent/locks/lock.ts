/*
 * The contract of a lock driver: one file a driver, one line in `main.ts`, and `contract.test.ts` to pass.
 * A driver obeys. Whether a door may open, and whether the command came in time, was settled before it is called.
 */

export interface Pulse {
  /** Names the command in the driver's own records. */
  command_id: string;
  /** How long the lock stays released, in milliseconds; afterwards it locks again by itself. */
  pulse_ms: number;
}

export interface Lock {
  /**
   * Releases the lock once. Resolves when the lock has begun to move, not when the pulse is over.
   * Rejects, with a sentence for the event log, when the lock did not move and never will for this pulse.
   * A driver that cannot know which it was settles neither way: the server then tells its caller so.
   */
  pulse(pulse: Pulse): Promise<void>;
  /** Gives everything back. May be called twice; a pulse after it rejects. */
  close(): Promise<void>;
}
