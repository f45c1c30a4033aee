import { writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lock, Pulse } from './lock.ts';

export const pulsesFileName = 'pulses.log';

export interface SimulatedLockSettings {
  door: { id: number; name: string };
  /** Holds `pulses.log`, which all simulated locks of one agent share. */
  folder: string;
  /** The wall clock, ISO 8601. */
  at: () => string;
  onPulse?: ((door: { id: number; name: string }, pulse_ms: number) => void) | undefined;
}

/** A lock made of paper: it moves by writing one line of JSON to `pulses.log`. */
export async function openSimulatedLock(settings: SimulatedLockSettings): Promise<Lock> {
  return new SimulatedLock(settings, await open(join(settings.folder, pulsesFileName), 'a', 0o600));
}

class SimulatedLock implements Lock {
  readonly #settings: SimulatedLockSettings;
  readonly #file: FileHandle;
  #closed = false;

  constructor(settings: SimulatedLockSettings, file: FileHandle) {
    this.#settings = settings;
    this.#file = file;
  }

  async pulse({ command_id, pulse_ms }: Pulse): Promise<void> {
    if (this.#closed) throw new Error('The lock is closed.');
    const { door, at, onPulse } = this.#settings;
    const line = JSON.stringify({ at: at(), door_id: door.id, door: door.name, command_id, pulse_ms });
    writeSync(this.#file.fd, `${line}\n`); // one short line: handing it to another thread would take longer
    try {
      onPulse?.(door, pulse_ms);
    } catch {
      // The lock has moved; what becomes of its spectator must not make that "did not move".
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#file.close();
  }
}
