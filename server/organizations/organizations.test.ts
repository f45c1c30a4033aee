import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import { createApiKey } from '../logins/logins.ts';
import { createOrganization } from './organizations.ts';

const clock = new TestClock('2026-12-01T09:00:00.000Z');
let server: TestServer;

interface Things {
  secret: string;
  organization_id: number;
  place: number;
  door: number;
  group: number;
  groupDoor: number;
  link: number;
  linkSecret: string;
  member: number;
  login: number;
}

let ours: Things;
let theirs: Things;

before(async () => {
  server = await startTestServer({ clock });
  const { id } = await createOrganization(server.context, {
    name: 'Other House',
    domain: 'other',
    owner: { email: 'owner@other.invalid', password: 'correct horse battery' },
  });
  const { secret } = await createApiKey(server.context, { organization_id: id, name: 'Key' });
  // Things of either turn by turn: the ids of one lie between those of the other.
  ours = await makeThings(server.api_key, server.organization_id);
  theirs = await makeThings(secret, id);
});
after(() => server.close());

async function makeThings(secret: string, organization_id: number): Promise<Things> {
  const create = async (noun: string, fields: object) => {
    const { status, body } = await server.call('POST', `/${noun}s`, { secret, body: { [noun]: fields } });
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  };
  const place = (await create('place', { name: 'Canary place', address: 'x' })).id;
  const door = (await create('lock', { name: 'Canary door', place_id: place })).id;
  const group = (await create('group', { name: 'Canary group', place_id: place })).id;
  const groupDoor = (await create('group_lock', { group_id: group, lock_id: door })).id;
  const link = await create('group_link', {
    name: 'Canary guest',
    group_id: group,
    email: 'canary@example.org',
  });
  const member = (await create('member', { email: `canary@${organization_id}.invalid` })).id;
  const login = (await create('login', { type: 'api', name: 'Canary key' })).id;
  return {
    member,
    login,
    secret,
    organization_id,
    place,
    door,
    group,
    groupDoor,
    link: link.id,
    linkSecret: link.secret,
  };
}

async function rows(): Promise<unknown> {
  const { query } = server.context.database.everywhere.read;
  const tables = [
    'organizations',
    'members',
    'logins',
    'places',
    'doors',
    'groups',
    'group_doors',
    'links',
    'passes',
    'events',
    'schedules',
    'member_groups',
    'member_tokens',
  ] as const;
  await server.context.database.settled(); // a position comes a moment after its event on PostgreSQL
  return Promise.all(tables.map((table) => query.selectFrom(table).selectAll().execute()));
}

