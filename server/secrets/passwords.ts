import { argon2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(argon2);
// RFC 9106 §4, the second recommended option, with less memory: a small machine checks two at once.
const cost = { parallelism: 1, tagLength: 32, memory: 19_456, passes: 2 };

/** Argon2id (RFC 9106) of a password, in PHC string format. `salt`: 16 random bytes. */
export async function hashPassword(password: string, salt: Uint8Array): Promise<string> {
  const tag = await derive('argon2id', { message: password, nonce: salt, ...cost });
  const { memory, passes, parallelism } = cost;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(salt)}$${base64(tag)}`;
}

/** Whether the password is the one that `stored` was made of. */
export async function passwordMatches(password: string, stored: string): Promise<boolean> {
  const salt = stored.split('$')[4] ?? '';
  const again = Buffer.from(await hashPassword(password, Buffer.from(salt, 'base64')));
  const expected = Buffer.from(stored);
  return again.length === expected.length && timingSafeEqual(again, expected);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('=', '');
}
