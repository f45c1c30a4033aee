import { createHash } from 'node:crypto';

export interface Asked {
  method: string;
  /** Path and query, as they stand in the request line. */
  uri: string;
  user: string;
  password: string;
  cnonce: string;
}

/**
 * The `Authorization` that answers a challenge: digest access authentication (RFC 7616) with SHA-256 and `qop="auth"`,
 * which is what Shelly's second generation asks for. Throws a sentence for a challenge of another kind.
 */
export function answerChallenge(challenge: string, asked: Asked): string {
  const { scheme, fields } = parsed(challenge);
  const [realm, nonce] = [fields.get('realm'), fields.get('nonce')];
  if (scheme !== 'digest' || realm === undefined || nonce === undefined)
    throw new Error('The device asks for a password in a way other than digest authentication.');
  if (fields.get('algorithm')?.toUpperCase() !== 'SHA-256' || !offersAuth(fields.get('qop')))
    throw new Error('The device asks for digest authentication other than SHA-256 with qop "auth".');
  const { method, uri, user, password, cnonce } = asked;
  const nc = '00000001';
  const a1 = sha256(`${user}:${realm}:${password}`);
  const response = sha256(`${a1}:${nonce}:${nc}:${cnonce}:auth:${sha256(`${method}:${uri}`)}`);
  const opaque = fields.get('opaque');
  const parts = [
    `username=${quoted(user)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(uri)}`,
    `response="${response}"`,
    'algorithm=SHA-256',
    `qop=auth, nc=${nc}, cnonce=${quoted(cnonce)}`,
    ...(opaque === undefined ? [] : [`opaque=${quoted(opaque)}`]),
  ];
  return `Digest ${parts.join(', ')}`;
}

function parsed(challenge: string): { scheme: string; fields: Map<string, string> } {
  const [, scheme = '', rest = ''] = /^\s*(\S+)\s*(.*)$/s.exec(challenge) ?? [];
  const fields = [...rest.matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g)];
  return {
    scheme: scheme.toLowerCase(),
    fields: new Map(
      fields.map(([, name = '', inQuotes, bare]) => [
        name.toLowerCase(),
        (inQuotes ?? bare ?? '').replace(/\\(.)/g, '$1'),
      ]),
    ),
  };
}

function offersAuth(qop: string | undefined): boolean {
  return qop?.split(',').some((offer) => offer.trim() === 'auth') ?? false;
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
