import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { tabletAt } from '../../test/tablet.ts';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import { noteReaders } from './readers.ts';

const wall = new TestClock('2026-12-01T09:00:00.000Z');
const clock = { now: () => wall.now(), monotonicMs: () => performance.now() };
let server: TestServer;
let door: { id: number; name: string };
let other: { id: number; name: string };

const call = (method: string, path: string, body?: unknown) =>
  server.call(method, path, { secret: server.api_key, ...(body === undefined ? {} : { body }) });
const make = (name: string, lock_id = door.id) => server.create('reader', { name, lock_id });

before(async () => {
  server = await startTestServer({ clock });
  const place = await server.create('place', { name: 'House', address: 'Gate Lane' });
  door = await server.create('lock', { name: 'Front door', place_id: place.id });
  other = await server.create('lock', { name: 'Back door', place_id: place.id });
});
after(() => server.close());

describe('a tablet as a reader', () => {
  it('is made for a door, with a code that is shown this once', async () => {
    const made = await make('Lobby');
    const { enrollment_code, enrollment_code_expires_at, enrollment_url, ...reader } = made;
    assert.ok(
      enrollment_code_expires_at > wall.now() && enrollment_url.endsWith(`/reader#${enrollment_code}`),
    );
    assert.deepEqual(reader, {
      id: reader.id,
      resource_type: 'Reader',
      name: 'Lobby',
      kind: 'tablet',
      created_at: wall.now(),
      updated_at: wall.now(),
      lock_id: door.id,
      lock: { id: door.id, name: 'Front door' },
      agent_id: null,
      enrolled_at: null,
      online: false,
      last_seen_at: null,
    });
    assert.equal(enrollment_code.length, 19);
    assert.deepEqual((await call('GET', `/readers/${reader.id}`)).body, reader);
    const rows = await server.context.database.everywhere.read.query
      .selectFrom('readers')
      .selectAll()
      .where('id', '=', reader.id)
      .execute();
    assert.ok(!JSON.stringify(rows).includes(enrollment_code.slice(0, 4)), 'only its hash is kept');
    const [event] = (await call('GET', '/events?event_type=reader.create')).body;
    assert.deepEqual([event.object_type, event.object_id], ['Reader', reader.id]);
    assert.equal(event.message, 'API made the reader Lobby for Front door'.replace('API', event.actor_name));
  });

  it('is found by its door, its kind and its name', async () => {
    const { id } = await make('Zebra crossing', other.id);
    const found = async (query: string) =>
      (await call('GET', `/readers?${query}`)).body.map((reader: { id: number }) => reader.id);
    assert.deepEqual(await found(`lock_id=${other.id}`), [id]);
    assert.deepEqual(await found('query=ZEBRA'), [id]);
    assert.deepEqual((await found('sort=-name'))[0], id);
    assert.deepEqual(await found('kind=agent'), []);
    assert.equal((await call('GET', '/readers?kind=wall')).status, 422);
  });

  it('is online as long as it asks', async () => {
    const lobby = await tabletAt(server, door.id);
    const isOnline = async () => (await call('GET', `/readers/${lobby.reader_id}`)).body.online;
    assert.equal(await isOnline(), true);
    wall.advance(90_000);
    assert.equal(await isOnline(), false);
    await lobby.nonce();
    assert.equal(await isOnline(), true);
    assert.equal((await call('GET', `/readers/${lobby.reader_id}`)).body.last_seen_at, wall.now());
  });

  it('is renamed, and removed: then it is nothing any more', async () => {
    const { id } = await make('Lobby');
    assert.equal((await call('PATCH', `/readers/${id}`, { reader: { name: 'Foyer' } })).status, 204);
    assert.equal((await call('GET', `/readers/${id}`)).body.name, 'Foyer');
    assert.equal((await call('DELETE', `/readers/${id}`)).status, 204);
    for (const [method, path] of [
      ['GET', `/readers/${id}`],
      ['DELETE', `/readers/${id}`],
      ['POST', `/readers/${id}/enrollment_code`],
    ] as const)
      assert.equal((await call(method, path)).status, 404, method);
  });

  it('goes with its door', async () => {
    const { place_id } = (await call('GET', `/locks/${door.id}`)).body;
    const shed = await server.create('lock', { name: 'Shed', place_id });
    const { id } = await make('Shed', shed.id);
    await call('DELETE', `/locks/${shed.id}`);
    assert.equal((await call('GET', `/readers/${id}`)).status, 404);
    const answer = await call('POST', '/readers', { reader: { name: 'x', lock_id: shed.id } });
    assert.deepEqual(answer.body.errors, { lock_id: ['must be the id of one of your locks'] });
  });
});

