import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventTypes } from '../../domain/event.ts';
import { addMs } from '../../domain/instants.ts';
import { type Answer, startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import { recordEvent } from './events.ts';

const now = '2026-12-01T09:00:00.000Z';
const clock = new TestClock(now);
let server: TestServer;
let place_id: number;
let group_id: number;
let door_id: number;
let link: { id: number; secret: string };

before(async () => {
  server = await startTestServer({ clock, environment: { POSTERN_RATE_LIMITS: 'off' } });
  place_id = (await server.create('place', { name: 'House', address: '1 Gate Lane' })).id;
  door_id = (await server.create('lock', { name: 'Front door', place_id })).id;
  group_id = (await server.create('group', { name: 'Visitors' })).id;
  await server.create('group_lock', { group_id, lock_id: door_id });
  link = await server.create('group_link', { name: 'Robin Guest', email: 'robin@example.org', group_id });
});
after(() => server.close());

interface Event {
  uuid: string;
  type: string;
  created_at: string;
  sequence: string;
}

const call = (path: string): Promise<Answer> => server.call('GET', path, { secret: server.api_key });
const list = async (query: string): Promise<Event[]> => {
  const { status, body } = await call(`/events?${query}`);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
};
/** A try at the door, which no agent drives: one event of the link. */
const tryDoor = () => server.call('POST', `/locks/${door_id}/unlock`, { secret: link.secret, as: 'link' });

describe('an event', () => {
  it("has every field of Kisi's, and ours in its details", async () => {
    await tryDoor();
    const [event] = await list('limit=1');
    const { uuid, ...rest } = event ?? assert.fail();
    assert.deepEqual(rest, {
      ...{ type: 'lock.unlock', created_at: now, action: 'unlock', success: false, code: null },
      ...{
        actor_type: 'GroupLink',
        actor_id: link.id,
        actor_name: 'Robin Guest',
        actor_email: 'robin@example.org',
      },
      ...{ authenticated_by_type: 'GroupLink', authenticated_by_id: link.id },
      ...{ authorized_by_type: null, authorized_by_id: null, authorized_by_role_id: null },
      ...{
        object_type: 'Lock',
        object_id: door_id,
        object_name: 'Front door',
        object: { id: door_id, name: 'Front door' },
      },
      ...{ message: 'Robin Guest was refused at Front door', error_code: 'd5a40c' },
      ...{ error_message: 'The door cannot be reached right now.', sequence: uuid },
      ...{ organization_id: server.organization_id, place_id, via: {} },
      details: {
        ...{ method: 'api', reader: null, recorded_at: now, reason: 'door_unreachable', outcome: null },
        ...{ agent_id: null, unverified: false },
      },
    });
  });

  it('has a uuid of version 7, which sorts by its time', async () => {
    const uuids = (await list('limit=250')).map(({ uuid }) => uuid);
    for (const uuid of uuids)
      assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(new Set(uuids).size, uuids.length);
  });

  it('tells of the beginning: the organization and its first key', async () => {
    const types = (await list('limit=250')).map(({ type }) => type).reverse();
    assert.deepEqual(types.slice(0, 3), ['organization.create', 'login.create', 'place.create']);
  });

  it('of a link belongs to the place of its group, from its issue to its end', async () => {
    const group = await server.create('group', { name: 'Of the house', place_id });
    const { id } = await server.create('group_link', { name: 'Guest', group_id: group.id });
    const manage = { secret: server.api_key, body: { group_link: { suspended: true } } };
    await server.call('PATCH', `/group_links/${id}`, manage);
    await server.call('DELETE', `/group_links/${id}`, { secret: server.api_key });
    const events = (await call(`/events?event_object_type=GroupLink&event_object_id=${id}`)).body;
    assert.deepEqual(
      events.map((event: { type: string; place_id: number }) => [event.type, event.place_id]),
      ['destroy', 'update', 'create'].map((action) => [`group_link.${action}`, place_id]),
    );
  });

  it('keeps the name that its recipient had', async () => {
    const rename = { secret: server.api_key, body: { group_link: { name: 'Robin Host' } } };
    await server.call('PATCH', `/group_links/${link.id}`, rename);
    const names = (
      await call(`/events?event_type=lock.unlock&event_actor_id=${link.id}&event_actor_type=GroupLink`)
    ).body;
    assert.ok(names.every(({ actor_name }: { actor_name: string }) => actor_name === 'Robin Guest'));
    await server.call('PATCH', `/group_links/${link.id}`, {
      secret: server.api_key,
      body: { group_link: { name: 'Robin Guest' } },
    });
  });
});

describe('the log', () => {
  const change = (sql: string) =>
    server.context.database.everywhere.transaction(async (tx) => tx.prepare(sql).run());

  it('is only ever appended to: no event is changed or removed, not even by SQL', async () => {
    const { database } = server.context;
    await database.settled();
    const everything = () => database.everywhere.read.query.selectFrom('events').selectAll().execute();
    const before = await everything();
    const tries = [
      "update events set message = 'x'",
      'update events set success = 1 where position = 1',
      'update events set position = position + 100000',
      'delete from events',
      'delete from events where position = (select max(position) from events)',
    ];
    const replacing = `insert or replace into events select * from events where position = 1`;
    // PostgreSQL's role does not even have the right to try; its own refusals are tested beside its migrations.
    const embedded = server.ownerUrl === null;
    const refusal = embedded ? /only ever appended|UNIQUE/ : /only ever appended|permission denied/;
    for (const sql of embedded ? [...tries, replacing] : tries)
      await assert.rejects(change(sql), refusal, sql);
    assert.deepEqual(await everything(), before);
  });

  it('counts its events without a gap, also over what was taken back', async () => {
    const { context, organization_id } = server;
    const failing = context.database.of(organization_id).transaction(async (tx) => {
      await recordEvent(context, tx, {
        organization_id,
        type: 'lock.update',
        at: now,
        actor: null,
        authenticated_by: null,
        object: { type: 'Lock', id: door_id, name: 'Front door' },
        message: 'never happened',
      });
      throw new Error('taken back');
    });
    await assert.rejects(failing, /taken back/);
    await Promise.all(Array.from({ length: 20 }, tryDoor));
    await context.database.settled();
    const { query } = context.database.everywhere.read;
    const positions = (await query.selectFrom('events').select('position').orderBy('position').execute()).map(
      ({ position }) => position,
    );
    assert.deepEqual(
      positions,
      positions.map((_, at) => at + 1),
    );
  });
});

describe('GET /events', () => {
  it('is newest first, ten at first', async () => {
    const events = await list('');
    assert.equal(events.length, 10);
    const uuids = events.map(({ uuid }) => uuid);
    await server.context.database.settled();
    const { query } = server.context.database.everywhere.read;
    const rows = await query
      .selectFrom('events')
      .select('uuid')
      .orderBy('position', 'desc')
      .limit(10)
      .execute();
    assert.deepEqual(
      uuids,
      rows.map(({ uuid }) => uuid),
    );
  });

  it('names the next page, with the same filters, until there is none', async () => {
    const first = await call('/events?limit=5&event_type=lock.unlock&event_success=false');
    const next = first.headers.get('link');
    assert.match(next ?? '', /^<\/events\?[^>]*>; rel="next"$/);
    const path = /<([^>]*)>/.exec(next ?? '')?.[1] ?? '';
    const params = new URLSearchParams(path.split('?')[1]);
    assert.deepEqual(
      [params.get('limit'), params.get('event_type'), params.get('event_success')],
      ['5', 'lock.unlock', 'false'],
    );
    assert.equal(params.get('cursor'), first.headers.get('x-next-cursor'));
    const second = await call(path);
    assert.equal(second.body.length, 5);
    assert.ok(second.body.every(({ type }: Event) => type === 'lock.unlock'));
    const all = await call('/events?limit=250');
    assert.deepEqual([all.headers.get('link'), all.headers.get('x-next-cursor')], [null, null]);
  });

  it('reads every event exactly once by its cursor, while new ones are written', async () => {
    await server.context.database.settled();
    const { query } = server.context.database.everywhere.read;
    const before = (
      await query.selectFrom('events').select('uuid').orderBy('position', 'desc').execute()
    ).map(({ uuid }) => uuid);
    const seen: string[] = [];
    let path: string | undefined = '/events?limit=7';
    while (path !== undefined) {
      const { body, headers }: Answer = await call(path);
      seen.push(...body.map(({ uuid }: Event) => uuid));
      path = /<([^>]*)>/.exec(headers.get('link') ?? '')?.[1];
      await Promise.all([tryDoor(), tryDoor(), tryDoor()]);
    }
    assert.deepEqual(seen, before);
  });

  it('ends exactly when the last page is full', async () => {
    const uuids = (await list('limit=6')).map(({ uuid }) => uuid);
    const { headers } = await call(`/events?limit=6&event_uuid=${uuids.join(',')}`);
    assert.equal(headers.get('x-next-cursor'), null);
  });

  it('filters by each thing that Kisi can filter by', async () => {
    const all = (await call('/events?limit=250')).body;
    const [sample] = all;
    const filters: [string, (event: Record<string, unknown>) => boolean][] = [
      ['event_type=lock.unlock', ({ type }) => type === 'lock.unlock'],
      [
        'event_type=lock.create,%20place.create',
        ({ type }) => type === 'lock.create' || type === 'place.create',
      ],
      [`event_uuid=${sample.uuid}`, ({ uuid }) => uuid === sample.uuid],
      [`event_sequence=${sample.sequence}`, ({ sequence }) => sequence === sample.sequence],
      ['event_actor_type=GroupLink', ({ actor_type }) => actor_type === 'GroupLink'],
      [
        `event_actor_id=${link.id}&event_actor_type=User`,
        ({ actor_type, actor_id }) => actor_type === 'User' && actor_id === link.id,
      ],
      ['event_authenticated_by_type=Login', ({ authenticated_by_type }) => authenticated_by_type === 'Login'],
      [`event_authenticated_by_id=${link.id}`, ({ authenticated_by_id }) => authenticated_by_id === link.id],
      ['event_object_type=Group', ({ object_type }) => object_type === 'Group'],
      [`event_object_id=${door_id}`, ({ object_id }) => object_id === door_id],
      [`event_place_id=${place_id}`, (event) => event['place_id'] === place_id],
      ['event_success=false', ({ success }) => success === false],
      [
        'event_success=true&event_object_type=Lock',
        ({ success, object_type }) => success === true && object_type === 'Lock',
      ],
    ];
    for (const [query, wanted] of filters) {
      const expected = all.filter(wanted).map(({ uuid }: Event) => uuid);
      assert.deepEqual(
        (await list(`limit=250&${query}`)).map(({ uuid }) => uuid),
        expected,
        query,
      );
    }
  });

  it('filters by when it happened: from the first instant on, before the last', async () => {
    clock.set(addMs(now, 60_000));
    await tryDoor();
    clock.set(addMs(now, 120_000));
    await tryDoor();
    clock.set(now);
    const times = async (interval: string) =>
      (await list(`interval=${interval}`)).map(({ created_at }) => created_at);
    assert.deepEqual(await times('2026-12-01T09:01:00Z/2026-12-01T09:02:00Z'), [addMs(now, 60_000)]);
    assert.deepEqual(await times('2026-12-01T10:01:00%2B01:00/2026-12-01T09:02:00.001Z'), [
      addMs(now, 120_000),
      addMs(now, 60_000),
    ]);
    assert.deepEqual(await times('2026-12-01T09:03:00Z/2026-12-01T09:03:00Z'), []);
  });

  it('takes an interval with a duration, as Kisi does', async () => {
    for (const interval of ['2026-12-01T09:01:00Z/PT30S', 'PT30S/2026-12-01T09:01:30Z']) {
      const { status, body } = await call(`/events?interval=${interval}`);
      assert.deepEqual([status, body.length], [200, 1], JSON.stringify(body).slice(0, 200));
    }
  });

  it('takes an empty value for no filter', async () => {
    const count = (await list('limit=250')).length;
    for (const name of [
      'event_type',
      'event_uuid',
      'event_sequence',
      'event_actor_type',
      'event_actor_id',
      'event_success',
      'interval',
      'cursor',
    ]) {
      const { status, body } = await call(`/events?limit=250&${name}=`);
      assert.deepEqual([status, body.length], [200, count], `${name} ${JSON.stringify(body).slice(0, 100)}`);
    }
  });

  const wrong = [
    'interval=2026-12-01',
    'interval=2026-12-02T00:00:00Z/2026-12-01T00:00:00Z',
    'interval=a/b',
    'interval=2026-12-01T09:00:00Z/2026-12-01T09:00:00Z/2026-12-01T09:00:00Z',
  ];
  const others = [
    'cursor=x',
    'cursor=-1',
    'limit=0',
    'limit=251',
    'event_success=yes',
    'event_actor_id=me',
    'offset=1',
    'event_kind=x',
    'event_type=lock.create&event_type=lock.update',
    'event_type=lock',
    'event_type=lock.unlock,lock.opend',
    'event_type=constructor',
    'event_uuid=,',
  ];
  for (const query of [...wrong, ...others]) {
    it(`refuses ${query} and names it`, async () => {
      const { status, body } = await call(`/events?${query}`);
      assert.deepEqual([status, Object.keys(body.errors ?? {})], [422, [query.split('=')[0]]]);
    });
  }
});

describe('GET /events/types', () => {
  it("answers every type by its name, as Kisi's list does, and knows each type of the log", async () => {
    const { status, body } = await call('/events/types');
    assert.equal(status, 200);
    assert.deepEqual(body, Object.keys(eventTypes).sort());
    for (const { type } of await list('limit=250')) assert.ok(body.includes(type), type);
    await list(`event_type=${body.join(',')}`);
  });
});

describe('the types of events', () => {
  it('each have a sentence, and begin with the thing that something happened to', () => {
    for (const [type, meaning] of Object.entries(eventTypes)) {
      assert.match(type, /^[a-z_]+\.[a-z_]+(\.alarm)?$/);
      assert.match(meaning, /^[A-Z].*\.$/);
    }
  });
});
