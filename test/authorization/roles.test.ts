import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { scopes as allScopes, type Scope } from '../../domain/scopes.ts';
import { startTestServer, TestClock, type TestServer } from '../test-server.ts';
import {
  endKeys,
  freshEmail,
  furnish,
  type House,
  have,
  makeHouse,
  makeKey,
  signIn,
  type Things,
} from './house.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import { type LoginOperation, loginOperations, requests } from './requests.ts';

/** Who signs in, in the order of the columns below. */
const people = ['owner', 'admin', 'its manager', 'other manager', 'idle manager', 'viewer'] as const;
/** Which scopes an API key has: the needed, all but the first of these, the one to see with, none. */
const keys = ['needed', 'all but', 'seeing', 'none'] as const;
type Person = (typeof people)[number];
type KeyKind = (typeof keys)[number];

type People = readonly [Outcome, Outcome, Outcome, Outcome, Outcome, Outcome];
type Keys = readonly [Outcome, Outcome, Outcome, Outcome];

interface Row {
  people: People;
  needs: readonly Scope[];
  /** The scope of the operation that shows the thing; null: there is none. */
  sees: Scope | null;
  keys: Keys;
}

//                                        owner, admin, its manager, other manager, idle manager, viewer
const everybody = (all: Outcome): People => [all, all, all, all, all, all];
const adminsAlone = (done: Outcome): People => [done, done, 403, 403, 403, 403];
/** Of what belongs to a group: its manager sees it and no more. */
const adminsOfGroups = (done: Outcome): People => [done, done, 403, 404, 404, 403];
/** Of what a manager knows nothing of, and a viewer sees. */
const adminsOfPeople = (done: Outcome): People => [done, done, 404, 404, 404, 403];
const adminsOfKeys = (done: Outcome): People => [done, done, 404, 404, 404, 404];
const seenOfGroups: People = [200, 200, 200, 404, 404, 200];
const listedOfGroups: People = ['listed', 'listed', 'listed', 'unlisted', 'unlisted', 'listed'];
const seenOfPeople: People = [200, 200, 404, 404, 404, 200];
const listedOfPeople: People = ['listed', 'listed', 403, 403, 403, 'listed'];
const managersToo = (done: Outcome): People => [done, done, done, 404, 404, 403];

//                                       needed, all but, seeing, none
const anyKey = (all: Outcome): Keys => [all, all, all, all];
const listing: Keys = ['listed', 403, 'listed', 403];
const showing: Keys = [200, 404, 200, 404];
const making = (done: Outcome): Keys => [done, 403, 403, 403];
const changing = (done: Outcome): Keys => [done, 403, 403, 404];

const lists = (scope: Scope, people: People): Row => ({ people, needs: [scope], sees: scope, keys: listing });
const shows = (scope: Scope, people: People): Row => ({ people, needs: [scope], sees: scope, keys: showing });
const makes = (needs: Scope, sees: Scope, people: People): Row => ({
  ...{ people, needs: [needs], sees },
  keys: making(200),
});
const changes = (needs: Scope, sees: Scope, people: People): Row => ({
  ...{ people, needs: [needs], sees },
  keys: changing(people[0]),
});
const needsNothing = (people: People, keys: Keys): Row => ({ people, needs: [], sees: null, keys });

/** Whoever lets somebody be a manager has all of this: only then may a key do it. */
const managing: readonly Scope[] = [
  'organization:read',
  'places:read',
  'doors:read',
  'doors:unlock',
  'groups:read',
  'schedules:read',
  'links:read',
  'links:write',
  'links:reveal',
  'events:read',
];
const viewing: readonly Scope[] = [
  'organization:read',
  'members:read',
  'places:read',
  'doors:read',
  'groups:read',
  'schedules:read',
  'links:read',
  'events:read',
  'agents:read',
  'readers:read',
];

const makesMember: Row = {
  people: adminsAlone(200),
  needs: ['members:write', ...managing],
  sees: 'members:read',
  keys: making(200),
};
const handsOut: Row = { ...makesMember, needs: ['members:write', ...viewing] };

