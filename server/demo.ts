import { createPrivateKey, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addMs } from '../domain/instants.ts';
import { linkState } from '../domain/link.ts';
import { createAgent, renewEnrolmentCode } from './agents/enrolment.ts';
import { type Config, newSecretKeyText, SettingError, secretKey } from './config.ts';
import type { Context, LoginCaller } from './context.ts';
import { only } from './database/database.ts';
import { insertDoor } from './doors/store.ts';
import { insertGroup, insertGroupDoor } from './groups/store.ts';
import type { HostKey } from './installation.ts';
import { createLink } from './links/links.ts';
import { currentPass } from './links/passes.ts';
import { qrPng } from './links/qr.ts';
import { selectLink } from './links/store.ts';
import { authenticateLogin } from './logins/logins.ts';
import { insertPlace } from './places/store.ts';
import { setUp } from './setup.ts';
import { databaseName, makeFolder } from './storage.ts';

const dayMs = 24 * 3_600_000;
const doorNames = ['Front door', 'Meeting room'];
const recipient = 'Robin Guest';

/** What the demo made on its first start, kept in its data folder and readable by the owner only. */
interface DemoRecord {
  api_key: string;
  organization: { id: number; domain: string };
  owner: { email: string; password: string };
  place_id: number;
  group_id: number;
  locks: { id: number; name: string }[];
  /** With a key of its own only where a demo was begun before there were enrolment codes. */
  agent: { id: number; private_key?: string };
  link: { id: number; secret: string };
}

/** What `postern demo --json` prints. */
export interface Demo {
  url: string;
  api_key: string;
  organization: { id: number; domain: string };
  owner: { email: string; password: string };
  place_id: number;
  group_id: number;
  locks: { id: number; name: string }[];
  link: { id: number; secret: string; url: string; pass: string; qr_png: string };
  /** With `--lan`: the file of the certificate to trust. */
  authority?: string | undefined;
}

/** The agent that the demo runs in its own process. */
export interface DemoAgent {
  agent_id: number;
  /** The key it had before there were enrolment codes. */
  private_key: KeyObject | null;
  /** For an agent that has none, and was not enrolled yet. */
  newCode(): Promise<string>;
  folder: string;
  doors: { id: number; name: string }[];
}

/**
 * The demo keeps its secret key inside its data folder, so that it starts without any setting. A first start that
 * was cut short is begun again: nothing of it was ever shown to anybody.
 */
export function demoConfig(config: Config): Config {
  const { dataFolder } = config;
  if (config.databaseUrl !== null) {
    throw new SettingError(
      'The demo keeps its own embedded database. Remove POSTERN_DATABASE_URL, or start the real server with `postern serve`.',
    );
  }
  const files = demoFiles(dataFolder);
  if (existsSync(files.unfinished)) clearUnfinished(files);
  const logLevel = config.logLevel ?? 'warn';
  if (existsSync(files.database) && !existsSync(files.record)) {
    throw new SettingError(
      `${dataFolder} holds an installation that is not the demo's. Set POSTERN_DATA to another folder.`,
    );
  }
  if (!existsSync(files.record)) {
    makeFolder(dataFolder);
    writeFileSync(files.unfinished, '', { mode: 0o600 });
  }
  if (config.secretKey !== null) return { ...config, logLevel };
  if (!existsSync(files.key)) {
    if (existsSync(files.record)) {
      throw new SettingError(
        `The secret key of the demo in ${dataFolder} is gone. Delete the folder to start afresh.`,
      );
    }
    writeFileSync(files.key, `${newSecretKeyText()}\n`, { mode: 0o600 });
  }
  return { ...config, logLevel, secretKey: secretKey(readFileSync(files.key, 'utf8')) };
}

/** Opens what the first start made, or makes it. Answers the same things every time. */
export async function openDemo(
  context: Context,
  {
    dataFolder,
    timeZone,
    authority,
    hostKey,
  }: { dataFolder: string; timeZone: string; authority?: string | undefined; hostKey: HostKey },
): Promise<{ demo: Demo; agent: DemoAgent }> {
  const file = demoFiles(dataFolder).record;
  const record = existsSync(file)
    ? readRecord(file)
    : await makeRecord(context, { dataFolder, timeZone, hostKey });
  const link = await currentLink(context, record);
  const { pass, qr_png } = await writePass(context, dataFolder, {
    organization_id: record.organization.id,
    id: link.id,
  });
  const { api_key, organization, owner, place_id, group_id, locks } = record;
  const url = `${context.publicUrl}/l/${link.id}#${link.secret}`;
  const demo = {
    url: context.publicUrl,
    api_key,
    organization,
    owner,
    place_id,
    group_id,
    locks,
    link: { ...link, url, pass, qr_png },
    authority,
  };
  // The agent keeps its key itself, once it has written that down.
  const hasIdentity = existsSync(join(agentFolder(dataFolder), 'identity.json'));
  writeRecord(dataFolder, { ...demo, agent: hasIdentity ? { id: record.agent.id } : record.agent });
  return {
    demo,
    agent: {
      agent_id: record.agent.id,
      private_key: record.agent.private_key ? createPrivateKey(record.agent.private_key) : null,
      async newCode() {
        const caller = await demoCaller(context, record);
        return (await renewEnrolmentCode(context, caller, { id: record.agent.id, hostKey })).enrollment_code;
      },
      folder: agentFolder(dataFolder),
      doors: locks,
    },
  };
}

