import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, SettingError } from './config.ts';
import type { CopyProgress } from './database/copy.ts';
import { databaseUrl } from './setting-values.ts';
import { asSettingError, databaseName, movedMark, openEmbedded, takeDataFolder } from './storage.ts';

/** `postern migrate`: brings PostgreSQL's tables up to date. Answers what it did, in a sentence. */
export async function migrate(config: Config): Promise<string> {
  const { databaseUrl, migrateDatabaseUrl } = config;
  if (databaseUrl === null || migrateDatabaseUrl === null) {
    throw new SettingError(
      'Set POSTERN_MIGRATE_DATABASE_URL to the database as the role that owns the tables, and POSTERN_DATABASE_URL to it as ' +
        'the role that the server uses. The embedded database needs no `migrate`: it is brought up to date when it is opened.',
    );
  }
  const { migratePostgres } = await import('./database/postgres-schema.ts');
  const runtimeRole = decodeURIComponent(new URL(databaseUrl).username);
  try {
    const { applied, version } = await migratePostgres(migrateDatabaseUrl, runtimeRole);
    if (applied.length === 0) return `The schema is up to date (${version}).\n`;
    return `Applied ${applied.join(', ')}. The schema is at ${version}.\n`;
  } catch (error) {
    throw await asSettingError(error, 'POSTERN_MIGRATE_DATABASE_URL');
  }
}

/** `postern copy --to <database URL>`: takes the embedded installation to PostgreSQL. */
export async function copy(config: Config, to: string, out: NodeJS.WriteStream): Promise<string> {
  const { dataFolder } = config;
  const file = join(dataFolder, databaseName);
  const mark = join(dataFolder, movedMark);
  if (!existsSync(file)) {
    throw new SettingError(
      `There is no ${databaseName} in ${dataFolder}. Set POSTERN_DATA to the folder to copy.`,
    );
  }
  const url = target(to);
  using _ = takeDataFolder(dataFolder);
  const { copyToPostgres } = await import('./database/copy.ts');
  await (await openEmbedded(file)).close(); // brings its tables up to date, so that both sides have the same
  try {
    const { tables } = await copyToPostgres({
      file,
      url,
      isClosed: existsSync(mark),
      onProgress: (progress) => show(out, progress),
      onCopied: () =>
        writeFileSync(mark, 'Copied to PostgreSQL. Delete this file to use this folder again.\n'),
    });
    const rows = tables.reduce((sum, table) => sum + table.rows, 0);
    return `Copied and compared ${rows} rows of ${tables.length} tables. Now start the server with POSTERN_DATABASE_URL set, and the same secret key.\n`;
  } catch (error) {
    throw await asSettingError(error, '--to');
  }
}

function target(to: string): string {
  try {
    return databaseUrl(to);
  } catch (error) {
    throw new SettingError(`--to ${error instanceof Error ? error.message : String(error)}.`);
  }
}

/** On a terminal one line that changes; elsewhere a line for each table. */
function show(out: NodeJS.WriteStream, { step, table, done, total }: CopyProgress): void {
  const line = `${step === 'copy' ? 'Copying' : 'Comparing'} ${table}: ${done} of ${total}`;
  if (out.isTTY) out.write(`\r\x1b[K${line}${done === total ? '\n' : ''}`);
  else if (done === total) out.write(`${line}\n`);
}
