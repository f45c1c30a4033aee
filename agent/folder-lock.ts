import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Problem } from './problem.ts';

/**
 * Keeps a second process out of an agent's folder: two would drive one lock. The lock is the operating system's, on a file
 * of its own, so that it goes with the process however that ends. Throws a Problem when another has it.
 */
export function takeFolder(folder: string): Disposable {
  const lock = tryFolder(folder);
  if (lock) return lock;
  throw new Problem(`An agent is running in ${folder} already: stop that one first, or name another folder.`);
}

/** Null: another process has it. */
export function tryFolder(folder: string): Disposable | null {
  const database = openLock(join(folder, 'agent.lock'));
  try {
    database.exec('begin exclusive');
    return { [Symbol.dispose]: () => database.close() };
  } catch {
    database.close();
    return null;
  }
}

function openLock(file: string): DatabaseSync {
  try {
    return new DatabaseSync(file, { timeout: 0 });
  } catch {
    throw new Problem(`${file} cannot be written: run this as the user whom the agent belongs to.`);
  }
}
