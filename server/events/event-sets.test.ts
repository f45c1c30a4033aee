import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { addMs } from '../../domain/instants.ts';
import { type Answer, startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import { createApiKey } from '../logins/logins.ts';
import { createOrganization } from '../organizations/organizations.ts';
import { eventSetsMax } from './event-sets.ts';

const now = '2026-12-01T09:00:00.000Z';
const dayMs = 24 * 3_600_000;
const clock = new TestClock(now);
let server: TestServer;
let place_id: number;
let door_id: number;
let link: { id: number; secret: string };
let foreignKey: string;

before(async () => {
  server = await startTestServer({ clock, environment: { POSTERN_RATE_LIMITS: 'off' } });
  place_id = (await server.create('place', { name: 'House', address: '1 Gate Lane' })).id;
  door_id = (await server.create('lock', { name: 'Front door', place_id })).id;
  const group_id = (await server.create('group', { name: 'Visitors' })).id;
  await server.create('group_lock', { group_id, lock_id: door_id });
  link = await server.create('group_link', { name: 'Robin Guest', email: 'robin@example.org', group_id });
  const owner = { email: 'owner@other.invalid', password: 'correct horse battery' };
  const { id } = await createOrganization(server.context, { name: 'Other', domain: 'other', owner });
  foreignKey = (await createApiKey(server.context, { organization_id: id, name: 'Theirs' })).secret;
  for (let times = 0; times < 60; times++) await tryDoor();
});
after(() => server.close());

const post = (fields: object, secret = server.api_key) =>
  server.call('POST', '/event_sets', { secret, body: { event_set: fields } });
const get = (id: number, query = '', secret = server.api_key) =>
  server.call('GET', `/event_sets/${id}${query}`, { secret });
/** A try at the door, which no agent drives: one event of the link. */
const tryDoor = () => server.call('POST', `/locks/${door_id}/unlock`, { secret: link.secret, as: 'link' });

interface Event {
  uuid: string;
  type: string;
}

const uuidsOf = (events: Event[]) => events.map(({ uuid }) => uuid);
const allUuids = async () => {
  await server.context.database.settled();
  const { query } = server.context.database.everywhere.read;
  const events = query.selectFrom('events').where('organization_id', '=', server.organization_id);
  return uuidsOf(await events.select(['uuid', 'type']).orderBy('position', 'desc').execute());
};

async function make(fields: object): Promise<Answer['body']> {
  const { status, body } = await post(fields);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

/** Every event of the set, page by page until the cursor is null. */
async function readAll(set: Answer['body'], limit = 50, between = async () => {}): Promise<Event[]> {
  const events: Event[] = [...set.events];
  for (let { cursor } = set; cursor !== null; ) {
    await between();
    const { status, body } = await get(set.id, `?limit=${limit}&cursor=${cursor}`);
    assert.equal(status, 200, JSON.stringify(body));
    events.push(...body.events);
    cursor = body.cursor;
  }
  return events;
}

function assertRefused({ status, body }: Answer, field: string): void {
  assert.deepEqual([status, Object.keys(body.errors ?? {})], [422, [field]], JSON.stringify(body));
  assert.ok(body.error.includes(field), body.error);
}

describe('POST /event_sets', () => {
  it("answers in Kisi's shape: the question, and its first page at once", async () => {
    const { id, events, cursor, ...rest } = await make({ event_type: 'lock.unlock' });
    assert.ok(Number.isSafeInteger(id));
    assert.equal(events.length, 50);
    assert.match(cursor, /^[0-9]+$/);
    const none = { event_actor_id: null, event_actor_type: null, event_place_id: null, event_success: null };
    assert.deepEqual(rest, {
      ...{ created_at: now, status: 'finished', place_id: null },
      interval: `${addMs(now, 1 - 90 * dayMs)}/${addMs(now, 1)}`,
      ...none,
      ...{ event_authenticated_by_id: null, event_authenticated_by_type: null, event_object_id: null },
      ...{ event_object_type: null, event_sequence: null, event_uuid: null, event_type: 'lock.unlock' },
    });
    const [latest] = (await server.call('GET', '/events?limit=1', { secret: server.api_key })).body;
    assert.deepEqual(events[0], latest);
  });

  it('reads every event exactly once, and none that came later, while others are written', async () => {
    const expected = await allUuids();
    const set = await make({});
    const writers: Promise<unknown>[] = [];
    const events = await readAll(set, 7, async () => {
      writers.push(tryDoor(), tryDoor());
      await tryDoor();
    });
    await Promise.all(writers);
    assert.deepEqual(uuidsOf(events), expected);
    const again = await get(set.id, '?limit=250');
    assert.deepEqual(uuidsOf(again.body.events), expected.slice(0, 250));
  });

  it('holds what was answered to others before it was asked for', async () => {
    for (let round = 0; round < 10; round++) {
      await Promise.all(Array.from({ length: 8 }, tryDoor));
      const set = await make({});
      assert.deepEqual(uuidsOf(await readAll(set)), await allUuids());
    }
  });

  it('filters by each thing that Kisi can filter by, and says what was asked', async () => {
    const all = await readAll(await make({}));
    const sample = all.at(-1) as unknown as Record<string, unknown>; // the first of all
    type Fields = Record<string, unknown>;
    const filters: [Fields, (event: Fields) => boolean][] = [
      [{ event_type: 'lock.create,place.create' }, ({ type }) => /^(lock|place)\.create$/.test(String(type))],
      [{ event_uuid: sample['uuid'] }, ({ uuid }) => uuid === sample['uuid']],
      [{ event_sequence: sample['sequence'] }, ({ sequence }) => sequence === sample['sequence']],
      [{ event_actor_type: 'GroupLink' }, ({ actor_type }) => actor_type === 'GroupLink'],
      [{ event_actor_id: link.id }, ({ actor_id }) => actor_id === link.id],
      [
        { event_authenticated_by_type: 'Login' },
        ({ authenticated_by_type }) => authenticated_by_type === 'Login',
      ],
      [{ event_authenticated_by_id: link.id }, ({ authenticated_by_id }) => authenticated_by_id === link.id],
      [{ event_object_type: 'Group' }, ({ object_type }) => object_type === 'Group'],
      [{ event_object_id: door_id }, ({ object_id }) => object_id === door_id],
      [{ event_place_id: place_id }, (event) => event['place_id'] === place_id],
      [{ place_id }, (event) => event['place_id'] === place_id],
      [{ event_success: false }, ({ success }) => success === false],
      [{ event_success: true, event_object_type: 'Lock' }, (event) => event['type'] === 'lock.create'],
    ];
    for (const [fields, wanted] of filters) {
      const set = await make(fields);
      const expected = all.filter((event) => wanted(event as unknown as Fields));
      assert.ok(expected.length > 0, JSON.stringify(fields));
      assert.deepEqual(uuidsOf(await readAll(set)), uuidsOf(expected), JSON.stringify(fields));
      for (const [name, value] of Object.entries(fields)) assert.equal(set[name], value);
    }
  });

  it('takes null and "" for no filter', async () => {
    const names = ['interval', 'event_type', 'event_uuid', 'event_sequence', 'event_actor_type', 'place_id'];
    const more = [
      'event_actor_id',
      'event_object_id',
      'event_object_type',
      'event_place_id',
      'event_success',
    ];
    const expected = uuidsOf((await make({})).events);
    for (const none of [null, '']) {
      const set = await make(Object.fromEntries([...names, ...more].map((name) => [name, none])));
      assert.deepEqual(uuidsOf(set.events), expected);
    }
  });

  it('covers the interval in each of its three forms, its end not included', async () => {
    clock.set(addMs(now, 60_000));
    await tryDoor();
    clock.set(addMs(now, 120_000));
    for (const interval of [
      '2026-12-01T09:01:00Z/2026-12-01T09:02:00Z',
      '2026-12-01T09:01:00Z/PT1M',
      'PT1M/2026-12-01T10:02:00+01:00',
    ]) {
      const set = await make({ interval });
      assert.equal(set.interval, '2026-12-01T09:01:00.000Z/2026-12-01T09:02:00.000Z');
      assert.equal(set.events.length, 1, interval);
    }
    assert.deepEqual((await make({ interval: '2026-12-01T09:00:00.001Z/2026-12-01T09:01:00Z' })).events, []);
    clock.set(now);
  });

  it('covers 90 days at most', async () => {
    await make({ interval: 'P90D/2026-12-01T09:00:00Z' });
    for (const interval of ['P90DT0.001S/2026-12-01T09:00:00Z', '2026-01-01T00:00:00Z/P3M1D'])
      assertRefused(await post({ interval }), 'interval');
  });

  const wrong: readonly [string, object][] = [
    ['interval', { interval: 'P1D' }],
    ['interval', { interval: 'yesterday/today' }],
    ['event_type', { event_type: 'lock.unlock,lock.opend' }],
    ['event_type', { event_type: 'lock' }],
    ['event_type', { event_type: 'toString' }],
    ['event_type', { event_type: ',' }],
    ['event_uuid', { event_uuid: 'a,,b' }],
    ['event_actor_id', { event_actor_id: 'me' }],
    ['event_success', { event_success: 'maybe' }],
    ['place_id', { place_id: 999_999 }],
    ['limit', { limit: 5 }],
    ['cursor', { cursor: '5' }],
  ];
  for (const [field, fields] of wrong) {
    it(`refuses ${JSON.stringify(fields)} and names ${field}`, async () => {
      assertRefused(await post(fields), field);
    });
  }

  it('names the type of event that there is not', async () => {
    assert.match((await post({ event_type: 'lock.unlock,lock.opend' })).body.error, /not lock\.opend\.$/);
  });

  it('is of one place or filters by one, not both', async () => {
    assertRefused(await post({ place_id, event_place_id: place_id }), 'place_id');
  });

  it("refuses another organization's place, and knows one's own also when it is gone", async () => {
    assertRefused(await post({ place_id }, foreignKey), 'place_id');
    const { id } = await server.create('place', { name: 'Gone', address: 'x' });
    await server.call('DELETE', `/places/${id}`, { secret: server.api_key });
    const { events } = await make({ place_id: id });
    assert.deepEqual(
      events.map(({ type }: Event) => type),
      ['place.destroy', 'place.create'],
    );
  });
});

describe('GET /event_sets/:id', () => {
  it('answers the first page, 50 events unless another limit is given, and what was asked', async () => {
    const set = await make({ event_type: 'lock.unlock', event_success: false });
    assert.deepEqual((await get(set.id)).body, set);
    const page = (await get(set.id, '?limit=3')).body;
    assert.deepEqual(page, { ...set, events: set.events.slice(0, 3), cursor: page.cursor });
  });

  it('has no cursor on the last page, also when that is full', async () => {
    const uuids = uuidsOf((await make({})).events).slice(0, 6);
    const set = await make({ event_uuid: uuids.join(',') });
    assert.equal(set.cursor, null);
    const first = (await get(set.id, '?limit=3')).body;
    const second = (await get(set.id, `?limit=3&cursor=${first.cursor}`)).body;
    assert.deepEqual(uuidsOf([...first.events, ...second.events]), uuids);
    assert.equal(second.cursor, null);
  });

  for (const query of [
    'limit=0',
    'limit=251',
    'limit=x',
    'cursor=x',
    'cursor=-1',
    'event_type=lock.unlock',
  ]) {
    it(`refuses ${query} and names it`, async () => {
      const { id } = await make({});
      assertRefused(await get(id, `?${query}`), query.split('=')[0] ?? '');
    });
  }

  it('is for the organization of its maker only', async () => {
    const { id } = await make({});
    assert.equal((await get(id, '', foreignKey)).status, 404);
    const theirs = (await post({}, foreignKey)).body;
    assert.equal((await get(theirs.id)).status, 404);
    assert.equal((await get(theirs.id, '', foreignKey)).body.events.length, theirs.events.length);
    assert.equal((await get(id + 1_000)).status, 404);
  });

  it('is there for a day, and its id is never used again', async () => {
    const { id } = await make({});
    clock.set(addMs(now, dayMs));
    assert.equal((await get(id)).status, 200);
    clock.set(addMs(now, dayMs + 1));
    assert.equal((await get(id)).status, 404);
    const next = await make({});
    assert.ok(next.id > id);
    const { query } = server.context.database.everywhere.read;
    const kept = await query
      .selectFrom('event_sets')
      .select('id')
      .where('organization_id', '=', server.organization_id)
      .execute();
    assert.ok(!kept.some((row) => row.id === id));
    clock.set(now);
  });

  it('is one of 10,000 of its organization', async () => {
    const row = { organization_id: server.organization_id, filters: '{}', last_position: 0, created_at: now };
    await server.context.database.of(server.organization_id).transaction(async (tx) => {
      for (let left = eventSetsMax; left > 0; left -= 1_000)
        await tx.query.insertInto('event_sets').values(Array(1_000).fill(row)).execute();
    });
    const { status, body } = await post({});
    assert.deepEqual([status, body.reason], [429, 'limit_reached']);
    assert.match(body.error, /10000 event sets/);
    assert.equal((await post({}, foreignKey)).status, 200);
  });
});
