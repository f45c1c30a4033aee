import { type DecodeOptions, decode, encode } from 'cborg';
import { decodeBase45, encodeBase45 } from './base45.ts';

/*
 * The QR credential: a CWT (RFC 8392) in a tagged COSE_Sign1 (RFC 9052) in Base45 (RFC 9285). Each pass has
 * exactly one spelling, so a text is accepted only when it is byte for byte what the server once signed. The
 * page for those who write readers is docs/reference/pass.md, vectors are in testdata/passes.json.
 */

/** The claims of a pass. Times are seconds since 1970 (RFC 8392 NumericDate), the others safe integers. */
export interface PassClaims {
  organization_id: number;
  link_id: number;
  group_id: number;
  /** The pass's own number in its organization: one bit of the revocation list. */
  index: number;
  /** The reader must ask the server before it opens (a link with a use limit, or of type `online`). */
  online: boolean;
  issued_at: number;
  not_before: number;
  expires_at: number;
}

export interface PassSigner {
  /** 4 bytes: names the organization's key. */
  kid: Uint8Array;
  /** Ed25519 (RFC 8032) over the given bytes: 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array;
}

/** Verifies an Ed25519 signature with the key named `kid`; false if there is none. Only `true` is a yes. */
export type PassVerifier = (kid: Uint8Array, bytes: Uint8Array, signature: Uint8Array) => boolean;

export type PassReading =
  | { ok: true; claims: PassClaims; kid: Uint8Array }
  | { ok: false; problem: PassProblem };

/** Why a text is refused, in check order, the first one wins. The set is closed. */
export const passProblems = [
  'not_a_pass', // other prefix, too long, a character outside the alphabet, no Base45: some other QR code
  'malformed', // not strict CBOR of exactly this shape: an unknown flag, claim, header, tag, algorithm
  'not_canonical', // a pass's content in another spelling: keys in another order, a number as a float
  'unknown_key_or_bad_signature', // the verifier said no, or S is not below L (RFC 8032 §5.1.7)
] as const;
export type PassProblem = (typeof passProblems)[number];

/** What every pass of this version begins with. */
export const passPrefix = 'PSN1:';
/** The longest pass, with every number at its maximum: the prefix and 155 bytes in Base45. */
export const passTextLengthMax = 238;
/** The last second of the year 9999: the latest time a pass can carry. */
export const passTimeMax = 253_402_300_799;

/**
 * Signs the claims into the text of a QR code: `PSN1:` and Base45, about 190 characters. The same claims and
 * key always give the same text. Throws RangeError on claims, a kid or a signature out of range.
 */
export function signPass(claims: PassClaims, signer: PassSigner): string {
  const wrong = wrongClaim(claims);
  if (wrong !== null) throw new RangeError(`The pass's ${wrong} is out of range: ${claims[wrong]}.`);
  if (!isBytes(signer.kid, kidLength)) throw new RangeError('The kid of a pass is 4 bytes.');
  const header = encodeHeader(signer.kid);
  const payload = encodePayload(claims);
  const signature = signer.sign(signedBytes(header, payload));
  if (!isSignature(signature)) throw new RangeError('The signature of a pass is 64 bytes with S below L.');
  return passText(encodeSign1({ header, payload, signature }));
}

/**
 * Reads a text that may be anything. Never throws. The claims are returned only when the text is the one
 * spelling of them and the signature holds; whether they open a door now is not decided here.
 */
export function readPass(text: string, verify: PassVerifier): PassReading {
  const bytes = passBytes(text);
  if (bytes === null) return refused('not_a_pass');
  const pass = decodePass(bytes);
  if (pass === null) return refused('malformed');
  const { claims, kid, signature } = pass;
  const header = encodeHeader(kid);
  const payload = encodePayload(claims);
  const canonical = encodeSign1({ header, payload, signature });
  if (!sameBytes(canonical, bytes) || passText(canonical) !== text) return refused('not_canonical');
  const message = signedBytes(header, payload);
  if (!isSignature(signature) || !isVerified(verify, { kid, message, signature })) {
    return refused('unknown_key_or_bad_signature');
  }
  return { ok: true, claims, kid };
}

/** COSE_Sign1_Tagged (RFC 9052 §4.2): tag 18 in one byte. */
const sign1Tag = 0xd2;
/** `alg` and `kid` (RFC 9052 §3.1), EdDSA (RFC 9053 §2.2): the key, not the header, names the curve. */
const algorithmKey = 1;
const kidKey = 4;
const algorithm = -8;
const kidLength = 4;
const signatureLength = 64;
/** Claim keys of RFC 8392 §3.1 and our own, from the range for private use. */
const claimKeys = { expires_at: 4, not_before: 5, issued_at: 6, postern: -65537 };
/** Bit 0 of the flags. All others are zero: a later version may give them a meaning that we would miss. */
const onlineFlag = 1;

const strictly: DecodeOptions = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  allowBigInt: false,
  useMaps: true,
  rejectDuplicateMapKeys: true,
  tags: {},
};

/** L of RFC 8032 §5.1, the order of the base point, little-endian like the S in a signature. */
// biome-ignore format: as in the RFC, sixteen bytes a line
const basePointOrder = Uint8Array.of(
  0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
  0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10,
);

const claimChecks: readonly (readonly [keyof PassClaims, (claims: PassClaims) => boolean])[] = [
  ['organization_id', ({ organization_id }) => isWithin(organization_id, 1)],
  ['link_id', ({ link_id }) => isWithin(link_id, 1)],
  ['group_id', ({ group_id }) => isWithin(group_id, 1)],
  ['index', ({ index }) => isWithin(index, 0)],
  ['online', ({ online }) => typeof online === 'boolean'],
  ['issued_at', ({ issued_at }) => isWithin(issued_at, 0, passTimeMax)],
  ['not_before', ({ not_before }) => isWithin(not_before, 0, passTimeMax)],
  ['expires_at', ({ expires_at, not_before }) => isWithin(expires_at, not_before + 1, passTimeMax)],
];

