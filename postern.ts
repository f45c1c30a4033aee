#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import type { RunningAgent } from './agent/main.ts';
import { PosternError } from './domain/errors.ts';
import { timeZoneName } from './domain/instants.ts';
import { parseOptions as parse, UsageError, wholeNumber } from './server/command-line.ts';
import type { Config } from './server/config.ts';

const helpText = `Postern: self-hosted temporary door access.

Usage: postern <command> [options]        from a clone: npm run postern -- <command> [options]

Start here
  demo                 An organization, two doors behind a simulated agent, and one access link, on this machine.
                       Prints what it made; Ctrl-C ends it; the next start brings the same back.
    --lan              For phones in the same network: https on all interfaces, with a certificate of its own.
    --json             One line of JSON once everything is ready, for scripts; keeps running.
  agent                The software at a door: reads codes, asks the server, drives the lock. Until it is told to stop.
    --folder <folder>  Where it keeps its key and agent.json, which names its doors (or POSTERN_AGENT_DATA).
  agent enroll <server> <code>
                       Makes this machine an agent, with the one-time code that POST /agents answers.
  agent check          Looks at every lock and reader, and at the server. Exit code 0 or 1.
  agent status         What the running agent says of itself. agent set-time <instant|now> sets its clock.
  scan <what> --door <id>
                       Shows a QR code to a door's simulated reader while the demo runs. <what> is a picture
                       (PNG or JPEG) or the text itself. Prints "granted" or the reason. Exit code 0 or 1.

Run it for real
  setup                Makes the first organization, its owner and an API key, and prints them. Once.
    --name <name> --domain <short-name> --email <owner's address>
    --json             The same as one line of JSON.
  serve                Serves the HTTP API and the visitor's page until it is told to stop.
  api-keys create --name <name> [--scopes <scope,…>] [--expires <90d or an instant>] [--organization <id>]
                       Makes an API key and prints its secret, once.
  api-keys list        Shows every key and what it may do, never its secret.
  api-keys revoke <id> Ends a key at once.
  migrate              Brings a PostgreSQL database up to date, as its owner.
  copy --to <database URL>
                       Takes an installation from its folder to PostgreSQL, and compares every value.

Settings are environment variables: docs/reference/settings.md lists them. The most used are
  POSTERN_DATA=<folder>  POSTERN_PORT=<port>  POSTERN_PUBLIC_URL=<https://…>  POSTERN_SECRET_KEY_FILE=<file>

Try it
  postern demo                                  in one terminal
  postern scan data/link-qr.png --door 1        in another
  curl -H "Authorization: KISI-LOGIN $KEY" http://127.0.0.1:8080/events
`;

/** How long the demo waits for its own agent, on however busy a machine. */
const agentReadyTimeoutMs = 20_000;

const commands: Record<string, (args: string[]) => Promise<number>> = {
  demo: runDemo,
  serve: runServe,
  setup: runSetup,
  'api-keys': runApiKeys,
  migrate: runMigrate,
  copy: runCopy,
  agent: runAgent,
  scan: runScan,
};

// Beside the code, which is trusted as much. Where that cannot be written to, starting takes a second longer.
enableCompileCache(join(import.meta.dirname, 'node_modules', '.cache', 'postern'));
// What is kept is for its owner only.
process.umask(0o077);
process.exitCode = await run(process.argv.slice(2));

async function run([name = '--help', ...args]: string[]): Promise<number> {
  try {
    if (['--help', '-h', 'help'].includes(name) || args.includes('--help')) return say(helpText);
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!command)
      throw new UsageError(
        `There is no command ${name}. The commands are: ${Object.keys(commands).join(', ')}.`,
      );
    return await command(args);
  } catch (error) {
    return fail(error);
  }
}

async function runDemo(args: string[]): Promise<number> {
  const { values } = parse(args, { json: { type: 'boolean' }, lan: { type: 'boolean' } });
  const given = await settings();
  const { demoConfig, openDemo } = await import('./server/demo.ts');
  const { openInstallation, startServer } = await import('./server/main.ts');
  const { takeDataFolder } = await import('./server/storage.ts');
  await using open = new AsyncDisposableStack();
  const stopped = untilStopped();
  open.use(takeDataFolder(given.dataFolder));
  const { lanConfig } = await import('./server/demo-lan.ts');
  const config = values.lan
    ? await lanConfig(demoConfig(given), new Date().toISOString())
    : demoConfig(given);
  const installation = await openInstallation(config);
  open.defer(() => installation.close());
  const server = await startServer(installation, config);
  open.defer(() => server.close());
  const { demo, agent } = await openDemo(installation.context, {
    dataFolder: config.dataFolder,
    timeZone: ownTimeZone(),
    authority: config.lan?.authorityFile,
    hostKey: installation.hostKey,
  });
  const { startAgent } = await import('./agent/main.ts');
  const { identityIn } = await import('./agent/first-start.ts');
  const { agent_id, private_key, newCode } = agent;
  const { publicUrl: public_url } = installation.context;
  const known = {
    agent_id,
    organization: 'Postern demo',
    public_url,
    server_public_key: installation.hostKey.publicKey,
  };
  const identity = await identityIn(agent.folder, {
    server_url: server.url,
    certificate: server.certificate(),
    newCode,
    earlier: private_key && { ...known, private_key },
  });
  open.use((await import('./agent/folder-lock.ts')).takeFolder(agent.folder));
  const running = startAgent({
    ...identity,
    server_url: server.url, // it may be another than at the first start
    public_url,
    server_certificate: server.certificate,
    folder: agent.folder,
    doors: agent.doors.map((door) => ({
      ...door,
      lock: { driver: 'simulated' },
      readers: [{ name: `${door.name} reader`, driver: 'simulated', port: 0 }],
    })),
    log: installation.log,
    onPulse: (door, pulse_ms) => values.json || say(`  ● ${door.name} opens for ${pulse_ms / 1000} s\n`),
  });
  open.defer(() => running.close());
  await ready(running, () => installation.context.agents.isReachable(agent.agent_id));
  if (values.json) say(`${JSON.stringify(demo)}\n`);
  else say((await import('./server/demo-text.ts')).demoText(demo, config.dataFolder, process.stdout.columns));
  await stopped;
  return 0;
}

