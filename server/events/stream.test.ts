import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { EventStreamReader } from '../../test/event-stream.ts';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import { createApiKey, revokeApiKey } from '../logins/logins.ts';
import { createOrganization } from '../organizations/organizations.ts';
import { recordEvent } from './events.ts';
import { streamsPerOrganizationMax } from './feed.ts';

const clock = new TestClock('2026-12-01T09:00:00.000Z');
let server: TestServer;
let place_id: number;

before(async () => {
  server = await startTestServer({ clock });
  place_id = (await server.create('place', { name: 'House', address: '1 Gate Lane' })).id;
});
after(() => server.close());

const follow = (options: { secret?: string; query?: string; after?: number } = {}) =>
  EventStreamReader.open(server.url, { secret: server.api_key, ...options });

/** Writes events about doors that do not exist, named by number, in one transaction. */
function write(names: readonly string[], { at = server, message = 'something happened' } = {}) {
  const { context, organization_id } = at;
  return context.database.of(organization_id).transaction(async (tx) => {
    for (const name of names) {
      await recordEvent(context, tx, {
        organization_id,
        type: 'lock.update',
        at: clock.now(),
        actor: null,
        authenticated_by: null,
        object: { type: 'Lock', id: 1, name },
        place_id,
        message,
      });
    }
  });
}

const numbered = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, at) => `${prefix} ${at}`);
const namesOf = (events: { data: { object_name: string } }[]) => events.map(({ data }) => data.object_name);

async function until(done: () => boolean): Promise<void> {
  while (!done()) await pause(5);
}

describe('GET /events/stream', { timeout: 60_000 }, () => {
  it('is a stream of server-sent events that no cache and no proxy holds back', async () => {
    const reader = await follow();
    assert.equal(reader.status, 200);
    assert.deepEqual(
      ['content-type', 'cache-control', 'x-accel-buffering'].map((name) => reader.headers.get(name)),
      ['text/event-stream; charset=utf-8', 'no-store', 'no'],
    );
    assert.equal(await reader.block(), 'retry: 2000');
    reader.hangUp();
  });

  it('sends what happens from now on as it happens, each as the list shows it', async () => {
    await write(['before']);
    const reader = await follow();
    const group = await server.create('group', { name: 'Visitors' });
    const [event] = await reader.take(1);
    const [listed] = (await server.call('GET', '/events?limit=1', { secret: server.api_key })).body;
    assert.deepEqual(event?.data, listed);
    assert.deepEqual([listed.type, listed.object_id], ['group.create', group.id]);
    reader.hangUp();
  });

  it('goes on after Last-Event-ID: nothing is missed, nothing is sent twice', async () => {
    const first = await follow();
    await write(numbered('one', 3));
    const seen = await first.take(2);
    first.hangUp();
    await write(numbered('two', 3));
    const again = await follow({ after: seen.at(-1)?.id ?? 0 });
    await write(numbered('three', 3));
    const rest = await again.take(7);
    again.hangUp();
    assert.deepEqual(namesOf([...seen, ...rest]), [
      ...numbered('one', 3),
      ...numbered('two', 3),
      ...numbered('three', 3),
    ]);
  });

  it('sends every event once and in order while several write, from the beginning of the log', async () => {
    const reader = await follow({ after: 0 });
    const prefixes = ['north', 'east', 'south', 'west'];
    await write(numbered('long', 350));
    await Promise.all(
      prefixes.map(async (prefix) => {
        for (const name of numbered(prefix, 30)) await write([name]);
      }),
    );
    await write(['the last']);
    const positions: number[] = [];
    for (let event = await reader.next(); ; event = await reader.next()) {
      positions.push(event?.id ?? assert.fail('the stream is over'));
      if (event?.data.object_name === 'the last') break;
    }
    reader.hangUp();
    const { query } = server.context.database.everywhere.read;
    const rows = await query
      .selectFrom('events')
      .select('position')
      .where('organization_id', '=', server.organization_id)
      .orderBy('position')
      .execute();
    assert.deepEqual(
      positions,
      rows.map(({ position }) => position),
    );
  });

  it('begins with what comes next for a reader that has seen more than there is', async () => {
    const reader = await follow({ after: 999_999_999 });
    await write(['next']);
    assert.deepEqual(namesOf(await reader.take(1)), ['next']);
    reader.hangUp();
  });

  it('filters as the list does', async () => {
    const reader = await follow({ query: '?event_type=place.create,group.create&event_object_type=Place' });
    await write(['no']);
    await server.create('group', { name: 'No' });
    const { id } = await server.create('place', { name: 'Yes', address: 'x' });
    const [event] = await reader.take(1);
    assert.deepEqual([event?.data.type, event?.data.object_id], ['place.create', id]);
    reader.hangUp();
  });

  it('shows nothing of another organization', async () => {
    const owner = { email: 'owner@other.invalid', password: 'correct horse battery' };
    const { id } = await createOrganization(server.context, { name: 'Other', domain: 'other', owner });
    const { secret } = await createApiKey(server.context, { organization_id: id, name: 'Theirs' });
    const reader = await follow({ secret, after: 0 });
    await write(['ours']);
    await server.call('POST', '/groups', { secret, body: { group: { name: 'Theirs' } } });
    for (;;) {
      const event = (await reader.next()) ?? assert.fail('the stream is over');
      assert.equal(event.data.organization_id, id);
      if (event.data.type === 'group.create') break;
    }
    reader.hangUp();
  });

  for (const query of [
    'limit=1',
    'cursor=1',
    'event_type=nothing',
    'interval=today',
    'event_success=maybe',
  ]) {
    it(`refuses ${query} and names it`, async () => {
      const { status, body } = await server.call('GET', `/events/stream?${query}`, {
        secret: server.api_key,
      });
      assert.deepEqual([status, Object.keys(body.errors)], [422, [query.split('=')[0]]]);
      assert.equal(server.context.feed.size, 0);
    });
  }

  it('refuses a Last-Event-ID that no stream has sent', async () => {
    for (const id of ['x', '-1', '1.5', '1e3', '9'.repeat(16)]) {
      const headers = { 'last-event-id': id };
      const { status, body } = await server.call('GET', '/events/stream', {
        secret: server.api_key,
        headers,
      });
      assert.deepEqual([status, Object.keys(body.errors)], [422, ['Last-Event-ID']], id);
    }
  });

  it('answers HEAD at once, and follows nothing for it', async () => {
    const headers = { authorization: `Bearer ${server.api_key}` };
    const answer = await fetch(`${server.url}/events/stream`, { method: 'HEAD', headers });
    assert.equal(answer.status, 200);
    await until(() => server.context.feed.size === 0);
  });

  it('says something every 15 seconds when nothing happens', async () => {
    const reader = await follow();
    assert.equal(await reader.block(), 'retry: 2000');
    for (let times = 0; times < 2; times++) {
      clock.advance(15_000);
      assert.equal(await reader.block(), ':');
    }
    reader.hangUp();
  });
});

