import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { EventStreamReader } from '../event-stream.ts';
import { type Answer, type Call, startTestServer, TestClock, type TestServer } from '../test-server.ts';
import { dumpOf } from './dump.ts';
import {
  endKeys,
  freshEmail,
  furnish,
  type House,
  have,
  keepKeys,
  makeHouse,
  makeKey,
  signIn,
  type Things,
} from './house.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import { type LoginOperation, loginOperations, requests } from './requests.ts';

/**
 * Reviewed by eye, derived from nothing: what somebody gets who may do everything in their own organization and asks about
 * the things of another. A number of 200 or 204 stands where nothing of the other can be named: it is about their own.
 */
const table: Record<LoginOperation, Outcome> = {
  'health.show_readiness': 200,
  'health.show_metrics': 200,

  'links.create': 'group_id',
  'links.list': 'unlisted',
  'links.show': 404,
  'links.change': 404,
  'links.revoke': 404,
  'links.reveal': 404,

  'doors.list': 'unlisted',
  'doors.create': 'place_id',
  'doors.show': 404,
  'doors.change': 404,
  'doors.remove': 404,
  'doors.unlock': 404,
  'doors.lock_down': 404,
  'doors.cancel_lockdown': 404,
  'doors.decide': 404,

  'places.list': 'unlisted',
  'places.create': 200,
  'places.show': 404,
  'places.change': 404,
  'places.remove': 404,
  'places.lock_down': 404,
  'places.cancel_lockdown': 404,

  'groups.list': 'unlisted',
  'groups.create': 'place_id',
  'groups.show': 404,
  'groups.change': 404,
  'groups.remove': 404,

  'group_doors.list': 'unlisted',
  'group_doors.create': 'group_id',
  'group_doors.show': 404,
  'group_doors.remove': 404,

  'schedules.list': 'unlisted',
  'schedules.create': 'scheduleable_id',
  'schedules.show': 404,
  'schedules.change': 404,
  'schedules.remove': 404,

  'events.list': 'unlisted',
  'events.list_types': 200,
  'events.stream': 'event_type',
  'event_sets.create': 'place_id',
  'event_sets.show': 404,

  'logins.create': 200,
  'logins.list': 'unlisted',
  'logins.show': 404,
  'logins.end': 404,
  'login.show': 200,
  'login.change': 204,
  'login.end': 204,
  // For a session; a key has none that it could end, and no name of its own.
  'login.end_elsewhere': 204,
  'user.show': 200,
  'user.change': 204,

  'users.list': 'unlisted',
  'users.create': 'group_ids',
  'users.show': 404,
  'users.change': 404,
  'users.remove': 404,
  'members.list': 'unlisted',
  'members.create': 'group_ids',
  'members.show': 404,
  'members.change': 404,
  'members.remove': 404,
  'invitations.create': 'user_id',
  'password_resets.create': 'user_id',

  'organizations.list': 'unlisted',
  'organizations.show': 404,
  'organizations.change': 404,

  'agents.create': 200,
  'agents.create_enrollment_code': 404,
  'agents.list': 'unlisted',
  'agents.show': 404,
  'agents.change': 404,
  'agents.remove': 404,

  'readers.list': 'unlisted',
  'readers.create': 'lock_id',
  'readers.show': 404,
  'readers.change': 404,
  'readers.remove': 404,
  'readers.create_enrollment_code': 404,
};

/** Where a key is refused what a person may do to themselves. */
const personal: readonly LoginOperation[] = ['login.end_elsewhere', 'user.change'];

/** Fields that name something, in a body about what is one's own: each is the other's once. */
const fields: readonly { asked: (own: Things) => string; noun: string; names: Named; at: string }[] = [
  {
    asked: (own) => `PATCH /group_links/${own.link}`,
    noun: 'group_link',
    names: inGroup('group_id'),
    at: 'group_id',
  },
  {
    asked: () => 'POST /group_links',
    noun: 'group_link',
    names: inGroup('group_id', { name: 'x' }),
    at: 'group_id',
  },
  {
    asked: (own) => `PATCH /groups/${own.group}`,
    noun: 'group',
    names: ({ place }) => ({ place_id: place }),
    at: 'place_id',
  },
  {
    asked: () => 'POST /group_locks',
    noun: 'group_lock',
    names: ({ door }, own) => ({ group_id: own.otherGroup, lock_id: door }),
    at: 'lock_id',
  },
  {
    asked: () => 'POST /group_locks',
    noun: 'group_lock',
    names: ({ group }, own) => ({ group_id: group, lock_id: own.door }),
    at: 'group_id',
  },
  {
    asked: (own) => `POST /locks/${own.door}/decision`,
    noun: 'decision',
    names: ({ link }) => ({ group_link_id: link }),
    at: 'group_link_id',
  },
  {
    asked: (own) => `PATCH /schedules/${own.schedule}`,
    noun: 'schedule',
    names: inGroup('scheduleable_id'),
    at: 'scheduleable_id',
  },
  {
    asked: (own) => `PATCH /members/${own.member}`,
    noun: 'member',
    names: ({ group }, own) => ({ role: 'manager', group_ids: [own.group, group] }),
    at: 'group_ids',
  },
  {
    asked: () => 'POST /event_sets',
    noun: 'event_set',
    names: ({ place }) => ({ place_id: place }),
    at: 'place_id',
  },
];
type Named = (foreign: Things, own: Things) => object;

