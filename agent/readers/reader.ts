import type { AgentLog } from '../log.ts';

/*
 * The contract of a reader driver: one file a driver, one line in `drivers.ts`, and `contract.test.ts` to pass.
 * A driver reads and shows. It never decides, and it trusts nothing that it reads.
 */

/** What whoever presented a text gets to see. `repeated`: the text was just presented; nothing was decided. */
export type Shown =
  | { shown: 'granted' }
  | { shown: 'denied'; reason: string }
  | { shown: 'repeated' }
  | { shown: 'unreadable' };

export interface Reader {
  /**
   * Begins to read; resolves when it does, rejects with a sentence when it cannot. Each text, of 1 to
   * `readerTextLengthMax` characters and exactly as read, goes to `onText`, one at a time for each presenter;
   * what that resolves to is shown. A text out of these bounds, or an `onText` that fails, shows `unreadable`.
   */
  start(onText: (text: string) => Promise<Shown>): Promise<void>;
  /** Looks, without reading anything, whether the hardware answers: a sentence that says what it is. Rejects with one too. */
  check(): Promise<string>;
  /** Where a program on this machine can present texts to it; null: nowhere, or not yet. */
  listensAt(): { host: string; port: number } | null;
  /** Stops reading and gives everything back. May be called twice. */
  close(): Promise<void>;
}

/** What every driver is given beside its own settings. */
export interface ReaderParts {
  name: string;
  log: AgentLog;
}
