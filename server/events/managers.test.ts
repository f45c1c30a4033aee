import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { EventStreamReader } from '../../test/event-stream.ts';
import { type ManagedHouse, makeManagedHouse } from '../../test/managed-house.ts';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';

const clock = new TestClock('2026-12-01T09:00:00.000Z');
let server: TestServer;
let house: ManagedHouse;

before(async () => {
  server = await startTestServer({ clock });
  house = await makeManagedHouse(server);
});
after(() => server.close());

interface Event {
  uuid: string;
  type: string;
  object_type: string;
  object_id: number;
  actor_type: string;
  actor_id: number;
}

const call = (method: string, path: string, secret = house.manager, body?: unknown) =>
  server.call(method, path, { secret, ...(body === undefined ? {} : { body }) });
const tryDoor = (door: { id: number }, link: { secret: string }) =>
  server.call('POST', `/locks/${door.id}/unlock`, { secret: link.secret, as: 'link' });

/** Said a second time, in other words than the server's: what a manager of the one group may know of. */
function concernsOwn(event: Event): boolean {
  const { door, link } = house.own;
  const about = `${event.object_type} ${event.object_id}`;
  const by = `${event.actor_type} ${event.actor_id}`;
  return about === `Lock ${door.id}` || about === `GroupLink ${link.id}` || by === `GroupLink ${link.id}`;
}

describe('a manager', () => {
  before(async () => {
    const { own, other } = house;
    for (const { door } of [own, other]) for (const { link } of [own, other]) await tryDoor(door, link);
    await call('PATCH', `/group_links/${own.link.id}`, server.api_key, { group_link: { name: 'Renamed' } });
    await call('PATCH', `/groups/${own.group.id}`, server.api_key, { group: { name: 'Renamed' } });
  });

  it('sees of the log what happened at the doors and with the links of the named groups', async () => {
    const all: Event[] = (await call('GET', '/events?limit=250', server.api_key)).body;
    const expected = all.filter(concernsOwn);
    assert.ok(expected.length >= 6 && expected.length < all.length);
    assert.deepEqual((await call('GET', '/events?limit=250')).body, expected);
    const set = { event_set: {} };
    assert.deepEqual((await call('POST', '/event_sets', house.manager, set)).body.events, expected);
  });

  it("sees of a set that somebody else made one's own share, page by page", async () => {
    const made = (await call('POST', '/event_sets', server.api_key, { event_set: {} })).body;
    const expected = (made.events as Event[]).filter(concernsOwn);
    const seen: Event[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { body } = await call('GET', `/event_sets/${made.id}?limit=2&cursor=${cursor}`);
      seen.push(...body.events);
      cursor = body.cursor;
    }
    assert.deepEqual(seen, expected);
  });

  it('finds nothing by filters that name what is not theirs', async () => {
    const { group, link } = house.other;
    for (const query of [`event_object_type=Group&event_object_id=${group.id}`, 'event_type=member.create'])
      assert.deepEqual((await call('GET', `/events?${query}`)).body, [], query);
    const { body } = await call('GET', `/events?event_actor_type=GroupLink&event_actor_id=${link.id}`);
    assert.ok(body.length > 0 && body.every(concernsOwn)); // at a door of theirs
  });

  it('follows the same events as they happen', async () => {
    const reader = await EventStreamReader.open(server.url, { secret: house.manager });
    const { own, other } = house;
    await tryDoor(other.door, other.link);
    await server.create('group', { name: 'Not theirs' });
    await tryDoor(own.door, own.link);
    assert.equal((await reader.next())?.data.object_id, own.door.id);
    reader.hangUp();
  });

  it('follows other groups 30 seconds after they are named, and no longer those that are not', async () => {
    const { own, other, member_id } = house;
    const reader = await EventStreamReader.open(server.url, { secret: house.manager });
    const change = { member: { role: 'manager', group_ids: [other.group.id] } };
    assert.equal((await call('PATCH', `/members/${member_id}`, server.api_key, change)).status, 204);
    clock.advance(30_000);
    await tryDoor(own.door, own.link);
    await tryDoor(other.door, other.link);
    assert.equal((await reader.next())?.data.object_id, other.door.id);
    reader.hangUp();
  });

  it('is sent nothing 30 seconds after the right to read events is gone', async () => {
    const { secret } = (
      await call('POST', '/logins', server.api_key, {
        login: { type: 'api', name: 'Narrowed', scopes: ['events:read'] },
      })
    ).body;
    const reader = await EventStreamReader.open(server.url, { secret });
    assert.equal(reader.status, 200);
    await server.context.database.everywhere.transaction(async (tx) => {
      await tx.query.updateTable('logins').set({ scopes: '[]' }).where('name', '=', 'Narrowed').execute();
    });
    clock.advance(30_000);
    await server.create('group', { name: 'Too late' });
    assert.deepEqual(await reader.rest(), []);
  });
});
