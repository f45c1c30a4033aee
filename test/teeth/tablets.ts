import type { Bug } from './bug.ts';

/** Between the server and a tablet as a reader. */
export const tabletBugs: readonly Bug[] = [
  {
    name: 'the nonce of a presentation is not used up',
    file: 'server/unlocks/presentations.ts',
    find: "...('press' in presentation ? { press: presentation.press } : {}),",
    replace: '',
    test: 'server/readers/tablets.test.ts',
    named: 'captured',
  },
  {
    name: 'the signature of a presentation says nothing of the text',
    file: 'server/readers/tablets.ts',
    find: "isSigned({ what: 'presentation', reader_id, nonce, digest }, key, signature)",
    replace: "isSigned({ what: 'presentation', reader_id, nonce, digest }, key, signature) || nonce !== ''",
    test: 'server/readers/tablets.test.ts',
    named: 'as the enrolled key has signed it',
  },
  {
    name: 'the nonce of a presentation is good for any time',
    file: 'server/readers/tablets.ts',
    find: 'if (Math.abs(nowMs(context) - beganMs) > readerNonceMsMax) return null;',
    replace: 'if (beganMs < 0) return null;',
    test: 'server/readers/tablets.test.ts',
    named: 'a minute ago',
  },
  {
    name: 'the nonce of a presentation is good for every reader',
    file: 'server/readers/tablets.ts',
    find: "column: 'nonce', organization_id, row_id: id }",
    replace: "column: 'nonce', organization_id, row_id: id > 0 ? 1 : id }",
    test: 'server/readers/tablets.test.ts',
    named: 'of another reader',
  },
  {
    name: 'a code enrolls a tablet for an hour',
    file: 'domain/reader-protocol.ts',
    find: 'enrollmentCodeMs = 600_000',
    replace: 'enrollmentCodeMs = 3_600_000',
    test: 'server/readers/tablets.test.ts',
    named: 'takes no code after its ten minutes',
  },
  {
    name: 'a code enrolls every tablet that comes with it at once',
    file: 'server/readers/store.ts',
    find: "    .where('enrollment_hash', '=', enrollment_hash)\n    .where('enrollment_expires_at', '>', at)\n",
    replace: '',
    test: 'server/readers/tablets.test.ts',
    named: 'takes a code once',
  },
  {
    name: 'strangers use up the turns of a tablet',
    file: 'server/readers/tablets.ts',
    find: '  const tablet = await selectTablet(context.database.everywhere.read, reader_id);\n',
    replace:
      "  context.limits.require('requests_of_reader', reader_id);\n" +
      '  const tablet = await selectTablet(context.database.everywhere.read, reader_id);\n',
    test: 'server/readers/tablets.test.ts',
    named: 'counted by its own key',
  },
];
