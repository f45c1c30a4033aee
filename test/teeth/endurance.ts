import type { Bug } from './bug.ts';

/** Of the agent that decides alone: its log, its clock, its list. */
export const enduranceBugs: readonly Bug[] = [
  {
    name: 'a record with a wrong checksum is believed',
    file: 'agent/outbox-file.ts',
    find: "line.slice(0, 8) === crc32(json).toString(16).padStart(8, '0')",
    replace: 'line.length > 9',
    test: 'agent/outbox.test.ts',
    named: 'any bit',
  },
  {
    name: 'the number of a lost record is given again',
    file: 'agent/outbox.ts',
    find: 'if (isNews) this.#next += numbersLeftOut;',
    replace: '',
    test: 'agent/outbox.test.ts',
    named: 'never gives a number again',
  },
  {
    name: 'a gap in the log is not reported',
    file: 'agent/outbox.ts',
    find: 'if (isNews) await this.alarm(',
    replace: 'if (damaged < 0) await this.alarm(',
    test: 'agent/outbox.test.ts',
    named: 'every byte',
  },
  {
    name: 'what was begun and never ended is forgotten at a restart',
    file: 'agent/outbox.ts',
    find: "for (const { sequence } of open) this.settle(sequence, 'unknown');",
    replace: "for (const { sequence } of open) this.settle(sequence, 'not_done');",
    test: 'agent/outbox.test.ts',
    named: 'as unknown after a restart',
  },
  {
    name: 'reports of refusals take the room that is kept for grants',
    file: 'agent/outbox.ts',
    find: '(isGrant ? 0 : forGrantsOnly)',
    replace: '0',
    test: 'agent/outbox.test.ts',
    named: 'a tenth of its room',
  },
  {
    name: 'the server is told what is not on the disk yet',
    file: 'agent/outbox.ts',
    find: 'if (!settled || !isWritten || ',
    replace: 'if (!settled || ',
    test: 'agent/outbox.test.ts',
    named: 'not on the disk yet',
  },
];
