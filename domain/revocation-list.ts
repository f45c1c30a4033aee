import { type Static, Type } from 'typebox';
import type { PassClaims } from './pass.ts';

/*
 * Which passes of an organization are revoked: one bit for each pass that was ever signed, in the encoding of the Token
 * Status List draft (draft-ietf-oauth-status-list: one bit a token, the least significant first; 1 is revoked), cut into
 * segments. What is signed is a short statement that names all segments by their hashes: so the server can sign anew every
 * minute that nothing changed, and an agent believes a list whoever handed it over.
 */

/** Passes in one segment: 16 KiB raw, about 2 kB deflated when one in a hundred is revoked. */
export const segmentPasses = 131_072;
export const segmentBytes = segmentPasses / 8;
/**
 * A pass that is newer than the list is not on it, and good. Its own time was taken a moment before its index was; a
 * pass with such an index that claims to be older than this before the list is none that was ever signed.
 */
export const issuedBeforeListSMax = 60;
/** How often the server signs while somebody listens. */
export const statementIntervalMs = 60_000;

const Instant = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' });
const Whole = Type.Integer({ minimum: 0 });

/** The server's word on a list: it knew of every revocation up to `epoch` at `signed_at`. */
export const RevocationStatement = Type.Object({
  organization_id: Type.Integer({ minimum: 1 }),
  /** Rises with every change of the list. */
  epoch: Whole,
  signed_at: Instant,
  /** How many passes there were: indexes from this one on are newer than the list. */
  length: Whole,
  /** `listDigest` of its segments. */
  digest: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  /** Which of the organization's keys signed (RFC 8032), 4 bytes in hex. */
  kid: Type.String({ pattern: '^[0-9a-f]{8}$' }),
  /** base64url. */
  signature: Type.String({ pattern: '^[A-Za-z0-9_-]{86}$' }),
});
export type RevocationStatement = Static<typeof RevocationStatement>;

export type UnsignedStatement = Omit<RevocationStatement, 'kid' | 'signature'>;

/** By number, the bits of each segment in which a pass may still be valid. */
export type Segments = ReadonlyMap<number, Uint8Array>;

/** SHA-256 (FIPS 180-4). */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

/** The bytes that are signed with the organization's key: a JSON array in fixed order, UTF-8. */
export function statementBytes(statement: UnsignedStatement): Uint8Array {
  const { organization_id, epoch, signed_at, length, digest } = statement;
  const fields = ['postern-revocation-list', 1, organization_id, epoch, signed_at, length, digest];
  return new TextEncoder().encode(JSON.stringify(fields));
}

/** One hash for all segments: of their numbers and hashes, in ascending order. */
export function listDigest(hashes: ReadonlyMap<number, string>, sha256: Sha256): string {
  const named = [...hashes].sort(([one], [other]) => one - other);
  return hex(sha256(new TextEncoder().encode(JSON.stringify(named))));
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Marks the pass in its segment. */
export function revoke(segment: Uint8Array, index: number): void {
  const bit = index % segmentPasses;
  segment[bit >> 3] = (segment[bit >> 3] ?? 0) | (1 << (bit & 7));
}

/**
 * Whether the list says that the pass is not good. A pass in a segment that was dropped has ended long ago; one beyond
 * the list is good if it was signed after it.
 */
export function isRevoked(
  list: { length: number; signed_at: string; segments: Segments },
  { index, issued_at }: Pick<PassClaims, 'index' | 'issued_at'>,
): boolean {
  if (index >= list.length) return (issued_at + issuedBeforeListSMax) * 1000 < Date.parse(list.signed_at);
  const segment = list.segments.get(Math.floor(index / segmentPasses));
  if (segment === undefined) return true;
  const bit = index % segmentPasses;
  return (((segment[bit >> 3] ?? 0xff) >> (bit & 7)) & 1) === 1;
}
