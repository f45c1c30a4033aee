import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';

const now = '2026-12-01T09:00:00.000Z';
const clock = new TestClock(now);
let server: TestServer;
let place_id: number;
let door_id: number;

before(async () => {
  server = await startTestServer({ clock });
  place_id = (await server.create('place', { name: 'House', address: '1 Gate Lane' })).id;
  door_id = (await server.create('lock', { name: 'Front door', place_id, description: 'Red' })).id;
});
after(() => server.close());

const call = (method: string, path: string, body?: unknown) =>
  server.call(method, path, { secret: server.api_key, ...(body === undefined ? {} : { body }) });
const make = (fields: object = {}) => server.create('group', { name: 'Visitors', ...fields });
const namesOf = async (path: string) => {
  const { status, body } = await call('GET', path);
  assert.equal(status, 200, JSON.stringify(body));
  return body.map(({ name }: { name: string }) => name);
};

describe('a group', () => {
  it('is made with a name, and has every field that clients of Kisi read', async () => {
    const made = await make();
    const { id, ...rest } = made;
    assert.deepEqual(rest, {
      ...{ resource_type: 'Group', name: 'Visitors', description: null, created_at: now, updated_at: now },
      ...{
        geofence_restriction_enabled: false,
        geofence_restriction_radius: 0,
        primary_device_restriction_enabled: false,
      },
      ...{
        managed_device_restriction_enabled: false,
        reader_restriction_enabled: false,
        time_restriction_enabled: false,
      },
      ...{ tap_to_access_restriction_enabled: false, login_enabled: true, users_count: 0, locks_count: 0 },
      ...{ elevator_stops_count: 0, place_id: null, time_restriction_time_zone: null, members_count: 0 },
    });
    assert.deepEqual((await call('GET', `/groups/${id}`)).body, made);
    assert.deepEqual((await call('GET', `/groups?ids=${id}`)).body, [made]);
  });

  it('may belong to a place, and takes what Kisi knows and what has no meaning here', async () => {
    const ignored = {
      ...{
        login_enabled: false,
        geofence_restriction_enabled: true,
        geofence_restriction_radius: 5,
        tap_to_access_restriction_enabled: true,
      },
      ...{
        primary_device_restriction_enabled: true,
        managed_device_restriction_enabled: true,
        reader_restriction_enabled: true,
      },
      ...{ time_restriction_enabled: true, time_restriction_time_zone: null },
    };
    const made = await make({ ...ignored, place_id: String(place_id), description: 'All' });
    assert.deepEqual(made.place, { id: place_id, resource_type: 'Place', name: 'House' });
    assert.deepEqual([made.place_id, made.description, made.login_enabled], [place_id, 'All', true]);
    assert.equal((await make({ place_id: '' })).place_id, null);
  });

  for (const method of ['PATCH', 'PUT']) {
    it(`is changed by ${method}: 204, and only what is named`, async () => {
      const made = await make({ description: 'All', place_id });
      clock.advance(1_000);
      const { status, body } = await call(method, `/groups/${made.id}`, {
        group: { name: 'Guests', place_id: null },
      });
      assert.deepEqual([status, body], [204, '']);
      const { place: _, ...rest } = made;
      const expected = { ...rest, name: 'Guests', place_id: null, updated_at: '2026-12-01T09:00:01.000Z' };
      assert.deepEqual((await call('GET', `/groups/${made.id}`)).body, expected);
      clock.set(now);
    });
  }

  it('stays while links belong to it that may still open a door: 409, and nothing changes', async () => {
    const { id } = await make();
    const link = await server.create('group_link', { name: 'Robin Guest', group_id: id });
    await call('PATCH', `/group_links/${link.id}`, { group_link: { suspended: true } });
    const { status, body } = await call('DELETE', `/groups/${id}`);
    assert.deepEqual([status, body.reason], [409, 'conflict']);
    assert.match(body.error, /^1 access link still belongs to .* Delete or change it first\.$/);
    assert.equal((await call('GET', `/groups/${id}`)).status, 200);
    const second = await server.create('group_link', { name: 'Sam Guest', group_id: id });
    const two = await call('DELETE', `/groups/${id}`);
    assert.match(two.body.error, /^2 access links still belong to .* Delete or change them first\.$/);
    await call('DELETE', `/group_links/${second.id}`);
    await call('DELETE', `/group_links/${link.id}`);
    assert.equal((await call('DELETE', `/groups/${id}`)).status, 204);
  });

  it('may go once its links have ended, to the millisecond', async () => {
    const { id } = await make();
    await server.create('group_link', {
      name: 'Robin Guest',
      group_id: id,
      valid_until: '2026-12-01T10:00:00Z',
    });
    clock.set('2026-12-01T09:59:59.999Z');
    const early = (await call('DELETE', `/groups/${id}`)).status;
    clock.set('2026-12-01T10:00:00.000Z');
    const late = (await call('DELETE', `/groups/${id}`)).status;
    clock.set(now);
    assert.deepEqual([early, late], [409, 204]);
  });

  it('goes when it is deleted, and its doors are in it no more', async () => {
    const { id } = await make();
    const membership = await server.create('group_lock', { group_id: id, lock_id: door_id });
    const before = (await call('GET', `/locks/${door_id}`)).body.groups_count;
    assert.equal((await call('DELETE', `/groups/${id}`)).status, 204);
    for (const method of ['GET', 'DELETE', 'PATCH', 'PUT']) {
      const body = method.startsWith('P') ? { group: { name: 'x' } } : undefined;
      assert.equal((await call(method, `/groups/${id}`, body)).status, 404, method);
    }
    assert.deepEqual((await call('GET', `/group_locks?group_id=${id}`)).body, []);
    assert.equal((await call('GET', `/group_locks/${membership.id}`)).status, 404);
    assert.equal((await call('GET', `/locks/${door_id}`)).body.groups_count, before - 1);
  });

  it('is one event when it is made, changed or deleted', async () => {
    const { id } = await make({ name: 'Early', place_id });
    await call('PATCH', `/groups/${id}`, { group: { name: 'Late' } });
    await call('DELETE', `/groups/${id}`);
    const { body } = await call('GET', `/events?event_object_type=Group&event_object_id=${id}`);
    type Event = { type: string; object_name: string; place_id: number };
    assert.deepEqual(
      body.map((event: Event) => [event.type, event.object_name, event.place_id]),
      [
        ['group.destroy', 'Late', place_id],
        ['group.update', 'Late', place_id],
        ['group.create', 'Early', place_id],
      ],
    );
  });

  const wrong: readonly [object, string][] = [
    [{ name: '' }, 'name'],
    [{ name: 'x'.repeat(201) }, 'name'],
    [{ place_id: 999_999 }, 'place_id'],
    [{ place_id: 0 }, 'place_id'],
    [{ description: 7.5, locks: [] }, 'locks'],
    [{ locks_count: 3 }, 'locks_count'],
  ];
  for (const [fields, name] of wrong) {
    it(`is refused with ${JSON.stringify(fields).slice(0, 40)}, naming ${name}`, async () => {
      const post = await call('POST', '/groups', { group: { name: 'x', ...fields } });
      const { id } = await make();
      const patch = await call('PATCH', `/groups/${id}`, { group: fields });
      for (const { status, body } of [post, patch])
        assert.deepEqual([status, Object.keys(body.errors ?? {})], [422, [name]]);
    });
  }
});