/** Reviewed by eye, derived from nothing: who may do what in their own organization. */
const table: Record<LoginOperation, Row> = {
  'links.create': { ...makes('links:write', 'links:read', [200, 200, 200, 'group_id', 'group_id', 403]) },
  'links.list': lists('links:read', listedOfGroups),
  'links.show': shows('links:read', seenOfGroups),
  'links.change': changes('links:write', 'links:read', managersToo(200)),
  'links.revoke': changes('links:write', 'links:read', managersToo(204)),
  'links.reveal': changes('links:reveal', 'links:read', managersToo(200)),

  'doors.list': lists('doors:read', listedOfGroups),
  'doors.create': makes('doors:write', 'doors:read', adminsAlone(200)),
  'doors.show': shows('doors:read', seenOfGroups),
  'doors.change': changes('doors:write', 'doors:read', adminsOfGroups(204)),
  'doors.remove': changes('doors:write', 'doors:read', adminsOfGroups(204)),
  // 503: they may, but the agent is not there.
  'doors.unlock': changes('doors:unlock', 'doors:read', managersToo(503)),
  'doors.lock_down': changes('doors:lock_down', 'doors:read', adminsOfGroups(200)),
  'doors.cancel_lockdown': changes('doors:lock_down', 'doors:read', adminsOfGroups(200)),
  // It tells something of the link as well: seeing the door is not enough.
  'doors.decide': {
    people: seenOfGroups,
    needs: ['doors:read', 'links:read'],
    sees: 'doors:read',
    keys: [200, 404, 403, 404],
  },

  'places.list': lists('places:read', listedOfGroups),
  'places.create': makes('places:write', 'places:read', adminsAlone(200)),
  'places.show': shows('places:read', seenOfGroups),
  'places.change': changes('places:write', 'places:read', adminsOfGroups(204)),
  // 409: they may, but it still has a door.
  'places.remove': changes('places:write', 'places:read', adminsOfGroups(409)),
  'places.lock_down': changes('doors:lock_down', 'places:read', adminsOfGroups(200)),
  'places.cancel_lockdown': changes('doors:lock_down', 'places:read', adminsOfGroups(200)),

  'groups.list': lists('groups:read', listedOfGroups),
  'groups.create': makes('groups:write', 'groups:read', adminsAlone(200)),
  'groups.show': shows('groups:read', seenOfGroups),
  'groups.change': changes('groups:write', 'groups:read', adminsOfGroups(204)),
  // It is about the other group, which the other manager runs.
  'groups.remove': changes('groups:write', 'groups:read', [204, 204, 404, 403, 404, 403]),

  'group_doors.list': lists('groups:read', listedOfGroups),
  'group_doors.create': makes('groups:write', 'groups:read', adminsAlone(200)),
  'group_doors.show': shows('groups:read', seenOfGroups),
  'group_doors.remove': changes('groups:write', 'groups:read', adminsOfGroups(204)),

  'schedules.list': lists('schedules:read', listedOfGroups),
  'schedules.create': makes('schedules:write', 'schedules:read', adminsAlone(200)),
  'schedules.show': shows('schedules:read', seenOfGroups),
  'schedules.change': changes('schedules:write', 'schedules:read', adminsOfGroups(204)),
  'schedules.remove': changes('schedules:write', 'schedules:read', adminsOfGroups(204)),

  'events.list': lists('events:read', listedOfGroups),
  'events.list_types': { ...makes('events:read', 'events:read', everybody(200)), keys: [200, 403, 200, 403] },
  // They may, but there is no such type.
  'events.stream': {
    ...makes('events:read', 'events:read', everybody('event_type')),
    keys: ['event_type', 403, 'event_type', 403],
  },
  'event_sets.create': { ...makes('events:read', 'events:read', everybody(200)), keys: [200, 403, 200, 403] },
  // The same set for all, and in it what each may see.
  'event_sets.show': { ...lists('events:read', listedOfGroups), keys: ['listed', 404, 'listed', 404] },

  'logins.create': { ...makes('logins:write', 'logins:read', adminsAlone(200)) },
  'logins.list': {
    people: ['listed', 'listed', 'unlisted', 'unlisted', 'unlisted', 'unlisted'],
    needs: ['logins:read'],
    sees: 'logins:read',
    keys: ['listed', 'unlisted', 'listed', 'unlisted'],
  },
  'logins.show': shows('logins:read', adminsOfKeys(200)),
  // Whoever does not see a key ends none.
  'logins.end': {
    people: adminsOfKeys(204),
    needs: ['logins:write', 'logins:read'],
    sees: 'logins:read',
    keys: [204, 403, 403, 404],
  },
  'login.show': needsNothing(everybody(200), anyKey(200)),
  'login.change': {
    people: everybody(204),
    needs: ['logins:write'],
    sees: 'logins:read',
    keys: [204, 403, 403, 403],
  },
  'login.end': needsNothing(everybody(204), anyKey(204)),
  'login.end_elsewhere': needsNothing(everybody(204), anyKey('not_permitted')),
  'user.show': needsNothing(everybody(200), anyKey(200)),
  'user.change': needsNothing(everybody(204), anyKey('not_permitted')),

  'users.list': lists('members:read', listedOfPeople),
  'users.create': makesMember,
  'users.show': shows('members:read', seenOfPeople),
  'users.change': changes('members:write', 'members:read', adminsOfPeople(204)),
  'users.remove': changes('members:write', 'members:read', adminsOfPeople(204)),
  'members.list': lists('members:read', listedOfPeople),
  'members.create': makesMember,
  'members.show': shows('members:read', seenOfPeople),
  'members.change': { ...makesMember, people: adminsOfPeople(204), keys: changing(204) },
  'members.remove': changes('members:write', 'members:read', adminsOfPeople(204)),
  'invitations.create': handsOut,
  'password_resets.create': handsOut,

  'organizations.list': lists('organization:read', everybody('listed')),
  'organizations.show': shows('organization:read', everybody(200)),
  'organizations.change': changes('organization:write', 'organization:read', adminsAlone(204)),

  // An agent drives a door of the group; managers have nothing to do with agents all the same.
  'agents.create': makes('agents:write', 'agents:read', adminsAlone(200)),
  'agents.create_enrollment_code': changes('agents:write', 'agents:read', adminsOfPeople(200)),
  'agents.list': lists('agents:read', listedOfPeople),
  'agents.show': shows('agents:read', seenOfPeople),
  'agents.change': changes('agents:write', 'agents:read', adminsOfPeople(204)),
  'agents.remove': changes('agents:write', 'agents:read', adminsOfPeople(204)),

  // Nor with readers.
  'readers.list': lists('readers:read', listedOfPeople),
  'readers.create': makes('readers:write', 'readers:read', adminsAlone(200)),
  'readers.show': shows('readers:read', seenOfPeople),
  'readers.change': changes('readers:write', 'readers:read', adminsOfPeople(204)),
  'readers.remove': changes('readers:write', 'readers:read', adminsOfPeople(204)),
  'readers.create_enrollment_code': changes('readers:write', 'readers:read', adminsOfPeople(200)),

  // Anybody may ask whether it is ready; the scope shows more.
  'health.show_readiness': {
    people: everybody(200),
    needs: ['installation:read'],
    sees: null,
    keys: [200, 200, 200, 200],
  },
  'health.show_metrics': {
    people: adminsAlone(200),
    needs: ['installation:read'],
    sees: null,
    keys: [200, 403, 403, 403],
  },
};

