import { createHash } from 'node:crypto';
import { PosternError } from '../../domain/errors.ts';
import { networkOf, type RateLimits } from './rate-limits.ts';

/**
 * Checks a password for an e-mail address, so many wrong ones an hour from one place. It is counted for both together:
 * whoever guesses somebody's password shuts out himself, and its owner, who is elsewhere, not.
 */
export async function limitSignIn<T>(
  limits: RateLimits,
  { address, email }: { address: string; email: string },
  check: () => Promise<T>,
): Promise<T> {
  const person = createHash('sha256').update(email.trim().toLowerCase()).digest('base64url');
  const key = `${networkOf(address)}:${person}`;
  // Counted before: many at once are many. A right one is forgiven.
  limits.require('wrong_passwords', key);
  try {
    const result = await check();
    limits.forget('wrong_passwords', key);
    return result;
  } catch (error) {
    // Not a wrong password, but a full queue or a broken database.
    if (!(error instanceof PosternError) || error.entry.status >= 500)
      limits.takeBack('wrong_passwords', key);
    throw error;
  }
}
