import { readdirSync, readFileSync } from 'node:fs';
import { Client, escapeIdentifier } from 'pg';

const migrationFolder = new URL('./migrations/postgres/', import.meta.url);
const rowSecurityFile = new URL('./row-security.sql', import.meta.url);
const migrationLock = "hashtext('postern migrations')";
const connectTimeoutMs = 10_000;
/** The name, among those of the installation, under which a copy that is not whole yet keeps where it comes from. */
export const copyBegun = 'copy_begun';

/** A database that Postern must not run on, or not yet: the message says what to change. */
export class DatabaseSetupError extends Error {}

/** Whoever answers a plain question: a connection of any kind. */
interface Asked {
  query<Row extends object>(text: string): Promise<{ rows: Row[] }>;
}

export interface MigrationResult {
  /** The names of the migrations that this run applied, in order. */
  applied: string[];
  version: number;
}

/** The names of all migrations, in order: the schema's version is their number. */
export function migrationNames(): string[] {
  return readdirSync(migrationFolder).sort();
}

/**
 * Brings the schema up to date as its owner, and gives the server's role what it needs and no more. Several at once
 * wait for each other; each migration is one transaction, so that one that fails leaves the version before it.
 */
export async function migratePostgres(ownerUrl: string, runtimeRole: string): Promise<MigrationResult> {
  const client = new Client({ connectionString: ownerUrl, connectionTimeoutMillis: connectTimeoutMs });
  client.on('error', () => {}); // what the running statement rejects with says it already
  await client.connect();
  try {
    // Row-level security is forced for the owner too, and a migration works on every organization's rows.
    await client.query("select set_config('postern.organization', '*', false)");
    await client.query(`select pg_advisory_lock(${migrationLock})`);
    const rowSecurity = await rowSecuritySql(client, runtimeRole); // before anything is changed: it may refuse
    const applied = await applyMissing(client);
    await client.query(rowSecurity);
    return { applied, version: migrationNames().length };
  } finally {
    await client.end();
  }
}

async function applyMissing(client: Client): Promise<string[]> {
  await client.query(
    'create table if not exists schema_migrations (number bigint primary key, name text not null, applied_at timestamptz not null default now())',
  );
  const version = await schemaVersion(client);
  const names = migrationNames();
  if (version > names.length) throw new DatabaseSetupError(newerSchema);
  for (const [index, name] of names.entries()) {
    if (index < version) continue;
    const sql = readFileSync(new URL(name, migrationFolder), 'utf8');
    await client.query('begin');
    await client.query(sql);
    await client.query('insert into schema_migrations (number, name) values ($1, $2)', [index + 1, name]);
    await client.query('commit');
  }
  return names.slice(version);
}

async function rowSecuritySql(client: Client, runtimeRole: string): Promise<string> {
  const { rows } = await client.query<{ schema: string; owner: string; known: boolean }>(
    'select current_schema() as schema, current_user as owner, exists (select 1 from pg_roles where rolname = $1) as known',
    [runtimeRole],
  );
  const [here] = rows;
  if (!here?.known) {
    throw new DatabaseSetupError(
      `The database has no role ${runtimeRole}, which POSTERN_DATABASE_URL names. Create it: create role ${escapeIdentifier(runtimeRole)} login password '…'.`,
    );
  }
  if (here.owner === runtimeRole) throw new DatabaseSetupError(sameRole);
  return readFileSync(rowSecurityFile, 'utf8')
    .replaceAll('{{role}}', escapeIdentifier(runtimeRole))
    .replaceAll('{{schema}}', escapeIdentifier(here.schema));
}

/** Checks, as the server's own role, that the database keeps what it is given. Throws a DatabaseSetupError. */
export async function checkPostgres(client: Asked): Promise<void> {
  const { rows } = await client.query<ServerFacts>(factsSql);
  const [facts] = rows;
  if (!facts) throw new Error('the database does not describe itself');
  for (const { refuses, sentence } of checks) {
    if (refuses(facts)) throw new DatabaseSetupError(sentence(facts));
  }
  const version = facts.has_schema ? await schemaVersion(client) : 0;
  const wanted = migrationNames().length;
  if (version > wanted) throw new DatabaseSetupError(newerSchema);
  if (version < wanted) {
    const found = version === 0 ? 'no tables of Postern' : `an older schema (${version} of ${wanted})`;
    throw new DatabaseSetupError(`The database has ${found}. Run \`postern migrate\` first.`);
  }
}

