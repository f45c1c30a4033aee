import type { TestContext } from 'node:test';

/*
 * How much a test does: the small figure in `npm test`, the large one in `npm run test:long`. POSTERN_TEST_FIGURES is
 * `small`, `large`, or a share of the large figure such as 0.05, for measuring how long a run will take.
 */

const share = shareOf(process.env['POSTERN_TEST_FIGURES'] ?? 'small');

/** How a line with figures begins: the long runner collects them. */
export const figuresMark = 'figures: ';

export interface Figures {
  small: number;
  large: number;
}

/** The figure of this run, never less than the small one; also for how long the test may take. */
export function figure({ small, large }: Figures): number {
  return Math.max(small, Math.round(large * share));
}

/** One line of what a test did, with the seed it replays from if it has one: `rounds 50, grants 50, seed 7`. */
export function report(context: TestContext, what: string, figures: Record<string, number | string>): void {
  const words = Object.entries(figures).map(([name, value]) => {
    const shown = typeof value === 'number' && name !== 'seed' ? value.toLocaleString('en') : String(value);
    return `${name} ${shown}`;
  });
  context.diagnostic(`${figuresMark}${what}: ${words.join(', ')}`);
}

function shareOf(asked: string): number {
  if (asked === 'small') return 0;
  if (asked === 'large') return 1;
  const number = Number(asked);
  if (number > 0 && number <= 1) return number;
  throw new Error(`POSTERN_TEST_FIGURES=${asked}: say small, large, or a share such as 0.05`);
}
