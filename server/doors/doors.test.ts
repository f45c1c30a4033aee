import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';

const now = '2026-12-01T09:00:00.000Z';
const clock = new TestClock(now);
let server: TestServer;
let place_id: number;

before(async () => {
  server = await startTestServer({ clock });
  const fields = {
    name: 'House',
    address: '1 Gate Lane',
    time_zone: 'Europe/Berlin',
    latitude: 52.5,
    longitude: 13.25,
  };
  place_id = (await server.create('place', fields)).id;
});
after(() => server.close());

const call = (method: string, path: string, body?: unknown) =>
  server.call(method, path, { secret: server.api_key, ...(body === undefined ? {} : { body }) });
const make = (fields: object = {}) => server.create('lock', { name: 'Front door', place_id, ...fields });

/** Of a door with the usual limits, which no agent drives. */
const revocation = { worst_case: 86_400, list_signed_at: null };

describe('a door', () => {
  it('is called a lock there, and has every field that clients of Kisi read', async () => {
    const made = await make();
    const { id, ...rest } = made;
    assert.deepEqual(rest, {
      ...{ resource_type: 'Lock', name: 'Front door', description: null, created_at: now, updated_at: now },
      ...{ configured: false, online: false, open: false, unlocked: false, unlocked_until: null },
      ...{ locked_down: false, locked_down_since: null, latitude: null, longitude: null, order_id: null },
      ...{ static_offline_limit: 86_400, live_offline_limit: 86_400, live_only: false },
      ...{ unlock_duration: 5, fail_secure: null, sensor: { open: null, locked: null, reported_at: null } },
      ...{
        first_to_arrive_required_until: null,
        first_to_arrive_satisfied: false,
        on_scheduled_unlock: false,
      },
      ...{
        geofence_restriction_enabled: false,
        geofence_restriction_radius: 0,
        reader_restriction_enabled: false,
      },
      ...{
        time_restriction_enabled: false,
        time_restriction_time_zone: 'Europe/Berlin',
        floor_id: null,
        groups_count: 0,
      },
      ...{ place_id, place: { id: place_id, name: 'House', latitude: 52.5, longitude: 13.25 } },
    });
    assert.deepEqual((await call('GET', `/locks/${id}`)).body, { ...made, revocation });
    assert.deepEqual((await call('GET', `/locks?ids=${id}`)).body, [made]);
  });

  it('takes what Kisi knows and what has no meaning here, and numbers as texts', async () => {
    const ignored = {
      geofence_restriction_enabled: true,
      reader_restriction_enabled: null,
      time_restriction_enabled: false,
      floor_id: 3,
      favorite: true,
    };
    const made = await make({
      ...ignored,
      place_id: String(place_id),
      order_id: '7',
      latitude: '1.5',
      longitude: 2,
    });
    const { order_id, latitude, longitude, floor_id, geofence_restriction_enabled } = made;
    assert.deepEqual(
      [order_id, latitude, longitude, floor_id, geofence_restriction_enabled],
      [7, 1.5, 2, null, false],
    );
  });

  it('says how it is opened, and how long a revoked code may still open it', async () => {
    const policy = {
      static_offline_limit: 0,
      live_offline_limit: 600,
      unlock_duration: 3,
      fail_secure: true,
    };
    const made = await make(policy);
    const shown = (await call('GET', `/locks/${made.id}`)).body;
    for (const [field, value] of Object.entries(policy)) assert.equal(shown[field], value, field);
    assert.deepEqual(shown.revocation, { worst_case: 600, list_signed_at: null });
    const change = {
      live_only: true,
      static_offline_limit: 3_600,
      live_offline_limit: 60,
      fail_secure: null,
    };
    assert.equal((await call('PATCH', `/locks/${made.id}`, { lock: change })).status, 204);
    const later = (await call('GET', `/locks/${made.id}`)).body;
    assert.deepEqual([later.revocation.worst_case, later.fail_secure], [60, null]);
    const wrong = { static_offline_limit: -1, unlock_duration: 61, live_only: 'perhaps' };
    const { status, body } = await call('PATCH', `/locks/${made.id}`, { lock: wrong });
    assert.equal(status, 422);
    assert.deepEqual(Object.keys(body.errors).sort(), Object.keys(wrong).sort());
  });

  it('is online while its agent is', async () => {
    const made = await make({ name: 'Driven' });
    const agent = await server.connectAgent([{ id: made.id, name: 'Driven' }]);
    const state = async () => {
      const { body } = await call('GET', `/locks/${made.id}`);
      return [body.configured, body.online];
    };
    assert.deepEqual(await state(), [true, true]);
    await agent.close();
    while ((await state())[1]) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(await state(), [true, false]);
  });

  for (const method of ['PATCH', 'PUT']) {
    it(`is changed by ${method}: 204, and only what is named`, async () => {
      const made = await make({ description: 'Red', order_id: 4 });
      clock.advance(1_000);
      const { status, body } = await call(method, `/locks/${made.id}/`, {
        lock: { name: 'Back door', order_id: '', favorite: true, static_offline_limit: 60 },
      });
      assert.deepEqual([status, body], [204, '']);
      const expected = {
        ...{ ...made, name: 'Back door', order_id: null, static_offline_limit: 60, revocation },
        updated_at: '2026-12-01T09:00:01.000Z',
      };
      assert.deepEqual((await call('GET', `/locks/${made.id}`)).body, expected);
      clock.set(now);
    });
  }

  it('goes when it is deleted, and leaves its groups and its agent', async () => {
    const made = await make();
    const group = await server.create('group', { name: 'Visitors' });
    const membership = await server.create('group_lock', { group_id: group.id, lock_id: made.id });
    const { secret } = await server.create('group_link', { name: 'Robin Guest', group_id: group.id });
    assert.equal((await call('GET', `/locks/${made.id}`)).body.groups_count, 1);
    assert.equal((await call('DELETE', `/locks/${made.id}`)).status, 204);
    for (const method of ['GET', 'DELETE', 'PATCH', 'PUT', 'POST']) {
      const path = method === 'POST' ? `/locks/${made.id}/unlock` : `/locks/${made.id}`;
      const body = method.startsWith('PA') || method === 'PUT' ? { lock: { name: 'x' } } : undefined;
      assert.equal((await call(method, path, body)).status, 404, method);
    }
    assert.equal((await call('GET', `/group_locks/${membership.id}`)).status, 404);
    assert.equal((await call('GET', `/groups/${group.id}`)).body.locks_count, 0);
    assert.deepEqual((await server.call('GET', '/locks', { secret, as: 'link' })).body, []);
    assert.equal((await server.call('POST', `/locks/${made.id}/unlock`, { secret, as: 'link' })).status, 404);
  });

  it('is one event when it is made, changed or deleted', async () => {
    const { id } = await make({ name: 'Gate' });
    await call('PATCH', `/locks/${id}`, { lock: { name: 'Portal' } });
    await call('DELETE', `/locks/${id}`);
    const { body } = await call('GET', `/events?event_object_type=Lock&event_object_id=${id}`);
    type Event = { type: string; object_name: string; place_id: number };
    assert.deepEqual(
      body.map((event: Event) => [event.type, event.object_name, event.place_id]),
      [
        ['lock.destroy', 'Portal', place_id],
        ['lock.update', 'Portal', place_id],
        ['lock.create', 'Gate', place_id],
      ],
    );
  });

  const wrong: readonly [object, string, boolean][] = [
    [{ name: '' }, 'name', true],
    [{ name: 'a\nb' }, 'name', true],
    [{ place_id: 999_999 }, 'place_id', false],
    [{ place_id: null }, 'place_id', false],
    [{ place_id: 1.5 }, 'place_id', false],
    [{ order_id: -1 }, 'order_id', true],
    [{ order_id: 1.5 }, 'order_id', true],
    [{ latitude: 91 }, 'latitude', true],
    [{ agent_id: 1 }, 'agent_id', true],
    [{ locked_down_at: now }, 'locked_down_at', true],
    [{ pulse_ms: 60_000 }, 'pulse_ms', true],
  ];
  for (const [fields, name, changeable] of wrong) {
    it(`is refused with ${JSON.stringify(fields)}, naming ${name}`, async () => {
      const answers = [await call('POST', '/locks', { lock: { name: 'x', place_id, ...fields } })];
      const { id } = await make();
      if (changeable) answers.push(await call('PATCH', `/locks/${id}`, { lock: fields }));
      for (const { status, body } of answers)
        assert.deepEqual([status, Object.keys(body.errors ?? {})], [422, [name]]);
    });
  }

  it('is refused in a place that was deleted', async () => {
    const gone = (await server.create('place', { name: 'Gone', address: 'x' })).id;
    await call('DELETE', `/places/${gone}`);
    const { status, body } = await call('POST', '/locks', { lock: { name: 'x', place_id: gone } });
    assert.deepEqual([status, Object.keys(body.errors)], [422, ['place_id']]);
  });
});

