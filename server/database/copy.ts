import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { Client, escapeIdentifier, types } from 'pg';
import { checkPostgres, copyBegun, DatabaseSetupError } from './postgres-schema.ts';

const rowsPerBatch = 500;
/** What `copyBegun` is called once the copy is whole. */
const copyFinished = 'copy_finished';
const int8 = 20;
const busyTimeoutMs = 5_000;
const connectTimeoutMs = 10_000;
/** SQLSTATE class of what a constraint refuses. */
const constraintViolation = /^23/;

export interface CopySettings {
  /** The embedded database. */
  file: string;
  /** A migrated PostgreSQL database as the server's own role. */
  url: string;
  onProgress(progress: CopyProgress): void;
  /** All is over and compared, and nobody has been able to write to the source since: the last moment to close it for good. */
  onCopied(): void;
  /** Whether the source was closed for good before: only the copy that did it may still be brought to its end. */
  isClosed: boolean;
}

export interface CopyProgress {
  step: 'copy' | 'verify';
  table: string;
  done: number;
  total: number;
}

export interface CopyResult {
  /** How many rows each table has, on both sides alike. */
  tables: { table: string; rows: number }[];
}

interface Table {
  name: string;
  columns: string[];
  key: string[];
}

type Row = Record<string, unknown>;

/**
 * Copies an embedded database into a migrated PostgreSQL database, then reads both and compares every value. It goes
 * on where an earlier run stopped; until it is whole, no server starts on the target. The source is only read, and
 * nobody can write to it meanwhile. Throws a DatabaseSetupError when the target must not be used or holds anything
 * else, or when the two differ in the end.
 */
export async function copyToPostgres(settings: CopySettings): Promise<CopyResult> {
  const source = holdSource(settings.file);
  const target = new Client({
    connectionString: settings.url,
    connectionTimeoutMillis: connectTimeoutMs,
    types: { getTypeParser },
  });
  target.on('error', () => {}); // what the running statement rejects with says it already
  try {
    await target.connect();
    await checkPostgres(target);
    await target.query("select set_config('postern.organization', '*', false)");
    await claimTarget(source, target, settings.isClosed);
    const tables = await copyTables(source, target, settings.onProgress);
    // In this order: whenever it is cut short, at most one of the two can be used, and the next run mends it.
    settings.onCopied();
    await target.query('update installation set name = $1 where name = $2', [copyFinished, copyBegun]);
    return { tables };
  } finally {
    source.close();
    await target.end().catch(() => {});
  }
}

/** Opens the source so that it is one and the same until it is closed. */
function holdSource(file: string): DatabaseSync {
  const source = new DatabaseSync(file, { timeout: busyTimeoutMs });
  try {
    source.exec('begin immediate; pragma query_only = on');
    return source;
  } catch (error) {
    source.close();
    const problem = error instanceof Error ? error.message : String(error);
    throw new DatabaseSetupError(`The database to copy cannot be held (${problem}): stop what writes to it.`);
  }
}

async function copyTables(
  source: DatabaseSync,
  target: Client,
  onProgress: CopySettings['onProgress'],
): Promise<CopyResult['tables']> {
  const tables = tablesOf(source);
  for (const table of tables) await copyTable(source, target, { table, onProgress });
  for (const table of tables) await continueIds(target, table);
  const counts = [];
  for (const table of tables) {
    const rows = await compareTable(source, target, { table, onProgress });
    counts.push({ table: table.name, rows });
  }
  return counts;
}

/** An empty target, or one that a copy of this very installation began and did not finish. */
async function claimTarget(source: DatabaseSync, target: Client, isClosed: boolean): Promise<void> {
  const row = source.prepare("select value from installation where name = 'host_key'").get();
  if (!row) throw new DatabaseSetupError('There is nothing to copy: this installation was never started.');
  const fingerprint = createHash('sha256')
    .update(row['value'] as Uint8Array)
    .digest(); // the column is a blob
  const { rows } = await target.query<{ name: string; value: Uint8Array }>(
    'select name, value from installation',
  );
  const begun = rows.find(({ name }) => name === copyBegun);
  if (begun && fingerprint.equals(begun.value)) return;
  const finished = rows.find(({ name }) => name === copyFinished);
  if (isClosed || (finished && fingerprint.equals(finished.value))) {
    throw new DatabaseSetupError(
      'This installation was copied before, and what was done in PostgreSQL since would be lost. To copy it once more, ' +
        'make an empty database for it, and delete the file `moved-to-postgresql` in its folder.',
    );
  }
  if (rows.length > 0) {
    throw new DatabaseSetupError(
      'The target database holds another installation. Name an empty one: create it, then run `postern migrate`.',
    );
  }
  await target.query('insert into installation (name, value) values ($1, $2)', [copyBegun, fingerprint]);
}

/** Every table, those that others refer to first. */
function tablesOf(source: DatabaseSync): Table[] {
  const names = source
    .prepare("select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' order by name")
    .all()
    .map(({ name }) => String(name));
  const ordered: string[] = [];
  const place = (name: string) => {
    if (ordered.includes(name)) return;
    const referred = source
      .prepare(`pragma foreign_key_list(${name})`)
      .all()
      .map(({ table }) => String(table));
    for (const other of referred) if (other !== name) place(other);
    ordered.push(name);
  };
  for (const name of names) place(name);
  return ordered.map((name) => describe(source, name));
}

