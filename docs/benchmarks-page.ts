import { type Committed, readCommitted } from '../bench/committed.ts';
import { type Figure, rounded } from '../bench/measure.ts';

export const benchmarksIntroduction =
  '`npm run bench` measures everything on this page; `npm run bench -- --quick` does it in a minute or two, with small sizes.';

/** The committed figures, and how to read them. */
export function benchmarksPageLines({ machine, figures, history }: Committed = readCommitted()): string[] {
  return [
    '## How to read it',
    '',
    'Speed is a **ratio within one run**: what Postern does against the least that anybody could do, on the same machine in the',
    'same minutes. Both take turns, round by round, and the median of the rounds counts. Requests per second alone say more about',
    'the machine than about the program; they stand beside the ratio. The unlock is measured from the outside: a client over',
    'HTTP in one process, the server in a second, the door agent in a third. An unlock is answered when its event is on the disk',
    'and the lock has moved. Two clients take turns: `node:http`, which is what programs on Node have, and one over plain sockets',
    'that looks at status and length only. The first makes any server look slower than it is, the second shows the servers alone.',
    '',
    '“Promised” fails the run when it is not met. A figure that got more than a tenth worse than the one in this table fails',
    'too, on the same kind of machine, unless the table is written again with a reason: `npm run bench -- --record "why"`.',
    'What fails is measured up to three times, and the best counts: a machine that is busy with something else can only make a',
    'figure worse. `--only <group>` measures one group (pass, unlocks, agent, growth, postgres, start); `--large` makes the large house',
    'ten times as large. The order in which links are drawn is the same in every run.',
    '',
    '## Figures',
    '',
    `Measured on ${machine.processor}, ${machine.cores} cores, ${machine.memoryGb} GB, Node ${machine.node}.`,
    '',
    '| figure | value | promised | detail |',
    '|---|---|---|---|',
    ...figures.map(row),
    '',
    '## Why the table was written',
    '',
    ...history.map(({ on, reason }) => `- ${on}: ${reason}`),
  ];
}

function row({ name, value, unit, better, bound, detail }: Figure): string {
  const promised = bound === undefined ? '' : `${better === 'lower' ? '≤' : '≥'} ${bound}`;
  return `| ${name} | ${rounded(value)}${unit === 'ratio' ? ' ×' : ` ${unit}`} | ${promised} | ${detail} |`;
}