function wrongClaim(claims: PassClaims): keyof PassClaims | null {
  return claimChecks.find(([, holds]) => !holds(claims))?.[0] ?? null;
}

function isWithin(value: number, min: number, max: number = Number.MAX_SAFE_INTEGER): boolean {
  return Number.isSafeInteger(value) && value >= min && value <= max;
}

function isBytes(value: unknown, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === length;
}

function encodeHeader(kid: Uint8Array): Uint8Array {
  return encode(
    new Map<number, number | Uint8Array>([
      [algorithmKey, algorithm],
      [kidKey, kid],
    ]),
  );
}

function encodePayload(claims: PassClaims): Uint8Array {
  const { organization_id, link_id, group_id, index, online } = claims;
  return encode(
    new Map<number, number | number[]>([
      [claimKeys.expires_at, claims.expires_at],
      [claimKeys.not_before, claims.not_before],
      [claimKeys.issued_at, claims.issued_at],
      [claimKeys.postern, [organization_id, link_id, group_id, index, online ? onlineFlag : 0]],
    ]),
  );
}

/** The Sig_structure of RFC 9052 §4.4. */
function signedBytes(header: Uint8Array, payload: Uint8Array): Uint8Array {
  return encode(['Signature1', header, new Uint8Array(), payload]);
}

/** Whether S < L (RFC 8032 §5.1.7): without this check S + L is a second signature of the same bytes. */
function isSignature(signature: unknown): boolean {
  if (!isBytes(signature, signatureLength)) return false;
  const s = signature.subarray(32);
  const differs = s.findLastIndex((byte, at) => byte !== basePointOrder[at]);
  return differs >= 0 && (s[differs] ?? 0) < (basePointOrder[differs] ?? 0);
}

function encodeSign1(parts: { header: Uint8Array; payload: Uint8Array; signature: Uint8Array }): Uint8Array {
  const body = encode([parts.header, new Map(), parts.payload, parts.signature]);
  const bytes = new Uint8Array(1 + body.length);
  bytes[0] = sign1Tag;
  bytes.set(body, 1);
  return bytes;
}

function passText(bytes: Uint8Array): string {
  return passPrefix + encodeBase45(bytes);
}

/** The bytes behind the prefix. The type is looked at too: what a reader sends need not have been checked. */
function passBytes(text: unknown): Uint8Array | null {
  if (typeof text !== 'string' || text.length > passTextLengthMax || !text.startsWith(passPrefix))
    return null;
  return decodeBase45(text.slice(passPrefix.length));
}

interface SignedMessage {
  kid: Uint8Array;
  message: Uint8Array;
  signature: Uint8Array;
}

interface SignedPass {
  claims: PassClaims;
  kid: Uint8Array;
  signature: Uint8Array;
}

function decodePass(bytes: Uint8Array): SignedPass | null {
  if (bytes[0] !== sign1Tag) return null;
  const parts = decodeStrictly(bytes.subarray(1));
  if (!Array.isArray(parts) || parts.length !== 4) return null;
  const [header, unprotected, payload, signature]: unknown[] = parts;
  if (mapOf(unprotected, 0) === null || !isBytes(signature, signatureLength)) return null;
  const kid = decodeHeader(header);
  const claims = decodePayload(payload);
  return kid !== null && claims !== null ? { claims, kid, signature } : null;
}

function decodeHeader(bytes: unknown): Uint8Array | null {
  const header = mapOf(decodeStrictly(bytes), 2);
  const kid = header?.get(kidKey);
  return header?.get(algorithmKey) === algorithm && isBytes(kid, kidLength) ? kid : null;
}

function decodePayload(bytes: unknown): PassClaims | null {
  const payload = mapOf(decodeStrictly(bytes), 4);
  const ours = payload?.get(claimKeys.postern);
  if (!payload || !Array.isArray(ours) || ours.length !== 5) return null;
  const [organization, link, group, index, flags]: unknown[] = ours;
  if (flags !== 0 && flags !== onlineFlag) return null;
  const claims = {
    organization_id: numeric(organization),
    link_id: numeric(link),
    group_id: numeric(group),
    index: numeric(index),
    online: flags === onlineFlag,
    issued_at: numeric(payload.get(claimKeys.issued_at)),
    not_before: numeric(payload.get(claimKeys.not_before)),
    expires_at: numeric(payload.get(claimKeys.expires_at)),
  };
  return wrongClaim(claims) === null ? claims : null;
}

/** Undefined: not the CBOR of exactly one value. (CBOR's own undefined is among what the options refuse.) */
function decodeStrictly(bytes: unknown): unknown {
  if (!(bytes instanceof Uint8Array)) return undefined;
  try {
    return decode(bytes, strictly);
  } catch {
    return undefined;
  }
}

function mapOf(value: unknown, size: number): Map<unknown, unknown> | null {
  return value instanceof Map && value.size === size ? value : null;
}

/** NaN, which no claim allows, for what is no number. */
function numeric(value: unknown): number {
  return typeof value === 'number' ? value : Number.NaN;
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

/** A verifier that throws, or answers with a promise, has not said yes. */
function isVerified(verify: PassVerifier, { kid, message, signature }: SignedMessage): boolean {
  try {
    return verify(kid, message, signature) === true;
  } catch {
    return false;
  }
}

function refused(problem: PassProblem): PassReading {
  return { ok: false, problem };
}