/** A database that holds only a part of an installation must not be served. Throws a DatabaseSetupError. */
export async function refuseHalfCopied(client: Asked): Promise<void> {
  const { rows } = await client.query(`select 1 from installation where name = '${copyBegun}'`);
  if (rows.length === 0) return;
  throw new DatabaseSetupError(
    'A copy into this database was begun and never finished: run the same `postern copy` again.',
  );
}

interface ServerFacts {
  version: number;
  encoding: string;
  fsync: string;
  full_page_writes: string;
  synchronous_commit: string;
  in_recovery: boolean;
  role: string;
  superuser: boolean;
  bypasses: boolean;
  owns: boolean;
  has_schema: boolean;
}

const factsSql = `
  select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding,
    current_setting('fsync') as fsync, current_setting('full_page_writes') as full_page_writes,
    current_setting('synchronous_commit') as synchronous_commit, pg_is_in_recovery() as in_recovery,
    current_user as role, rolsuper as superuser, rolbypassrls as bypasses,
    coalesce((select pg_has_role(current_user, relowner, 'member') from pg_class where oid = to_regclass('events')), false) as owns,
    to_regclass('schema_migrations') is not null as has_schema
  from pg_roles where rolname = current_user`;

const sameRole =
  'POSTERN_DATABASE_URL and POSTERN_MIGRATE_DATABASE_URL name the same role. The server needs one of its own, that owns ' +
  'no table, so that the database keeps organizations apart by itself: see docs/operating/postgresql.md.';
const newerSchema =
  'This database was written by a newer version of Postern: install that version or a later one.';

const checks: readonly { refuses(facts: ServerFacts): boolean; sentence(facts: ServerFacts): string }[] = [
  {
    refuses: ({ version }) => version < 150_000,
    sentence: ({ version }) =>
      `This is PostgreSQL ${Math.floor(version / 10_000)}; Postern needs version 15 or later.`,
  },
  {
    refuses: ({ encoding }) => encoding !== 'UTF8',
    sentence: ({ encoding }) =>
      `The database is in ${encoding}. Create one with: create database postern encoding 'UTF8' template template0.`,
  },
  {
    refuses: ({ in_recovery }) => in_recovery,
    sentence: () =>
      'This PostgreSQL is a standby and takes no writes. Point POSTERN_DATABASE_URL at the primary.',
  },
  {
    refuses: ({ fsync }) => fsync !== 'on',
    sentence: () =>
      'PostgreSQL runs with fsync=off and may lose what it acknowledged. Set fsync = on and restart it.',
  },
  {
    refuses: ({ full_page_writes }) => full_page_writes !== 'on',
    sentence: () =>
      'PostgreSQL runs with full_page_writes=off and may lose its data in a power cut. Set full_page_writes = on.',
  },
  {
    refuses: ({ synchronous_commit }) => synchronous_commit === 'off',
    sentence: () =>
      'PostgreSQL runs with synchronous_commit=off and may lose what it acknowledged. Set synchronous_commit = on.',
  },
  {
    refuses: ({ superuser, bypasses }) => superuser || bypasses,
    sentence: ({ role }) =>
      `The role ${role} is a superuser or bypasses row-level security. Create a plain one for the server: create role postern login password '…'.`,
  },
  {
    refuses: ({ owns }) => owns,
    sentence: ({ role }) =>
      `The role ${role} owns Postern's tables. The server needs a role of its own: see docs/operating/postgresql.md.`,
  },
];

async function schemaVersion(client: Asked): Promise<number> {
  const { rows } = await client.query<{ version: number }>(
    'select coalesce(max(number), 0)::int as version from schema_migrations',
  );
  return rows[0]?.version ?? 0;
}
