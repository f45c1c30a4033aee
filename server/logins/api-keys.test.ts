import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { type Endpoint, endpoints, type Operation } from '../../domain/endpoints.ts';
import { scopes as allScopes, type Scope } from '../../domain/scopes.ts';
import { type Answer, startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import type { Context } from '../context.ts';
import { createOrganization } from '../organizations/organizations.ts';
import { authenticateLogin, createApiKey, revokeApiKey } from './logins.ts';

const clock = new TestClock('2026-12-01T09:00:00.000Z');
const owner = { email: 'owner@dock.invalid', password: 'correct horse battery' };
const user = { ...owner, domain: 'dock' };
let server: TestServer;
let organization_id: number;
let session: string;

before(async () => {
  server = await startTestServer({ clock, environment: { POSTERN_RATE_LIMITS: 'off' } });
  organization_id = (await createOrganization(server.context, { name: 'Dock', domain: 'dock', owner })).id;
  session = (await server.call('POST', '/logins', { body: { user } })).body.secret;
});
after(() => server.close());

const make = (login: object, secret = session): Promise<Answer> =>
  server.call('POST', '/logins', { secret, body: { login: { type: 'api', name: 'Key', ...login } } });

/** A key for one test: an organization has no more than 100. */
async function keyWith(scopes: readonly Scope[]): Promise<string> {
  const made = await createApiKey(server.context, { organization_id, name: 'Of one test', scopes });
  keysMade.push(made.id);
  return made.secret;
}

let keysMade: number[] = [];
afterEach(async () => {
  for (const id of keysMade) await revokeApiKey(server.context, id);
  keysMade = [];
});

describe('making an API key', () => {
  it('answers its secret once, in the shape that Kisi has for it', async () => {
    const { status, body } = await make({ name: 'Booking system' });
    assert.equal(status, 200);
    assert.match(body.secret, /^pstk_[a-z2-7]{39}$/);
    assert.equal(body.authentication_token, body.secret);
    assert.deepEqual(
      [body.type, body.name, body.scopes, body.expire, body.user.email],
      ['api', 'Booking system', null, false, 'api@dock.invalid'],
    );
    const shown = (await server.call('GET', `/logins/${body.id}`, { secret: session })).body;
    const { secret: _, authentication_token: __, ...rest } = body;
    assert.deepEqual({ ...rest, ...shown }, rest);
    assert.ok(!('secret' in shown));
    assert.equal((await server.call('GET', '/places', { secret: body.secret })).status, 200);
  });

  it('takes a password instead of a login, and then only a name', async () => {
    const { status, body } = await server.call('POST', '/logins', {
      body: { login: { type: 'api', name: 'By password' }, user },
    });
    assert.equal(status, 200);
    assert.match(body.secret, /^pstk_/);
    const [event] = (await server.call('GET', '/events', { secret: session })).body;
    assert.deepEqual(
      [event.type, event.actor_email, event.authenticated_by_type, event.object_id],
      ['login.create', owner.email, null, body.id],
    );
    const wrong = { login: { type: 'api', name: 'x' }, user: { ...user, password: 'wrong' } };
    assert.equal((await server.call('POST', '/logins', { body: wrong })).status, 401);
  });

  it('says what is wrong with it', async () => {
    const fields = async (login: object) => Object.keys((await make(login)).body.errors ?? {});
    assert.deepEqual(await fields({ name: null }), ['name']);
    assert.deepEqual(await fields({ name: 'a\nb' }), ['name']);
    assert.deepEqual(await fields({ scopes: [] }), ['scopes']);
    assert.deepEqual(await fields({ scopes: ['links:read', 'everything'] }), ['scopes']);
    assert.deepEqual(await fields({ scopes: 'links:read' }), ['scopes']);
    assert.deepEqual(await fields({ expires_at: 'tomorrow' }), ['expires_at']);
    assert.deepEqual(await fields({ expires_at: clock.now() }), ['expires_at']);
    assert.deepEqual(await fields({ type: 'key' }), ['type']);
  });

  it('gives no scope that its maker lacks, and the scopes of its maker where none are named', async () => {
    const limited = await keyWith(['logins:read', 'logins:write', 'links:read']);
    const more = await make({ scopes: ['links:read', 'links:write'] }, limited);
    assert.deepEqual([more.status, Object.keys(more.body.errors)], [422, ['scopes']]);
    assert.match(more.body.error, /lacks links:write/);
    const same = await make({}, limited);
    assert.deepEqual(same.body.scopes, ['logins:read', 'logins:write', 'links:read']);
    const less = await make({ scopes: ['links:read', 'links:read'] }, limited);
    assert.deepEqual(less.body.scopes, ['links:read']);
    assert.equal((await make({}, less.body.secret)).body.reason, 'missing_scope');
    assert.equal((await server.call('GET', '/places', { secret: same.body.secret })).status, 403);
  });

  it('is for those with logins:write alone', async () => {
    for (const role of ['manager', 'viewer'] as const) {
      const email = `${role}@dock.example`;
      const member = { email, role, password: owner.password };
      assert.equal(
        (await server.call('POST', '/members', { secret: session, body: { member } })).status,
        200,
      );
      const { secret } = (await server.call('POST', '/logins', { body: { user: { ...user, email } } })).body;
      const refused = await make({}, secret);
      assert.deepEqual([refused.status, refused.body.reason], [403, 'missing_scope'], role);
      const list = (await server.call('GET', '/logins', { secret })).body;
      assert.equal(list.length, 1, 'nor does it see any');
    }
  });

  it('stops at 100 that work at once', async () => {
    const domain = { name: 'Full', domain: 'full', owner: { ...owner, email: 'a@full.invalid' } };
    const full = (await createOrganization(server.context, domain)).id;
    const keys = [];
    for (let count = 0; count < 100; count++)
      keys.push(await createApiKey(server.context, { organization_id: full, name: `Key ${count}` }));
    const [first] = keys;
    assert.ok(first);
    const refused = await make({}, first.secret);
    assert.deepEqual([refused.status, refused.body.reason], [429, 'limit_reached']);
    await revokeApiKey(server.context, keys[1]?.id ?? 0);
    assert.equal((await make({}, first.secret)).status, 200);
  });
});

describe('an API key', () => {
  it('is unknown from its end on, to the instant', async () => {
    const expires_at = new Date(Date.parse(clock.now()) + 3_600_000).toISOString();
    const { body } = await make({ expires_at });
    assert.deepEqual([body.expires_at, body.expire], [expires_at, true]);
    clock.advance(3_600_000 - 1);
    assert.equal((await server.call('GET', '/login', { secret: body.secret })).status, 200);
    clock.advance(1);
    assert.equal((await server.call('GET', '/login', { secret: body.secret })).status, 401);
    assert.equal((await server.call('GET', `/logins/${body.id}`, { secret: session })).status, 404);
  });

  it('is unknown from the moment on at which it is ended', async () => {
    const { body } = await make({});
    const ends = await keyWith(['logins:write', 'logins:read']);
    assert.equal((await server.call('DELETE', `/logins/${body.id}`, { secret: ends })).status, 204);
    assert.equal((await server.call('GET', '/login', { secret: body.secret })).status, 401);
    assert.equal((await server.call('DELETE', `/logins/${body.id}`, { secret: ends })).status, 404);
  });

  it('may always end itself, and another one only with the scope for it', async () => {
    const { body } = await make({});
    const path = `/logins/${body.id}`;
    const reads = await keyWith(['logins:read']);
    const blind = await keyWith(['logins:write']);
    const refused = await server.call('DELETE', path, { secret: reads });
    assert.deepEqual([refused.status, refused.body.reason], [403, 'missing_scope']);
    assert.equal((await server.call('DELETE', path, { secret: blind })).status, 404, 'it sees no keys');
    assert.equal(
      (await server.call('PUT', '/login', { secret: reads, body: { login: { name: 'x' } } })).status,
      403,
    );
    assert.equal((await server.call('DELETE', '/login', { secret: reads })).status, 204);
    assert.equal((await server.call('GET', '/login', { secret: reads })).status, 401);
  });

  it('of another organization is as good as none', async () => {
    const { body } = await make({});
    const answer = await server.call('DELETE', `/logins/${body.id}`, { secret: server.api_key });
    assert.equal(answer.status, 404);
    assert.equal((await server.call('GET', '/login', { secret: body.secret })).status, 200);
  });

  it('that was never made, or is one letter off, opens nothing', async () => {
    const { body } = await make({});
    const right: string = body.secret;
    const near = [...right].map(
      (letter, at) => right.slice(0, at) + (letter === 'a' ? 'b' : 'a') + right.slice(at + 1),
    );
    for (const secret of [
      ...near,
      right.slice(0, -1),
      `${right}a`,
      right.toUpperCase(),
      right.replace('pstk_', 'psts_'),
    ])
      assert.equal((await server.call('GET', '/login', { secret })).status, 401, secret);
  });

  it('with a wrong checksum never reaches the database, and neither does a session', async () => {
    const unreachable = new Proxy({} as Context['database'], {
      get: () => assert.fail('the database was asked'),
    });
    const context = { ...server.context, database: unreachable };
    const { secret } = (await make({})).body;
    for (const right of [secret, session]) {
      const last = right.at(-1) === 'a' ? 'b' : 'a';
      for (const wrong of [right.slice(0, -1) + last, right.slice(0, -2), `psts_${secret.slice(5)}`, 'x', ''])
        assert.equal(await authenticateLogin(context, wrong), null);
      await assert.rejects(authenticateLogin(context, right), /the database was asked/);
    }
  });
});

/** Every operation that names a scope, with what it would need to go through. */
const scoped = (Object.entries(endpoints) as [Operation, Endpoint][]).filter(([, { scope }]) => scope);

describe('the scopes of a key', () => {
  it('are each needed by some operation, and what they allow is no more than their own', () => {
    const used = new Set(scoped.map(([, { scope }]) => scope));
    for (const scope of used) assert.ok(scope && allScopes.includes(scope));
  });

  for (const [operation, { methods, paths, scope }] of scoped) {
    it(`are looked at by ${operation}`, async () => {
      const [path = ''] = paths;
      const without = await keyWith(allScopes.filter((each) => each !== scope));
      const only = await keyWith(scope ? [scope] : []);
      const named = path.includes('/:');
      const target = path.replace(/:\w+/g, '999999');
      for (const method of methods) {
        const call = (secret: string) =>
          server.call(method, target, { secret, ...(method === 'GET' ? {} : { body: {} }) });
        const refused = await call(without);
        // Nobody has anything of the number 999999: whoever may not see it learns as much.
        assert.deepEqual(
          [refused.status, refused.body.reason],
          named ? [404, 'not_found'] : [403, 'missing_scope'],
        );
        if (operation !== 'events.stream')
          assert.notEqual((await call(only)).body.reason, 'missing_scope', `${scope} is enough`);
      }
    });
  }

  it('answer 403 for what the key may see, and 404 for what it may not', async () => {
    const place = await server.call('POST', '/places', {
      secret: session,
      body: { place: { name: 'House', address: 'x' } },
    });
    const path = `/places/${place.body.id}`;
    const body = { place: { name: 'Mine' } };
    const [seeing, blind] = [await keyWith(['places:read']), await keyWith(['links:read'])];
    const refused = await server.call('PATCH', path, { secret: seeing, body });
    assert.deepEqual([refused.status, refused.body.reason], [403, 'missing_scope']);
    assert.match(refused.body.error, /places:write/);
    const missing = await server.call('PATCH', '/places/999999', { secret: seeing, body });
    for (const secret of [blind]) {
      const hidden = await server.call('PATCH', path, { secret, body });
      assert.deepEqual([hidden.status, hidden.body], [404, missing.body]);
    }
    assert.equal((await server.call('GET', path, { secret: session })).body.name, 'House');
  });
});
