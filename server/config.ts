import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve, sep } from 'node:path';
import type { TlsFiles } from './http/tls.ts';
import { chooseTls, lineWarnings, refuseContradictions } from './setting-checks.ts';
import {
  addressRange,
  databaseUrl,
  expect,
  oneOf,
  publicUrl,
  SettingError,
  wholeNumber,
} from './setting-values.ts';

export { SettingError } from './setting-values.ts';

interface Setting<T> {
  /** What it is for, for the reference page and for the error message. */
  description: string;
  /** What is used when it is not set, in words or as a value. */
  default: string;
  read(text: string | undefined): T;
}

/** Every setting, in one place. `docs/reference/settings.md` is generated from this table. */
export const settingTable = {
  POSTERN_HOST: setting({
    description:
      'The address to listen on. Only this machine by default; `0.0.0.0` for all, which takes https: `POSTERN_TLS_CERT` ' +
      'here, or a proxy that `POSTERN_TRUST_PROXY` names.',
    default: '127.0.0.1',
    read: (text = '127.0.0.1') =>
      expect(isIP(text) > 0 || text === 'localhost', text, 'an IP address or localhost'),
  }),
  POSTERN_PORT: setting({
    description: 'The TCP port to listen on; `0` takes any free one.',
    default: '8080',
    read: (text = '8080') => wholeNumber(text, 0, 65_535),
  }),
  POSTERN_PUBLIC_URL: setting({
    description: 'The address under which visitors reach this server: links begin with it. No path.',
    default: 'http(s)://<host>:<port>',
    read: (text) => (text === undefined ? null : publicUrl(text)),
  }),
  POSTERN_TLS_CERT: setting({
    description:
      'A PEM file with the certificate for https, and the certificates between it and its authority. ' +
      'SIGHUP makes the server read both files again.',
    default: 'none: http',
    read: (text) => (text === undefined ? null : resolve(expect(text !== '', text, 'a file'))),
  }),
  POSTERN_TLS_KEY: setting({
    description: 'A PEM file with the private key of that certificate, without a password.',
    default: 'none',
    read: (text) => (text === undefined ? null : resolve(expect(text !== '', text, 'a file'))),
  }),
  POSTERN_TRUST_PROXY: setting({
    description:
      'The proxies in front, as addresses or ranges with commas between them (`127.0.0.1, 10.1.0.0/24`). From these only, ' +
      "`X-Forwarded-For` is the visitor's address and `X-Request-Id` the request's name.",
    default: 'none',
    read: (text) => (text === undefined ? [] : text.split(',').map((part) => addressRange(part.trim()))),
  }),
  POSTERN_PLAIN_HTTP: setting({
    description:
      '`refuse`, or `allow` to listen beyond this machine without https and without a proxy, where something else protects ' +
      "the line. Over plain http the visitor's page works on this machine only.",
    default: 'refuse',
    read: (text = 'refuse') => oneOf(text, ['refuse', 'allow']) === 'allow',
  }),
  POSTERN_DATA: setting({
    description: 'The folder of the embedded database and of everything else that is kept.',
    default: './data',
    read: (text = './data') => resolve(expect(text !== '', text, 'a folder')),
  }),
  POSTERN_DATABASE_URL: setting({
    description:
      'A PostgreSQL database instead of the embedded one, as the role that the server uses: it owns no table. ' +
      'Several server processes may share it.',
    default: 'none (embedded)',
    read: (text) => (text === undefined ? null : databaseUrl(text)),
  }),
  POSTERN_MIGRATE_DATABASE_URL: setting({
    description:
      'The same database as the role that owns the tables: only `postern migrate` and `postern copy` use it.',
    default: 'none',
    read: (text) => (text === undefined ? null : databaseUrl(text)),
  }),
  POSTERN_SECRET_KEY: setting({
    description:
      'Seals the secrets in the database: 32 random bytes as Base64 or hex, as `openssl rand -base64 32` prints. ' +
      '`serve`, `setup` and `api-keys` need this or the file; the demo makes its own inside the data folder.',
    default: 'none',
    read: (text) => (text === undefined ? null : secretKey(text)),
  }),
  POSTERN_SECRET_KEY_FILE: setting({
    description:
      'A file that holds the secret key, outside the data folder, so that a copy of the data is not enough to open doors.',
    default: 'none',
    read: (text) => (text === undefined ? null : resolve(expect(text !== '', text, 'a file'))),
  }),
  POSTERN_RATE_LIMITS: setting({
    description:
      '`on`, or `off` for load tests on this machine: refused unless the host is a loopback address.',
    default: 'on',
    read: (text = 'on') => oneOf(text, ['on', 'off']) === 'on',
  }),
  POSTERN_LOG_LEVEL: setting({
    description: 'How much is logged: `debug`, `info`, `warn`, `error` or `silent`.',
    default: 'info (the demo: warn)',
    read: (text) => (text === undefined ? null : oneOf(text, ['debug', 'info', 'warn', 'error', 'silent'])),
  }),
  POSTERN_LOG_FORMAT: setting({
    description:
      'How the log is written to stderr: `json`, a line of JSON for each entry, or `text` for people.',
    default: 'text when stderr is a terminal, otherwise json',
    read: (text): 'json' | 'text' | null =>
      text === undefined ? null : oneOf<'json' | 'text'>(text, ['json', 'text']),
  }),
};

/** What only the tests read: a random test's seed, whether to run at length, and where to make databases. */
const testSettings = ['POSTERN_SEED', 'POSTERN_TEST_FIGURES', 'POSTERN_TEST_POSTGRES'];

