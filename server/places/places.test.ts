import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';

const now = '2026-12-01T09:00:00.000Z';
const clock = new TestClock(now);
let server: TestServer;

before(async () => {
  server = await startTestServer({ clock });
});
after(() => server.close());

const call = (method: string, path: string, body?: unknown) =>
  server.call(method, path, { secret: server.api_key, ...(body === undefined ? {} : { body }) });
const make = (fields: object = {}) =>
  server.create('place', { name: 'House', address: '1 Gate Lane', ...fields });
const latestEvent = async () => (await call('GET', '/events?limit=1')).body[0];

describe('a place', () => {
  it('is made with a name and an address, and has every field that clients of Kisi read', async () => {
    const made = await make();
    const { id, organization, ...rest } = made;
    assert.deepEqual(rest, {
      ...{
        resource_type: 'Place',
        name: 'House',
        description: null,
        address: '1 Gate Lane',
        latitude: null,
        longitude: null,
      },
      ...{
        image: null,
        time_zone: 'UTC',
        tz_time_zone: 'UTC',
        created_at: now,
        updated_at: now,
        locks_count: 0,
      },
      ...{ integrations_count: 0, locked_down: false, locked_down_since: null, occupancy_rate: null },
      ...{
        organization_id: server.organization_id,
        color: null,
        logo: null,
        user_id: null,
        members_count: 0,
      },
    });
    assert.deepEqual(organization, {
      id: server.organization_id,
      resource_type: 'Organization',
      name: 'Test House',
      domain: 'test',
    });
    assert.deepEqual((await call('GET', `/places/${id}`)).body, made);
  });

  it('keeps what it is given, and takes what sloppy programs send', async () => {
    const given = {
      description: 'Red\n\tbrick',
      latitude: 52.5,
      longitude: -13.25,
      time_zone: 'Europe/Berlin',
      address: '1 Gate Lane\n10115 Berlin',
    };
    const made = await make(given);
    for (const [name, value] of Object.entries(given)) assert.equal(made[name], value, name);
    const sloppy = await make({
      latitude: '52.5',
      longitude: '',
      description: '',
      time_zone: null,
      image: 'https://example.org/x.png',
    });
    const { latitude, longitude, description, time_zone, image } = sloppy;
    assert.deepEqual([latitude, longitude, description, time_zone, image], [52.5, null, null, 'UTC', null]);
    assert.equal((await make({ name: 'Cafe\u0301' })).name, 'Café');
  });

  it('has its zone as IANA writes it, so that programs that look it up find it', async () => {
    for (const [sent, kept] of [
      ['europe/berlin', 'Europe/Berlin'],
      ['AMERICA/NEW_YORK', 'America/New_York'],
      ['utc', 'UTC'],
    ]) {
      assert.equal((await make({ time_zone: sent })).time_zone, kept);
    }
  });

  it('counts its doors, and no deleted ones', async () => {
    const { id } = await make();
    const doors = [
      await server.create('lock', { name: 'A', place_id: id }),
      await server.create('lock', { name: 'B', place_id: id }),
    ];
    await call('DELETE', `/locks/${doors[0].id}`);
    assert.equal((await call('GET', `/places/${id}`)).body.locks_count, 1);
  });

  for (const method of ['PATCH', 'PUT']) {
    it(`is changed by ${method}: 204, and only what is named`, async () => {
      const made = await make({ description: 'Red', time_zone: 'Europe/Berlin' });
      clock.advance(1_000);
      const change = { name: 'Palace', latitude: 1, description: null };
      const { status, body } = await call(method, `/places/${made.id}`, { place: change });
      assert.deepEqual([status, body], [204, '']);
      const shown = (await call('GET', `/places/${made.id}`)).body;
      assert.deepEqual(shown, { ...made, ...change, updated_at: '2026-12-01T09:00:01.000Z' });
      clock.set(now);
      assert.equal((await latestEvent()).type, 'place.update');
      await call(method, `/places/${made.id}`, { place: { time_zone: '' } });
      assert.equal((await call('GET', `/places/${made.id}`)).body.time_zone, 'UTC');
      assert.equal((await call(method, `/places/${made.id}`, { place: {} })).status, 204);
    });
  }

  it('goes when it is deleted, and its row stays for the record', async () => {
    const { id } = await make();
    assert.deepEqual([(await call('DELETE', `/places/${id}`)).status], [204]);
    for (const method of ['GET', 'DELETE', 'PATCH', 'PUT']) {
      const body = method.startsWith('P') ? { place: { name: 'x' } } : undefined;
      assert.equal((await call(method, `/places/${id}`, body)).status, 404, method);
    }
    assert.deepEqual((await call('GET', `/places?ids=${id}`)).body, []);
    const row = await server.context.database.everywhere.read.query
      .selectFrom('places')
      .select('deleted_at')
      .where('id', '=', id)
      .executeTakeFirst();
    assert.equal(row?.deleted_at, now);
  });

  it('stays while it has doors: 409, and nothing changes', async () => {
    const { id } = await make();
    const door = await server.create('lock', { name: 'A', place_id: id });
    const { status, body } = await call('DELETE', `/places/${id}`);
    assert.deepEqual([status, body.reason, body.code], [409, 'conflict', '7ab340']);
    assert.match(body.error, /House still has doors/);
    assert.equal((await call('GET', `/places/${id}`)).status, 200);
    await call('DELETE', `/locks/${door.id}`);
    assert.equal((await call('DELETE', `/places/${id}`)).status, 204);
  });

  it('leaves nothing that names it when it is deleted', async () => {
    const { id } = await make();
    const group = await server.create('group', { name: 'Of that place', place_id: id });
    const { status } = await call('DELETE', `/places/${id}`);
    const shown = (await call('GET', `/groups/${group.id}`)).body;
    assert.ok(status === 409 || shown.place_id === null, `${status}, place_id ${shown.place_id}`);
  });

  it('is one event when it is made, changed or deleted', async () => {
    const { id } = await make({ name: 'Tower' });
    await call('PATCH', `/places/${id}`, { place: { name: 'Spire' } });
    await call('DELETE', `/places/${id}`);
    const { body } = await call('GET', `/events?event_object_type=Place&event_object_id=${id}`);
    type Event = { type: string; object_name: string; place_id: number; actor_type: string };
    assert.deepEqual(
      body.map((event: Event) => [event.type, event.object_name, event.place_id, event.actor_type]),
      [
        ['place.destroy', 'Spire', id, 'User'],
        ['place.update', 'Spire', id, 'User'],
        ['place.create', 'Tower', id, 'User'],
      ],
    );
  });

  const wrong: readonly [object, string][] = [
    [{ name: null }, 'name'],
    [{ name: '   ' }, 'name'],
    [{ address: '' }, 'address'],
    [{ address: 'x'.repeat(501) }, 'address'],
    [{ description: 'x'.repeat(2001) }, 'description'],
    [{ description: 'a\u202eb' }, 'description'],
    [{ latitude: 90.01 }, 'latitude'],
    [{ latitude: 'north' }, 'latitude'],
    [{ longitude: -180.5 }, 'longitude'],
    [{ time_zone: 'Mars/Olympus' }, 'time_zone'],
    [{ time_zone: '+01:00' }, 'time_zone'],
    [{ time_zone: 'Europe/Berlin ' }, 'time_zone'],
    [{ id: 1 }, 'id'],
    [{ organization_id: 2 }, 'organization_id'],
  ];
  for (const [fields, name] of wrong) {
    it(`is refused with ${JSON.stringify(fields).slice(0, 40)}, naming ${name}`, async () => {
      const post = await call('POST', '/places', { place: { name: 'x', address: 'x', ...fields } });
      const { id } = await make();
      const patch = await call('PATCH', `/places/${id}`, { place: fields });
      for (const { status, body } of [post, patch])
        assert.deepEqual([status, Object.keys(body.errors ?? {})], [422, [name]]);
    });
  }

  it('takes text of more than one line from Windows too', async () => {
    assert.equal(
      (await call('POST', '/places', { place: { name: 'x', address: 'a\r\nb', description: 'a\r\nb' } }))
        .status,
      200,
    );
  });
});

