import type { ToldDoorState } from '../domain/agent-protocol.ts';
import type { KeptFile } from './kept-file.ts';

/** Which doors are locked down, as the server last said: kept in a file, so that a restart forgets nothing. */
export class DoorStates {
  readonly #file: KeptFile;
  readonly #lockedDown = new Map<number, boolean>();
  /** A file that cannot be read may have said anything: doors stay shut until the server says how they stand. */
  #isUnreadable = false;
  #isUnwritten = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: KeptFile) {
    this.#file = file;
  }

  async open(): Promise<void> {
    const text = (await this.#file.read()) ?? '[]';
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
      await this.#file.write(`${JSON.stringify(doors)}\n`);
    } catch (error) {
      this.#isUnwritten = true;
      throw error;
    }
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
