import { argon2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { Turns } from './turns.ts';

const derive = promisify(argon2);
// RFC 9106 §4, the second recommended option, with less memory: a small machine checks two at once.
const cost = { parallelism: 1, tagLength: 32, memory: 19_456, passes: 2 };
/** Of the whole process. Who comes when so many wait is told to come back. */
const turns = new Turns({ atOnceMax: 2, waitingMax: 40 });

/** What a password is compared with where there is no member: the same work, and nobody's password. */
const nobodysPassword = phc(new Uint8Array(16), new Uint8Array(32));

/** Argon2id (RFC 9106) of a password, in PHC string format. `salt`: 16 random bytes. Throws `busy`. */
export async function hashPassword(password: string, salt: Uint8Array): Promise<string> {
  const tag = await turns.take(() => derive('argon2id', { message: password, nonce: salt, ...cost }));
  return phc(salt, tag);
}

/** Whether the password is the one that `stored` was made of; null is nobody's, and takes as long. Throws `busy`. */
export async function passwordMatches(password: string, stored: string | null): Promise<boolean> {
  const known = stored ?? nobodysPassword;
  const salt = known.split('$')[4] ?? '';
  const again = Buffer.from(await hashPassword(password, Buffer.from(salt, 'base64')));
  const expected = Buffer.from(known);
  return stored !== null && again.length === expected.length && timingSafeEqual(again, expected);
}

function phc(salt: Uint8Array, tag: Uint8Array): string {
  const { memory, passes, parallelism } = cost;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(salt)}$${base64(tag)}`;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('=', '');
}