describe('GET /places', () => {
  it('is by name, fifty at first, filtered and sorted as Kisi says', async () => {
    for (const name of ['zoo', 'Ark', '50% off', 'under_score']) await make({ name });
    const names = async (query: string) => {
      const { status, body } = await call('GET', `/places?${query}`);
      assert.equal(status, 200, JSON.stringify(body));
      return body.map(({ name }: { name: string }) => name);
    };
    const all = await names('limit=250');
    assert.deepEqual(
      all,
      [...all].sort((one: string, other: string) =>
        one.toLowerCase() < other.toLowerCase() ? -1 : one.toLowerCase() > other.toLowerCase() ? 1 : 0,
      ),
    );
    assert.equal((await names('sort=-name'))[0], 'zoo');
    assert.deepEqual(await names('query=%25'), ['50% off']);
    assert.deepEqual(await names('query=_'), ['under_score']);
    assert.deepEqual(await names('query=ARK'), ['Ark']);
    assert.equal(
      (await call('GET', '/places?limit=2&offset=1')).headers.get('x-collection-range'),
      `1-2/${all.length}`,
    );
    assert.equal(
      (await call('GET', '/places?offset=20000')).headers.get('x-collection-range'),
      `*/${all.length}`,
    );
  });

  it('gives fifty where nothing else is asked for', async () => {
    await Promise.all(Array.from({ length: 60 }, (_, number) => make({ name: `Many ${number}` })));
    const { body } = await call('GET', '/places?query=Many');
    assert.equal(body.length, 50);
  });

  it('takes the parameters that Kisi knows and that have no meaning here', async () => {
    for (const query of ['favorite=true', 'favorite=*', 'sort=favorite']) {
      assert.equal((await call('GET', `/places?${query}`)).status, 200, query);
    }
  });

  it('says that nobody has favourites to whoever asks, and to nobody else', async () => {
    const { id } = await make();
    assert.equal('favorite' in (await call('GET', `/places/${id}`)).body, false);
    assert.equal((await call('GET', `/places/${id}?favorite=true`)).body.favorite, false);
    assert.equal((await call('GET', `/places?ids=${id}&favorite=*`)).body[0].favorite, false);
    assert.deepEqual((await call('GET', `/places?ids=${id}&favorite=true`)).body, []);
  });

  it('finds a place by its address, also after another name', async () => {
    const { id } = await make({ address: '7 Quay Lane' });
    await call('PATCH', `/places/${id}`, { place: { name: 'Renamed' } });
    const found = async (query: string) =>
      (await call('GET', `/places?ids=${id}&query=${query}`)).body.length;
    assert.deepEqual([await found('quay'), await found('renamed'), await found('house')], [1, 1, 0]);
    await call('PATCH', `/places/${id}`, { place: { address: '8 Dock Road' } });
    assert.deepEqual([await found('quay'), await found('dock'), await found('renamed')], [0, 1, 1]);
  });
});