function inGroup(field: string, more: object = {}): Named {
  return ({ group }) => ({ ...more, [field]: group });
}

/** Ids that nobody has. */
const nothing = {
  group: 999_999,
  place: 999_999,
  door: 999_999,
  member: 999_999,
  link: 999_999,
  login: 999_999,
};

/** Filters that name what is the other's. */
const filters: readonly ((foreign: Things) => string)[] = [
  ({ group }) => `/group_links?group_id=${group}`,
  ({ place }) => `/locks?place_id=${place}`,
  ({ place }) => `/groups?place_id=${place}`,
  ({ door }) => `/groups?lock_id=${door}`,
  ({ group }) => `/group_locks?group_id=${group}`,
  ({ door }) => `/group_locks?lock_id=${door}`,
  ({ group }) => `/schedules?scheduleable_type=Group&scheduleable_id=${group}`,
  ({ member }) => `/logins?user_id=${member}`,
  ({ member }) => `/members?user_id=${member}`,
  ({ group }) => `/members?group_id=${group}`,
  ({ place }) => `/members?place_id=${place}`,
  ({ group }) => `/users?group_id=${group}`,
  ({ place }) => `/events?event_place_id=${place}`,
  ({ link }) => `/events?event_actor_type=GroupLink&event_actor_id=${link}`,
  ({ login }) => `/events?event_authenticated_by_type=Login&event_authenticated_by_id=${login}`,
  ({ door }) => `/events?event_object_type=Lock&event_object_id=${door}`,
];

interface Side {
  house: House;
  things: Things;
}

let server: TestServer;
let sides: readonly [Side, Side];

before(async () => {
  const clock = new TestClock('2026-12-01T09:00:00.000Z');
  server = await startTestServer({ clock, environment: { POSTERN_RATE_LIMITS: 'off' } });
  const open = async (word: string): Promise<Side> => {
    const house = await makeHouse(server, word);
    return { house, things: await furnish(house) };
  };
  sides = [await open('canary-quokka'), await open('canary-wombat')];
  keepKeys();
});
after(() => server.close());
afterEach(endKeys);

/** Each of the two as the one who asks, and as the one who is asked about. */
async function bothWays(work: (own: Side, foreign: Side) => Promise<void>): Promise<void> {
  const [one, other] = sides;
  await work(one, other);
  await work(other, one);
}

/** Whatever the answer is, nothing in it is the other's. */
function assertSilent(
  foreign: Side,
  { headers, body }: Pick<Answer, 'headers' | 'body'>,
  what: string,
): void {
  const { house, things } = foreign;
  const text =
    `${JSON.stringify([...headers])} ${typeof body === 'string' ? body : JSON.stringify(body)}`.toLowerCase();
  for (const secret of [house.word, house.key, ...things.secrets])
    assert.ok(!text.includes(secret.toLowerCase()), `${what} tells of the other: ${text.slice(0, 500)}`);
}

async function ask(foreign: Side, asked: string, call: Call): Promise<Answer> {
  const [method = '', path = ''] = asked.split(' ');
  const answer = await server.call(method, path, call);
  assertSilent(foreign, answer, asked);
  return answer;
}

/** Does the work, and holds that nothing which the other organization has was changed by it. */
async function leavingAlone(foreign: Side, work: () => Promise<void>): Promise<void> {
  const before = await dumpOf(server, foreign.house.organization);
  assert.ok(before.some((line) => line.includes(foreign.house.word)));
  await work();
  assert.deepEqual(await dumpOf(server, foreign.house.organization), before);
}

interface CallerOfTest {
  who: 'key' | 'owner' | 'manager';
  secret: string;
}

/** Fresh ones: some operations end the login that calls them. */
async function callersOf({ house, things }: Side): Promise<CallerOfTest[]> {
  const manager = { role: 'manager', email: freshEmail(house.word), group_ids: [things.group] };
  const { id } = await have(house, 'POST /members', { member: manager });
  return [
    { who: 'key', secret: (await makeKey(house)).secret },
    { who: 'owner', secret: await signIn(house, house.owner) },
    { who: 'manager', secret: await signIn(house, id) },
  ];
}

