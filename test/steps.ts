import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/*
 * What the runs of the tests share: the system packages, a step that may fail, a PostgreSQL for a while, and which test
 * files have something to do with which database.
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

/** A third less work for each of the many processes that load the server. */
export const compileCache = fileURLToPath(new URL('../node_modules/.cache/postern-tests', import.meta.url));

/** A step of this run did not succeed; it has said why itself. */
export class StepFailed extends Error {}

/** Runs to its end; what does not succeed is the end of the process, with one sentence. */
export async function runAll(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    stop(error instanceof StepFailed ? error.message : String(error));
  }
}

export async function step(
  what: string,
  command: string,
  args: string[],
  more: NodeJS.ProcessEnv = {},
): Promise<void> {
  const shown = args.length > 12 ? `${args.slice(0, 12).join(' ')} … (${args.length})` : args.join(' ');
  console.log(`\n▶ ${what}: ${command} ${shown}`);
  const env = { ...process.env, NODE_COMPILE_CACHE: compileCache, ...more };
  const child = spawn(command, args, { stdio: 'inherit', env });
  child.on('error', (error) =>
    stop(
      `${command} could not be started: ${error.message}. Run \`npm ci\` first, and this as \`npm test\`.`,
    ),
  );
  const [status] = await once(child, 'close');
  if (status !== 0) throw new StepFailed(`${what}: failed.`);
}

/** A PostgreSQL that is there for this work, with the template of `createDatabase`; `work` gets its address. */
export async function withPostgres<T>(work: (adminUrl: string) => Promise<T>): Promise<T> {
  const { prepareTemplate, startPostgres } = await import('./postgres.ts');
  const postgres = await startPostgres();
  try {
    await prepareTemplate(postgres.adminUrl);
    return await work(postgres.adminUrl);
  } finally {
    await postgres.stop();
  }
}

/** One file after the other: a machine that does two things at once is no measure of how soon something happens. */
export function hasDeadlines(file: string): boolean {
  return /^test\/(postgres-)?(crash|idempotency-crash|two-servers|main-job|races|revocation|slow-clients|limits|scanners|tablet-reader|cut-off)\.test\.ts$/.test(
    file,
  );
}

/** All but those that are about PostgreSQL itself. */
export function onEither(file: string): boolean {
  return !/(^|\/)postgres[^/]*\.test\.ts$/.test(file);
}

/** What is about connections, certificates, proxies and pages of reference: no store has a part in it. */
const besideTheStore =
  /^(server\/http\/(proxies|tls)|test\/(openapi|operating|reference|slow-clients))\.test\.ts$/;

/** What reaches a store through the test server, and what is about PostgreSQL itself. */
export function onPostgresToo(file: string): boolean {
  if (/(^|\/)sqlite[^/]*\.test\.ts$/.test(file) || besideTheStore.test(file)) return false;
  return !onEither(file) || /startTestServer/.test(readFileSync(file, 'utf8'));
}

/** Installs what is missing where that is allowed, and says it in one sentence where it is not. */
export function installSystemPackages(): void {
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

function isOnPath(command: string): boolean {
  return `${process.env.PATH ?? ''}:/usr/sbin`
    .split(':')
    .some((folder) => folder !== '' && existsSync(`${folder}/${command}`));
}

function stop(sentence: string): never {
  console.error(sentence);
  process.exit(1);
}
