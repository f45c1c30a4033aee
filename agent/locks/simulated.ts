import { writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { type Static, Type } from 'typebox';
import type { Lock, LockParts, Moved, Pulse } from './lock.ts';

/** Holds what all simulated locks of one agent have done. */
export const pulsesFileName = 'pulses.log';

export const SimulatedLockConfig = Type.Object({ driver: Type.Literal('simulated') });
export type SimulatedLockConfig = Static<typeof SimulatedLockConfig>;

/** A lock made of paper: it moves by writing one line of JSON to `pulses.log` in the agent's folder. */
export async function openSimulatedLock(parts: LockParts): Promise<Lock> {
  return new SimulatedLock(parts, await open(join(parts.folder, pulsesFileName), 'a', 0o600));
}

class SimulatedLock implements Lock {
  readonly #parts: LockParts;
  readonly #file: FileHandle;
  #closed = false;

  constructor(parts: LockParts, file: FileHandle) {
    this.#parts = parts;
    this.#file = file;
  }

  async pulse({ command_id, pulse_ms }: Pulse): Promise<Moved> {
    if (this.#closed) throw new Error('The lock is closed.');
    const { door, at, onPulse } = this.#parts;
    const line = JSON.stringify({ at: at(), door_id: door.id, door: door.name, command_id, pulse_ms });
    writeSync(this.#file.fd, `${line}\n`); // one short line: handing it to another thread would take longer
    try {
      onPulse?.(door, pulse_ms);
    } catch {
      // The lock has moved; what becomes of its spectator must not make that "did not move".
    }
    return 'done';
  }

  async check(): Promise<string> {
    return `a simulated lock, which writes to ${join(this.#parts.folder, pulsesFileName)}`;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#file.close();
  }
}
