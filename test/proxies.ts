import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './demo-process.ts';

/** What a page's configuration needs to run here. */
export interface ProxyPlace {
  folder: string;
  /** Where Postern listens, as `127.0.0.1:<port>`. */
  upstream: string;
  certificate: string;
  key: string;
  ports: { http: number; https: number };
}

export interface RunningProxy extends AsyncDisposable {
  /** All that it has written into its logs by now. */
  logs(): string;
}

/** Starts a program with the configuration of its page in `docs/operating`, changed only where the page says so. */
export type StartProxy = (at: ProxyPlace) => Promise<RunningProxy>;

const readyDeadlineMs = 15_000;
const pages = new URL('../docs/operating/', import.meta.url);

export const proxies: Record<string, StartProxy> = { caddy: startCaddy, nginx: startNginx };

export async function freePorts(): Promise<ProxyPlace['ports']> {
  return { http: await freePort(), https: await freePort() };
}

async function startCaddy(at: ProxyPlace): Promise<RunningProxy> {
  const config = changed(configOf('caddy'), [
    ['127.0.0.1:8080', at.upstream],
    ['doors.example.org {', `localhost {\n\ttls ${at.certificate} ${at.key}`],
    // What a whole machine gives it and this test does not: ports below 1024, and its administration.
    ['{\n', `{\n\thttp_port ${at.ports.http}\n\thttps_port ${at.ports.https}\n\tadmin off\n`],
  ]);
  const file = join(at.folder, 'Caddyfile');
  writeFileSync(file, config);
  const home = { HOME: at.folder, XDG_DATA_HOME: at.folder, XDG_CONFIG_HOME: at.folder };
  return start('caddy', ['run', '--config', file, '--adapter', 'caddyfile'], { at, environment: home });
}

async function startNginx(at: ProxyPlace): Promise<RunningProxy> {
  const site = changed(configOf('nginx'), [
    ['127.0.0.1:8080', at.upstream],
    ['/etc/letsencrypt/live/doors.example.org/fullchain.pem', at.certificate],
    ['/etc/letsencrypt/live/doors.example.org/privkey.pem', at.key],
    ['listen 80;', `listen 127.0.0.1:${at.ports.http};`],
    ['listen 443 ssl;', `listen 127.0.0.1:${at.ports.https} ssl;`],
  ]).replaceAll('doors.example.org', 'localhost');
  writeFileSync(join(at.folder, 'postern.conf'), site);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const lines = [
    ...(process.getuid?.() === 0 ? ['user root;'] : []), // the folder is the tests' own
    'daemon off;',
    `pid ${at.folder}/nginx.pid;`,
    `error_log ${at.folder}/logs/error.log info;`,
    'events {}',
    'http {',
    ...temporary.map((name) => `  ${name}_temp_path ${at.folder}/${name};`),
    `  access_log ${at.folder}/logs/access.log combined;`,
    `  include ${at.folder}/postern.conf;`,
    '}',
  ];
  const file = join(at.folder, 'nginx.conf');
  writeFileSync(file, lines.join('\n'));
  return start('nginx', ['-c', file, '-e', join(at.folder, 'logs', 'first-error.log')], { at });
}

/** The fenced block of the page that is in the program's own language. */
function configOf(program: string): string {
  const text = readFileSync(new URL(`${program}.md`, pages), 'utf8');
  const [, block, another] = text.split(`\`\`\`${program}\n`);
  const config = block?.split('\n```')[0];
  if (config === undefined || another !== undefined)
    throw new Error(`docs/operating/${program}.md must have one block in ${program}`);
  return `${config}\n`;
}

/** Each of these must be in the page, or the page has changed and this with it. */
function changed(config: string, changes: [from: string, to: string][]): string {
  return changes.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`the page has no ${JSON.stringify(from)}`);
    return text.replace(from, to);
  }, config);
}

async function start(
  command: string,
  args: string[],
  { at, environment = {} }: { at: ProxyPlace; environment?: Record<string, string> },
): Promise<RunningProxy> {
  const logs = join(at.folder, 'logs');
  mkdirSync(logs);
  const PATH = `${process.env['PATH']}:/usr/sbin`;
  const child = spawn(command, args, {
    cwd: at.folder,
    env: { ...environment, PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // However this process ends, nothing that it started stays behind.
  process.once('exit', () => child.kill('SIGTERM'));
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  await started(child, { command, port: at.ports.https, output: () => output });
  return {
    logs: () =>
      [output, ...readdirSync(logs).map((name) => readFileSync(join(logs, name), 'utf8'))].join('\n'),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const closed = once(child, 'close');
      child.kill('SIGTERM'); // nginx then ends its workers, too
      await closed;
    },
  };
}

/** Resolves when it answers by https, whatever it answers. */
async function started(
  child: ChildProcess,
  { command, port, output }: { command: string; port: number; output: () => string },
): Promise<void> {
  const [error] = await Promise.race([once(child, 'error'), once(child, 'spawn')]);
  if (error)
    throw new Error(
      `These tests need ${command} (Debian's caddy, nginx-light) on the PATH: ${error.message}`,
    );
  const deadline = performance.now() + readyDeadlineMs;
  while (!(await answers(port))) {
    if (child.exitCode !== null || performance.now() > deadline)
      throw new Error(`${command} does not start: ${output()}`);
  }
}

async function answers(port: number): Promise<boolean> {
  return fetch(`https://localhost:${port}/`, { signal: AbortSignal.timeout(2_000) }).then(
    () => true,
    () => false,
  );
}
