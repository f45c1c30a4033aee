import type { KeptFile } from '../../agent/kept-file.ts';
import { type LogStore, recordsIn } from '../../agent/outbox-file.ts';
import type { Report } from '../../domain/reports.ts';
import type { Chance } from './chance.ts';
import type { Life, Time } from './time.ts';

const writeMsMax = 30;
const noticeMsMax = 2;

/** A statement of the server on what is revoked, and since when it is on the disk. */
interface KeptStatement {
  signedMs: number;
  sinceMs: number;
}

/**
 * An agent's disk. A write takes a while, one after the other; a process that is killed leaves of the log what was
 * written by then, which may be half a record, and every other file as it was before.
 */
export class AgentDisk {
  readonly #time: Time;
  readonly #chance: Chance;
  readonly #texts = new Map<string, string>();
  /** The log's files, by their first numbers. */
  readonly #logs = new Map<number, string>();
  #fresh: Report[] = [];
  #statements: KeptStatement[] = [];

  constructor(parts: { time: Time; chance: Chance }) {
    this.#time = parts.time;
    this.#chance = parts.chance;
  }

  /** As one process has it, as long as it lives. */
  mount(life: Life): Mount {
    return new Mount(this, { time: this.#time, chance: this.#chance, life });
  }

  /** The reports that have come onto the disk since this was asked last. */
  takeFresh(): Report[] {
    const fresh = this.#fresh;
    if (fresh.length > 0) this.#fresh = [];
    return fresh;
  }

  /** When that was signed which the agent had written down by then on what is revoked; milliseconds on walls. */
  knownUntilMs(nowMs: number): number {
    const known = this.#statements.findLast(({ sinceMs }) => sinceMs <= nowMs);
    return known?.signedMs ?? Number.NEGATIVE_INFINITY;
  }

  text(name: string): string | null {
    return this.#texts.get(name) ?? null;
  }

  put(name: string, text: string): void {
    this.#texts.set(name, text);
    if (name !== 'statement.json' && name !== 'revocations.json') return;
    const kept = JSON.parse(text);
    const { signed_at }: { signed_at: string } = kept.statement ?? kept; // the list has its first statement with it
    this.#statements.push({ signedMs: Date.parse(signed_at), sinceMs: this.#time.nowMs });
  }

  get logs(): ReadonlyMap<number, string> {
    return this.#logs;
  }

  append(first: number, text: string): void {
    this.#logs.set(first, (this.#logs.get(first) ?? '') + text);
    for (const json of recordsIn(text).records) {
      const { report }: { report?: Report } = JSON.parse(json);
      if (report) this.#fresh.push(report);
    }
  }

  remove(first: number): void {
    this.#logs.delete(first);
  }
}

interface MountParts {
  time: Time;
  chance: Chance;
  life: Life;
}

export class Mount {
  readonly #disk: AgentDisk;
  readonly #parts: MountParts;
  #writing: Promise<void> = Promise.resolve();
  /** What is being appended to the log at the moment. */
  #appending: { first: number; text: string } | null = null;

  constructor(disk: AgentDisk, parts: MountParts) {
    this.#disk = disk;
    this.#parts = parts;
  }

  /** The process is no more. */
  abandon(): void {
    const { chance } = this.#parts;
    const torn = this.#appending;
    if (torn) this.#disk.append(torn.first, torn.text.slice(0, chance.between(0, torn.text.length - 1)));
  }

  file(name: string): KeptFile {
    return {
      read: async () => this.#disk.text(name),
      write: (text) => this.#write(() => this.#disk.put(name, text)),
    };
  }

  store(): LogStore {
    const disk = this.#disk;
    let [first, bytes] = [1, 0];
    return {
      readAll: async () =>
        [...disk.logs]
          .sort(([one], [other]) => one - other)
          .map(([number, text]) => ({ first: number, text, changedMs: 0 })),
      append: (text) => {
        const at = first;
        bytes += text.length;
        const write = () => {
          this.#appending = null;
          disk.append(at, text);
        };
        const begin = () => {
          this.#appending = { first: at, text };
        };
        return this.#write(write, begin);
      },
      begin: (next) => {
        [first, bytes] = [next, 0];
      },
      remove: async (number) => disk.remove(number),
      bytes: () => bytes,
      close: async () => {},
    };
  }

  /** Resolves when it is written and the process has noticed; never, if it does not live to see that. */
  #write(work: () => void, begin = () => {}): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      begin();
      await this.#while(writeMsMax);
      work();
    });
    return this.#writing.then(() => this.#while(noticeMsMax));
  }

  #while(msMax: number): Promise<void> {
    const { time, chance, life } = this.#parts;
    return new Promise((resolve) => void time.after(chance.between(1, msMax), resolve, life));
  }
}
