import { agentProtocolVersion } from './agent-protocol.ts';

/*
 * How an agent becomes known to a server: it sends a one-time code and its own public key, and the server answers with
 * its own. The code carries the beginning of that key's hash, so that the agent believes no other server.
 */

/** How long a code is good for. */
export const enrolmentCodeValidMs = 10 * 60_000;
/** A code is 80 random bits and the first 40 bits of SHA-256 of the server's raw public key. */
export const enrolmentRandomBytes = 10;
export const serverKeyHashBytes = 5;

/** Crockford's base32 (crockford.com/base32.html): no I, L, O and U. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const codeLength = ((enrolmentRandomBytes + serverKeyHashBytes) * 8) / 5;
const typedLengthMax = 64;

/** A code as it was typed, in its one spelling: what is hashed and signed. */
export interface EnrolmentCode {
  /** 24 characters. */
  code: string;
  /** The first bytes of SHA-256 of the public key of the server that made it. */
  server_key_hash: Uint8Array;
}

/** The code for a person to type: 24 characters in groups of four. `server_key_hash` may be longer than is needed. */
export function formatEnrolmentCode(random: Uint8Array, server_key_hash: Uint8Array): string {
  const bytes = [
    ...random.subarray(0, enrolmentRandomBytes),
    ...server_key_hash.subarray(0, serverKeyHashBytes),
  ];
  const code = base32(bytes);
  if (code.length !== codeLength) throw new Error('an enrolment code needs 10 random bytes and 5 of a hash');
  return code.match(/.{4}/g)?.join('-') ?? code;
}

/** Reads what was typed: in upper or lower case, with or without its hyphens, O for 0, I and L for 1. Null: no code. */
export function parseEnrolmentCode(typed: string): EnrolmentCode | null {
  if (typed.length > typedLengthMax) return null;
  const code = typed.replace(/[\s-]/g, '').toUpperCase().replaceAll('O', '0').replace(/[IL]/g, '1');
  if (code.length !== codeLength || [...code].some((letter) => !alphabet.includes(letter))) return null;
  return { code, server_key_hash: bytesOf(code).subarray(enrolmentRandomBytes) };
}

/** Whether a server key with this SHA-256 is the one that the code was made with. */
export function isOfServer({ server_key_hash }: EnrolmentCode, hash: Uint8Array): boolean {
  return server_key_hash.every((byte, index) => byte === hash[index]);
}

/** What the agent signs: that whoever sends this key has its private half. Both as in the request; the code in its one spelling. */
export function agentEnrolmentBytes({ code, public_key }: { code: string; public_key: string }): Uint8Array {
  return utf8(['postern-enrolment', agentProtocolVersion, 'agent', code, public_key]);
}

/** What the server signs: whom it knows under which key from now on, and under which address. */
export function serverEnrolmentBytes(answer: {
  code: string;
  public_key: string;
  agent_id: number;
  public_url: string;
}): Uint8Array {
  const { code, public_key, agent_id, public_url } = answer;
  return utf8(['postern-enrolment', agentProtocolVersion, 'server', code, public_key, agent_id, public_url]);
}

function utf8(fields: readonly (string | number)[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(fields));
}

function base32(bytes: readonly number[]): string {
  const bits = bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{5}/g) ?? []).map((five) => alphabet[Number.parseInt(five, 2)]).join('');
}

function bytesOf(code: string): Uint8Array {
  const bits = [...code].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (eight) => Number.parseInt(eight, 2));
}
