import { generateKeyPairSync, randomBytes, randomUUIDv7 } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { type Logger, pino } from 'pino';
import { acceptAgents } from './agents/upgrade.ts';
import { createApp } from './app.ts';
import { type Bus, silentBus } from './bus/bus.ts';
import { composeContext } from './composition.ts';
import { type Config, SettingError } from './config.ts';
import type { Clock, Context, Random } from './context.ts';
import { recordEvent } from './events/events.ts';
import { Housekeeping, housekeepingTasks } from './housekeeping.ts';
import { readPageFiles } from './http/page-files.ts';
import { withinRanges } from './http/proxies.ts';
import { openTls, ownCertificate } from './http/tls.ts';
import { type HostKey, openHostKey } from './installation.ts';
import { oncePerTurn, openLog } from './log.ts';
import { Reference } from './reference/reference.ts';
import { createHandlers } from './routes.ts';
import { asSettingError, openDatabase } from './storage.ts';
import { Presentations } from './unlocks/presentations.ts';

/** The database with everything that operations need, and no network: for commands that change it from the outside. */
export interface OpenInstallation {
  context: Context;
  hostKey: HostKey;
  log: Logger;
  close(): Promise<void>;
}

export interface RunningServer {
  /** Where it listens, for this machine. */
  url: string;
  /** The certificate that it shows at present, as PEM; undefined: it speaks http. */
  certificate(): string | undefined;
  /** Finishes what was begun, then closes everything in the reverse order. */
  close(): Promise<void>;
}

export interface Outside {
  clock: Clock;
  random: Random;
}

const systemClock: Clock = {
  now: presentInstant,
  monotonicMs: () => performance.now(),
  after(ms, work) {
    const timer = setTimeout(work, ms).unref();
    return () => clearTimeout(timer);
  },
};

let lastMs = 0;
let lastInstant = '';

/** Spelt once a millisecond: a busy server asks several times in each. */
function presentInstant(): string {
  const ms = Date.now();
  if (ms !== lastMs) [lastMs, lastInstant] = [ms, new Date(ms).toISOString()];
  return lastInstant;
}

const systemRandom: Random = {
  bytes: (length) => randomBytes(length),
  uuid: () => randomUUIDv7(),
  keyPair: () => generateKeyPairSync('ed25519'),
};

