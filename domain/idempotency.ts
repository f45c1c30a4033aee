import type { Endpoint } from './endpoints.ts';

/** Answers that are credentials: none is kept, not even to be given to the same caller again. */
const neverKept = [
  ...['/logins', '/invitations', '/password_resets'],
  ...['/agents', '/agents/:id/enrollment_code', '/readers', '/readers/:id/enrollment_code'],
];

/**
 * Whether a request may carry an `Idempotency-Key` (IETF draft "The Idempotency-Key HTTP Header Field"), by which it can
 * be sent again without being done again: every POST of a caller who is known.
 */
export function takesIdempotencyKey({ methods, paths, callers }: Endpoint): boolean {
  const isAuthenticated = !callers.includes('anyone') && !callers.includes('agent');
  return methods.includes('POST') && isAuthenticated && !neverKept.some((path) => paths.includes(path));
}
