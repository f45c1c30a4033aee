import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Bug } from './bug.ts';
import { bugs } from './bugs.ts';
import { filesOf, runTests, Scratch, type TestRun } from './scratch.ts';

/*
 * `npm run teeth`: plants each of the bugs in a copy of the project and runs the tests that must notice it. First the
 * same tests in a copy without a bug: what fails there proves nothing. `--only <text>`: the bugs with that in their name.
 */

const project = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } });

interface Bite {
  bug: Bug;
  /** The test that noticed it; null: none did. */
  caughtBy: string | null;
  seconds: string;
}

try {
  const missed = await bite(bugs.filter(({ name }) => name.includes(values.only)));
  process.exitCode = missed === 0 ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

/** Answers how many of the bugs were missed. */
async function bite(chosen: readonly Bug[]): Promise<number> {
  if (chosen.length === 0) throw new Error(`No bug has "${values.only}" in its name.`);
  // Once, so that work which goes on meanwhile does not show up as a bug.
  const files = filesOf(project);
  using original = new Scratch(project, files);
  const fresh = () => new Scratch(original.folder, files);
  for (const bug of onePerRun(chosen)) await requireSoundness(fresh, bug);
  const bites: Bite[] = [];
  for (const bug of chosen) bites.push(await plant(fresh, bug));
  const missed = bites.filter(({ caughtBy }) => caughtBy === null).length;
  showTable(bites);
  console.log(`\n${bites.length - missed} caught, ${missed} missed`);
  return missed;
}

/** Throws when the tests fail without a bug, or there are none. */
async function requireSoundness(fresh: () => Scratch, bug: Bug): Promise<void> {
  using scratch = fresh();
  const { result, seconds } = await timed(() => runTests(scratch, bug));
  const { passed, failed, broken } = result;
  const what = [bug.test, bug.named && `(${bug.named})`, bug.database].filter(Boolean).join(' ');
  if (broken || failed.length > 0)
    throw new Error(`Without a bug, ${what} fails: ${failed.join('; ') || 'it does not run'}`);
  if (passed.length === 0) throw new Error(`Nothing in ${what} has such a name.`);
  console.log(`sound   ${what}: ${passed.length} passed  ${seconds} s`);
}

async function plant(fresh: () => Scratch, bug: Bug): Promise<Bite> {
  using scratch = fresh();
  scratch.plant(bug);
  const { result, seconds } = await timed(() => runTests(scratch, bug));
  const caughtBy = result.failed[0] ?? null;
  const shown = caughtBy ?? (result.broken ? 'the tests do not run' : 'no test noticed');
  console.log(`${caughtBy ? 'caught' : 'MISSED'}  ${bug.name}  ${seconds} s\n        ${bug.test}: ${shown}`);
  return { bug, caughtBy, seconds };
}

async function timed(work: () => Promise<TestRun>): Promise<{ result: TestRun; seconds: string }> {
  const began = performance.now();
  const result = await work();
  return { result, seconds: ((performance.now() - began) / 1000).toFixed(1) };
}

function showTable(bites: readonly Bite[]): void {
  console.log('\n| bug | caught by | seconds |\n| --- | --- | --- |');
  for (const { bug, caughtBy, seconds } of bites)
    console.log(`| ${bug.name} | ${bug.test}: ${caughtBy ?? 'MISSED'} | ${seconds} |`);
}

/** Many bugs are looked for by the same tests. */
function onePerRun(all: readonly Bug[]): Bug[] {
  return [...new Map(all.map((bug) => [`${bug.test} ${bug.named} ${bug.database}`, bug])).values()];
}
