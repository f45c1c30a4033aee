import type { OutboxStatus } from '../domain/agent-protocol.ts';
import { type Report, reportsPerMessageMax } from '../domain/reports.ts';
import { type LogStore, recordLine, recordsIn } from './outbox-file.ts';

/** How many reports wait for the server at most. The last tenth is kept for grants. */
export const waitingMax = 100_000;
const forGrantsOnly = waitingMax / 10;
/** From here on somebody should look. */
const alarmAt = Math.floor(waitingMax * 0.8);
/** What the server has is kept so long, to be told again after it was restored from a backup. */
const keptMs = 7 * 24 * 3_600_000;
const fileBytesMax = 4 * 1024 * 1024;
const filesMax = 64;

type Unsent<Kind> = Kind extends Report ? Omit<Kind, 'sequence' | 'uuid'> : never;
export type NewReport = Unsent<Report>;

type Line =
  | { log: string }
  | { report: Report; settled: boolean }
  | { outcome: 'done' | 'not_done' | 'unknown'; sequence: number }
  | { kept: number };

/** Names a report here, and for the server. */
export interface Recorded {
  sequence: number;
  uuid: string;
}

interface Waiting {
  sequence: number;
  /** The report as JSON; its outcome is filled in when it is told. */
  json: string;
  outcome: 'done' | 'not_done' | 'unknown' | null;
  /** Nothing more will become known of it. */
  settled: boolean;
  /** It is on the disk: only then is it told, because until then its number may be given again after a restart. */
  written: boolean;
}

export interface OutboxParts {
  store: LogStore;
  wallMs: () => number;
  /** A UUID of version 7 (RFC 9562). */
  uuid: () => string;
  /** 32 random bytes, base64url: names a new log. */
  logId: () => string;
}

/** There is no room for it: it is not recorded, and so it does not happen. */
export class OutboxFull extends Error {}

/**
 * The agent's log of what happened while it decided alone. A record is on the disk before the lock moves; what became
 * of it follows. It is told to the server in order, each report once.
 */
export class Outbox {
  readonly #parts: OutboxParts;
  #id = '';
  #next = 1;
  #keptSequence = 0;
  #waiting: Waiting[] = [];
  #bySequence = new Map<number, Waiting>();
  #files: { first: number; changedMs: number }[] = [];
  #lines: string[] = [];
  /** A write that has not begun and takes along whatever there is by then; and the last one there is. */
  #queued: Promise<void> | null = null;
  #written: Promise<void> = Promise.resolve();
  #hasAlarmed = false;
  onNews: () => void = () => {};

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  /** Takes up the log of the last run. What was begun and never ended is reported as such. */
  async open(): Promise<void> {
    const damaged = await this.#read(null);
    this.#id ||= this.#parts.logId();
    await this.#write(''); // says at once when nothing can be written here
    const open = this.#waiting.filter(({ settled }) => !settled);
    for (const { sequence } of open) this.settle(sequence, 'unknown');
    if (damaged > 0) await this.alarm(null, `${damaged} records of the log were damaged and are lost.`);
  }

