import { type AgentCore, type AgentParts, composeAgent } from './composition.ts';
import type { KeptFile } from './kept-file.ts';
import type { LogStore } from './outbox-file.ts';

/** A disk made of memory, for tests: what is on it stays over as many agents as are started on it. */
export class MemoryDisk {
  readonly texts = new Map<string, string>();
  /** The log's files, by their first numbers. */
  readonly logs = new Map<number, string>();
  /** While it is set, writing fails. */
  isFull = false;

  file(name: string): KeptFile {
    return {
      read: async () => this.texts.get(name) ?? null,
      write: async (text) => {
        if (this.isFull) throw new Error('ENOSPC: no space left on device');
        this.texts.set(name, text);
      },
    };
  }

  store(): LogStore {
    let [first, bytes] = [1, 0];
    return {
      readAll: async () =>
        [...this.logs]
          .sort(([one], [other]) => one - other)
          .map(([number, text]) => ({ first: number, text, changedMs: 0 })),
      append: async (text) => {
        if (this.isFull) {
          bytes = 0;
          throw new Error('ENOSPC: no space left on device');
        }
        this.logs.set(first, (this.logs.get(first) ?? '') + text);
        bytes += text.length;
      },
      begin: (next) => {
        [first, bytes] = [next, 0];
      },
      remove: async (number) => void this.logs.delete(number),
      bytes: () => bytes,
      close: async () => {
        bytes = 0;
      },
    };
  }
}

let made = 0;

/** Everything an agent knows, on a disk of memory; the clock is whatever the test says. */
export function memoryCore(parts: Partial<AgentParts> = {}, disk = new MemoryDisk()): AgentCore {
  return composeAgent({
    file: (name) => disk.file(name),
    store: disk.store(),
    systemMs: () => Date.parse('2026-06-15T10:00:00.000Z'),
    monotonicMs: () => 0,
    after: () => () => {},
    uuid: () => `01900000-0000-7000-8000-${String(++made).padStart(12, '0')}`,
    nonce: () => 'A'.repeat(43),
    version: '0.0.0',
    log: { info: () => {}, warn: () => {} },
    ...parts,
  });
}
