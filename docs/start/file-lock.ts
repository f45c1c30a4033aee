import { access, constants, writeFile } from 'node:fs/promises';
import { type Static, Type } from 'typebox';
import type { Lock, LockParts, Moved, Pulse } from '../../agent/locks/lock.ts';
import { Relocker } from '../../agent/locks/relock.ts';

export const FileLockConfig = Type.Object({
  driver: Type.Literal('file'),
  path: Type.String({
    pattern: '^/',
    description: 'the path of a file that takes 1 and 0, such as "/sys/class/leds/relay1/brightness"',
  }),
});
export type FileLockConfig = Static<typeof FileLockConfig>;

/** A relay that the kernel shows as a file: 1 releases the lock, 0 locks it. */
export async function openFileLock(config: FileLockConfig, parts: LockParts): Promise<Lock> {
  return new FileLock(config.path, parts);
}

class FileLock implements Lock {
  readonly #path: string;
  readonly #relocker: Relocker;
  #closed = false;

  constructor(path: string, parts: LockParts) {
    this.#path = path;
    this.#relocker = new Relocker(parts, () => this.#write('0'));
  }

  async pulse({ pulse_ms }: Pulse): Promise<Moved> {
    if (this.#closed) throw new Error('The lock is closed.');
    this.#relocker.before();
    try {
      await this.#write('1');
    } catch (error) {
      this.#relocker.never();
      throw error;
    }
    this.#relocker.released(pulse_ms);
    return 'done';
  }

  async check(): Promise<string> {
    await access(this.#path, constants.W_OK).catch((error) => this.#refuse(error));
    return `a relay behind ${this.#path}; the agent locks again after the pulse`;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#relocker.close();
  }

  async #write(state: '0' | '1'): Promise<void> {
    // No flag that creates: a file that is not there is a relay that is not there.
    await writeFile(this.#path, state, { flag: 'r+' }).catch((error) => this.#refuse(error));
  }

  #refuse(error: unknown): never {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${this.#path} cannot be written (${reason}).`);
  }
}
