import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { endpoints, type Operation } from '../domain/endpoints.ts';
import {
  assertShape,
  callers,
  everybody,
  linksOnly,
  loginsOnly,
  pagesOnly,
} from '../test/authorization/callers.ts';
import { startTestServer, TestClock, type TestServer } from '../test/test-server.ts';
import { insertAgent } from './agents/store.ts';
import { createApiKey, revokeApiKey } from './logins/logins.ts';
import { createOrganization } from './organizations/organizations.ts';

const clock = new TestClock('2026-12-01T09:00:00.000Z');
let server: TestServer;
let foreignKey: string;
let foreignId: number;
let revokedKey: string;
let asset: string;

/** Something to call about. */
interface Things {
  place: number;
  door: number;
  group: number;
  groupDoor: number;
  link: number;
  eventSet: number;
  schedule: number;
  agent: number;
  reader: number;
  linkSecret: string;
  cookie: string;
  login: number;
  member: number;
}

before(async () => {
  server = await startTestServer({ clock, environment: { POSTERN_RATE_LIMITS: 'off' } });
  const owner = { email: 'owner@other.invalid', password: 'correct horse battery' };
  const { id } = await createOrganization(server.context, { name: 'Other', domain: 'other', owner });
  foreignId = id;
  foreignKey = (await createApiKey(server.context, { organization_id: id, name: 'Theirs' })).secret;
  const ended = await createApiKey(server.context, {
    organization_id: server.organization_id,
    name: 'Ended',
  });
  await revokeApiKey(server.context, ended.id);
  revokedKey = ended.secret;
  asset = /\/page\/assets\/[^"]+/.exec((await server.call('GET', '/l/1')).body)?.[0] ?? '';
});
after(() => server.close());

async function makeThings(): Promise<Things> {
  const place = (await server.create('place', { name: 'House', address: 'x' })).id;
  const door = (await server.create('lock', { name: 'Door', place_id: place })).id;
  const group = (await server.create('group', { name: 'Group' })).id;
  const groupDoor = (await server.create('group_lock', { group_id: group, lock_id: door })).id;
  const { id, secret } = await server.create('group_link', { name: 'Guest', group_id: group });
  const session = await server.call('POST', '/page/sessions', {
    body: { secret },
    headers: { 'sec-fetch-site': 'same-origin' },
  });
  const cookie = session.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
  const set = { secret: server.api_key, body: { event_set: {} } };
  const eventSet = (await server.call('POST', '/event_sets', set)).body.id;
  const schedule = (await server.create('schedule', tuesdaysOf(group))).id;
  const reader = (await server.create('reader', { name: 'Tablet', lock_id: door })).id;
  return {
    ...(await makePeople()),
    agent: await makeAgent(),
    ...{ schedule, reader, place, door, group, groupDoor, link: id, eventSet, linkSecret: secret, cookie },
  };
}

const tuesdaysOf = (group: number) => ({ scheduleable_type: 'Group', scheduleable_id: group, tuesday: true });
function makeAgent(): Promise<number> {
  const { organization_id, context } = server;
  const row = { organization_id, name: 'Agent', public_key: Buffer.alloc(32), created_at: clock.now() };
  return context.database.of(organization_id).transaction((tx) => insertAgent(tx, row));
}

async function makePeople(): Promise<{ login: number; member: number }> {
  const login = (await makeKey(server.organization_id)).id;
  const { status, body } = await server.call('POST', '/members', {
    secret: server.api_key,
    body: { member: { email: `ada-${login}@example.org` } },
  });
  assert.equal(status, 200);
  return { login, member: body.id };
}

/** A key for one test: some operations end the key that calls them. */
let keysMade: number[] = [];
afterEach(async () => {
  for (const id of keysMade) await revokeApiKey(server.context, id);
  keysMade = [];
});
async function makeKey(organization_id: number) {
  const key = await createApiKey(server.context, { organization_id, name: 'Of one test' });
  keysMade.push(key.id);
  return key;
}

interface Keys {
  key: string;
  foreignKey: string;
}

type Caller = (typeof callers)[number];

function headersOf(caller: Caller, { linkSecret, cookie }: Things, keys: Keys): Record<string, string> {
  const { key, foreignKey } = keys;
  const authorization: Record<Caller, string | null> = {
    nobody: null,
    // As if it were a key: its checksum is right, and nobody has it.
    'wrong key': `KISI-LOGIN ${nobodysKey}`,
    'bad checksum': `KISI-LOGIN ${key.slice(0, -1)}${key.endsWith('a') ? 'b' : 'a'}`,
    'revoked key': `KISI-LOGIN ${revokedKey}`,
    key: `Bearer ${key}`,
    'foreign key': `KISI-LOGIN ${foreignKey}`,
    link: `KISI-GROUP-LINK ${linkSecret}`,
    page: null,
  };
  const value = authorization[caller];
  return { ...(value === null ? {} : { authorization: value }), ...(caller === 'page' ? { cookie } : {}) };
}

const nobodysKey = 'pstk_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaxj5sd3q';

interface Row {
  path: (things: Things) => string;
  body?: (things: Things) => unknown;
  method?: string;
  /** What each kind of caller gets, in the order of `callers`. */
  gets: readonly [number, number, number, number, number, number, number, number];
}

/** Reviewed by eye, derived from nothing: who may do what, of one's own and of another organization's. */
const table: Record<Operation, Row> = {
  'health.show': { path: () => '/health', gets: everybody(200) },
  'health.show_readiness': { path: () => '/ready', gets: everybody(200) },
  'health.show_metrics': { path: () => '/metrics', gets: loginsOnly(200) },
  // 404: only the demo has one, with --lan.
  'lan.show_authority': { path: () => '/lan/ca.crt', gets: everybody(404) },
  'reference.show_document': { path: () => '/openapi.json', gets: everybody(200) },
  'reference.show_page': { path: () => '/docs', gets: everybody(200) },
  // 404: its name has the content's hash in it.
  'reference.show_style': { path: () => '/docs/assets/reference.css', gets: everybody(404) },
  'reference.list_errors': { path: () => '/docs/errors', gets: everybody(200) },
  'reference.show_error': { path: () => '/docs/errors/not_found', gets: everybody(200) },
  'links.create': {
    path: () => '/group_links',
    body: ({ group }) => ({ group_link: { name: 'x', group_id: group } }),
    gets: loginsOnly(200, 422),
  },
  'links.list': { path: () => '/group_links', gets: loginsOnly(200) },
  'links.show': { path: ({ link }) => `/group_links/${link}`, gets: loginsOnly(200, 404) },
  'links.change': {
    path: ({ link }) => `/group_links/${link}`,
    body: () => ({ group_link: { suspended: true } }),
    gets: loginsOnly(200, 404),
  },
  'links.revoke': { path: ({ link }) => `/group_links/${link}`, gets: loginsOnly(204, 404) },
  'links.reveal': { path: ({ link }) => `/group_links/${link}/reveal`, gets: loginsOnly(200, 404) },

  'link.show': { path: () => '/group_link', gets: linksOnly(200) },
  'link.show_qr_svg': { path: () => '/group_link/qr_code.svg', gets: linksOnly(200) },
  'link.show_qr_png': { path: () => '/group_link/qr_code.png', gets: linksOnly(200) },

  'doors.list': { path: () => '/locks', gets: [401, 401, 401, 401, 200, 200, 200, 401] },
  'doors.create': {
    path: () => '/locks',
    body: ({ place }) => ({ lock: { name: 'x', place_id: place } }),
    gets: loginsOnly(200, 422),
  },
  'doors.show': { path: ({ door }) => `/locks/${door}`, gets: loginsOnly(200, 404) },
  'doors.change': {
    path: ({ door }) => `/locks/${door}`,
    body: () => ({ lock: { name: 'y' } }),
    gets: loginsOnly(204, 404),
  },
  'doors.remove': { path: ({ door }) => `/locks/${door}`, gets: loginsOnly(204, 404) },
  // 503: they may, but the door has no agent.
  'doors.unlock': {
    path: ({ door }) => `/locks/${door}/unlock`,
    gets: [401, 401, 401, 401, 503, 404, 503, 401],
  },
  'doors.lock_down': { path: ({ door }) => `/locks/${door}/lock_down`, gets: loginsOnly(200, 404) },
  'doors.cancel_lockdown': {
    path: ({ door }) => `/locks/${door}/cancel_lockdown`,
    gets: loginsOnly(200, 404),
  },
  'doors.decide': {
    path: ({ door }) => `/locks/${door}/decision`,
    body: ({ link }) => ({ decision: { group_link_id: link } }),
    gets: loginsOnly(200, 404),
  },

  'places.list': { path: () => '/places', gets: loginsOnly(200) },
  'places.create': {
    path: () => '/places',
    body: () => ({ place: { name: 'x', address: 'x' } }),
    gets: loginsOnly(200),
  },
  'places.show': { path: ({ place }) => `/places/${place}`, gets: loginsOnly(200, 404) },
  'places.change': {
    path: ({ place }) => `/places/${place}`,
    body: () => ({ place: { name: 'y' } }),
    gets: loginsOnly(204, 404),
  },
  'places.remove': { path: ({ place }) => `/places/${place}`, gets: loginsOnly(409, 404) },
  'places.lock_down': { path: ({ place }) => `/places/${place}/lock_down`, gets: loginsOnly(200, 404) },
  'places.cancel_lockdown': {
    path: ({ place }) => `/places/${place}/cancel_lockdown`,
    gets: loginsOnly(200, 404),
  },

  'groups.list': { path: () => '/groups', gets: loginsOnly(200) },
  'groups.create': { path: () => '/groups', body: () => ({ group: { name: 'x' } }), gets: loginsOnly(200) },
  'groups.show': { path: ({ group }) => `/groups/${group}`, gets: loginsOnly(200, 404) },
  'groups.change': {
    path: ({ group }) => `/groups/${group}`,
    body: () => ({ group: { name: 'y' } }),
    gets: loginsOnly(204, 404),
  },
  'groups.remove': { path: ({ group }) => `/groups/${group}`, gets: loginsOnly(409, 404) },

  'group_doors.list': { path: () => '/group_locks', gets: loginsOnly(200) },
  'group_doors.create': {
    path: () => '/group_locks',
    body: ({ group, door }) => ({ group_lock: { group_id: group, lock_id: door } }),
    gets: loginsOnly(422),
  },
  'group_doors.show': { path: ({ groupDoor }) => `/group_locks/${groupDoor}`, gets: loginsOnly(200, 404) },
  'group_doors.remove': { path: ({ groupDoor }) => `/group_locks/${groupDoor}`, gets: loginsOnly(204, 404) },

  'schedules.list': { path: () => '/schedules', gets: loginsOnly(200) },
  'schedules.create': {
    path: () => '/schedules',
    body: ({ group }) => ({ schedule: tuesdaysOf(group) }),
    gets: loginsOnly(200, 422),
  },
  'schedules.show': { path: ({ schedule }) => `/schedules/${schedule}`, gets: loginsOnly(200, 404) },
  'schedules.change': {
    path: ({ schedule }) => `/schedules/${schedule}`,
    body: () => ({ schedule: { enabled: false } }),
    gets: loginsOnly(204, 404),
  },
  'schedules.remove': { path: ({ schedule }) => `/schedules/${schedule}`, gets: loginsOnly(204, 404) },

  'events.list': { path: () => '/events', gets: loginsOnly(200) },
  'events.list_types': { path: () => '/events/types', gets: loginsOnly(200) },
  // 422: they may, but there is no such type. A stream that begins has no end.
  'events.stream': { path: () => '/events/stream?event_type=none', gets: loginsOnly(422) },
  'event_sets.create': { path: () => '/event_sets', body: () => ({ event_set: {} }), gets: loginsOnly(200) },
  'event_sets.show': { path: ({ eventSet }) => `/event_sets/${eventSet}`, gets: loginsOnly(200, 404) },

  // A link's secret and a page's cookie are as nothing to whoever signs in.
  'logins.create': {
    path: () => '/logins',
    body: () => ({ login: { type: 'api', name: 'x' } }),
    gets: [401, 401, 401, 401, 200, 200, 401, 401],
  },
  'logins.list': { path: () => '/logins', gets: loginsOnly(200) },
  'logins.show': { path: ({ login }) => `/logins/${login}`, gets: loginsOnly(200, 404) },
  'logins.end': { path: ({ login }) => `/logins/${login}`, gets: loginsOnly(204, 404) },

  'login.show': { path: () => '/login', gets: loginsOnly(200) },
  'login.change': { path: () => '/login', body: () => ({ login: { name: 'y' } }), gets: loginsOnly(204) },
  'login.end': { path: () => '/login', gets: loginsOnly(204) },
  // 403: a key is nobody who could have signed in elsewhere, nor change a password.
  'login.end_elsewhere': { path: () => '/login/elsewhere', gets: loginsOnly(403) },

  'user.show': { path: () => '/user', gets: loginsOnly(200) },
  'user.change': { path: () => '/user', body: () => ({ user: { name: 'y' } }), gets: loginsOnly(403) },

  'users.list': { path: () => '/users', gets: loginsOnly(200) },
  // 422: the address is taken, in the one organization.
  'users.create': {
    path: () => '/users',
    body: () => ({ user: { email: 'owner@test.invalid' } }),
    gets: loginsOnly(422, 200),
  },
  'users.show': { path: ({ member }) => `/users/${member}`, gets: loginsOnly(200, 404) },
  'users.change': {
    path: ({ member }) => `/users/${member}`,
    body: () => ({ user: { name: 'y' } }),
    gets: loginsOnly(204, 404),
  },
  'users.remove': { path: ({ member }) => `/users/${member}`, gets: loginsOnly(204, 404) },

  'members.list': { path: () => '/members', gets: loginsOnly(200) },
  'members.create': {
    path: () => '/members',
    body: () => ({ member: { email: 'owner@other.invalid' } }),
    gets: loginsOnly(200, 422),
  },
  'members.show': { path: ({ member }) => `/members/${member}`, gets: loginsOnly(200, 404) },
  'members.change': {
    path: ({ member }) => `/members/${member}`,
    body: () => ({ member: { role: 'manager' } }),
    gets: loginsOnly(204, 404),
  },
  'members.remove': { path: ({ member }) => `/members/${member}`, gets: loginsOnly(204, 404) },

  'invitations.create': {
    path: () => '/invitations',
    body: ({ member }) => ({ invitation: { user_id: member } }),
    gets: loginsOnly(200, 422),
  },
  'password_resets.create': {
    path: () => '/password_resets',
    body: ({ member }) => ({ password_reset: { user_id: member } }),
    gets: loginsOnly(200, 422),
  },
  // 422: there is no secret in the body, which is the only credential.
  'invitations.accept': { path: () => '/invitations/accept', gets: everybody(422) },
  'passwords.reset': { path: () => '/passwords/reset', gets: everybody(422) },
  'users.reset_password': { path: () => '/users/password', gets: everybody(422) },
  'users.request_password_reset': {
    path: () => '/users/password',
    body: () => ({ user: { email: 'owner@test.invalid', domain: 'test' } }),
    gets: everybody(204),
  },

  'organizations.list': { path: () => '/organizations', gets: loginsOnly(200) },
  'organizations.show': {
    path: () => `/organizations/${server.organization_id}`,
    gets: loginsOnly(200, 404),
  },
  'organizations.change': {
    path: () => `/organizations/${server.organization_id}`,
    body: () => ({ organization: { validity_s_max: 31_622_400 } }),
    gets: loginsOnly(204, 404),
  },

  'page.show': { path: ({ link }) => `/l/${link}`, gets: everybody(200) },
  'page.show_asset': { path: () => asset, gets: everybody(200) },
  'page.open_session': {
    path: () => '/page/sessions',
    body: ({ linkSecret }) => ({ secret: linkSecret }),
    gets: everybody(200),
  },
  'page.show_link': { path: ({ link }) => `/page/links/${link}`, gets: pagesOnly(200) },
  'page.begin_hold': {
    path: ({ link }) => `/page/links/${link}/holds`,
    body: ({ door }) => ({ lock_id: door }),
    gets: pagesOnly(200),
  },
  // 409: it may, but nothing was held.
  'page.unlock': {
    path: ({ link }) => `/page/links/${link}/unlock`,
    body: ({ door }) => ({ lock_id: door, nonce: 'x' }),
    gets: pagesOnly(409),
  },

  'agents.create': { path: () => '/agents', body: () => ({ agent: { name: 'y' } }), gets: loginsOnly(200) },
  'agents.create_enrollment_code': {
    path: ({ agent }) => `/agents/${agent}/enrollment_code`,
    gets: loginsOnly(200, 404),
  },
  'agents.enroll': { path: () => '/agents/enroll', gets: everybody(422) },
  'agents.list': { path: () => '/agents', gets: loginsOnly(200) },
  'agents.show': { path: ({ agent }) => `/agents/${agent}`, gets: loginsOnly(200, 404) },
  'agents.change': {
    path: ({ agent }) => `/agents/${agent}`,
    body: () => ({ agent: { name: 'y' } }),
    gets: loginsOnly(204, 404),
  },
  'agents.remove': { path: ({ agent }) => `/agents/${agent}`, gets: loginsOnly(204, 404) },
  'readers.list': { path: () => '/readers', gets: loginsOnly(200) },
  'readers.create': {
    path: () => '/readers',
    body: ({ door }) => ({ reader: { name: 'y', lock_id: door } }),
    gets: loginsOnly(200, 422),
  },
  'readers.show': { path: ({ reader }) => `/readers/${reader}`, gets: loginsOnly(200, 404) },
  'readers.change': {
    path: ({ reader }) => `/readers/${reader}`,
    body: () => ({ reader: { name: 'y' } }),
    gets: loginsOnly(204, 404),
  },
  'readers.remove': { path: ({ reader }) => `/readers/${reader}`, gets: loginsOnly(204, 404) },
  'readers.create_enrollment_code': {
    path: (of) => `/readers/${of.reader}/enrollment_code`,
    gets: loginsOnly(200, 404),
  },

  // 422: there is neither a code nor a signature in the body, which are the only credentials.
  'tablet.show': { path: () => '/reader', gets: everybody(200) },
  'tablet.enroll': { path: () => '/reader/enrollments', gets: everybody(422) },
  'tablet.begin_presentation': { path: () => '/reader/nonces', gets: everybody(422) },
  'tablet.present': { path: () => '/reader/presentations', gets: everybody(422) },

  'agents.connect': { path: () => '/agents/connect', gets: everybody(426) },
};

describe('who may do what', () => {
  it('is written down for every operation that there is', () => {
    assert.deepEqual(Object.keys(table).sort(), Object.keys(endpoints).sort());
  });

  for (const [operation, { methods, paths }] of Object.entries(endpoints)) {
    const row = table[operation as Operation]; // the keys of the one are those of the other
    for (const method of methods) {
      it(`holds for ${method} ${paths[0]} (${operation})`, async () => {
        const got: [Caller, number][] = [];
        // The key has things of its own: what it may delete must still be there for the others to be refused.
        const [ofAll, ofKey] = [await makeThings(), await makeThings()];
        const keys = {
          key: (await makeKey(server.organization_id)).secret,
          foreignKey: (await makeKey(foreignId)).secret,
        };
        for (const caller of callers) {
          const things = caller === 'key' ? ofKey : ofAll;
          const headers = { ...headersOf(caller, things, keys), 'sec-fetch-site': 'same-origin' };
          const body = row.body?.(things);
          const answer = await server.call(method, row.path(things), {
            headers,
            ...(body === undefined ? {} : { body }),
          });
          assertShape(answer, operation.startsWith('page.'));
          got.push([caller, answer.status]);
        }
        assert.deepEqual(
          got,
          callers.map((caller, at) => [caller, row.gets[at]]),
        );
      });
    }
  }
});

describe('a credential', () => {
  it('is looked at before the body: a stranger learns nothing from what he sends', async () => {
    const bodies: [unknown, Record<string, string>][] = [
      ['{', {}],
      ['x'.repeat(70_000), {}],
      ['a=b', { 'content-type': 'application/x-www-form-urlencoded' }],
      [{ group_link: { name: '' } }, {}],
    ];
    for (const [body, headers] of bodies) {
      for (const secret of ['x', nobodysKey]) {
        const answer = await server.call('POST', '/group_links', { secret, body, headers });
        assert.equal(answer.status, 401);
      }
    }
  });

  it('of one kind is none of the other', async () => {
    const { linkSecret, door } = await makeThings();
    assert.equal((await server.call('GET', '/locks', { secret: linkSecret, as: 'login' })).status, 401);
    assert.equal((await server.call('GET', '/locks', { secret: server.api_key, as: 'link' })).status, 401);
    for (const authorization of [
      `Basic ${linkSecret}`,
      linkSecret,
      `constructor ${linkSecret}`,
      `KISI-GROUP-LINK ${linkSecret}x`,
    ]) {
      const answer = await server.call('POST', `/locks/${door}/unlock`, { headers: { authorization } });
      assert.equal(answer.status, 401, authorization);
    }
  });

  it('in the address is none', async () => {
    const { linkSecret } = await makeThings();
    for (const query of [
      `secret=${linkSecret}`,
      `access_token=${server.api_key}`,
      `token=${server.api_key}`,
    ]) {
      assert.equal((await server.call('GET', `/locks?${query}`)).status, 401, query);
    }
  });

  it('of a page opens nothing of the API, and neither does its cookie beside a key change whose key it is', async () => {
    const { cookie, link } = await makeThings();
    assert.equal((await server.call('GET', '/group_link', { headers: { cookie } })).status, 401);
    const foreign = await server.call('GET', `/group_links/${link}`, {
      secret: foreignKey,
      headers: { cookie },
    });
    assert.equal(foreign.status, 404);
  });

  it('that was revoked is over with the next request', async () => {
    const key = await createApiKey(server.context, {
      organization_id: server.organization_id,
      name: 'Short',
    });
    const status = async () => (await server.call('GET', '/places', { secret: key.secret })).status;
    assert.equal(await status(), 200);
    await revokeApiKey(server.context, key.id);
    assert.equal(await status(), 401);
  });
});
