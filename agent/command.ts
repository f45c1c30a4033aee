import { generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseInstant } from '../domain/instants.ts';
import { type Hardware, openAndLook } from './check.ts';
import { configPath, type DoorConfig, readAgentConfig } from './config.ts';
import { askAgent, openControl } from './control.ts';
import { enroll } from './enroll.ts';
import { takeFolder } from './folder-lock.ts';
import { readIdentity, type StoredIdentity, writeIdentity } from './identity.ts';
import type { AgentLog } from './log.ts';
import { outside, startAgent } from './main.ts';
import { Problem } from './problem.ts';
import { serverProblems } from './server-check.ts';
import { statusText } from './status-text.ts';

/** The one setting of the agent in the environment; everything else stands in its file. */
export const agentFolderSetting = 'POSTERN_AGENT_DATA';
const folderDefault = 'agent-data';

/** What the command line gives the agent's commands. */
export interface CommandParts {
  args: readonly string[];
  /** Of which `agentFolderSetting` is read. */
  environment: Readonly<Record<string, string | undefined>>;
  out: (text: string) => void;
  err: (text: string) => void;
  /** Resolves when the program is told to stop. */
  stopped: () => Promise<void>;
}

interface Command extends Pick<CommandParts, 'out' | 'err' | 'stopped'> {
  folder: string;
  config: string;
  /** What stands behind the name of the command. */
  given: readonly string[];
  options: { json?: boolean; replace?: boolean; authority?: string };
}

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const commonOptions = { folder: text };
const commands = {
  run: { run: runUntilStopped, options: { config: text }, takes: [] },
  enroll: { run: runEnroll, options: { authority: text, replace: flag }, takes: ['<server>', '<code>'] },
  check: { run: runCheck, options: { config: text }, takes: [] },
  status: { run: runStatus, options: { json: flag }, takes: [] },
  'set-time': { run: runSetTime, options: {}, takes: ['<instant, or now>'] },
} as const;

/** `postern agent …`. Answers the exit code: 1 for whatever was told on `err`. */
export async function agentCommand(parts: CommandParts): Promise<0 | 1> {
  try {
    const [name = '', ...rest] = parts.args;
    const isNamed = Object.hasOwn(commands, name) && name !== 'run';
    const chosen = isNamed ? commands[name as keyof typeof commands] : commands.run; // its own key
    return await chosen.run(read(isNamed ? name : '', isNamed ? rest : parts.args, parts));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    parts.err(`postern agent: ${error.message}\n`);
    return 1;
  }
}

function read(name: string, args: readonly string[], parts: CommandParts): Command {
  const { options, takes } = name === '' ? commands.run : commands[name as keyof typeof commands]; // checked before
  const { values, positionals } = parsed(args, { ...commonOptions, ...options });
  if (positionals.length !== takes.length)
    throw new Problem(
      name === '' && positionals[0] !== undefined
        ? `There is no command ${positionals[0]}. They are: ${Object.keys(commands).slice(1).join(', ')}; without one the agent runs.`
        : `Say: postern agent ${[name, ...takes].join(' ')}`,
    );
  const folder = resolve(values.folder ?? (parts.environment[agentFolderSetting] || folderDefault));
  const { out, err, stopped } = parts;
  return {
    ...{ out, err, stopped, folder, given: positionals, options: values },
    config: values.config === undefined ? configPath(folder) : resolve(values.config),
  };
}

type Values = Command['options'] & { folder?: string; config?: string };

function parsed(args: readonly string[], options: Record<string, { type: 'string' | 'boolean' }>) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options,
      allowPositionals: true,
      strict: true,
    });
    return { values: values as Values, positionals }; // what `options` says of them
  } catch (error) {
    throw new Problem(error instanceof Error ? error.message : String(error));
  }
}

async function runUntilStopped({ folder, config, out, err, stopped }: Command): Promise<0> {
  const identity = await requireIdentity(folder);
  const doors = await readAgentConfig(config);
  await using open = new AsyncDisposableStack();
  const untilStopped = stopped();
  open.use(takeFolder(folder));
  const agent = startAgent({ ...identity, folder, doors, log: logTo(err) });
  open.defer(() => agent.close());
  const { agent_id, organization, server_url } = identity;
  const about = { agent: { agent_id, organization, server_url } };
  const control = openControl(folder, {
    status: () => ({ ...about, ...agent.status() }),
    check: () => agent.check(),
    'set-time': ({ instant }) => {
      const at = parseInstant(String(instant));
      if (at === null) throw new Problem('That is no instant.');
      return agent.setTime(at);
    },
  });
  open.use(await control);
  out(`Agent ${agent_id} of ${organization} runs in ${folder}: ${doorsWords(doors)}. Ctrl-C ends it.\n`);
  const started = agent.connected().catch((error: unknown) => {
    throw new Problem(error instanceof Error ? error.message : String(error));
  });
  await Promise.race([untilStopped, started]);
  await untilStopped;
  return 0;
}

