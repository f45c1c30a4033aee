import { spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { figuresMark } from './figures.ts';
import { type Database, type Row, rows } from './long-runs.ts';
import { compileCache, installSystemPackages, runAll, step, withPostgres } from './steps.ts';

/*
 * `npm run test:long`: the tests with a large figure, one after the other. What passed is written down after each, so
 * that starting it again goes on where it stopped; on another commit it begins anew.
 */

const folder = '.long-tests';
const stateFile = join(folder, 'state.json');
const figures = process.env['POSTERN_TEST_FIGURES'] ?? 'large';
/** A run that takes so many times as long as it should is ended. */
const patience = 4;
const patienceMinutesMin = 15;

interface Run {
  id: string;
  row: Row;
  database: Database;
  minutes: number;
}

interface Result {
  verdict: 'passed' | 'failed';
  /** How often it failed before, on this commit. */
  failedBefore: number;
  seconds: number;
  seed: number;
  figures: string[];
}

interface State {
  /** What was tested: a commit, and with which figures. */
  of: string;
  results: Record<string, Result>;
}

const { values: asked } = parseArgs({
  options: {
    fresh: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    summary: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    seed: { type: 'string' },
  },
});

const runs = rows.flatMap((row) =>
  (Object.entries(row.minutes) as [Database, number][]).map(([database, minutes]): Run => {
    return { id: database === 'neither' ? row.name : `${row.name}, ${database}`, row, database, minutes };
  }),
);

await runAll(async () => {
  const chosen = choose();
  if (asked.list) return list(chosen);
  const state = readState();
  if (asked.summary) return summarize(state);
  const left = chosen.filter(({ id }) => asked.only.length > 0 || state.results[id]?.verdict !== 'passed');
  installSystemPackages();
  await step('the pages', 'node', ['pages/build.ts', '--if-stale']);
  const turns = turnsOf(left);
  for (const [index, turn] of turns.entries()) {
    const what = turn.map(({ id }) => id).join(' and ');
    console.log(
      `\n▶ ${what}: about ${minutesOf(turn)} of the ${minutesOf(turns.slice(index).flat())} minutes that are left`,
    );
    await Promise.all(turn.map((run) => carryOut(run, state)));
  }
  summarize(state);
});

/** What runs at the same time: one run, or the two of a row that may. */
function turnsOf(some: readonly Run[]): Run[][] {
  const turns: Run[][] = [];
  for (const run of some) {
    const last = turns.at(-1);
    if (run.row.sideBySide && last?.[0]?.row === run.row) last.push(run);
    else turns.push([run]);
  }
  return turns;
}

async function carryOut(run: Run, state: State): Promise<void> {
  const result = await perform(run);
  const before = state.results[run.id];
  const failedBefore = (before?.failedBefore ?? 0) + (before?.verdict === 'failed' ? 1 : 0);
  state.results[run.id] = { ...result, failedBefore };
  writeState(state);
  console.log(`  ${run.id} ${result.verdict} after ${Math.round(result.seconds)} s, seed ${result.seed}`);
}

/** The runs whose name holds one of the texts that were asked for; without any, all. */
function choose(): Run[] {
  if (asked.only.length === 0) return runs;
  const chosen = runs.filter(({ id }) => asked.only.some((text) => id.includes(text)));
  if (chosen.length === 0) throw new Error(`No run is called "${asked.only.join('", "')}": see --list.`);
  return chosen;
}

function list(chosen: readonly Run[]): void {
  for (const { id, minutes, row } of chosen)
    console.log(`${String(minutes).padStart(5)} min  ${id}  (${[row.file].flat().join(' ')})`);
  console.log(`${minutesOf(chosen)} min in all`);
}

/** What was done on this commit so far, or nothing. */
function readState(): State {
  const of = `${commit()}, figures ${figures}`;
  if (asked.fresh) rmSync(folder, { recursive: true, force: true });
  if (!existsSync(stateFile)) return { of, results: {} };
  const state: State = JSON.parse(readFileSync(stateFile, 'utf8')); // written below
  if (state.of === of) return state;
  console.log(`What is in ${folder} is about ${state.of}, and this is ${of}.`);
  if (asked.summary) return state;
  rmSync(folder, { recursive: true, force: true });
  return { of, results: {} };
}

function writeState(state: State): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(stateFile, `${JSON.stringify(state, null, 2)}\n`);
}