/** This machine's zone; a machine that is set to none is in UTC. */
function ownTimeZone(): string {
  return timeZoneName(Temporal.Now.timeZoneId()) ?? 'UTC';
}

/** The doors can be opened once the server has the agent's first heartbeat, a moment after the welcome. */
async function ready(agent: RunningAgent, isReachable: () => boolean): Promise<void> {
  await agent.connected();
  const deadline = performance.now() + agentReadyTimeoutMs;
  while (!isReachable()) {
    if (performance.now() > deadline) throw new Error('The simulated agent did not report in time.');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function runServe(args: string[]): Promise<number> {
  parse(args, {});
  const config = await settings();
  const { openInstallation, startServer } = await import('./server/main.ts');
  const { takeDataFolder } = await import('./server/storage.ts');
  await using open = new AsyncDisposableStack();
  const stopped = untilStopped();
  const installation = await openInstallation(config);
  open.defer(() => installation.close());
  if (config.databaseUrl === null) open.use(takeDataFolder(config.dataFolder));
  const server = await startServer(installation, config);
  open.defer(() => server.close());
  say(`Postern listens at ${server.url}\n`);
  const { firstOrganization } = await import('./server/setup.ts');
  if (!(await firstOrganization(installation.context))) {
    say('Nobody can use it yet: make an organization and an API key with `postern setup`.\n');
  }
  await stopped;
  return 0;
}

async function runSetup(args: string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const { values } = parse(args, { json: { type: 'boolean' }, name: text, domain: text, email: text });
  const { setUp } = await import('./server/setup.ts');
  const input = {
    name: values.name ?? 'Postern',
    domain: values.domain ?? 'postern',
    email: values.email ?? 'owner@postern.invalid',
  };
  const made = await withInstallation(({ context }) => setUp(context, input));
  if (values.json) return say(`${JSON.stringify(made)}\n`);
  return say(
    `Organization  ${made.organization.domain} (${made.organization.id})\n` +
      `Owner         ${made.owner.email}\nPassword      ${made.owner.password}\nAPI key       ${made.api_key}\n\n` +
      'Keep these: they are not shown again. Now start the server with `postern serve`.\n',
  );
}

async function runApiKeys(args: string[]): Promise<number> {
  const { apiKeysCommand } = await import('./server/logins/key-command.ts');
  return say(await apiKeysCommand(args, (work) => withInstallation(({ context }) => work(context))));
}

async function runMigrate(args: string[]): Promise<number> {
  parse(args, {});
  const { migrate } = await import('./server/migrate.ts');
  return say(await migrate(await settings()));
}

async function runCopy(args: string[]): Promise<number> {
  const { values } = parse(args, { to: { type: 'string' } });
  if (!values.to)
    throw new UsageError(
      'Say where to: postern copy --to postgres://postern:<password>@db.example.org/postern',
    );
  const { copy } = await import('./server/migrate.ts');
  return say(await copy(await settings(), values.to, process.stdout));
}

async function runAgent(args: string[]): Promise<number> {
  const { agentCommand } = await import('./agent/command.ts');
  return agentCommand({
    args,
    environment: process.env,
    out: (text) => say(text),
    err: (text) => process.stderr.write(text),
    stopped: untilStopped,
  });
}

async function runScan(args: string[]): Promise<number> {
  const { values, positionals } = parse(args, { door: { type: 'string' } }, true);
  const [input, ...rest] = positionals;
  if (input === undefined || rest.length > 0 || values.door === undefined) {
    throw new UsageError('Say what to show, and where: postern scan data/link-qr.png --door 1');
  }
  const { present } = await import('./agent/present.ts');
  const { agentFolder } = await import('./server/demo.ts');
  const { dataFolder } = await settings();
  return present({
    input,
    door_id: wholeNumber(values.door, '--door'),
    folder: agentFolder(dataFolder),
    out: (line) => say(`${line}\n`),
    err: (line) => process.stderr.write(`${line}\n`),
  });
}

async function withInstallation<T>(
  work: (open: import('./server/main.ts').OpenInstallation) => Promise<T>,
): Promise<T> {
  const { openInstallation } = await import('./server/main.ts');
  const { demoConfig, isDemo } = await import('./server/demo.ts');
  const config = await settings();
  const installation = await openInstallation(isDemo(config.dataFolder) ? demoConfig(config) : config);
  try {
    return await work(installation);
  } finally {
    await installation.close();
  }
}

async function settings(): Promise<Config> {
  const { readConfig } = await import('./server/config.ts');
  return readConfig(process.env);
}

/** Resolves at the first Ctrl-C or SIGTERM; a second one ends the process at once. */
function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

function say(text: string): 0 {
  process.stdout.write(text);
  return 0;
}

/** A sentence for what the person can change; a trace only for what they cannot. */
async function fail(error: unknown): Promise<number> {
  const { SettingError } = await import('./server/config.ts');
  const expected =
    error instanceof PosternError || error instanceof SettingError || error instanceof UsageError;
  const text =
    error instanceof Error ? (expected ? error.message : (error.stack ?? error.message)) : String(error);
  process.stderr.write(`postern: ${text}\n${error instanceof UsageError ? 'See: postern --help\n' : ''}`);
  return 1;
}