describe('GET /groups', () => {
  it('is by name, ten at first, filtered and sorted as Kisi says', async () => {
    const annex = (await server.create('place', { name: 'Annex', address: 'x' })).id;
    const names = ['b', 'A', 'c_d', '9%'];
    for (const name of names) await make({ name, place_id: annex });
    assert.deepEqual(await namesOf(`/groups?place_id=${annex}`), ['9%', 'A', 'b', 'c_d']);
    assert.deepEqual(await namesOf(`/groups?place_id=${annex}&sort=-name`), ['c_d', 'b', 'A', '9%']);
    assert.deepEqual(await namesOf(`/groups?query=${encodeURIComponent('c_')}`), ['c_d']);
    assert.deepEqual(await namesOf('/groups?query=%25'), ['9%']);
    assert.deepEqual(await namesOf(`/groups?place_id=${annex}&limit=1&offset=1`), ['A']);
    await Promise.all(Array.from({ length: 12 }, (_, number) => make({ name: `Many ${number}` })));
    const { body, headers } = await call('GET', '/groups?query=Many');
    assert.deepEqual([body.length, headers.get('x-collection-range')], [10, '0-9/12']);
  });

  it('finds those with a certain door', async () => {
    const lift = (await server.create('lock', { name: 'Lift', place_id })).id;
    const [one] = [await make({ name: 'With lift' }), await make({ name: 'Without' })];
    await server.create('group_lock', { group_id: one.id, lock_id: lift });
    assert.deepEqual(await namesOf(`/groups?lock_id=${lift}`), ['With lift']);
    assert.deepEqual(await namesOf('/groups?lock_id=999999'), []);
  });

  it('takes the parameters that Kisi knows and that have no meaning here', async () => {
    for (const query of ['scope=organization', 'scope=place', 'elevator_stop_id=3']) {
      assert.equal((await call('GET', `/groups?${query}`)).status, 200, query);
    }
  });
});