async function keyAndSession({ house }: Side): Promise<string[]> {
  return [house.key, await signIn(house, house.owner)];
}

function assertOutcome(operation: LoginOperation, who: CallerOfTest['who'], got: Outcome): void {
  const expected = who === 'key' && personal.includes(operation) ? 'not_permitted' : table[operation];
  // A manager may do less: where it may not do the thing at all, it is not told more than that.
  if (who === 'manager' && (got === 403 || got === 404)) return;
  assert.equal(got, expected, `${operation} by ${who}`);
}

describe('an organization', () => {
  it('has an answer written down for every operation that a login may call', () => {
    assert.deepEqual(Object.keys(table).sort(), loginOperations.map(([name]) => name).sort());
  });

  for (const [operation, { methods, paths }] of loginOperations) {
    for (const method of methods) {
      it(`is out of reach of another by ${method} ${paths[0]} (${operation})`, () =>
        bothWays(async (own, foreign) => {
          // The other has sent the very same under the very same name: nobody else is answered by that.
          const key = { 'idempotency-key': `${operation} ${own.house.word.at(-1)}` };
          const headers: Record<string, string> = method === 'POST' ? key : {};
          const { path, body, finds } = requests[operation](foreign.things);
          const content = { headers, ...(body ? { body } : {}) };
          if (method === 'POST') await server.call(method, path, { ...content, secret: foreign.house.key });
          const callers = await callersOf(own);
          await leavingAlone(foreign, async () => {
            for (const { who, secret } of callers) {
              const answer = await ask(foreign, `${method} ${path}`, { ...content, secret });
              assert.equal(answer.headers.get('idempotency-replayed'), null);
              assertOutcome(operation, who, outcomeOf(answer, finds));
            }
          });
        }));
    }
  }

  for (const { asked, noun, names, at } of fields) {
    it(`has nothing that another could name as ${at} in the body of a ${noun}`, () =>
      bothWays(async (own, foreign) => {
        const body = { [noun]: names(foreign.things, own.things) };
        await leavingAlone(foreign, async () => {
          for (const secret of await keyAndSession(own)) {
            const answer = await ask(foreign, asked(own.things), { secret, body });
            assert.deepEqual([answer.status, Object.keys(answer.body.errors)], [422, [at]]);
          }
        });
      }));
  }

  it('is as good as nothing to the filters of another', () =>
    bothWays(async (own, foreign) => {
      const nowhere = { ...foreign.things, ...nothing };
      for (const filter of filters) {
        const path = filter(foreign.things);
        for (const secret of await keyAndSession(own)) {
          const answer = await ask(foreign, `GET ${path}`, { secret });
          const expected = await server.call('GET', filter(nowhere), { secret });
          assert.deepEqual([answer.status, answer.body], [200, expected.body], path);
        }
      }
    }));

  it('finds all that it has itself', () =>
    bothWays(async ({ house, things }) => {
      for (const [operation, { methods }] of loginOperations) {
        if (!methods.includes('GET') || ![404, 'unlisted'].includes(table[operation])) continue;
        const { path, finds } = requests[operation](things);
        const answer = await server.call('GET', path, { secret: house.key });
        assert.ok([200, 'listed'].includes(outcomeOf(answer, finds)), operation);
      }
    }));

  it('is in no list and in no search of another, page by page', () =>
    bothWays(async (own, foreign) => {
      for (const noun of [
        'group_links',
        'locks',
        'places',
        'groups',
        'group_locks',
        'schedules',
        'members',
        'users',
        'agents',
        'logins',
        'events',
      ]) {
        const secret = own.house.key;
        const all = await ask(foreign, `GET /${noun}?limit=250`, { secret });
        assert.ok(all.status === 200 && all.body.length > 0, noun);
        assert.ok(JSON.stringify(all.body).includes(own.house.word), noun);
        if (['group_locks', 'schedules', 'logins', 'events'].includes(noun)) continue;
        const found = await server.call('GET', `/${noun}?query=${foreign.house.word}`, { secret });
        assert.deepEqual([found.status, found.body], [200, []], noun);
      }
    }));
});

