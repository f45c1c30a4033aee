import { open, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A small text that survives a power cut: whole or not at all, for its owner only. */
export interface KeptFile {
  /** Null: it was never written. */
  read(): Promise<string | null>;
  /** Resolves when the text would survive a power cut. The last one wins when several are under way. */
  write(text: string): Promise<void>;
}

export function keptFile(path: string): KeptFile {
  let writing: Promise<void> = Promise.resolve();
  let next: string | null = null;
  const writeNext = async () => {
    const text = next;
    next = null;
    if (text === null) return; // a later write took this one along
    try {
      await replaceFile(path, text);
    } catch (error) {
      next ??= text;
      throw error;
    }
  };
  return {
    async read() {
      return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null;
        throw error;
      });
    },
    write(text) {
      next = text;
      writing = writing.catch(() => {}).then(writeNext);
      return writing;
    },
  };
}

async function replaceFile(path: string, text: string): Promise<void> {
  const unfinished = `${path}.new`;
  await writeFile(unfinished, text, { mode: 0o600, flush: true });
  await rename(unfinished, path);
  await syncFolder(dirname(path));
}

/** Only then is the new name of the file on the disk as well. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
