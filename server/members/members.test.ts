import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Role, Scope } from '../../domain/scopes.ts';
import { scopes as allScopes } from '../../domain/scopes.ts';
import { type Answer, startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import { createApiKey } from '../logins/logins.ts';
import { createOrganization } from '../organizations/organizations.ts';

const clock = new TestClock('2026-12-01T09:00:00.000Z');
const password = 'correct horse battery';
let server: TestServer;
/** Sessions by role, of the organization `dock`. */
let as: Record<Role, string>;
let ownerId: number;
let organization_id: number;
let group: number;

before(async () => {
  server = await startTestServer({ clock, environment: { POSTERN_RATE_LIMITS: 'off' } });
  const owner = { email: 'owner@dock.invalid', password };
  const made = await createOrganization(server.context, { name: 'Dock', domain: 'dock', owner });
  organization_id = made.id;
  ownerId = made.owner_id;
  const ownerSession = await signIn(owner.email);
  const visitors = await server.call('POST', '/groups', {
    secret: ownerSession,
    body: { group: { name: 'Visitors' } },
  });
  group = visitors.body.id;
  as = { owner: ownerSession, admin: '', manager: '', viewer: '' };
  for (const role of ['admin', 'manager', 'viewer'] as const) {
    const more = role === 'manager' ? { group_ids: [group] } : {};
    await addMember(as.owner, { email: `${role}@dock.invalid`, role, ...more });
    as[role] = await signIn(`${role}@dock.invalid`);
  }
});
after(() => server.close());

async function signIn(email: string, domain = 'dock'): Promise<string> {
  const answer = await server.call('POST', '/logins', { body: { user: { domain, email, password } } });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body.secret;
}

let count = 0;
const call = (secret: string, method: string, path: string, member?: object): Promise<Answer> =>
  server.call(method, path, { secret, ...(member ? { body: { member } } : {}) });

/** Adds a member who can sign in, and answers its id. */
async function addMember(secret: string, fields: object = {}): Promise<number> {
  count += 1;
  const email = `member${count}@dock.invalid`;
  const { status, body } = await call(secret, 'POST', '/members', { email, password, ...fields });
  assert.equal(status, 200, JSON.stringify(body));
  return body.id;
}

const show = async (id: number) => (await call(as.owner, 'GET', `/members/${id}`)).body;
const reasonOf = ({ status, body }: Answer) => [status, body.reason];

async function keyWith(scopes: readonly Scope[]): Promise<string> {
  return (await createApiKey(server.context, { organization_id, name: 'Key', scopes })).secret;
}

describe('a member', () => {
  it('is answered in the shape of Kisi, as member and as user, and ours beside', async () => {
    const fields = { name: 'Ada', email: 'ada@dock.invalid', notes: 'Desk 12', metadata: { desk: 12 } };
    const { body } = await call(as.owner, 'POST', '/members', {
      ...fields,
      role: 'manager',
      group_ids: [group],
    });
    assert.deepEqual(
      [body.resource_type, body.role, body.group_ids, body.confirmed, body.metadata, body.user.id],
      ['Member', 'manager', [group], false, { desk: 12 }, body.id],
    );
    const user = (await call(as.owner, 'GET', `/users/${body.id}`)).body;
    assert.deepEqual(
      [user.resource_type, user.email, user.notes, user.groups_count, user.role],
      ['User', 'ada@dock.invalid', 'Desk 12', 1, 'manager'],
    );
    assert.ok(!JSON.stringify([body, user]).includes('argon2'));
  });

  it('is a viewer with access, called by the address, when nothing else is said', async () => {
    const { body } = await call(as.owner, 'POST', '/members', { email: 'plain@dock.invalid' });
    assert.deepEqual(
      [body.name, body.role, body.access_enabled, body.group_ids],
      ['plain@dock.invalid', 'viewer', true, []],
    );
  });

  it('has an address of their own in the organization, in whatever case, until they are gone', async () => {
    const id = await addMember(as.owner, { email: 'one@dock.invalid' });
    const again = await call(as.owner, 'POST', '/members', { email: 'ONE@dock.invalid' });
    assert.deepEqual([again.status, Object.keys(again.body.errors)], [422, ['email']]);
    const other = await addMember(as.owner);
    const moved = await call(as.owner, 'PATCH', `/members/${other}`, { email: 'One@Dock.invalid' });
    assert.deepEqual([moved.status, Object.keys(moved.body.errors)], [422, ['email']]);
    assert.equal(
      (await call(as.owner, 'PATCH', `/members/${id}`, { email: 'ONE@dock.invalid' })).status,
      204,
    );
    assert.equal((await call(as.owner, 'DELETE', `/members/${id}`)).status, 204);
    await addMember(as.owner, { email: 'one@dock.invalid' });
    const elsewhere = { member: { email: 'one@dock.invalid' } };
    assert.equal(
      (await server.call('POST', '/members', { secret: server.api_key, body: elsewhere })).status,
      200,
    );
  });

  it('of which 8 with one address are made at once is one', async () => {
    const tries = Array.from({ length: 8 }, () =>
      call(as.owner, 'POST', '/members', { email: 'race@dock.invalid' }),
    );
    const statuses = (await Promise.all(tries)).map(({ status }) => status).sort();
    assert.deepEqual(statuses, [200, 422, 422, 422, 422, 422, 422, 422]);
  });

  it('is said to be wrong by the field that is', async () => {
    const fields = async (fields: object) =>
      Object.keys(
        (await call(as.owner, 'POST', '/members', { email: 'x@dock.invalid', ...fields })).body.errors,
      );
    assert.deepEqual(await fields({ role: 'king' }), ['role']);
    assert.deepEqual(await fields({ email: 'no address' }), ['email']);
    assert.deepEqual(await fields({ password: 'short' }), ['password']);
    assert.deepEqual(await fields({ password: 'x'.repeat(201) }), ['password']);
    assert.deepEqual(await fields({ password: 'X@dock.invalid' }), ['password']);
    assert.deepEqual(await fields({ group_ids: [group], role: 'viewer' }), ['group_ids']);
    assert.deepEqual(await fields({ group_ids: [999_999], role: 'manager' }), ['group_ids']);
    assert.deepEqual(await fields({ password_flow_enabled: false }), ['password_flow_enabled']);
    assert.deepEqual(await fields({ metadata: { a: [] } }), ['metadata']);
  });

  it('is found by name, address, group, place and number, the service member never', async () => {
    const place = await server.call('POST', '/places', {
      secret: as.owner,
      body: { place: { name: 'House', address: 'x' } },
    });
    const door = await server.call('POST', '/locks', {
      secret: as.owner,
      body: { lock: { name: 'Door', place_id: place.body.id } },
    });
    const body = { group_lock: { group_id: group, lock_id: door.body.id } };
    await server.call('POST', '/group_locks', { secret: as.owner, body });
    const id = await addMember(as.owner, { name: 'Zoë Quay', role: 'manager', group_ids: [group] });
    const found = async (query: string): Promise<number[]> =>
      (await call(as.owner, 'GET', `/members?limit=250&${query}`)).body.map(
        (each: { id: number }) => each.id,
      );
    assert.deepEqual(await found('query=ZOË'), [id]);
    assert.deepEqual(await found(`ids=${id},999999`), [id]);
    assert.deepEqual(await found(`user_id=${id}`), [id]);
    assert.deepEqual(await found('user_id=me'), [ownerId]);
    assert.deepEqual(await found('email=OWNER@dock.invalid'), [ownerId]);
    assert.ok((await found(`group_id=${group}`)).includes(id));
    assert.ok(!(await found(`group_id=${group}`)).includes(ownerId));
    const there = await found(`place_id=${place.body.id}`);
    assert.ok(there.includes(id) && there.includes(ownerId));
    const viewer = await found('email=viewer@dock.invalid');
    assert.ok(!there.includes(viewer[0] ?? 0), 'a viewer opens nothing');
    assert.deepEqual(await found('query=Dock%20API'), []);
    const all = await found('sort=name');
    assert.deepEqual(await found('sort=-name'), [...all].reverse());
  });

  it('is 50 to a page unless said otherwise, with the range beside', async () => {
    const { body, headers } = await call(as.owner, 'GET', '/users');
    assert.equal(headers.get('x-collection-range'), `0-${body.length - 1}/${body.length}`);
    const one = await call(as.owner, 'GET', '/users?limit=1&offset=1');
    assert.equal(one.headers.get('x-collection-range'), `1-1/${body.length}`);
  });
});

describe('the service member behind the API keys', () => {
  it('is nobody to show, change or remove', async () => {
    const { user_id } = (await server.call('GET', '/login', { secret: server.api_key })).body;
    for (const [method, body] of [['GET'], ['PATCH', { name: 'x' }], ['DELETE']] as const)
      assert.equal((await call(server.api_key, method, `/members/${user_id}`, body)).status, 404, method);
  });
});

describe('roles', () => {
  const above: [Role, Role][] = [
    ['admin', 'owner'],
    ['viewer', 'admin'],
    ['manager', 'viewer'],
  ];
  for (const [lower, higher] of above) {
    it(`keep ${lower} from making, changing, inviting or removing ${higher}`, async () => {
      const id = await addMember(as.owner, { role: higher });
      const email = `new-${lower}@dock.invalid`;
      const tries = [
        await call(as[lower], 'POST', '/members', { email, role: higher }),
        await call(as[lower], 'PATCH', `/members/${id}`, { name: 'Mine' }),
        await call(as[lower], 'PATCH', `/members/${id}`, { role: 'viewer' }),
        await call(as[lower], 'DELETE', `/members/${id}`),
        await server.call('POST', '/password_resets', {
          secret: as[lower],
          body: { password_reset: { user_id: id } },
        }),
      ];
      for (const { status } of tries) assert.ok(status === 403 || status === 404, String(status));
      assert.deepEqual(
        [(await show(id)).role, (await show(id)).name],
        [higher, `member${count}@dock.invalid`],
      );
    });
  }

  it('let an admin do with all but owners what an owner does, and raise nobody to owner', async () => {
    const id = await addMember(as.admin, { role: 'admin' });
    assert.equal((await call(as.admin, 'PATCH', `/members/${id}`, { role: 'viewer' })).status, 204);
    assert.deepEqual(reasonOf(await call(as.admin, 'PATCH', `/members/${id}`, { role: 'owner' })), [
      403,
      'not_permitted',
    ]);
    assert.equal((await call(as.admin, 'DELETE', `/members/${id}`)).status, 204);
    const [me] = (await call(as.admin, 'GET', '/members?user_id=me')).body;
    const raised = await call(as.admin, 'PATCH', `/members/${me.id}`, { role: 'owner' });
    assert.deepEqual(reasonOf(raised), [403, 'not_permitted']);
  });

  it('let an API key give nobody a role that may do more than the key', async () => {
    const key = await keyWith(['members:read', 'members:write', 'links:read']);
    for (const role of ['admin', 'viewer'] as const) {
      const refused = await call(key, 'POST', '/members', { email: 'k@dock.invalid', role, password });
      assert.deepEqual(reasonOf(refused), [403, 'missing_scope'], role);
      const id = await addMember(as.owner, { role });
      const reset = { password_reset: { user_id: id } };
      assert.deepEqual(
        reasonOf(await server.call('POST', '/password_resets', { secret: key, body: reset })),
        [403, 'missing_scope'],
      );
      for (const change of [{ role }, { email: 'k2@dock.invalid' }, { access_enabled: true }])
        assert.deepEqual(reasonOf(await call(key, 'PATCH', `/members/${id}`, change)), [
          403,
          'missing_scope',
        ]);
      assert.equal((await call(key, 'PATCH', `/members/${id}`, { notes: 'x' })).status, 204);
      assert.equal((await call(key, 'PATCH', `/members/${id}`, { access_enabled: false })).status, 204);
    }
    const whole = await keyWith(allScopes);
    assert.equal(
      (await call(whole, 'POST', '/members', { email: 'k@dock.invalid', role: 'admin' })).status,
      200,
    );
    assert.equal(
      (await call(whole, 'POST', '/members', { email: 'l@dock.invalid', role: 'owner' })).status,
      403,
    );
  });

  it('count from the next request on', async () => {
    const id = await addMember(as.owner, { role: 'admin', email: 'falls@dock.invalid' });
    const secret = await signIn('falls@dock.invalid');
    assert.equal((await call(secret, 'POST', '/members', { email: 'y@dock.invalid' })).status, 200);
    assert.equal((await call(as.owner, 'PATCH', `/members/${id}`, { role: 'viewer' })).status, 204);
    assert.equal((await call(secret, 'POST', '/members', { email: 'z@dock.invalid' })).status, 403);
  });
});

describe("a manager's groups", () => {
  it('are what is named, and none for any other role', async () => {
    const id = await addMember(as.owner, { role: 'manager', group_ids: [group, group] });
    assert.deepEqual((await show(id)).group_ids, [group]);
    assert.equal((await call(as.owner, 'PATCH', `/members/${id}`, { name: 'Still' })).status, 204);
    assert.deepEqual((await show(id)).group_ids, [group]);
    assert.equal((await call(as.owner, 'PATCH', `/members/${id}`, { role: 'viewer' })).status, 204);
    assert.deepEqual((await show(id)).group_ids, []);
    assert.equal((await call(as.owner, 'PATCH', `/members/${id}`, { role: 'manager' })).status, 204);
    assert.deepEqual((await show(id)).group_ids, []);
  });

  it('reach the session at once: none at all see none', async () => {
    const id = await addMember(as.owner, { role: 'manager', group_ids: [group], email: 'm@dock.invalid' });
    const secret = await signIn('m@dock.invalid');
    const groups = async () => (await server.call('GET', '/user', { secret })).body.group_ids;
    assert.deepEqual(await groups(), [group]);
    assert.equal((await call(as.owner, 'PATCH', `/members/${id}`, { group_ids: [] })).status, 204);
    assert.deepEqual(await groups(), []);
    assert.equal((await server.call('GET', '/user', { secret: as.admin })).body.group_ids, null);
  });

  it('are forgotten when the group is gone, and never of another organization', async () => {
    const gone = await server.call('POST', '/groups', {
      secret: as.owner,
      body: { group: { name: 'Gone' } },
    });
    const id = await addMember(as.owner, { role: 'manager', group_ids: [group, gone.body.id] });
    await server.call('DELETE', `/groups/${gone.body.id}`, { secret: as.owner });
    assert.deepEqual((await show(id)).group_ids, [group]);
    const foreign = await server.create('group', { name: 'Theirs' });
    const refused = await call(as.owner, 'PATCH', `/members/${id}`, { group_ids: [foreign.id] });
    assert.deepEqual([refused.status, Object.keys(refused.body.errors)], [422, ['group_ids']]);
  });
});

describe('a member without access', () => {
  it('opens no door, and does everything else', async () => {
    const id = await addMember(as.owner, { role: 'admin', email: 'off@dock.invalid' });
    const secret = await signIn('off@dock.invalid');
    const scopes = async (): Promise<string[]> => (await server.call('GET', '/user', { secret })).body.scopes;
    assert.ok((await scopes()).includes('doors:unlock'));
    assert.equal((await call(as.owner, 'PATCH', `/members/${id}`, { access_enabled: false })).status, 204);
    assert.ok(!(await scopes()).includes('doors:unlock'));
    const [door] = (await server.call('GET', '/locks', { secret })).body;
    const refused = await server.call('POST', `/locks/${door.id}/unlock`, { secret });
    assert.deepEqual(reasonOf(refused), [403, 'missing_scope']);
    const key = { login: { type: 'api', name: 'x' } };
    const made = await server.call('POST', '/logins', { secret, body: key });
    assert.ok(!made.body.scopes.includes('doors:unlock'), 'nor does a key that they make');
  });
});
