import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, SettingError } from './config.ts';
import type { CopyProgress } from './database/copy.ts';
import { asSettingError, databaseName, movedMark, takeDataFolder } from './storage.ts';

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
  const file = join(config.dataFolder, databaseName);
  if (!existsSync(file)) {
    throw new SettingError(
      `There is no ${databaseName} in ${config.dataFolder}. Set POSTERN_DATA to the folder to copy.`,
    );
  }
  using _ = takeDataFolder(config.dataFolder);
  const { copyToPostgres } = await import('./database/copy.ts');
  const { openPostgres } = await import('./database/postgres.ts');
  const { openSqlite } = await import('./database/sqlite.ts');
  try {
    await openSqlite(file).close(); // brings its tables up to date, so that both sides have the same
    await (await openPostgres({ url: to, onLost: () => {} })).close(); // every check that the server makes
    const { tables } = await copyToPostgres(file, to, (progress) => show(out, progress));
    writeFileSync(
      join(config.dataFolder, movedMark),
      `Copied to PostgreSQL. Delete this file to use this folder again.\n`,
    );
    const rows = tables.reduce((sum, table) => sum + table.rows, 0);
    return `Copied and compared ${rows} rows of ${tables.length} tables. Now start the server with POSTERN_DATABASE_URL set, and the same secret key.\n`;
  } catch (error) {
    throw await asSettingError(error, '--to');
  }
}

/** On a terminal one line that changes; elsewhere a line for each table. */
function show(out: NodeJS.WriteStream, { step, table, done, total }: CopyProgress): void {
  const line = `${step === 'copy' ? 'Copying' : 'Comparing'} ${table}: ${done} of ${total}`;
  if (out.isTTY) out.write(`\r\x1b[K${line}${done === total ? '\n' : ''}`);
  else if (done === total) out.write(`${line}\n`);
}