/** Opens the data folder. Throws a SettingError when there is no secret key, or another than it was written with. */
export async function openInstallation(
  config: Config,
  outside: Partial<Outside> = {},
): Promise<OpenInstallation> {
  if (config.secretKey === null) throw new SettingError(secretKeyMissing);
  const { clock = systemClock, random = systemRandom } = outside;
  const { log, close: closeLog } = await openStderrLog(config);
  const database = await openDatabase(config, (error) =>
    log.warn({ err: error }, 'a connection to the database was lost'),
  );
  const onBackgroundError = (error: unknown) => log.error({ err: error }, 'work in the background failed');
  const bus = await openBus(config, { process_id: random.uuid(), log }).catch(async (error: unknown) => {
    await database.close();
    throw error;
  });
  const context = composeContext({
    database,
    bus,
    clock,
    random,
    secretKey: config.secretKey,
    publicUrl: config.publicUrl ?? ownUrl(config, config.port),
    rateLimits: config.rateLimits,
    onBackgroundError,
  });
  const close = async () => {
    await context.outcomes.written();
    await bus.close();
    await database.close();
    closeLog();
  };
  try {
    return { context, hostKey: await openHostKey(context), log, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The line to the other server processes on the same database; one process on a folder has none. */
async function openBus(
  config: Config,
  { process_id, log }: { process_id: string; log: Logger },
): Promise<Bus> {
  if (config.databaseUrl === null) return silentBus(process_id);
  const { PostgresBus } = await import('./bus/postgres-bus.ts');
  const bus = new PostgresBus({
    url: config.databaseUrl,
    process_id,
    monotonicMs: systemClock.monotonicMs,
    onLost: (error) => log.warn({ err: error }, 'the line to the other server processes was lost'),
  });
  try {
    await bus.open();
  } catch (error) {
    throw await asSettingError(error, 'POSTERN_DATABASE_URL');
  }
  return bus;
}

async function openStderrLog({ logLevel, logFormat }: Config): Promise<{ log: Logger; close(): void }> {
  const stderr = pino.destination({ fd: 2, sync: true });
  const { isTTY } = process.stderr;
  const format = logFormat ?? (isTTY ? 'text' : 'json');
  const write = oncePerTurn((lines) => stderr.write(lines));
  process.once('exit', write.now);
  const close = () => {
    write.now();
    process.off('exit', write.now);
  };
  return { log: await openLog({ level: logLevel ?? 'info', format, colour: isTTY }, write.later), close };
}

/** Serves an open installation over HTTP and to its agents. Closing the server leaves the installation open. */
export async function startServer(installation: OpenInstallation, config: Config): Promise<RunningServer> {
  const { context, hostKey, log } = installation;
  const { clock, onBackgroundError, metrics } = context;
  const housekeeping = new Housekeeping({
    tasks: housekeepingTasks(context),
    clock,
    onError: onBackgroundError,
  });
  const presentations = new Presentations(context);
  const lasting = {
    presentations,
    files: readPageFiles(),
    reference: new Reference(context),
    housekeeping,
    hostKey,
    authority: config.lan?.authority,
  };
  const tls = config.tls && openTls(config.tls, { context, log });
  const app = createApp({
    context,
    handlersOver: (own) => createHandlers({ context: own, ...lasting }),
    log,
    tls: tls?.pair(),
    isProxy: withinRanges(config.trustedProxies),
  });
  const endAgents = acceptAgents(app.server, {
    context,
    hostKey,
    log,
    present: (presentation) => presentations.decide(presentation),
    onSecondSession: (agent) => alarmSecondSession(context, agent),
  });
  await listen(() => app.listen({ host: config.host, port: config.port }), config);
  const { port } = app.server.address() as AddressInfo; // it listens on TCP
  // With port 0 the address is known only now; nobody has asked for it yet.
  context.publicUrl = config.publicUrl ?? ownUrl(config, port);
  for (const warning of config.warnings) log.warn(warning);
  log.info({ url: context.publicUrl }, 'listening');
  housekeeping.start();
  metrics.watchProcess();
  metrics.watch(
    'postern_agents_connected',
    'Agents that are connected to this process.',
    () => context.agents.reachableAgents().length,
  );
  const stopWatching = tls?.watch(app.server);
  return {
    url: ownUrl({ ...config, lan: null }, port),
    certificate: () => (tls ? ownCertificate(tls.pair()) : undefined),
    async close() {
      stopWatching?.();
      context.agentNews.close();
      context.agents.close();
      endAgents();
      await context.feed.end();
      await closeApp(app);
      await housekeeping.stop();
    },
  };
}

/** Requests that have arrived are answered; whoever has not finished asking by then is cut off. */
async function closeApp(app: FastifyInstance): Promise<void> {
  const closed = app.close();
  await app.answered();
  app.server.closeAllConnections();
  await closed;
}

const secretKeyMissing =
  'There is no secret key. Make one with `openssl rand -base64 32 > postern.key`, keep the file outside the data ' +
  'folder, readable by you only, and set POSTERN_SECRET_KEY_FILE to it (or POSTERN_SECRET_KEY to its content).';

async function listen(start: () => Promise<unknown>, { host, port }: Config): Promise<void> {
  try {
    await start();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EADDRINUSE') {
      throw new SettingError(
        `Port ${port} on ${host} is taken. Stop what uses it, or set POSTERN_PORT to another (0: any).`,
      );
    }
    if (code === 'EACCES')
      throw new SettingError(`This user may not listen on port ${port}. Set POSTERN_PORT above 1023.`);
    if (code === 'EADDRNOTAVAIL')
      throw new SettingError(`This machine has no address ${host}. Change POSTERN_HOST.`);
    throw error;
  }
}

async function alarmSecondSession(
  context: Context,
  { organization_id, agent_id, name }: { organization_id: number; agent_id: number; name: string },
): Promise<void> {
  await context.database.of(organization_id).transaction(async (tx) => {
    await recordEvent(context, tx, {
      organization_id,
      type: 'agent.alarm',
      at: context.clock.now(),
      actor: null,
      authenticated_by: null,
      object: { type: 'Agent', id: agent_id, name },
      message: `${name} connected a second time; its first session was ended`,
    });
  });
}

function ownUrl({ host, lan, tls }: Pick<Config, 'host' | 'lan' | 'tls'>, port: number): string {
  return `${tls ? 'https' : 'http'}://${urlHost(lan?.address ?? host)}:${port}`;
}

function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