export interface Config {
  host: string;
  port: number;
  publicUrl: string | null;
  tls: TlsFiles | null;
  /** Set by `demo --lan` only. */
  lan: Lan | null;
  /** Addresses and CIDR ranges whose `X-Forwarded-For` counts. */
  trustedProxies: readonly string[];
  dataFolder: string;
  /** PostgreSQL as the server's own role; null: the embedded database in the data folder. */
  databaseUrl: string | null;
  /** PostgreSQL as the tables' owner. */
  migrateDatabaseUrl: string | null;
  /** 32 bytes; null when none was given. */
  secretKey: Uint8Array | null;
  rateLimits: boolean;
  logLevel: string | null;
  logFormat: 'json' | 'text' | null;
  /** What works, but hardly as it is meant: sentences for the log. */
  warnings: readonly string[];
}

/** How the demo is reached from the network around this machine. */
export interface Lan {
  /** The address that links begin with. */
  address: string;
  /** The certificate of the authority that signed the server's, for phones to trust: PEM, and the file that holds it. */
  authority: string;
  authorityFile: string;
}

/** Reads and checks the settings. Throws a SettingError that names the setting and says what to change. */
export function readConfig(environment: Record<string, string | undefined>): Config {
  refuseUnknown(environment);
  const value = <Name extends keyof typeof settingTable>(name: Name) => readSetting(name, environment);
  const dataFolder = value('POSTERN_DATA');
  const keyFile = value('POSTERN_SECRET_KEY_FILE');
  const config = {
    host: value('POSTERN_HOST'),
    port: value('POSTERN_PORT'),
    publicUrl: value('POSTERN_PUBLIC_URL'),
    tls: chooseTls(value('POSTERN_TLS_CERT'), value('POSTERN_TLS_KEY')),
    lan: null,
    trustedProxies: value('POSTERN_TRUST_PROXY'),
    dataFolder,
    databaseUrl: value('POSTERN_DATABASE_URL'),
    migrateDatabaseUrl: value('POSTERN_MIGRATE_DATABASE_URL'),
    secretKey: chooseSecretKey(value('POSTERN_SECRET_KEY'), keyFile, dataFolder),
    rateLimits: value('POSTERN_RATE_LIMITS'),
    logLevel: value('POSTERN_LOG_LEVEL'),
    logFormat: value('POSTERN_LOG_FORMAT'),
  };
  const plainHttp = value('POSTERN_PLAIN_HTTP');
  refuseContradictions(config, plainHttp);
  return { ...config, warnings: [...secretKeyWarnings(keyFile), ...lineWarnings(config)] };
}

/** A new secret key in the text form that POSTERN_SECRET_KEY takes. */
export function newSecretKeyText(): string {
  return randomBytes(32).toString('base64');
}

/** Parses the text of a secret key file. */
export function secretKey(text: string): Uint8Array {
  const trimmed = text.trim();
  const bytes = /^[0-9a-f]{64}$/i.test(trimmed)
    ? Buffer.from(trimmed, 'hex')
    : Buffer.from(trimmed, 'base64');
  const canonical = bytes.toString('base64').replaceAll('=', '') === trimmed.replaceAll('=', '');
  const valid = bytes.length === 32 && (canonical || trimmed.length === 64);
  if (!valid)
    throw new Error('must be 32 random bytes as Base64 or hex: make one with `openssl rand -base64 32`');
  return bytes;
}

function readSetting<Name extends keyof typeof settingTable>(
  name: Name,
  environment: Record<string, string | undefined>,
): ReturnType<(typeof settingTable)[Name]['read']> {
  try {
    // The table's entry and its result belong together; TypeScript cannot follow that through the index.
    return settingTable[name].read(environment[name]) as ReturnType<(typeof settingTable)[Name]['read']>;
  } catch (error) {
    throw new SettingError(`${name} ${error instanceof Error ? error.message : String(error)}.`);
  }
}

function refuseUnknown(environment: Record<string, string | undefined>): void {
  for (const name of Object.keys(environment)) {
    if (!name.startsWith('POSTERN_') || name in settingTable || testSettings.includes(name)) continue;
    throw new SettingError(
      `${name} is not a setting. The settings are: ${Object.keys(settingTable).join(', ')}.`,
    );
  }
}

function secretKeyWarnings(file: string | null): string[] {
  if (file === null || (statSync(file).mode & 0o077) === 0) return [];
  return [`POSTERN_SECRET_KEY_FILE: others than its owner may read ${file}. Make it \`chmod 600\`.`];
}

function chooseSecretKey(
  direct: Uint8Array | null,
  file: string | null,
  dataFolder: string,
): Uint8Array | null {
  if (direct && file) {
    throw new SettingError(
      'POSTERN_SECRET_KEY and POSTERN_SECRET_KEY_FILE are both set. Remove one of them.',
    );
  }
  if (file === null) return direct;
  if (!existsSync(file))
    throw new SettingError(`POSTERN_SECRET_KEY_FILE names ${file}, which does not exist.`);
  if (isInside(file, dataFolder)) {
    throw new SettingError(
      `POSTERN_SECRET_KEY_FILE names ${file}, inside the data folder: whoever copies the data would have the key too. Move it elsewhere.`,
    );
  }
  try {
    return secretKey(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new SettingError(
      `POSTERN_SECRET_KEY_FILE: ${file} ${error instanceof Error ? error.message : String(error)}.`,
    );
  }
}

function isInside(file: string, folder: string): boolean {
  const realFolder = existsSync(folder) ? realpathSync(folder) : folder;
  return realpathSync(file).startsWith(realFolder + sep);
}

function setting<T>(entry: Setting<T>): Setting<T> {
  return entry;
}