  get status(): OutboxStatus {
    return { id: this.#id, waiting: this.#waiting.length, waiting_max: waitingMax };
  }

  /**
   * Resolves with its names when it would survive a power cut. `settled` false: its outcome follows. Rejects when it
   * cannot be kept: then it must not happen.
   */
  async record(
    report: NewReport,
    { isGrant, settled }: { isGrant: boolean; settled: boolean },
  ): Promise<Recorded> {
    const room = waitingMax - this.#waiting.length - (isGrant ? 0 : forGrantsOnly);
    if (room <= 0)
      throw new OutboxFull('The log of the agent is full: it has not reached the server for too long.');
    const sequence = this.#next++;
    const whole = { ...report, sequence, uuid: this.#parts.uuid() } as Report; // the union's parts, with what they lack
    const line: Line = { report: whole, settled };
    const entry = this.#add(line, false);
    try {
      await this.#write(recordLine(JSON.stringify(line)));
    } catch (error) {
      this.#drop(entry);
      throw error;
    }
    entry.written = true;
    this.#lookForAlarm(report.at);
    if (settled) this.onNews();
    return { sequence, uuid: whole.uuid };
  }

  /** What became of it. Nobody waits for this to be written: without it the outcome is unknown. */
  settle(sequence: number, outcome: 'done' | 'not_done' | 'unknown'): void {
    const entry = this.#bySequence.get(sequence);
    if (!entry || entry.settled) return;
    entry.outcome = outcome;
    entry.settled = true;
    this.#write(recordLine(JSON.stringify({ outcome, sequence } satisfies Line))).catch(() => {});
    this.onNews();
  }

  /** Reports that something needs a person's eye; what cannot be recorded is lost. */
  async alarm(at: string | null, message: string): Promise<void> {
    const report = { kind: 'alarm', at, message: message.slice(0, 200) } as const;
    await this.record(report, { isGrant: true, settled: true }).catch(() => {});
  }

  /** The next reports above this number that can be told, in order. */
  next(above: number): Report[] {
    const reports: Report[] = [];
    for (const { sequence, json, outcome, settled, written } of this.#waiting) {
      if (sequence <= above) continue;
      if (!settled || !written || reports.length === reportsPerMessageMax) break;
      const report: Report = JSON.parse(json); // our own words
      reports.push(report.kind === 'decision' && report.reason === null ? { ...report, outcome } : report);
    }
    return reports;
  }

  /** The server keeps everything up to this number. A lower one than before: it was restored, and is told again. */
  async acknowledge(sequence: number): Promise<void> {
    if (sequence < this.#keptSequence) {
      this.#keptSequence = sequence;
      await this.#read(sequence);
      return;
    }
    if (sequence === this.#keptSequence) return;
    this.#keptSequence = Math.min(sequence, this.#next - 1);
    const count = this.#waiting.findIndex((entry) => entry.sequence > this.#keptSequence);
    const gone = this.#waiting.splice(0, count === -1 ? this.#waiting.length : count);
    for (const entry of gone) this.#bySequence.delete(entry.sequence);
    if (this.#waiting.length < alarmAt / 2) this.#hasAlarmed = false;
    this.#write(recordLine(JSON.stringify({ kept: this.#keptSequence } satisfies Line))).catch(() => {});
    await this.#removeOldFiles();
  }

  /** Resolves when all that was to be written is. */
  async close(): Promise<void> {
    while (this.#queued) await this.#queued.catch(() => {});
    await this.#written.catch(() => {});
    await this.#parts.store.close?.();
  }

  /** Reads the whole log. `above`: only what the server does not keep any more; null: as the log itself says. */
  async #read(above: number | null): Promise<number> {
    const files = await this.#parts.store.readAll();
    let damaged = 0;
    const [settled, lines] = [
      new Map<number, Waiting['outcome']>(),
      [] as Extract<Line, { report: Report }>[],
    ];
    for (const file of files) {
      const found = recordsIn(file.text);
      damaged += found.damaged;
      for (const json of found.records) {
        const line: Line = JSON.parse(json); // our own words, or the checksum would not hold
        if ('log' in line) this.#id = line.log;
        else if ('kept' in line) this.#keptSequence = above ?? Math.max(this.#keptSequence, line.kept);
        else if ('outcome' in line) settled.set(line.sequence, line.outcome);
        else lines.push(line);
      }
    }
    if (above === null) this.#files = files.map(({ first, changedMs }) => ({ first, changedMs }));
    const newer = this.#waiting.filter(({ sequence }) => sequence > (lines.at(-1)?.report.sequence ?? 0));
    [this.#waiting, this.#bySequence] = [[], new Map()];
    for (const line of lines) {
      const { sequence } = line.report;
      this.#next = Math.max(this.#next, sequence + 1);
      if (sequence <= this.#keptSequence) continue;
      const entry = this.#add(line, true);
      const outcome = settled.get(sequence);
      if (outcome !== undefined) Object.assign(entry, { outcome, settled: true });
    }
    for (const entry of newer) this.#hold(entry); // recorded while the log was being read
    return damaged;
  }

  #add({ report, settled }: Extract<Line, { report: Report }>, written: boolean): Waiting {
    const { sequence } = report;
    return this.#hold({ sequence, json: JSON.stringify(report), outcome: null, settled, written });
  }

  #hold(entry: Waiting): Waiting {
    this.#waiting.push(entry);
    this.#bySequence.set(entry.sequence, entry);
    return entry;
  }

  #drop(entry: Waiting): void {
    this.#bySequence.delete(entry.sequence);
    this.#waiting = this.#waiting.filter((other) => other !== entry);
  }

  /** What arrives while something is being written goes with the next write: one trip to the disk for all of it. */
  #write(text: string): Promise<void> {
    this.#lines.push(text);
    if (this.#queued) return this.#queued;
    const queued = this.#written.catch(() => {}).then(() => this.#writeAll());
    this.#queued = queued;
    this.#written = queued;
    return queued;
  }

  async #writeAll(): Promise<void> {
    const { store, wallMs } = this.#parts;
    const text = this.#lines.join('');
    this.#lines = [];
    this.#queued = null;
    if (store.bytes() === 0 || store.bytes() > fileBytesMax) {
      const first = this.#next;
      store.begin(first);
      if (this.#files.at(-1)?.first !== first) this.#files.push({ first, changedMs: wallMs() });
      return store.append(recordLine(JSON.stringify({ log: this.#id } satisfies Line)) + text);
    }
    return store.append(text);
  }

  #lookForAlarm(at: string | null): void {
    if (this.#hasAlarmed || this.#waiting.length < alarmAt) return;
    this.#hasAlarmed = true;
    void this.alarm(
      at,
      `The log is nearly full: ${this.#waiting.length} of ${waitingMax} reports wait for the server.`,
    );
  }

  /** A file goes when the server has all of it, and it is old or there are too many. */
  async #removeOldFiles(): Promise<void> {
    const oldMs = this.#parts.wallMs() - keptMs;
    for (let [file, next] = this.#files; file && next; [file, next] = this.#files) {
      const isOld = next.changedMs < oldMs || this.#files.length > filesMax;
      if (!isOld || next.first - 1 > this.#keptSequence) return;
      await this.#parts.store.remove(file.first);
      this.#files.shift();
    }
  }
}
