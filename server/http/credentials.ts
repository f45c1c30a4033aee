/** What an `Authorization` header (RFC 9110 §11.6.2) holds, in Kisi's schemes. */
export type Credential = { kind: 'login' | 'link'; secret: string };

const schemes = new Map<string, Credential['kind']>([
  ['kisi-login', 'login'],
  ['bearer', 'login'],
  ['kisi-group-link', 'link'],
  ['kisi-link', 'link'],
]);

/** Null when there is no header, or none that we understand. Scheme names are case-insensitive. */
export function readCredential(header: string | undefined): Credential | null {
  const match = /^([A-Za-z-]{1,32}) +(\S{1,200}) *$/.exec(header ?? '');
  const kind = match?.[1] && schemes.get(match[1].toLowerCase());
  return kind && match[2] ? { kind, secret: match[2] } : null;
}
