import { randomInt } from 'node:crypto';

/** Of this run, for every random choice a test makes; a test that has one says so by printing it. */
export const seed = Number(process.env['POSTERN_SEED'] ?? randomInt(2 ** 31));

/** Numbers in [0, 1), the same ones for the same seed (mulberry32). */
export function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
