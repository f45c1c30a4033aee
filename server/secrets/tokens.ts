import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
const secretBytes = 20;
const prefixes = { api_key: 'pstk_', session: 'psts_', one_time: 'psto_' } as const;

/** What a secret with a checksum is for; each kind has a prefix of its own. */
export type SecretKind = keyof typeof prefixes;

/** A web secret: 160 random bits as 32 characters of lower-case Base32 (RFC 4648 §6). */
export function linkSecretFrom(random: (length: number) => Uint8Array): string {
  return base32(random(secretBytes));
}

export function isLinkSecret(text: string): boolean {
  return /^[a-z2-7]{32}$/.test(text);
}

/**
 * The secret of an API key, of a member's session or of a one-time link: a prefix that scanners for leaked secrets
 * recognise, 160 random bits, and a CRC-32 of both, so that a mistyped one is refused without asking the database.
 */
export function secretFrom(kind: SecretKind, random: (length: number) => Uint8Array): string {
  const body = prefixes[kind] + base32(random(secretBytes));
  return body + checksum(body);
}

export function isSecret(kind: SecretKind, text: string): boolean {
  if (!text.startsWith(prefixes[kind]) || !/^[a-z2-7]{39}$/.test(text.slice(5))) return false;
  return checksum(text.slice(0, -7)) === text.slice(-7);
}

/** What the database holds of a secret of 160 random bits: nothing slower is needed for those. */
export function hashOf(secret: string): Uint8Array {
  return hash('sha256', secret, 'buffer');
}

function checksum(text: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(text));
  return base32(bytes);
}

function base32(bytes: Uint8Array): string {
  let text = '';
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet[(held >> (bits - 5)) & 31];
  }
  return bits > 0 ? text + alphabet[(held << (5 - bits)) & 31] : text;
}
