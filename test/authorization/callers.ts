import assert from 'node:assert/strict';
import type { Answer } from '../test-server.ts';

/** The kinds of caller, in the order of the columns of a table. */
export const callers = [
  'nobody',
  'wrong key',
  'bad checksum',
  'revoked key',
  'key',
  'foreign key',
  'link',
  'page',
] as const;

//                        nobody, wrong key, bad checksum, revoked key, key, foreign key, link, page
export const loginsOnly = (key: number, foreign = key) =>
  [401, 401, 401, 401, key, foreign, 403, 401] as const;
export const linksOnly = (link: number) => [401, 401, 401, 401, 403, 403, link, 401] as const;
export const pagesOnly = (page: number) => [401, 401, 401, 401, 401, 401, 401, page] as const;
export const everybody = (all: number) => [all, all, all, all, all, all, all, all] as const;

/** Every refusal has the same shape, so that a stranger learns nothing from it. */
export function assertShape({ status, headers, body }: Answer, isPage: boolean): void {
  if (status !== 401 && status !== 403 && status !== 404) return;
  assert.equal(headers.get('content-type'), 'application/json; charset=utf-8');
  assert.deepEqual(Object.keys(body), ['code', 'error', 'reason', 'hint']);
  const reasons: Record<number, string[]> = {
    401: [isPage ? 'session_over' : 'unauthorized'],
    403: ['forbidden', 'not_permitted'],
    404: ['not_found'],
  };
  assert.ok(reasons[status]?.includes(body.reason), body.reason);
  assert.equal(headers.get('www-authenticate') !== null, status === 401);
  assert.equal(headers.get('cache-control'), 'no-store');
}
