import { PosternError } from '../../domain/errors.ts';
import type { AnyoneCaller, Context, LoginCaller } from '../context.ts';
import type { Database } from '../database/database.ts';
import type { Housekeeping } from '../housekeeping.ts';
import type { LoginRequest, Request } from '../http/handlers.ts';

/** A database that takes longer than this to answer is none to serve from. */
const answerMsMax = 2_000;

/** The process answers: this says nothing of anything else. */
export function showHealth() {
  return { status: 'ok' };
}

/**
 * Whether requests should be sent here, for a load balancer. Strangers hear no more than that; who may read the
 * installation hears how it is.
 */
export async function showReadiness(
  context: Context,
  housekeeping: Pick<Housekeeping, 'lastAt'>,
  { caller }: Request<AnyoneCaller | LoginCaller>,
) {
  if (!(await isReachable(context))) {
    throw new PosternError('unavailable', { message: 'The database does not answer.' });
  }
  if (caller.kind === 'anyone' || !caller.scopes.has('installation:read')) return { status: 'ready' };
  return {
    status: 'ready',
    last_commit_at: context.metrics.lastCommitAt,
    last_housekeeping_at: housekeeping.lastAt,
    agents_connected: context.agents.reachableAgents().length,
  };
}

export async function showMetrics({ metrics }: Context, { reply }: LoginRequest) {
  reply.type(metrics.contentType);
  return metrics.text();
}

async function isReachable({ database }: Context): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), answerMsMax);
  try {
    return await Promise.race([isAnswering(database), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

async function isAnswering({ everywhere }: Database): Promise<boolean> {
  await everywhere.read.query.selectFrom('installation').select('name').limit(1).execute();
  return true;
}
