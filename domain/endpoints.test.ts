import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { agentPath } from './agent-protocol.ts';
import { type Endpoint, endpoints } from './endpoints.ts';

const table: [string, Endpoint][] = Object.entries(endpoints);
const routes = table.flatMap(([operation, { methods, paths, callers }]) =>
  methods.flatMap((method) => paths.map((path) => ({ operation, method, path, callers }))),
);

describe('the table of endpoints', () => {
  it('names every method and path once, whatever a path calls its parameters', () => {
    const names = routes.map(({ method, path }) => `${method} ${path.replace(/:[a-z_]+/g, ':')}`);
    assert.deepEqual(
      names.filter((name, at) => names.indexOf(name) !== at),
      [],
    );
  });

  it('has paths that begin with a slash, end with none, and hold nothing but words and parameters', () => {
    for (const { path } of routes) assert.match(path, /^(\/(:[a-z_]+|[a-z_]+(\.[a-z]+)?))+$/);
  });

  it('says of every operation who may call it', () => {
    for (const [operation, { methods, callers }] of table) {
      assert.ok(callers.length > 0, operation);
      assert.ok(methods.length > 0, operation);
    }
  });

  it('lets anyone, a page and an agent call only what nobody else calls, but for signing in and readiness', () => {
    for (const [operation, { callers }] of table) {
      if (operation === 'logins.create') continue; // also how somebody who is signed in makes an API key
      if (operation === 'health.show_readiness') continue; // says more to whoever may read the installation
      const alone = callers.some((caller) => caller === 'anyone' || caller === 'page' || caller === 'agent');
      if (alone) assert.equal(callers.length, 1, operation);
    }
  });

  it('knows a page by its cookie under /page only, and there by the id of its link', () => {
    for (const { operation, path, callers } of routes) {
      if (callers.includes('page')) assert.match(path, /^\/page\/links\/:id(\/|$)/, operation);
    }
  });

  it('lets a link read itself and its doors and unlock them, and nothing else', () => {
    const allowed = routes
      .filter(({ callers }) => callers.includes('link'))
      .map(({ method, path }) => `${method} ${path}`);
    assert.deepEqual(allowed.sort(), [
      'GET /group_link',
      'GET /group_link/qr_code.png',
      'GET /group_link/qr_code.svg',
      'GET /locks',
      'POST /locks/:id/access',
      'POST /locks/:id/unlock',
    ]);
  });

  it('lets nobody change anything without a credential but by a secret, a password or a signature in the body', () => {
    const open = routes.filter(({ callers, method }) => callers.includes('anyone') && method !== 'GET');
    assert.deepEqual(open.map(({ method, path }) => `${method} ${path}`).sort(), [
      'PATCH /users/password',
      'POST /agents/enroll',
      'POST /invitations/accept',
      'POST /logins',
      'POST /page/sessions',
      'POST /passwords/reset',
      'POST /reader/enrollments',
      'POST /reader/nonces',
      'POST /reader/presentations',
      'POST /users/password', // changes nothing: it is answered the same for everybody
    ]);
  });

  it('has the agents connect where their protocol says', () => {
    assert.deepEqual(endpoints['agents.connect'].paths, [agentPath]);
  });
});