const nobody = 999_999;
/** A call of ours that names something of theirs, and the same call that names nothing. */
const crossings: readonly [string, string, (id: number) => unknown, (things: Things) => number, string?][] = [
  ['GET', '/group_links/:id', () => undefined, ({ link }) => link],
  ['PATCH', '/group_links/:id', () => ({ group_link: { suspended: true } }), ({ link }) => link],
  ['PUT', '/group_links/:id', () => ({ group_link: { name: 'Mine' } }), ({ link }) => link],
  ['DELETE', '/group_links/:id', () => undefined, ({ link }) => link],
  ['GET', '/locks/:id', () => undefined, ({ door }) => door],
  ['PATCH', '/locks/:id', () => ({ lock: { name: 'Mine' } }), ({ door }) => door],
  ['PUT', '/locks/:id', () => ({ lock: { name: 'Mine' } }), ({ door }) => door],
  ['DELETE', '/locks/:id', () => undefined, ({ door }) => door],
  ['POST', '/locks/:id/unlock', () => undefined, ({ door }) => door],
  ['POST', '/locks/:id/access', () => ({}), ({ door }) => door],
  ['GET', '/places/:id', () => undefined, ({ place }) => place],
  ['PATCH', '/places/:id', () => ({ place: { name: 'Mine' } }), ({ place }) => place],
  ['PUT', '/places/:id', () => ({ place: { name: 'Mine' } }), ({ place }) => place],
  ['DELETE', '/places/:id', () => undefined, ({ place }) => place],
  ['GET', '/groups/:id', () => undefined, ({ group }) => group],
  ['PATCH', '/groups/:id', () => ({ group: { name: 'Mine' } }), ({ group }) => group],
  ['PUT', '/groups/:id', () => ({ group: { name: 'Mine' } }), ({ group }) => group],
  ['DELETE', '/groups/:id', () => undefined, ({ group }) => group],
  ['GET', '/group_locks/:id', () => undefined, ({ groupDoor }) => groupDoor],
  ['DELETE', '/group_locks/:id', () => undefined, ({ groupDoor }) => groupDoor],
  ['GET', '/logins/:id', () => undefined, ({ login }) => login],
  ['DELETE', '/logins/:id', () => undefined, ({ login }) => login],
  ['GET', '/users/:id', () => undefined, ({ member }) => member],
  ['PATCH', '/users/:id', () => ({ user: { name: 'Mine' } }), ({ member }) => member],
  ['DELETE', '/users/:id', () => undefined, ({ member }) => member],
  ['GET', '/members/:id', () => undefined, ({ member }) => member],
  ['PUT', '/members/:id', () => ({ member: { role: 'admin' } }), ({ member }) => member],
  ['DELETE', '/members/:id', () => undefined, ({ member }) => member],
  ['GET', '/organizations/:id', () => undefined, ({ organization_id }) => organization_id],
  [
    'PATCH',
    '/organizations/:id',
    () => ({ organization: { name: 'Mine' } }),
    ({ organization_id }) => organization_id,
  ],
  ['POST', '/invitations', (id) => ({ invitation: { user_id: id } }), ({ member }) => member, 'member'],
  [
    'POST',
    '/password_resets',
    (id) => ({ password_reset: { user_id: id } }),
    ({ member }) => member,
    'member',
  ],
  [
    'POST',
    '/members',
    (id) => ({ member: { email: 'm@x.invalid', role: 'manager', group_ids: [id] } }),
    ({ group }) => group,
    'group',
  ],
  ['GET', '/logins?user_id=:id', () => undefined, ({ member }) => member],
  ['GET', '/logins?ids=:id', () => undefined, ({ login }) => login],
  ['GET', '/users?ids=:id', () => undefined, ({ member }) => member],
  ['GET', '/members?user_id=:id', () => undefined, ({ member }) => member],
  ['GET', '/members?group_id=:id', () => undefined, ({ group }) => group],
  ['POST', '/locks', (id) => ({ lock: { name: 'x', place_id: id } }), ({ place }) => place, 'place'],
  ['POST', '/groups', (id) => ({ group: { name: 'x', place_id: id } }), ({ place }) => place, 'place'],
  [
    'POST',
    '/group_links',
    (id) => ({ group_link: { name: 'x', group_id: id } }),
    ({ group }) => group,
    'group',
  ],
  [
    'POST',
    '/group_locks',
    (id) => ({ group_lock: { group_id: id, lock_id: ours.door } }),
    ({ group }) => group,
    'group',
  ],
  [
    'POST',
    '/group_locks',
    (id) => ({ group_lock: { group_id: ours.group, lock_id: id } }),
    ({ door }) => door,
    'door',
  ],
  ['GET', '/group_links?group_id=:id', () => undefined, ({ group }) => group],
  ['GET', '/group_links?ids=:id&state=ended', () => undefined, ({ link }) => link],
  ['GET', '/locks?place_id=:id', () => undefined, ({ place }) => place],
  ['GET', '/locks?ids=:id', () => undefined, ({ door }) => door],
  ['GET', '/places?ids=:id', () => undefined, ({ place }) => place],
  ['GET', '/groups?ids=:id', () => undefined, ({ group }) => group],
  ['GET', '/groups?lock_id=:id', () => undefined, ({ door }) => door],
  ['GET', '/groups?place_id=:id', () => undefined, ({ place }) => place],
  ['GET', '/group_locks?group_id=:id', () => undefined, ({ group }) => group],
  ['GET', '/group_locks?lock_id=:id', () => undefined, ({ door }) => door],
  ['GET', '/events?event_place_id=:id', () => undefined, ({ place }) => place],
  ['GET', '/events?event_actor_type=GroupLink&event_actor_id=:id', () => undefined, ({ link }) => link],
];

