import { commandLifetimeMs } from '../../domain/agent-protocol.ts';
import { PosternError } from '../../domain/errors.ts';
import type { Context } from '../context.ts';

/** Nothing moves later than this after it was asked for, whatever it waited for: whoever stood at the door has given up. */
const promptMsMax = 5_000;
/** How much of that may pass before the decision. */
const waitMsMax = 4_000;

/**
 * From when on the life of the command is counted, in monotonic milliseconds: now, unless it was asked for so long ago
 * that less is left. Throws `unavailable` when the decision comes too late to be carried out.
 */
export function requirePrompt(context: Context, askedMs: number): number {
  const now = context.clock.monotonicMs();
  if (now - askedMs <= waitMsMax) return Math.min(now, askedMs + promptMsMax - commandLifetimeMs);
  throw new PosternError('unavailable', {
    message: 'This took too long: nothing was opened, and no use taken.',
  });
}