describe('a stream', { timeout: 60_000 }, () => {
  const newKey = () =>
    createApiKey(server.context, { organization_id: server.organization_id, name: 'For a while' });

  it('ends with its login: nothing is sent 30 seconds after the end of that', async () => {
    const key = await newKey();
    const reader = await follow({ secret: key.secret, query: '?event_type=lock.update' });
    await revokeApiKey(server.context, key.id);
    clock.advance(29_999);
    await write(['within']);
    assert.deepEqual(namesOf(await reader.take(1)), ['within']);
    clock.advance(1);
    await write(['after']);
    assert.deepEqual(await reader.rest(), []);
    await until(() => server.context.feed.size === 0);
  });

  it('ends with its login when nothing happens, too', async () => {
    const key = await newKey();
    const reader = await follow({ secret: key.secret, query: '?event_type=lock.update' });
    await revokeApiKey(server.context, key.id);
    clock.advance(30_000);
    assert.deepEqual(await reader.rest(), []);
  });

  it('goes on for as long as its login may', async () => {
    const reader = await follow();
    for (const name of numbered('half minute', 4)) {
      clock.advance(30_000);
      await write([name]);
      assert.deepEqual(namesOf(await reader.take(1)), [name]);
    }
    reader.hangUp();
    await until(() => server.context.feed.size === 0);
  });

  it('is one of 20 of its organization: of 30 that come at once 20 are let in, and others when some have left', async () => {
    const readers = await Promise.all(Array.from({ length: 30 }, () => follow()));
    const statuses = readers.map(({ status }) => status);
    assert.equal(statuses.filter((status) => status === 200).length, streamsPerOrganizationMax);
    assert.equal(statuses.filter((status) => status === 429).length, 30 - streamsPerOrganizationMax);
    const { status, headers, body } = await server.call('GET', '/events/stream', { secret: server.api_key });
    assert.deepEqual([status, body.reason], [429, 'limit_reached']);
    assert.match(body.error, /^This organization has 20 event streams open/);
    assert.ok(headers.get('retry-after'));
    for (const reader of readers) reader.hangUp();
    await until(() => server.context.feed.size === 0);
    const late = await follow();
    assert.equal(late.status, 200);
    late.hangUp();
  });

  it('is cut off when its reader takes nothing for 30 seconds, and is not read ahead for', async () => {
    await until(() => server.context.feed.size === 0);
    const socket = await openWithoutReading(server);
    const message = 'x'.repeat(20_000);
    for (let times = 0; times < 20; times++) await write(numbered('large', 50), { message });
    while (server.context.feed.size > 0) {
      clock.advance(5_000);
      await pause(10);
    }
    assert.ok(
      (await bytesLeftIn(socket)) < 15_000_000,
      'the whole log was written to a reader that took nothing',
    );
  });
});

describe('a server that stops', { timeout: 60_000 }, () => {
  it('ends its streams properly, and waits for no reader that takes nothing', async () => {
    const stopping = await startTestServer({ clock });
    const reader = await EventStreamReader.open(stopping.url, { secret: stopping.api_key });
    const socket = await openWithoutReading(stopping);
    const message = 'x'.repeat(20_000);
    for (let times = 0; times < 20; times++) await write(numbered('large', 50), { at: stopping, message });
    await reader.take(1_000);
    await stopping.close();
    assert.deepEqual(await reader.rest(), []);
    socket.destroy();
  });
});

/** A reader that asks for the events and then lies asleep. */
async function openWithoutReading(at: TestServer): Promise<Socket> {
  const { hostname, port } = new URL(at.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {}); // it is cut off
  await once(socket, 'connect');
  socket.pause();
  socket.write(`GET /events/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${at.api_key}\r\n\r\n`);
  const before = at.context.feed.size;
  await until(() => at.context.feed.size > before);
  return socket;
}

async function bytesLeftIn(socket: Socket): Promise<number> {
  let bytes = 0;
  socket.on('data', (chunk) => {
    bytes += chunk.length;
  });
  socket.resume();
  if (!socket.closed) await once(socket, 'close');
  return bytes;
}