describe('another organization', () => {
  for (const [method, path, body, idOf, naming] of crossings) {
    it(`is as nothing to ${method} ${path}${naming === undefined ? '' : `, naming its ${naming}`}`, async () => {
      const call = (id: number) => {
        const sent = body(id);
        return server.call(method, path.replace(':id', String(id)), {
          secret: ours.secret,
          ...(sent === undefined ? {} : { body: sent }),
        });
      };
      const before = await rows();
      const [foreign, missing] = [await call(idOf(theirs)), await call(nobody)];
      assert.deepEqual([foreign.status, foreign.body], [missing.status, missing.body]);
      assert.ok([200, 404, 422].includes(foreign.status));
      if (foreign.status === 200) assert.deepEqual(foreign.body, []);
      for (const header of ['x-collection-range', 'link', 'x-next-cursor'])
        assert.equal(foreign.headers.get(header), missing.headers.get(header));
      assert.deepEqual(await rows(), before);
    });
  }

  it('cannot be reached by moving what is ours to it', async () => {
    const moves: [string, object, string][] = [
      [`/group_links/${ours.link}`, { group_link: { group_id: theirs.group } }, 'group_id'],
      [`/groups/${ours.group}`, { group: { place_id: theirs.place } }, 'place_id'],
    ];
    for (const [path, body, field] of moves) {
      const before = await rows();
      const answer = await server.call('PATCH', path, { secret: ours.secret, body });
      assert.deepEqual([answer.status, Object.keys(answer.body.errors)], [422, [field]]);
      assert.deepEqual(await rows(), before);
    }
  });

  it('shows in no list, count or event of ours, and ours in none of theirs', async () => {
    for (const [me, other] of [
      [ours, theirs],
      [theirs, ours],
    ] as const) {
      for (const path of ['/group_links', '/locks', '/places', '/groups', '/group_locks', '/events']) {
        const { body } = await server.call('GET', `${path}?limit=250`, { secret: me.secret });
        assert.ok(body.length > 0);
        for (const entry of body) {
          if ('organization_id' in entry) assert.equal(entry.organization_id, me.organization_id);
          if (path === '/group_links') assert.notEqual(entry.id, other.link);
          if (path === '/locks') assert.notEqual(entry.id, other.door);
        }
      }
      const { headers } = await server.call('GET', '/locks', { secret: me.secret });
      assert.equal(headers.get('x-collection-range'), '0-0/1');
    }
  });

  it('has doors that a link of ours does not know', async () => {
    const before = await rows();
    const denied = await server.call('POST', `/locks/${theirs.door}/unlock`, {
      secret: ours.linkSecret,
      as: 'link',
    });
    assert.deepEqual([denied.status, denied.body.reason], [404, 'not_found']);
    assert.deepEqual(await rows(), before);
    const { body } = await server.call('GET', '/locks', { secret: ours.linkSecret, as: 'link' });
    assert.deepEqual(
      body.map(({ id }: { id: number }) => id),
      [ours.door],
    );
  });

  it('signs with a key of its own, and its indexes begin anew', async () => {
    const { query } = server.context.database.everywhere.read;
    const keys = await query.selectFrom('organization_keys').selectAll().execute();
    assert.equal(new Set(keys.map(({ organization_id }) => organization_id)).size, 2);
    assert.equal(new Set(keys.map(({ kid }) => Buffer.from(kid).toString('hex'))).size, 2);
    const passes = await query.selectFrom('passes').select(['organization_id', 'pass_index']).execute();
    assert.deepEqual(
      passes.map(({ pass_index }) => pass_index),
      [0, 0],
    );
  });

  it('cannot have a domain that is taken', async () => {
    const again = createOrganization(server.context, {
      name: 'Again',
      domain: 'other',
      owner: { email: 'a@b.invalid', password: 'x'.repeat(12) },
    });
    await assert.rejects(again, /other already/);
  });
});