/** Where the demo's agent keeps its files, and `postern scan` finds its readers. */
export function agentFolder(dataFolder: string): string {
  return join(dataFolder, 'agent');
}

/** Once there is a record the start was over but for this marker; before, nothing of it is worth keeping. */
function clearUnfinished(files: ReturnType<typeof demoFiles>): void {
  const { key, database, record, unfinished } = files;
  const leftovers = existsSync(record) ? [] : [key, database, `${database}-wal`, `${database}-shm`];
  for (const file of [...leftovers, unfinished]) rmSync(file, { force: true });
}

function demoFiles(dataFolder: string) {
  return {
    database: join(dataFolder, databaseName),
    key: join(dataFolder, 'secret.key'),
    record: join(dataFolder, 'demo.json'),
    unfinished: join(dataFolder, 'demo.unfinished'),
  };
}

function readRecord(file: string): DemoRecord {
  return JSON.parse(readFileSync(file, 'utf8')); // written by this file, readable by the owner only
}

function writeRecord(dataFolder: string, record: DemoRecord): void {
  const file = demoFiles(dataFolder).record;
  writeFileSync(`${file}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

async function makeRecord(
  context: Context,
  { dataFolder, timeZone, hostKey }: { dataFolder: string; timeZone: string; hostKey: HostKey },
): Promise<DemoRecord> {
  const first = await setUp(context, { name: 'Postern demo', domain: 'demo', email: 'owner@demo.invalid' });
  const building = await makeBuilding(context, first.organization.id, timeZone);
  const caller = only((await authenticateLogin(context, first.api_key)) ?? undefined);
  const { id } = await createAgent(context, caller, { name: 'Demo agent', hostKey });
  const link = await issueLink(context, caller, building.group_id);
  const record = { ...first, ...building, agent: { id }, link };
  writeRecord(dataFolder, record);
  rmSync(demoFiles(dataFolder).unfinished, { force: true });
  return record;
}

async function makeBuilding(context: Context, organization_id: number, time_zone: string) {
  const at = context.clock.now();
  const times = { created_at: at, updated_at: at, deleted_at: null };
  return context.database.everywhere.transaction(async (tx) => {
    const place_id = await insertPlace(tx, {
      organization_id,
      name: 'Postern House',
      description: null,
      address: '1 Gate Lane',
      latitude: null,
      longitude: null,
      time_zone,
      ...times,
    });
    const group_id = await insertGroup(tx, {
      organization_id,
      place_id,
      name: 'Visitors',
      description: null,
      ...times,
    });
    const locks: { id: number; name: string }[] = [];
    for (const name of doorNames) {
      const door = {
        organization_id,
        place_id,
        agent_id: null,
        name,
        description: null,
        latitude: null,
        longitude: null,
      };
      const id = await insertDoor(tx, { ...door, order_id: null, locked_down_at: null, ...times });
      await insertGroupDoor(tx, { organization_id, group_id, door_id: id, created_at: at, updated_at: at });
      locks.push({ id, name });
    }
    return { place_id, group_id, locks };
  });
}

/** The link of the last start, or a new one when that would not open a door now: the demo always has one that does. */
async function currentLink(context: Context, record: DemoRecord): Promise<DemoRecord['link']> {
  const link = await selectLink(context.database.everywhere.read, record.organization.id, record.link.id);
  const opens = link && linkState(link, context.clock.now()) === 'active' && link.link_enabled === 1;
  if (opens && (await currentPass(context.keys, context.database.everywhere.read, link)) !== null) {
    const { id, secret } = record.link;
    return { id, secret };
  }
  return issueLink(context, await demoCaller(context, record), record.group_id);
}

async function demoCaller(context: Context, { api_key }: DemoRecord): Promise<LoginCaller> {
  const caller = await authenticateLogin(context, api_key);
  if (caller) return caller;
  throw new SettingError('The API key of the demo was revoked. Delete its data folder to start afresh.');
}

async function issueLink(
  context: Context,
  caller: LoginCaller,
  group_id: number,
): Promise<DemoRecord['link']> {
  const valid_until = addMs(context.clock.now(), dayMs);
  const { id, secret } = await createLink(context, caller, { name: recipient, group_id, valid_until });
  return { id, secret: only(secret ?? undefined) };
}

async function writePass(context: Context, dataFolder: string, key: { organization_id: number; id: number }) {
  const link = only(await selectLink(context.database.everywhere.read, key.organization_id, key.id));
  const pass = only((await currentPass(context.keys, context.database.everywhere.read, link)) ?? undefined);
  const qr_png = join(dataFolder, 'link-qr.png');
  writeFileSync(qr_png, qrPng(pass), { mode: 0o600 });
  return { pass, qr_png };
}

/** Whether the folder is a demo's: its key lies inside, so that `api-keys` works on it without settings. */
export function isDemo(dataFolder: string): boolean {
  return existsSync(demoFiles(dataFolder).record);
}
