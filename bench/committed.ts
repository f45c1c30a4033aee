import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import type { Figure } from './measure.ts';

const file = new URL('figures.json', import.meta.url);

/** The table that this version was measured with; `docs/reference/benchmarks.md` shows it. */
export interface Committed {
  machine: Machine;
  figures: Figure[];
  /** Each time the table was written: the day, and why. */
  history: { on: string; reason: string }[];
}

export interface Machine {
  processor: string;
  cores: number;
  memoryGb: number;
  node: string;
}

export function thisMachine(): Machine {
  const processors = cpus();
  return {
    processor: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    memoryGb: Math.round(totalmem() / 1e9),
    node: process.version,
  };
}

export function readCommitted(): Committed {
  return JSON.parse(readFileSync(file, 'utf8')); // written below
}

export function writeCommitted(committed: Committed): void {
  writeFileSync(file, `${JSON.stringify(committed, null, 2)}\n`);
}

/** Ratios differ between machines: only those of the same kind of machine are compared. */
export function isSameMachine(one: Machine, other: Machine): boolean {
  return one.processor === other.processor && one.cores === other.cores;
}

const worseMax = 1.1;

/** What is wrong with a figure, as a sentence; null: nothing. `before`: what was committed for it, if comparable. */
export function complaintAbout(figure: Figure, before: Figure | undefined): string | null {
  const { name, value, bound, better } = figure;
  if (bound !== undefined && isWorse(value, bound, better))
    return `${name}: ${value.toPrecision(3)} is beyond the promised ${bound}.`;
  const limit = before && (better === 'lower' ? before.value * worseMax : before.value / worseMax);
  if (before && limit !== undefined && isWorse(value, limit, better))
    return `${name}: ${value.toPrecision(3)} is more than 10 % worse than the committed ${before.value.toPrecision(3)}.`;
  return null;
}

export function betterOf(one: Figure, other: Figure): Figure {
  return isWorse(one.value, other.value, one.better) ? other : one;
}

function isWorse(value: number, than: number, better: Figure['better']): boolean {
  return better === 'lower' ? value > than : value < than;
}
