/** One number of the table: what it is of, what it came to, and what was promised. */
export interface Figure {
  /** Names the figure in the committed table: stays the same over the years. */
  name: string;
  value: number;
  unit: 'ratio' | 'ms' | 's' | 'MB' | 'kB' | 'per s';
  /** Which way is better. */
  better: 'higher' | 'lower';
  /** What was promised, if anything was: the run fails beyond it. */
  bound?: number;
  /** What was measured on the way: shown beside the figure, and not held to anything. */
  detail: string;
}

/** The middle one; of an even number, the mean of the two in the middle. Throws RangeError when there is none. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Between the two nearest ranks, linearly. `share` is in [0, 1]. Throws RangeError when there are no values. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError('There is nothing to take a quantile of.');
  const sorted = [...values].sort((one, other) => one - other);
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? 0;
  const above = sorted[Math.ceil(at)] ?? 0;
  return below + (above - below) * (at - Math.floor(at));
}

/** Rounds that nobody counts: the compilers have their say first. */
const warmUpRounds = 2;

/**
 * Runs all of them once a round, each in its turn, so that a machine that is slow for a while is slow for all. The
 * order is turned round every other time: what runs first finds the machine otherwise than what runs last.
 */
export async function interleaved<Name extends string>(
  rounds: number,
  contenders: Record<Name, () => Promise<number>>,
): Promise<Record<Name, number>[]> {
  const names = Object.keys(contenders) as Name[]; // the record's own keys
  const results: Record<Name, number>[] = [];
  for (let round = 0; round < warmUpRounds + rounds; round++) {
    const order = round % 2 === 0 ? names : [...names].reverse();
    const result: Partial<Record<Name, number>> = {};
    for (const name of order) result[name] = await contenders[name]();
    results.push(result as Record<Name, number>); // every name has run
  }
  return results.slice(warmUpRounds);
}

/** The median of what one of them came to, for people. */
export function middleOf<Name extends string>(results: readonly Record<Name, number>[], name: Name): string {
  return rounded(median(results.map((result) => result[name])));
}

/** How long `work` takes for one of `count` calls, in microseconds. */
export async function microsecondsEach(count: number, work: (index: number) => unknown): Promise<number> {
  const began = performance.now();
  for (let index = 0; index < count; index++) {
    const result = work(index);
    if (result instanceof Promise) await result;
  }
  return ((performance.now() - began) * 1000) / count;
}

/** Few enough digits to read, enough to compare. */
export function rounded(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits);
}
