import { globSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { figure } from './figures.ts';
import {
  hasDeadlines,
  installSystemPackages,
  onEither,
  onPostgresToo,
  runAll,
  step,
  withPostgres,
} from './steps.ts';

/*
 * `npm test`: everything, from what the tests need of the system to the last test. Stops at the first step that
 * fails; the closing lines are the test runner's. What reaches a database runs twice: with the embedded one, and with a
 * PostgreSQL that is started here and named by POSTERN_TEST_POSTGRES.
 */

const { positionals } = parseArgs({ allowPositionals: true });

await runAll(async () => {
  installSystemPackages();
  await step('the pages', 'node', ['pages/build.ts']);
  await step('types', 'tsc', ['-p', '.']);
  await step('types of the pages', 'tsc', ['-p', 'pages']);
  await step('format and lint', 'biome', ['ci', '--error-on-warnings', '.']);
  await step('reference pages', 'node', ['docs/generate.ts', '--check']);
  if (positionals.length > 0) await runSome(positionals);
  else await runEverything();
});

async function runEverything(): Promise<void> {
  const all = globSync('{domain,server,agent,pages,test}/**/*.test.ts').sort();
  const [alone, together] = [all.filter(hasDeadlines), all.filter((file) => !hasDeadlines(file))];
  await runTests('tests', 2, together.filter(onEither));
  await onPostgres('tests, on PostgreSQL', 2, together.filter(onPostgresToo));
  await runTests('tests with deadlines', 1, alone.filter(onEither));
  await onPostgres('tests with deadlines, on PostgreSQL', 1, alone.filter(onPostgresToo));
}

/** Named files: on each database that they have something to do with. */
async function runSome(files: string[]): Promise<void> {
  const embedded = files.filter(onEither);
  const both = files.filter(onPostgresToo);
  if (embedded.length > 0) await runTests('tests', 1, embedded);
  if (both.length > 0) await onPostgres('tests, on PostgreSQL', 1, both);
}

function runTests(
  what: string,
  filesAtOnce: number,
  files: string[],
  more: NodeJS.ProcessEnv = {},
): Promise<void> {
  const timeoutMs = figure({ small: 900_000, large: 7_200_000 });
  const flags = [`--test-concurrency=${filesAtOnce}`, `--test-timeout=${timeoutMs}`];
  return step(what, 'node', ['--test', ...flags, ...files], more);
}

function onPostgres(what: string, filesAtOnce: number, files: string[]): Promise<void> {
  return withPostgres((adminUrl) => runTests(what, filesAtOnce, files, { POSTERN_TEST_POSTGRES: adminUrl }));
}
