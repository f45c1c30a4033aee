import type { Answer } from '../test-server.ts';

/**
 * What an answer comes to: its status; `listed` or `unlisted` for a list that was asked for one thing by its id; why not,
 * where a 403 is not for a missing scope; and the fields that a 422 names.
 */
export type Outcome = number | string;

export function outcomeOf({ status, body }: Answer, finds: number | undefined): Outcome {
  if (status === 403 && body.reason !== 'missing_scope') return body.reason;
  if (status === 422) return Object.keys(body.errors ?? {}).join();
  if (status !== 200 || finds === undefined) return status;
  const entries: { id?: number; object_id?: number }[] = Array.isArray(body) ? body : body.events;
  return entries.some(({ id, object_id }) => (object_id ?? id) === finds) ? 'listed' : 'unlisted';
}
