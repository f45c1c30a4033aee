import type { Outbox } from './outbox.ts';

export const unreadableIntervalMs = 60_000;

/** Counts what is no pass, and reports it at most once a minute and reader: junk cannot fill the log. */
export class UnreadableTexts {
  readonly #outbox: Pick<Outbox, 'record'>;
  readonly #monotonicMs: () => number;
  readonly #readers = new Map<string, { count: number; reportedMs: number }>();

  constructor(outbox: Pick<Outbox, 'record'>, monotonicMs: () => number) {
    this.#outbox = outbox;
    this.#monotonicMs = monotonicMs;
  }

  /** A reader's names come from the agent's own file: there are few. */
  note(where: { door_id: number; reader: string }, at: string | null): void {
    const key = `${where.door_id} ${where.reader}`;
    const noted = this.#readers.get(key) ?? { count: 0, reportedMs: Number.NEGATIVE_INFINITY };
    this.#readers.set(key, noted);
    noted.count += 1;
    const nowMs = this.#monotonicMs();
    if (nowMs - noted.reportedMs < unreadableIntervalMs) return;
    noted.reportedMs = nowMs;
    const report = { kind: 'unreadable', at, ...where, count: noted.count } as const;
    noted.count = 0;
    this.#outbox.record(report, { isGrant: false, settled: true }).catch(() => {});
  }
}
