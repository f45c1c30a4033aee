import { open, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ToldDoorState } from '../domain/agent-protocol.ts';

export const doorStatesFileName = 'door-states.json';

/** Which doors are locked down, as the server last said: kept in a file, so that a restart forgets nothing. */
export class DoorStates {
  readonly #file: string;
  readonly #lockedDown = new Map<number, boolean>();
  /** A file that cannot be read may have said anything: doors stay shut until the server says how they stand. */
  #isUnreadable = false;
  #isUnwritten = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    this.#file = join(folder, doorStatesFileName);
  }

  async open(): Promise<void> {
    const text = await readFile(this.#file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '[]';
      throw error;
    });
    const doors = lockedDownDoors(text);
    this.#isUnreadable = doors === null;
    for (const door_id of doors ?? []) this.#lockedDown.set(door_id, true);
  }

  isLockedDown(door_id: number): boolean {
    return this.#lockedDown.get(door_id) ?? this.#isUnreadable;
  }

  /** Holds at once; resolves when it would survive a power cut. */
  keep(doors: readonly ToldDoorState[]): Promise<void> {
    for (const { door_id, locked_down } of doors) {
      if (this.isLockedDown(door_id) !== locked_down) this.#isUnwritten = true;
      this.#lockedDown.set(door_id, locked_down);
    }
    this.#writing = this.#writing.catch(() => {}).then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    if (!this.#isUnwritten) return;
    const doors = [...this.#lockedDown].filter(([, isDown]) => isDown).map(([door_id]) => door_id);
    this.#isUnwritten = false;
    try {
      const unfinished = `${this.#file}.new`;
      await writeFile(unfinished, `${JSON.stringify(doors)}\n`, { mode: 0o600, flush: true });
      await rename(unfinished, this.#file);
      await syncFolder(dirname(this.#file));
    } catch (error) {
      this.#isUnwritten = true;
      throw error;
    }
  }
}

/** Only then is the new name of the file on the disk as well. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Null: the text is not what we wrote. */
function lockedDownDoors(text: string): number[] | null {
  try {
    const doors: unknown = JSON.parse(text);
    return Array.isArray(doors) && doors.every(Number.isSafeInteger) ? doors : null;
  } catch {
    return null;
  }
}
