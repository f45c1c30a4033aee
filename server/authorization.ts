import { type Endpoint, endpoints, type Operation } from '../domain/endpoints.ts';
import { PosternError } from '../domain/errors.ts';
import type { Scope } from '../domain/scopes.ts';
import type { LoginCaller } from './context.ts';
import type { Request } from './http/handlers.ts';
import type { Handlers } from './routes.ts';

/**
 * Lets a login do only what its scopes say. Throws `missing_scope` when it may see the thing all the same, and
 * `not_found`, as for nothing, when it may not.
 */
export async function requireScope(
  handlers: Handlers,
  operation: Operation,
  request: Request,
): Promise<void> {
  const { caller } = request;
  const { scope, paths }: Endpoint = endpoints[operation];
  if (caller.kind !== 'login' || !scope || caller.scopes.has(scope)) return;
  if (paths.some((path) => path.includes('/:')))
    await requireSight(handlers, operation, { ...request, caller });
  throw new PosternError('missing_scope', { message: `This login lacks the scope ${scope}.` });
}

/** Answers only if the login may see the thing that the path names. */
async function requireSight(
  handlers: Handlers,
  operation: Operation,
  request: Request<LoginCaller>,
): Promise<void> {
  const show = showOperationOf(operation);
  const seeing: Scope | null | undefined = show && show !== operation ? scopeOf(show) : undefined;
  if (!show || !seeing || !request.caller.scopes.has(seeing)) throw new PosternError('not_found');
  // Which caller goes with which operation is checked where the handlers are made; the table erases it.
  await (handlers[show] as (request: Request) => unknown)(request);
}

/** The operation that shows the thing at the beginning of this one's path: `GET /locks/:id` for `/locks/:id/unlock`. */
function showOperationOf(operation: Operation): Operation | undefined {
  const thing = endpoints[operation].paths[0].split('/').slice(0, 3).join('/');
  return (Object.keys(endpoints) as Operation[]).find((name) => {
    const { methods, paths }: Endpoint = endpoints[name];
    return methods.includes('GET') && paths[0] === thing;
  });
}

function scopeOf(operation: Operation): Scope | null | undefined {
  const { scope }: Endpoint = endpoints[operation];
  return scope;
}