let server: TestServer;
let house: House;
let ids: Record<Person, number>;

before(async () => {
  const clock = new TestClock('2026-12-01T09:00:00.000Z');
  server = await startTestServer({ clock, environment: { POSTERN_RATE_LIMITS: 'off' } });
  house = await makeHouse(server, 'roles');
  const add = async (role: string): Promise<number> =>
    (await have(house, 'POST /members', { member: { role, name: role, email: freshEmail('roles') } })).id;
  ids = {
    owner: house.owner,
    admin: await add('admin'),
    'its manager': await add('manager'),
    'other manager': await add('manager'),
    'idle manager': await add('manager'),
    viewer: await add('viewer'),
  };
});
after(() => server.close());
afterEach(endKeys);

/** Fresh things, and managers who run their groups. */
async function furnishForAll(): Promise<Things> {
  const things = await furnish(house);
  for (const [person, group] of [
    ['its manager', things.group],
    ['other manager', things.otherGroup],
  ] as const)
    await have(house, `PATCH /members/${ids[person]}`, { member: { group_ids: [group] } });
  return things;
}

function scopesOf(kind: KeyKind, { needs, sees }: Row): readonly Scope[] {
  if (kind === 'needed') return needs;
  if (kind === 'all but') return allScopes.filter((scope) => scope !== needs[0]);
  return kind === 'none' || sees === null ? [] : [sees];
}

