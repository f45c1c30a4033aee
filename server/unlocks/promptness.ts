import { PosternError } from '../../domain/errors.ts';
import type { Context } from '../context.ts';

/**
 * How long what was asked for may wait to be decided: for the database, for others at the same link. Whoever stood at
 * the door has given up by then. With the time that a command lives, nothing moves later than 5 s after it was asked for.
 */
const waitMsMax = 2_500;

/** The present moment, in monotonic milliseconds. Throws `unavailable` when the decision comes too late to be carried out. */
export function requirePrompt(context: Context, askedMs: number): number {
  const now = context.clock.monotonicMs();
  if (now - askedMs <= waitMsMax) return now;
  throw new PosternError('unavailable', {
    message: 'This took too long: nothing was opened, and no use taken.',
  });
}
