import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';

/*
 * `npm test`: everything, from what the tests need of the system to the last test. Stops at the first step that
 * fails; the closing lines are the test runner's.
 */

const systemPackages = [
  { name: 'chromium', command: 'chromium' },
  { name: 'zbar-tools', command: 'zbarimg' },
];

const { positionals } = parseArgs({ allowPositionals: true });

installSystemPackages();
step('the pages', 'node', ['pages/build.ts']);
step('types', 'tsc', ['-p', '.']);
step('types of the pages', 'tsc', ['-p', 'pages']);
step('format and lint', 'biome', ['ci', '--error-on-warnings', '.']);
step('reference pages', 'node', ['docs/generate.ts', '--check']);
if (positionals.length > 0) runTests('tests', 1, positionals);
else {
  runTests('tests beside the code', 2, ['{domain,server,agent,pages}/**/*.test.ts']);
  // One file after the other: they have deadlines, and a machine that does two things at once is no measure.
  runTests('whole-system tests', 1, ['test/**/*.test.ts']);
}

function runTests(what: string, filesAtOnce: number, files: string[]): void {
  step(what, 'node', ['--test', `--test-concurrency=${filesAtOnce}`, '--test-timeout=300000', ...files]);
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

function step(what: string, command: string, args: string[]): void {
  console.log(`\n▶ ${what}: ${command} ${args.join(' ')}`);
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (error)
    stop(
      `${command} could not be started: ${error.message}. Run \`npm ci\` first, and this as \`npm test\`.`,
    );
  if (status !== 0) stop(`${what}: failed.`);
}

function isOnPath(command: string): boolean {
  return (process.env.PATH ?? '')
    .split(':')
    .some((folder) => folder !== '' && existsSync(`${folder}/${command}`));
}

function stop(sentence: string): never {
  console.error(sentence);
  process.exit(1);
}