describe('GET /locks with a login', () => {
  it('is in the order of the doors, those without one last, filtered and sorted as Kisi says', async () => {
    const annex = (await server.create('place', { name: 'Annex', address: 'x' })).id;
    const orders: [string, number | null][] = [
      ['c', null],
      ['A', 2],
      ['b', 1],
      ['100%', null],
      ['d_e', 1],
    ];
    for (const [name, order_id] of orders) await make({ name, order_id, place_id: annex });
    const names = async (query: string) => {
      const { status, body } = await call('GET', `/locks?place_id=${annex}&${query}`);
      assert.equal(status, 200, JSON.stringify(body));
      return body.map(({ name }: { name: string }) => name);
    };
    assert.deepEqual(await names(''), ['b', 'd_e', 'A', 'c', '100%']);
    assert.deepEqual(await names('sort=name'), ['100%', 'A', 'b', 'c', 'd_e']);
    assert.deepEqual(await names('sort=-name'), ['d_e', 'c', 'b', 'A', '100%']);
    assert.deepEqual(await names('query=%25'), ['100%']);
    assert.deepEqual(await names('query=_'), ['d_e']);
    assert.deepEqual(await names('limit=2&offset=2'), ['A', 'c']);
    assert.equal(
      (await call('GET', `/locks?place_id=${annex}&limit=2&offset=2`)).headers.get('x-collection-range'),
      '2-3/5',
    );
  });

  it('gives fifty where nothing else is asked for', async () => {
    await Promise.all(Array.from({ length: 60 }, (_, number) => make({ name: `Many ${number}` })));
    const { body, headers } = await call('GET', '/locks?query=Many');
    assert.deepEqual([body.length, headers.get('x-collection-range')], [50, '0-49/60']);
  });

  it('takes the parameters that Kisi knows, and filters by those that have a meaning here', async () => {
    const ignored = ['floor_id=3', 'favorite=true', 'favorite=*', 'sort=favorite', 'unlocked=false'];
    for (const query of ignored) assert.equal((await call('GET', `/locks?${query}`)).status, 200, query);
    const count = async (query: string) => (await call('GET', `/locks?limit=250&${query}`)).body.length;
    assert.equal((await count('configured=true')) + (await count('configured=false')), await count(''));
    assert.deepEqual([await count('online=true'), await count('locked_down=true')], [0, 0]);
  });

  it('says that nobody has favourites to whoever asks, and to nobody else', async () => {
    const { id } = await make();
    const asked = async (query: string) => (await call('GET', `/locks?ids=${id}${query}`)).body;
    assert.equal('favorite' in (await asked(''))[0], false);
    for (const favorite of ['false', '*'])
      assert.equal((await asked(`&favorite=${favorite}`))[0].favorite, false);
    assert.deepEqual(await asked('&favorite=true'), []);
  });
});
