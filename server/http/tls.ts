import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { Server as HttpServer, RequestListener } from 'node:http';
import { createServer, type Server, type ServerOptions } from 'node:https';
import { isIP } from 'node:net';
import { createSecureContext, type SecureVersion } from 'node:tls';
import { SettingError } from '../config.ts';
import type { Context } from '../context.ts';

/** Where the certificate, with those above it, and its private key are kept: PEM (RFC 7468). */
export interface TlsFiles {
  certificate: string;
  key: string;
}

/** What was read from them, and fits together. */
export interface TlsPair {
  cert: string;
  key: string;
  /** Sentences for the log. */
  warnings: readonly string[];
}

/** What a pair is judged by. */
export interface TlsExpectation {
  /** The host that visitors ask for; null: not known. */
  host: string | null;
  /** The present instant, ISO 8601. */
  at: string;
}

/** How long a connection may take until it is encrypted; slow ones are cut off. */
const handshakeTimeoutMs = 5_000;
/** Renewal should have happened by then. */
const renewalMs = 14 * 24 * 3_600_000;
/** TLS 1.0 and 1.1 are not for use any more (RFC 8996). */
const minVersion: SecureVersion = 'TLSv1.2';

/** Reads and checks both files. Throws a SettingError that says what is wrong with which. */
export function readTls(files: TlsFiles, expected: TlsExpectation): TlsPair {
  const cert = readFile('POSTERN_TLS_CERT', files.certificate);
  const key = readFile('POSTERN_TLS_KEY', files.key);
  const certificate = parseCertificate(cert, files.certificate);
  const privateKey = parseKey(key, files.key);
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new SettingError(
      `POSTERN_TLS_KEY: the key in ${files.key} does not belong to the certificate in ${files.certificate}. ` +
        "Name the two that were made together; the server's own certificate comes first in its file.",
    );
  }
  checkDates(certificate, files.certificate, expected.at);
  checkUsable({ cert, key }, files);
  return { cert, key, warnings: warningsOf(certificate, files, expected) };
}

/** An https server with these HTTP options, for HTTP/1.1. */
export function createTlsServer(pair: TlsPair, options: ServerOptions, handler: RequestListener): Server {
  const { cert, key } = pair;
  const own = { cert, key, minVersion, ALPNProtocols: ['http/1.1'], handshakeTimeout: handshakeTimeoutMs };
  return createServer({ ...options, ...own }, handler);
}

/** The pair in use, and its replacement while the server runs. */
export interface OpenTls {
  pair(): TlsPair;
  /**
   * Reads both files again at SIGHUP. New connections get the new certificate, open ones go on with what they have; files
   * that are wrong change nothing. Answers how to stop.
   */
  watch(server: HttpServer): () => void;
}

/** Throws a SettingError when the files cannot be used. */
export function openTls(
  files: TlsFiles,
  { context, log }: { context: Pick<Context, 'clock' | 'publicUrl'>; log: Log },
): OpenTls {
  const read = () => {
    const pair = readTls(files, { host: new URL(context.publicUrl).hostname, at: context.clock.now() });
    for (const warning of pair.warnings) log.warn({}, warning);
    return pair;
  };
  let current = read();
  const reload = (server: Server) => {
    try {
      const pair = read();
      server.setSecureContext({ cert: pair.cert, key: pair.key, minVersion });
      current = pair;
      log.info({}, 'the certificate was read again');
    } catch (error) {
      log.error({ err: error }, 'the certificate was not changed');
    }
  };
  return {
    pair: () => current,
    watch(server) {
      const onHangup = () => reload(server as Server); // made by createTlsServer
      process.on('SIGHUP', onHangup);
      return () => process.off('SIGHUP', onHangup);
    },
  };
}

interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** The server's own certificate without those above it, as PEM. */
export function ownCertificate({ cert }: TlsPair): string {
  return new X509Certificate(cert).toString();
}

function readFile(setting: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new SettingError(
      `${setting} names ${file}, ${unreadable[code] ?? `which cannot be read (${code})`}.`,
    );
  }
}

const unreadable: Record<string, string> = {
  ENOENT: 'which does not exist',
  EACCES: 'which this user may not read',
  EISDIR: 'which is a folder',
};

function parseCertificate(text: string, file: string): X509Certificate {
  try {
    if (!text.includes('-----BEGIN CERTIFICATE-----')) throw new Error('not PEM');
    return new X509Certificate(text);
  } catch {
    throw new SettingError(
      `POSTERN_TLS_CERT: ${file} holds no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----.`,
    );
  }
}

function parseKey(text: string, file: string) {
  try {
    return createPrivateKey(text);
  } catch {
    // `BEGIN ENCRYPTED PRIVATE KEY`, or the older `Proc-Type: 4,ENCRYPTED` (RFC 1421).
    if (text.includes('ENCRYPTED')) {
      throw new SettingError(
        `POSTERN_TLS_KEY: the key in ${file} is locked with a password. Keep it without one, readable by this user only.`,
      );
    }
    throw new SettingError(
      `POSTERN_TLS_KEY: ${file} holds no private key in PEM, which begins with -----BEGIN PRIVATE KEY-----.`,
    );
  }
}

function checkDates({ validFrom, validTo }: X509Certificate, file: string, at: string): void {
  const [from, to, now] = [Date.parse(validFrom), Date.parse(validTo), Date.parse(at)];
  if (to <= now) {
    throw new SettingError(
      `POSTERN_TLS_CERT: the certificate in ${file} expired on ${dayOf(to)}. Put a new one there.`,
    );
  }
  if (from > now) {
    throw new SettingError(
      `POSTERN_TLS_CERT: the certificate in ${file} is not valid before ${dayOf(from)}. Check this machine's clock.`,
    );
  }
}

/** What only OpenSSL knows: a key too short, a signature too weak, a broken chain. */
function checkUsable(pair: { cert: string; key: string }, files: TlsFiles): void {
  try {
    createSecureContext({ ...pair, minVersion });
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new SettingError(`POSTERN_TLS_CERT: ${files.certificate} cannot be used: ${problem}.`);
  }
}

function warningsOf(certificate: X509Certificate, files: TlsFiles, { host, at }: TlsExpectation): string[] {
  const warnings: string[] = [];
  if (host !== null && !covers(certificate, host)) {
    warnings.push(
      `POSTERN_TLS_CERT: the certificate in ${files.certificate} is not for ${host}, the host of the public URL: browsers will refuse it.`,
    );
  }
  const to = Date.parse(certificate.validTo);
  if (to - Date.parse(at) < renewalMs) {
    warnings.push(`POSTERN_TLS_CERT: the certificate in ${files.certificate} expires on ${dayOf(to)}.`);
  }
  if ((statSync(files.key).mode & 0o007) !== 0) {
    warnings.push(`POSTERN_TLS_KEY: everybody on this machine may read ${files.key}. Make it \`chmod 600\`.`);
  }
  return warnings;
}

/** By its alternative names only, as browsers do (RFC 9525 §6.3). */
export function covers(certificate: X509Certificate, host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  if (isIP(bare) > 0) return certificate.checkIP(bare) !== undefined;
  return certificate.checkHost(bare, { subject: 'never' }) !== undefined;
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