async function runEnroll({ folder, given, options, out }: Command): Promise<0> {
  const [server = '', code = ''] = given;
  await makeFolder(folder);
  using _ = takeFolder(folder);
  const known = await readIdentity(folder).catch((error: unknown) => {
    if (options.replace) return null;
    throw error;
  });
  if (known && !options.replace)
    throw new Problem(
      `${folder} is enrolled already, as agent ${known.agent_id} of ${known.organization}. Add --replace to enroll it anew.`,
    );
  const authority = options.authority === undefined ? undefined : await certificates(options.authority);
  const { privateKey } = generateKeyPairSync('ed25519');
  const identity = await enroll({ server, code, private_key: privateKey, trust: { authority } });
  await writeIdentity(folder, identity);
  out(
    `Enrolled as agent ${identity.agent_id} of ${identity.organization}, in ${folder}.\n` +
      `Say in ${configPath(folder)} which doors it drives, look at it with \`postern agent check\`, and start \`postern agent\`.\n`,
  );
  return 0;
}

async function runCheck({ folder, config, out, err }: Command): Promise<0 | 1> {
  const identity = await requireIdentity(folder);
  const doors = await readAgentConfig(config);
  const running = await askAgent(folder, { command: 'check' });
  const hardware = running === null ? await checkStopped({ folder, doors, err }) : (running as Hardware[]); // our own program's words
  const problems = running === null ? await problemsOf(identity, doors) : await problemsNow(folder);
  for (const { what, ok, says } of hardware) out(`${ok ? 'ok  ' : 'FAIL'}  ${what}: ${says}\n`);
  for (const problem of problems) out(`FAIL  ${problem}\n`);
  if (problems.length === 0)
    out(`ok    ${identity.server_url} answers, and proves that it is the server of this agent.\n`);
  return problems.length === 0 && hardware.every(({ ok }) => ok) ? 0 : 1;
}

async function checkStopped(parts: {
  folder: string;
  doors: DoorConfig[];
  err: Command['err'];
}): Promise<Hardware[]> {
  using _ = takeFolder(parts.folder);
  const { folder, doors, err } = parts;
  return openAndLook(doors, { folder, at: outside.at, nonce: outside.nonce, log: logTo(err) });
}

async function problemsOf(identity: StoredIdentity, doors: readonly DoorConfig[]): Promise<string[]> {
  const door_ids = doors.map(({ id }) => id);
  const problems = await serverProblems(identity, { door_ids, world: outside });
  return problems.map((problem) =>
    problem.startsWith('Door ') ? problem : `${identity.server_url}: ${problem}`,
  );
}

/** What the running agent says of its connection. */
async function problemsNow(folder: string): Promise<string[]> {
  const { connection, doors = [] }: ReturnType<import('./presence.ts').Presence['status']> = Object(
    await askAgent(folder, { command: 'status' }),
  );
  const refused = doors.flatMap(({ id, refused }) => (refused === null ? [] : [`Door ${id}: ${refused}.`]));
  return connection.connected
    ? refused
    : [connection.problem ?? 'The agent is not connected yet.', ...refused];
}

async function runStatus({ folder, options, out }: Command): Promise<0> {
  const status = await askAgent(folder, { command: 'status' });
  if (status === null) throw new Problem(`No agent is running in ${folder}.`);
  out(options.json ? `${JSON.stringify(status)}\n` : statusText(status));
  return 0;
}

async function runSetTime({ folder, given, out }: Command): Promise<0> {
  const [wanted = ''] = given;
  const instant = wanted === 'now' ? outside.at() : parseInstant(wanted);
  if (instant === null)
    throw new Problem(
      `${JSON.stringify(wanted)} is no instant: write 2026-03-01T09:00:00Z, or now for this machine's clock.`,
    );
  const answer = await askAgent(folder, { command: 'set-time', instant });
  if (answer === null) throw new Problem(`No agent is running in ${folder}.`);
  out(`The agent goes by ${instant} from now on.\n`);
  return 0;
}

async function requireIdentity(folder: string): Promise<StoredIdentity> {
  const identity = await readIdentity(folder);
  if (identity) return identity;
  throw new Problem(
    `The agent in ${folder} is not enrolled yet. Make a code with \`POST /agents\`, then: postern agent enroll <server> <code>`,
  );
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    throw new Problem(
      `${folder} cannot be made (${error.code}): name another with --folder or POSTERN_AGENT_DATA.`,
    );
  });
}

async function certificates(file: string): Promise<string> {
  const pem = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Problem(`${file} cannot be read (${error.code}).`);
  });
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) throw new Problem(`${file} holds no certificate (PEM).`);
  return pem;
}

function doorsWords(doors: readonly DoorConfig[]): string {
  const readers = doors.reduce((count, door) => count + door.readers.length, 0);
  return `${doors.length} ${doors.length === 1 ? 'door' : 'doors'}, ${readers} ${readers === 1 ? 'reader' : 'readers'}`;
}

/** A line each: when it was is for whoever keeps them, such as the journal of systemd. */
function logTo(err: (text: string) => void): AgentLog {
  const line = (fields: object, message: string) => {
    const more = Object.entries(fields).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
    err(`${message}${more.join('')}\n`);
  };
  return { info: line, warn: line };
}