/** Everybody of the table's columns, in their order: each with a login of their own. */
function everybodyFor(row: Row): { who: string; secretOf: () => Promise<string> }[] {
  return [
    ...people.map((who) => ({ who, secretOf: () => signIn(house, ids[who]) })),
    ...keys.map((kind) => ({
      who: `key: ${kind}`,
      secretOf: async () => (await makeKey(house, scopesOf(kind, row))).secret,
    })),
  ];
}

/** What everybody gets, one after the other. */
async function outcomesOf(operation: LoginOperation, method: string): Promise<[string, Outcome][]> {
  const got: [string, Outcome][] = [];
  let things = await furnishForAll();
  for (const { who, secretOf } of everybodyFor(table[operation])) {
    const { path, body, finds } = requests[operation](things);
    const secret = await secretOf();
    const answer = await server.call(method, path, { secret, ...(body ? { body } : {}) });
    got.push([who, outcomeOf(answer, finds)]);
    if (isSpending(operation, method) && answer.status < 300) things = await furnishForAll();
  }
  return got;
}

/** What was done once cannot be done again to the same things. */
function isSpending(operation: LoginOperation, method: string): boolean {
  return method === 'DELETE' || operation === 'group_doors.create';
}

describe('what a login may do in its own organization', () => {
  it('is written down for every operation that a login may call', () => {
    assert.deepEqual(Object.keys(table).sort(), loginOperations.map(([name]) => name).sort());
  });

  for (const [operation, { methods, paths }] of loginOperations) {
    for (const method of methods) {
      it(`is as reviewed for ${method} ${paths[0]} (${operation})`, async () => {
        const row = table[operation];
        const expected = [...row.people, ...row.keys];
        const got = await outcomesOf(operation, method);
        assert.deepEqual(
          got,
          got.map(([who], at) => [who, expected[at]]),
        );
      });
    }
  }

  it('by a key never ends in more than the key itself may: a role is given by whoever has all of it', async () => {
    const { group, member } = await furnishForAll();
    type Gift = readonly [asked: string, body: object];
    const roleGiven = (role: string, group_ids: number[]): Gift[] => [
      ['POST /members', { member: { role, group_ids, email: freshEmail('gift') } }],
      ['POST /users', { user: { role, group_ids, email: freshEmail('gift') } }],
      [`PATCH /members/${member}`, { member: { role, group_ids } }],
      [`PATCH /users/${member}`, { user: { role, group_ids } }],
    ];
    const passwordGiven: Gift[] = [
      ['POST /invitations', { invitation: { user_id: member } }],
      ['POST /password_resets', { password_reset: { user_id: member } }],
    ];
    const byRole = [
      { gives: managing, calls: roleGiven('manager', [group]) },
      { gives: viewing, calls: [...roleGiven('viewer', []), ...passwordGiven] }, // the member is one
    ];
    for (const { gives, calls } of byRole) {
      for (const missing of gives) {
        const rest = allScopes.filter((scope) => scope !== missing);
        const { secret } = await makeKey(house, rest);
        for (const [asked, body] of calls) {
          const [method = '', path = ''] = asked.split(' ');
          const answer = await server.call(method, path, { secret, body });
          assert.equal(outcomeOf(answer, undefined), 403, `${asked} without ${missing}`);
        }
      }
    }
  });

  it('of two scopes takes both: whoever sees no links is told nothing of them by a door', async () => {
    const { door, link } = await furnishForAll();
    const { secret } = await makeKey(house, ['doors:read']);
    const ask = (group_link_id: number) =>
      server.call('POST', `/locks/${door}/decision`, { secret, body: { decision: { group_link_id } } });
    const [there, nowhere] = [await ask(link), await ask(999_999)];
    assert.deepEqual([there.status, there.body], [nowhere.status, nowhere.body]);
  });
});