function describe(source: DatabaseSync, name: string): Table {
  const columns = source.prepare(`pragma table_info(${name})`).all();
  const key = columns
    .filter(({ pk }) => Number(pk) > 0)
    .sort((one, other) => Number(one['pk']) - Number(other['pk']))
    .map((column) => String(column['name']));
  return { name, columns: columns.map((column) => String(column['name'])), key };
}

interface Work {
  table: Table;
  onProgress: (progress: CopyProgress) => void;
}

async function copyTable(source: DatabaseSync, target: Client, { table, onProgress }: Work): Promise<void> {
  const total = count(source, table);
  let done = 0;
  for (const rows of pages(source, table)) {
    await insertRows(target, table, rows).catch((error: unknown) => {
      throw constraintViolation.test(String(Object(error).code))
        ? differs(table, 'they cannot be put together')
        : error;
    });
    done += rows.length;
    onProgress({ step: 'copy', table: table.name, done, total });
  }
}

/** Rows that an earlier run brought over are brought up to date; events never change. */
async function insertRows(target: Client, table: Table, rows: readonly Row[]): Promise<void> {
  const columns = targetColumns(table);
  const values: unknown[] = [];
  const tuples = rows.map((row) => {
    const placeholders = columns.map(({ from }) => `$${values.push(row[from])}`);
    return `(${placeholders.join(', ')})`;
  });
  const names = columns.map(({ to }) => escapeIdentifier(to));
  const rest = table.columns.filter((column) => !table.key.includes(column)).map(escapeIdentifier);
  const changes = rest.map((column) => `${column} = excluded.${column}`).join(', ');
  const isFinal = ['events', 'event_outcomes'].includes(table.name) || rest.length === 0;
  const conflict = isFinal
    ? 'on conflict do nothing'
    : `on conflict (${table.key.map(escapeIdentifier).join(', ')}) do update set ${changes}`;
  await target.query(
    `insert into ${escapeIdentifier(table.name)} (${names.join(', ')}) values ${tuples.join(', ')} ${conflict}`,
    values,
  );
}

/** In PostgreSQL an event's position is not its id; here each takes the other's value. */
function targetColumns({ name, columns }: Table): { from: string; to: string }[] {
  const same = columns.map((column) => ({ from: column, to: column }));
  return name === 'events' ? [...same, { from: 'position', to: 'id' }] : same;
}

/** New rows take ids after those that came over. */
async function continueIds(target: Client, { name, columns }: Table): Promise<void> {
  if (!columns.includes('id') && name !== 'events') return;
  await target.query(
    `select setval(pg_get_serial_sequence($1, 'id'), (select coalesce(max(id), 0) + 1 from ${escapeIdentifier(name)}), false)`,
    [name],
  );
}

/** Reads both sides in the order of their keys. */
async function compareTable(
  source: DatabaseSync,
  target: Client,
  { table, onProgress }: Work,
): Promise<number> {
  const total = count(source, table);
  const columns = table.columns.map(escapeIdentifier).join(', ');
  const order = table.key.map(escapeIdentifier).join(', ');
  const where = table.name === 'installation' ? `where name <> '${copyBegun}'` : '';
  await target.query('begin read only isolation level repeatable read');
  await target.query(
    `declare copied no scroll cursor for select ${columns} from ${escapeIdentifier(table.name)} ${where} order by ${order}`,
  );
  let done = 0;
  for (const rows of pages(source, table)) {
    const { rows: copied } = await target.query<Row>(`fetch ${rows.length} from copied`);
    for (const [index, row] of rows.entries()) requireSame(table, row, copied[index]);
    done += rows.length;
    onProgress({ step: 'verify', table: table.name, done, total });
  }
  const { rows: more } = await target.query('fetch 1 from copied');
  if (more.length > 0) throw differs(table, 'the target has rows that the source has not');
  await target.query('commit');
  return total;
}

function requireSame(table: Table, row: Row, copied: Row | undefined): void {
  for (const column of table.columns) {
    if (text(row[column]) === text(copied?.[column])) continue;
    throw differs(table, `at ${table.key.map((key) => `${key} ${text(row[key])}`).join(', ')}, in ${column}`);
  }
}

function differs({ name }: Table, where: string): DatabaseSetupError {
  return new DatabaseSetupError(
    `The copy of ${name} is not what the source has (${where}): the source was changed after an earlier try. Make an empty database and copy again.`,
  );
}

function text(value: unknown): string {
  return value instanceof Uint8Array
    ? `\\x${Buffer.from(value).toString('hex')}`
    : `${typeof value} ${String(value)}`;
}

function count(source: DatabaseSync, { name }: Table): number {
  return Number(source.prepare(`select count(*) as count from ${name}`).get()?.['count']);
}

/** The rows in the order of their key, some hundred at a time. */
function* pages(source: DatabaseSync, { name, columns, key }: Table): Generator<Row[]> {
  const rows = source
    .prepare(`select ${columns.join(', ')} from ${name} order by ${key.join(', ')}`)
    .iterate();
  let page: Row[] = [];
  for (const row of rows) {
    if (page.push(row) < rowsPerBatch) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

function getTypeParser(oid: number, format?: 'text' | 'binary') {
  return oid === int8 ? Number : types.getTypeParser(oid, format);
}
