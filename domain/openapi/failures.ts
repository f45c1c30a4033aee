import { type Endpoint, endpoints, type Operation } from '../endpoints.ts';
import { denials, type ErrorEntry, errors } from '../errors.ts';
import { takesIdempotencyKey } from '../idempotency.ts';
import type { Reason } from '../operations/operation.ts';
import { describe } from '../operations.ts';

const entries: Record<string, ErrorEntry> = { ...errors, ...denials };

/** The entry of a reason, in the one table or the other. */
export function entryOf(reason: Reason): ErrorEntry {
  return entries[reason] ?? errors.internal; // every reason is a key of the two tables
}

/** Everything that an operation may be refused for, by status: what its kind has in common, and what is its own. */
export function failuresOf(operation: Operation): Map<number, Reason[]> {
  const endpoint: Endpoint = endpoints[operation];
  const { query, body, errors: own = [] } = describe(operation);
  const reasons = new Set<Reason>([
    'malformed_request',
    'too_many_requests',
    ...callerFailures(endpoint),
    ...own,
  ]);
  if (endpoint.methods.some((method) => method !== 'GET')) {
    for (const reason of ['body_too_large', 'unsupported_media_type'] as const) reasons.add(reason);
  }
  if (endpoint.paths.some((path) => path.includes('/:id')) && operation !== 'page.show')
    reasons.add('not_found');
  if (query || body) reasons.add('invalid');
  if (takesIdempotencyKey(endpoint)) {
    for (const reason of ['idempotency_key_in_use', 'idempotency_key_reused', 'invalid'] as const)
      reasons.add(reason);
  }
  return byStatus(reasons);
}

function callerFailures({ callers, methods, paths, scope }: Endpoint): Reason[] {
  const found: Reason[] = [];
  const [first] = callers;
  const isPage = paths.some((path) => /^\/(page|reader)\//.test(path));
  if (first === 'login' || first === 'link') found.push('unauthorized');
  if (callers.includes('page')) found.push('session_over');
  if (isPage && methods.includes('POST')) found.push('cross_site');
  if ((first === 'login' || first === 'link') && callers.length === 1) found.push('forbidden');
  if (callers.includes('login') && scope) found.push('missing_scope');
  if (first !== 'anyone' || methods.includes('POST')) found.push('unavailable');
  return found;
}

function byStatus(reasons: ReadonlySet<Reason>): Map<number, Reason[]> {
  const found = new Map<number, Reason[]>();
  for (const reason of reasons) {
    const { status } = entryOf(reason);
    found.set(status, [...(found.get(status) ?? []), reason]);
  }
  return new Map([...found].sort(([one], [other]) => one - other));
}