describe('the readers of an agent', () => {
  let agent_id: number;
  before(async () => {
    const agent = await server.connectAgent([door, other]);
    await agent.connected();
    agent_id = (await call('GET', '/agents')).body[0].id;
  });

  const note = (readers: { name: string; door_id: number }[]) =>
    noteReaders(server.context, {
      organization_id: server.organization_id,
      agent_id,
      door_ids: new Set([door.id, other.id]),
      readers,
    });
  const listed = async (): Promise<[number, string, number][]> =>
    (await call('GET', '/readers?kind=agent')).body.map(
      ({ id, name, lock_id }: { id: number; name: string; lock_id: number }) => [id, name, lock_id],
    );

  it('are there when it has connected, and online as long as it is', async () => {
    let found = await call('GET', '/readers?kind=agent');
    while (found.body.length < 2) found = await call('GET', '/readers?kind=agent');
    assert.deepEqual(
      found.body.map(({ name, lock_id, online }: { name: string; lock_id: number; online: boolean }) => ({
        name,
        lock_id,
        online,
      })),
      [
        { name: 'Back door reader', lock_id: other.id, online: true },
        { name: 'Front door reader', lock_id: door.id, online: true },
      ],
    );
  });

  it('keep their ids by their names, and are those that it named last', async () => {
    await note([
      { name: 'A', door_id: door.id },
      { name: 'B', door_id: door.id },
    ]);
    const [a, b] = (await listed()).map(([id]) => id);
    await note([{ name: 'B', door_id: other.id }]);
    assert.deepEqual(await listed(), [[b, 'B', other.id]]);
    await note([
      { name: 'A', door_id: door.id },
      { name: 'B', door_id: other.id },
    ]);
    assert.deepEqual(await listed(), [
      [a, 'A', door.id],
      [b, 'B', other.id],
    ]);
    await note([]);
    assert.deepEqual(await listed(), []);
  });

  it('are written once when two sessions name them at the same moment, and not at all when nothing is new', async () => {
    const readers = [{ name: 'C', door_id: door.id }];
    await Promise.all(Array.from({ length: 6 }, () => note(readers)));
    assert.equal((await listed()).length, 1);
    const updated = (await call('GET', '/readers?kind=agent')).body[0].updated_at;
    wall.advance(5_000);
    await note(readers);
    assert.equal((await call('GET', '/readers?kind=agent')).body[0].updated_at, updated);
  });

  it('are at doors of the agent alone', async () => {
    await note([{ name: 'D', door_id: 999_999 }]);
    assert.deepEqual(await listed(), []);
  });

  it('are changed in its own file, not here', async () => {
    await note([{ name: 'E', door_id: door.id }]);
    const [id] = (await listed()).map(([id]) => id);
    for (const [method, path, body] of [
      ['PATCH', `/readers/${id}`, { reader: { name: 'x' } }],
      ['DELETE', `/readers/${id}`, undefined],
      ['POST', `/readers/${id}/enrollment_code`, undefined],
    ] as const) {
      const answer = await call(method, path, body);
      assert.deepEqual(
        [answer.status, answer.body.error],
        [409, 'E is named by its agent, not here.'],
        method,
      );
    }
  });

  it('go with it', async () => {
    await call('DELETE', `/agents/${agent_id}`);
    assert.deepEqual(await listed(), []);
  });
});