describe('what one organization holds in its hand', () => {
  it('turns no page of another: cursors', () =>
    bothWays(async (own, foreign) => {
      const { group } = foreign.things;
      await have(foreign.house, 'POST /group_links', { group_link: { name: 'Second', group_id: group } });
      for (const list of ['/group_links?sort=name', '/group_links?sort=-valid_until', '/events?']) {
        const page = await server.call('GET', `${list}&limit=1`, { secret: foreign.house.key });
        const cursor = page.headers.get('x-next-cursor');
        assert.ok(cursor, list);
        const answer = await ask(foreign, `GET ${list}&cursor=${cursor}`, { secret: own.house.key });
        assert.equal(answer.status, 200, list);
      }
      const page = await server.call('GET', `/event_sets/${foreign.things.eventSet}?limit=1`, {
        secret: foreign.house.key,
      });
      const path = `/event_sets/${own.things.eventSet}?cursor=${page.body.cursor}`;
      assert.equal((await ask(foreign, `GET ${path}`, { secret: own.house.key })).status, 200);
    }));

  it("opens no door of another, and shows none: a link's secret", () =>
    bothWays(async (own, foreign) => {
      const link = { secret: own.things.linkSecret, as: 'link' } as const;
      const { door } = foreign.things;
      await leavingAlone(foreign, async () => {
        for (const path of [`/locks/${door}/unlock`, `/locks/${door}/access`])
          assert.equal((await ask(foreign, `POST ${path}`, link)).status, 404);
        assert.deepEqual((await ask(foreign, `GET /locks?ids=${door}`, link)).body, []);
        assert.equal((await ask(foreign, 'GET /locks', link)).body.length, 1);
        assert.equal((await ask(foreign, 'GET /group_link', link)).status, 200);
      });
    }));

  it("opens no door of another, and shows none: a visitor's page", () =>
    bothWays(async (own, foreign) => {
      const { link, linkSecret: secret } = own.things;
      const site = { 'sec-fetch-site': 'same-origin' };
      const session = await server.call('POST', '/page/sessions', { body: { secret }, headers: site });
      const cookie = session.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
      const call = (asked: string, body?: object) =>
        ask(foreign, asked, { headers: { ...site, cookie }, ...(body ? { body } : {}) });
      const lock_id = foreign.things.door;
      await leavingAlone(foreign, async () => {
        assert.equal((await call(`GET /page/links/${foreign.things.link}`)).status, 401);
        assert.equal((await call(`GET /page/links/${link}`)).status, 200);
        const { body } = await call(`POST /page/links/${link}/holds`, { lock_id });
        const unlocked = await call(`POST /page/links/${link}/unlock`, { lock_id, nonce: body.nonce ?? 'x' });
        assert.ok([404, 409].includes(unlocked.status), `${unlocked.status}`);
      });
    }));

  it('answers no repetition of another: an Idempotency-Key', async () => {
    const call = {
      body: { place: { name: 'Same', address: 'Same' } },
      headers: { 'idempotency-key': 'same' },
    };
    const ids: number[] = [];
    for (const { house } of sides) {
      for (const replayed of [null, 'true']) {
        const { headers, body } = await server.call('POST', '/places', { ...call, secret: house.key });
        assert.equal(headers.get('idempotency-replayed'), replayed);
        assert.equal(body.organization_id, house.organization);
        ids.push(body.id);
      }
    }
    assert.equal(new Set(ids).size, 2);
  });

  it('hears nothing of another: a stream of events, from wherever it goes on', () =>
    bothWays(async (own, foreign) => {
      const secret = own.house.key;
      const foreignPage = await server.call('GET', '/events?limit=2', { secret: foreign.house.key });
      const after = Number(foreignPage.headers.get('x-next-cursor'));
      const streams = [
        await EventStreamReader.open(server.url, { secret }),
        await EventStreamReader.open(server.url, { secret, after }),
      ];
      await have(foreign.house, 'POST /groups', { group: { name: `Group ${foreign.house.word}` } });
      const link = { secret: foreign.things.linkSecret, as: 'link' } as const;
      await server.call('POST', `/locks/${foreign.things.door}/unlock`, link);
      const last = await have(own.house, 'POST /groups', { group: { name: `Last ${own.house.word}` } });
      for (const stream of streams) {
        for (;;) {
          const event = (await stream.next()) ?? assert.fail('the stream is over');
          assertSilent(foreign, { headers: stream.headers, body: event.data }, 'the stream');
          assert.equal(event.data.organization_id, own.house.organization);
          if (event.data.object_id === last.id && event.data.object_type === 'Group') break;
        }
        stream.hangUp();
      }
    }));

  it('takes no address that only another has, and says nothing of it', () =>
    bothWays(async (own, foreign) => {
      const { email } = await have(foreign.house, `GET /members/${foreign.things.member}`);
      await leavingAlone(foreign, async () => {
        const call = { secret: own.house.key, body: { member: { email } } };
        assert.equal((await server.call('POST', '/members', call)).status, 200);
        assert.equal((await server.call('POST', '/members', call)).status, 422, 'it is their own now');
      });
    }));
});
