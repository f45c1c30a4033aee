import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

/*
 * `npm test`: everything, from what the tests need of the system to the last test. Stops at the first step that
 * fails; the closing lines are the test runner's. What reaches a database runs twice: with the embedded one, and with a
 * PostgreSQL that is started here and named by POSTERN_TEST_POSTGRES.
 */

const systemPackages = [
  { name: 'chromium', command: 'chromium' },
  { name: 'libnss3-tools', command: 'certutil' },
  { name: 'caddy', command: 'caddy' },
  { name: 'nginx-light', command: 'nginx' },
  { name: 'sqlite3', command: 'sqlite3' },
  { name: 'systemd', command: 'systemd-analyze' },
  { name: 'zbar-tools', command: 'zbarimg' },
];

const { positionals } = parseArgs({ allowPositionals: true });

/** A step of this run did not succeed; it has said why itself. */
class StepFailed extends Error {}

try {
  await run();
} catch (error) {
  stop(error instanceof StepFailed ? error.message : String(error));
}

async function run(): Promise<void> {
  installSystemPackages();
  await step('the pages', 'node', ['pages/build.ts']);
  await step('types', 'tsc', ['-p', '.']);
  await step('types of the pages', 'tsc', ['-p', 'pages']);
  await step('format and lint', 'biome', ['ci', '--error-on-warnings', '.']);
  await step('reference pages', 'node', ['docs/generate.ts', '--check']);
  if (positionals.length > 0) await runSome(positionals);
  else {
    const all = globSync('{domain,server,agent,pages,test}/**/*.test.ts').sort();
    const [alone, together] = [all.filter(hasDeadlines), all.filter((file) => !hasDeadlines(file))];
    await runTests('tests', 2, together.filter(onEither));
    await onPostgres('tests, on PostgreSQL', 2, together.filter(onPostgresToo));
    await runTests('tests with deadlines', 1, alone.filter(onEither));
    await onPostgres('tests with deadlines, on PostgreSQL', 1, alone.filter(onPostgresToo));
  }
}

/** Named files: on each database that they have something to do with. */
async function runSome(files: string[]): Promise<void> {
  const embedded = files.filter(onEither);
  const both = files.filter(onPostgresToo);
  if (embedded.length > 0) await runTests('tests', 1, embedded);
  if (both.length > 0) await onPostgres('tests, on PostgreSQL', 1, both);
}

/** One file after the other: a machine that does two things at once is no measure of how soon something happens. */
function hasDeadlines(file: string): boolean {
  return /^test\/(postgres-)?(crash|idempotency-crash|two-servers|main-job|races|revocation|slow-clients|limits|scanners)\.test\.ts$/.test(
    file,
  );
}

/** All but those that are about PostgreSQL itself. */
function onEither(file: string): boolean {
  return !/(^|\/)postgres[^/]*\.test\.ts$/.test(file);
}

/** What reaches a store through the test server, and what is about PostgreSQL itself. */
function onPostgresToo(file: string): boolean {
  if (/(^|\/)sqlite[^/]*\.test\.ts$/.test(file)) return false;
  return !onEither(file) || /startTestServer/.test(readFileSync(file, 'utf8'));
}

function runTests(
  what: string,
  filesAtOnce: number,
  files: string[],
  more: NodeJS.ProcessEnv = {},
): Promise<void> {
  const flags = [`--test-concurrency=${filesAtOnce}`, '--test-timeout=300000'];
  return step(what, 'node', ['--test', ...flags, ...files], more);
}

async function onPostgres(what: string, filesAtOnce: number, files: string[]): Promise<void> {
  const { prepareTemplate, startPostgres } = await import('./postgres.ts');
  const postgres = await startPostgres();
  try {
    await prepareTemplate(postgres.adminUrl);
    await runTests(what, filesAtOnce, files, { POSTERN_TEST_POSTGRES: postgres.adminUrl });
  } finally {
    await postgres.stop();
  }
}

/** Installs what is missing where that is allowed, and says it in one sentence where it is not. */
function installSystemPackages(): void {
  const missing = systemPackages.filter(({ command }) => !isOnPath(command)).map(({ name }) => name);
  if (missing.length === 0) return;
  const names = missing.join(' ');
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) {
    stop(`The tests need ${names}. Install them, on Debian or Ubuntu with: sudo apt-get install ${names}`);
  }
  console.log(`Installing ${names}, which the tests need …`);
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '--yes', '--no-install-recommends', ...missing]]) {
    const { status, stderr } = spawnSync('apt-get', args, { env: environment, encoding: 'utf8' });
    if (status !== 0) stop(`apt-get ${args.join(' ')} failed:\n${stderr}`);
  }
}

async function step(
  what: string,
  command: string,
  args: string[],
  more: NodeJS.ProcessEnv = {},
): Promise<void> {
  const shown = args.length > 12 ? `${args.slice(0, 12).join(' ')} … (${args.length})` : args.join(' ');
  console.log(`\n▶ ${what}: ${command} ${shown}`);
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...more } });
  child.on('error', (error) =>
    stop(
      `${command} could not be started: ${error.message}. Run \`npm ci\` first, and this as \`npm test\`.`,
    ),
  );
  const [status] = await once(child, 'close');
  if (status !== 0) throw new StepFailed(`${what}: failed.`);
}

function isOnPath(command: string): boolean {
  return `${process.env.PATH ?? ''}:/usr/sbin`
    .split(':')
    .some((folder) => folder !== '' && existsSync(`${folder}/${command}`));
}

function stop(sentence: string): never {
  console.error(sentence);
  process.exit(1);
}