describe('a door in a group', () => {
  it('is called a group lock there, and has every field that clients of Kisi read', async () => {
    const group = await make({ name: 'Fields' });
    const made = await server.create('group_lock', { group_id: String(group.id), lock_id: String(door_id) });
    const { id, ...rest } = made;
    assert.deepEqual(rest, {
      ...{
        resource_type: 'GroupLock',
        created_at: now,
        updated_at: now,
        group_id: group.id,
        lock_id: door_id,
        place_id,
      },
      group: { id: group.id, resource_type: 'Group', name: 'Fields' },
      lock: { id: door_id, description: 'Red', name: 'Front door' },
      place: { id: place_id, resource_type: 'Place', name: 'House' },
    });
    assert.deepEqual((await call('GET', `/group_locks/${id}`)).body, made);
    assert.deepEqual((await call('GET', `/group_locks?group_id=${group.id}`)).body, [made]);
    assert.equal((await call('GET', `/groups/${group.id}`)).body.locks_count, 1);
  });

  it('is there once: a second time is refused, at the same moment too', async () => {
    const group = await make();
    const put = () => call('POST', '/group_locks', { group_lock: { group_id: group.id, lock_id: door_id } });
    const answers = await Promise.all([put(), put(), put()]);
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 422, 422]);
    const refused = answers.find(({ status }) => status === 422);
    assert.deepEqual(Object.keys(refused?.body.errors), ['lock_id']);
    assert.equal((await call('GET', `/groups/${group.id}`)).body.locks_count, 1);
  });

  it('is out of it when that is deleted, and may come back', async () => {
    const group = await make();
    const { secret } = await server.create('group_link', { name: 'Robin Guest', group_id: group.id });
    const made = await server.create('group_lock', { group_id: group.id, lock_id: door_id });
    const doors = async () => (await server.call('GET', '/locks', { secret, as: 'link' })).body.length;
    assert.equal(await doors(), 1);
    assert.equal((await call('DELETE', `/group_locks/${made.id}`)).status, 204);
    assert.equal(await doors(), 0);
    const { body } = await server.call('POST', `/locks/${door_id}/unlock`, { secret, as: 'link' });
    assert.equal(body.reason, 'door_not_included');
    for (const method of ['GET', 'DELETE'])
      assert.equal((await call(method, `/group_locks/${made.id}`)).status, 404, method);
    const again = await server.create('group_lock', { group_id: group.id, lock_id: door_id });
    assert.equal(await doors(), 1);
    assert.notEqual(again.id, made.id, 'whoever still knows the old id means the old one');
  });

  it('is found by its group, its door, its ids and a piece of its name', async () => {
    const group = await make({ name: 'Filters' });
    const lift = (await server.create('lock', { name: 'Goods_lift', place_id })).id;
    const [front, goods] = [
      await server.create('group_lock', { group_id: group.id, lock_id: door_id }),
      await server.create('group_lock', { group_id: group.id, lock_id: lift }),
    ];
    const ids = async (query: string) =>
      (await call('GET', `/group_locks?limit=250&${query}`)).body.map(({ id }: { id: number }) => id);
    assert.deepEqual(await ids(`group_id=${group.id}`), [front.id, goods.id]);
    assert.deepEqual(await ids(`lock_id=${lift}`), [goods.id]);
    assert.deepEqual(await ids(`ids=${goods.id},${front.id}`), [front.id, goods.id]);
    assert.deepEqual(await ids(`query=${encodeURIComponent('S_LI')}`), [goods.id]);
    const { headers } = await call('GET', `/group_locks?group_id=${group.id}&limit=1&offset=1`);
    assert.equal(headers.get('x-collection-range'), '1-1/2');
  });

  it('is refused for a group or a door that is not there', async () => {
    const group = await make();
    const wrong: [object, string[]][] = [
      [{ group_id: 999_999, lock_id: door_id }, ['group_id']],
      [{ group_id: group.id, lock_id: 999_999 }, ['lock_id']],
      [{}, ['group_id', 'lock_id']],
      [{ group_id: group.id, lock_id: door_id, name: 'x' }, ['name']],
    ];
    for (const [group_lock, fields] of wrong) {
      const { status, body } = await call('POST', '/group_locks', { group_lock });
      assert.deepEqual([status, Object.keys(body.errors)], [422, fields]);
    }
  });

  it('is one event when it comes and when it goes', async () => {
    const group = await make({ name: 'Log' });
    const { id } = await server.create('group_lock', { group_id: group.id, lock_id: door_id });
    await call('DELETE', `/group_locks/${id}`);
    const { body } = await call('GET', `/events?event_object_type=GroupLock&event_object_id=${id}`);
    type Event = { type: string; object_name: string; place_id: number };
    assert.deepEqual(
      body.map((event: Event) => [event.type, event.object_name, event.place_id]),
      [
        ['group_lock.destroy', 'Log: Front door', place_id],
        ['group_lock.create', 'Log: Front door', place_id],
      ],
    );
  });
});
