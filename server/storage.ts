import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Config, SettingError } from './config.ts';
import { type Database, isUnavailable } from './database/database.ts';
import { lockFolder } from './database/folder-lock.ts';

export const databaseName = 'postern.db';
/** PostgreSQL's word for "permission denied" (Appendix A of its documentation). */
const insufficientPrivilege = '42501';
/** Lies in a data folder whose installation lives in PostgreSQL since, so that nobody goes on with the old one by mistake. */
export const movedMark = 'moved-to-postgresql';

/**
 * Opens the database that the settings name. Throws a SettingError with what to change when it cannot be opened or
 * must not be used.
 */
export async function openDatabase(
  config: Pick<Config, 'dataFolder' | 'databaseUrl'>,
  onLost: (error: Error) => void,
): Promise<Database> {
  if (config.databaseUrl !== null) return openServer(config.databaseUrl, onLost);
  return openFile(config.dataFolder);
}

async function openFile(dataFolder: string): Promise<Database> {
  makeFolder(dataFolder);
  const mark = join(dataFolder, movedMark);
  if (existsSync(mark)) {
    throw new SettingError(
      `The installation in ${dataFolder} was copied to PostgreSQL: set POSTERN_DATABASE_URL. To go on with the folder all the same, delete ${mark}.`,
    );
  }
  return openEmbedded(join(dataFolder, databaseName));
}

/** Opens the embedded database and brings its tables up to date. Throws a SettingError when that cannot be. */
export async function openEmbedded(file: string): Promise<Database> {
  const { openSqlite } = await import('./database/sqlite.ts');
  try {
    return openSqlite(file);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new SettingError(
      `The database ${file} cannot be opened: ${problem}. Check the folder, or change POSTERN_DATA.`,
    );
  }
}

async function openServer(url: string, onLost: (error: Error) => void): Promise<Database> {
  const { openPostgres } = await import('./database/postgres.ts');
  try {
    return await openPostgres({ url, onLost });
  } catch (error) {
    throw await asSettingError(error, 'POSTERN_DATABASE_URL');
  }
}

/** What a database said, as a sentence about the setting that names it. Never the address: it holds a password. */
export async function asSettingError(error: unknown, setting: string): Promise<unknown> {
  const { DatabaseSetupError } = await import('./database/postgres-schema.ts');
  if (error instanceof DatabaseSetupError) return new SettingError(error.message);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (error instanceof Error && code === insufficientPrivilege) {
    return new SettingError(
      `The role in ${setting} may not do what it is needed for (${error.message}): see docs/operating/postgresql.md.`,
    );
  }
  const refused = /^(28|3D)/.test(code); // SQLSTATE: invalid authorization, no such database
  if (!(error instanceof Error) || !(refused || isUnavailable(error))) return error;
  return new SettingError(
    `The database in ${setting} cannot be opened: ${error.message || code}. Check it, or change the setting.`,
  );
}

/** Makes the data folder and takes it for this process. Throws a SettingError when another server has it. */
export function takeDataFolder(folder: string): Disposable {
  makeFolder(folder);
  if (!statSync(folder).isDirectory()) {
    throw new SettingError(`${folder} is a file. Change POSTERN_DATA to a folder.`);
  }
  const lock = lockFolder(folder);
  if (lock) return lock;
  throw new SettingError(
    `Another server runs on the data in ${folder}. Stop it, or set POSTERN_DATA to another folder.`,
  );
}

/**
 * Makes the data folder, for its owner only, and the folders above it. One by one: node:fs never comes back from a
 * recursive attempt where the system has no such folder to give, as in /proc.
 */
export function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new SettingError(`The data folder cannot be made: ${problem}. Change POSTERN_DATA.`);
  }
}