function commit(): string {
  const git = (...args: string[]) => spawnSync('git', args, { encoding: 'utf8' });
  const { status, stdout } = git('rev-parse', '--short=12', 'HEAD');
  if (status !== 0) return 'no commit';
  return `commit ${stdout.trim()}${git('status', '--porcelain').stdout === '' ? '' : ' with changes'}`;
}

function perform(run: Run): Promise<Omit<Result, 'failedBefore'>> {
  if (run.database !== 'PostgreSQL') return follow(run, {});
  return withPostgres((adminUrl) => follow(run, { POSTERN_TEST_POSTGRES: adminUrl }));
}

/** Runs it as a process of its own, collects its figures, and keeps its log if it fails. */
async function follow(
  { id, row, minutes }: Run,
  more: NodeJS.ProcessEnv,
): Promise<Omit<Result, 'failedBefore'>> {
  const seed = Number(asked.seed ?? randomInt(2 ** 31));
  const [command = '', ...args] =
    typeof row.file === 'string' ? ['node', '--test', '--test-reporter=spec', row.file] : row.file;
  const settings = {
    POSTERN_TEST_FIGURES: figures,
    POSTERN_SEED: String(seed),
    NODE_COMPILE_CACHE: compileCache,
  };
  const env = { ...process.env, ...settings, ...more };
  const began = performance.now();
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const endAll = () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  };
  const timer = setTimeout(endAll, Math.max(patienceMinutesMin, minutes * patience) * 60_000);
  mkdirSync(folder, { recursive: true });
  const logFile = join(folder, `${id.replaceAll(/[^a-zA-Z0-9]+/g, '-')}.log`);
  const log = createWriteStream(logFile);
  const found = new Set<string>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.pipe(log, { end: false });
    createInterface({ input: stream }).on('line', (line) => {
      const at = line.indexOf(figuresMark);
      if (at === -1 || found.has(line.slice(at + figuresMark.length))) return;
      found.add(line.slice(at + figuresMark.length));
      console.log(`  ${line.slice(at + figuresMark.length)}`);
    });
  }
  let stopped = false;
  const onSignal = () => {
    stopped = true;
    endAll();
  };
  process.once('exit', endAll); // however this process ends, its child does not stay behind
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal);
  const [status] = await once(child, 'close');
  process.off('exit', endAll);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal);
  clearTimeout(timer);
  if (stopped) throw new Error('Stopped. Started again, it goes on with this run.');
  log.end();
  await once(log, 'close');
  const passed = status === 0;
  if (passed) rmSync(logFile);
  else console.log(`  failed: see ${logFile}`);
  const seconds = (performance.now() - began) / 1000;
  return { verdict: passed ? 'passed' : 'failed', seconds, seed, figures: [...found] };
}

function summarize({ of, results }: State): void {
  console.log(`\nLong tests, ${of}\n`);
  for (const { id, minutes } of runs) {
    const result = results[id];
    if (!result) {
      console.log(`–       not run yet (${minutes} min)  ${id}`);
      continue;
    }
    const { verdict, failedBefore, seconds, seed } = result;
    const again = failedBefore > 0 ? `, after failing ${failedBefore} times` : '';
    console.log(`${verdict}  ${String(Math.round(seconds)).padStart(5)} s  seed ${seed}  ${id}${again}`);
    for (const line of result.figures) console.log(`          ${line}`);
  }
  const all = Object.values(results);
  const seconds = all.reduce((sum, result) => sum + result.seconds, 0);
  const failed = all.filter(({ verdict }) => verdict === 'failed').length;
  const left = runs.filter(({ id }) => !results[id]);
  console.log(
    `\n${all.length - failed} passed, ${failed} failed, ${left.length} not run yet, in ${Math.round(seconds / 60)} min` +
      (left.length > 0 ? `; about ${minutesOf(left)} min left` : ''),
  );
  if (failed > 0) process.exitCode = 1;
}

function minutesOf(some: readonly Run[]): number {
  const sum = turnsOf(some).reduce((all, turn) => all + Math.max(...turn.map(({ minutes }) => minutes)), 0);
  return Math.round(sum * 10) / 10;
}
