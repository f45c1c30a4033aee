import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * Keeps a second server out of a data folder: sessions and presses live in one process. The lock is the operating
 * system's, on a file of its own, so that it goes with the process however that ends. Null when another holds it.
 */
export function lockFolder(folder: string): Disposable | null {
  const database = new DatabaseSync(join(folder, 'server.lock'), { timeout: 0 });
  try {
    database.exec('begin exclusive');
    return { [Symbol.dispose]: () => database.close() };
  } catch {
    database.close();
    return null;
  }
}
