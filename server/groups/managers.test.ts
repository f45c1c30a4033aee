import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type ManagedHouse, makeManagedHouse } from '../../test/managed-house.ts';
import { startTestServer, type TestServer } from '../../test/test-server.ts';
import { selectAgents } from '../agents/store.ts';
import type { LoginCaller } from '../context.ts';
import { authenticateLogin } from '../logins/logins.ts';
import { unlockWithLogin } from '../unlocks/unlocks.ts';

let server: TestServer;
let house: ManagedHouse;
/** In both groups of the house, so that the manager sees it by one of them. */
let shared: { id: number };
let schedules: { own: number; other: number };
let emptyPlace: number;

before(async () => {
  server = await startTestServer();
  house = await makeManagedHouse(server);
  emptyPlace = (await server.create('place', { name: 'Elsewhere', address: 'x' })).id;
  shared = await server.create('lock', { name: 'Gate', place_id: await placeOf(house.own.door.id) });
  for (const { group } of [house.own, house.other])
    await server.create('group_lock', { group_id: group.id, lock_id: shared.id });
  const hours = async (group: { id: number }) =>
    (
      await server.create('schedule', {
        ...{ scheduleable_type: 'Group', scheduleable_id: group.id },
        weekly: [{ days: [1, 2, 3, 4, 5, 6, 7], start: '00:00', end: '24:00' }],
      })
    ).id;
  schedules = { own: await hours(house.own.group), other: await hours(house.other.group) };
  await server.connectAgent([
    { id: house.own.door.id, name: 'Own door' },
    { id: shared.id, name: 'Gate' },
  ]);
  await server.connectAgent([{ id: house.other.door.id, name: 'Other door' }]);
});
after(() => server.close());

const asManager = (method: string, path: string, body?: unknown) =>
  server.call(method, path, { secret: house.manager, ...(body === undefined ? {} : { body }) });
const idsOf = async (path: string): Promise<number[]> =>
  (await asManager('GET', path)).body
    .map(({ id }: { id: number }) => id)
    .sort((a: number, b: number) => a - b);

async function placeOf(door_id: number): Promise<number> {
  return (await server.call('GET', `/locks/${door_id}`, { secret: server.api_key })).body.place_id;
}

async function manager(): Promise<LoginCaller> {
  const caller = await authenticateLogin(server.context, house.manager);
  assert.ok(caller);
  return caller;
}

describe('a manager', () => {
  it('sees the named groups and nothing of others: lists, filters and single ones', async () => {
    const { own, other } = house;
    assert.deepEqual(await idsOf('/groups'), [own.group.id]);
    assert.deepEqual(await idsOf(`/groups?ids=${own.group.id},${other.group.id}`), [own.group.id]);
    assert.deepEqual(await idsOf(`/groups?lock_id=${shared.id}`), [own.group.id]);
    assert.equal((await asManager('GET', `/groups/${own.group.id}`)).status, 200);
    assert.equal((await asManager('GET', `/groups/${other.group.id}`)).status, 404);
    const members = (await asManager('GET', '/group_locks')).body;
    assert.deepEqual(
      members.map(({ group_id, lock_id }: { group_id: number; lock_id: number }) => [group_id, lock_id]),
      [
        [own.group.id, own.door.id],
        [own.group.id, shared.id],
      ],
    );
    assert.deepEqual(await idsOf(`/group_locks?group_id=${other.group.id}`), []);
    const theirs = await server.call('GET', `/group_locks?group_id=${other.group.id}`, {
      secret: server.api_key,
    });
    for (const { id } of theirs.body)
      assert.equal((await asManager('GET', `/group_locks/${id}`)).status, 404);
  });

  it('sees the doors in them, and counts no groups but those', async () => {
    const { own, other } = house;
    assert.deepEqual(await idsOf('/locks'), [own.door.id, shared.id]);
    assert.deepEqual(await idsOf(`/locks?ids=${other.door.id}`), []);
    assert.equal((await asManager('GET', `/locks/${other.door.id}`)).status, 404);
    assert.equal((await asManager('GET', `/locks/${shared.id}`)).body.groups_count, 1);
  });

  it('sees the places of those doors, and counts no doors but those', async () => {
    const place_id = await placeOf(house.own.door.id);
    assert.deepEqual(await idsOf('/places'), [place_id]);
    assert.equal((await asManager('GET', `/places/${emptyPlace}`)).status, 404);
    assert.equal((await asManager('GET', `/places/${place_id}`)).body.locks_count, 2);
  });

  it('sees their schedules', async () => {
    assert.deepEqual(await idsOf('/schedules'), [schedules.own]);
    assert.equal((await asManager('GET', `/schedules/${schedules.own}`)).status, 200);
    assert.equal((await asManager('GET', `/schedules/${schedules.other}`)).status, 404);
  });

  it('opens their doors and no others: those are not there', async () => {
    const { own, other } = house;
    for (const id of [own.door.id, shared.id])
      assert.equal((await asManager('POST', `/locks/${id}/unlock`)).status, 200);
    const refused = await asManager('POST', `/locks/${other.door.id}/unlock`);
    assert.deepEqual([refused.status, refused.body.reason], [404, 'not_found']);
  });

  it('opens a door no more that has left the group', async () => {
    const { own } = house;
    const asked = `/group_locks?group_id=${own.group.id}&lock_id=${shared.id}`;
    const [{ id }] = (await server.call('GET', asked, { secret: server.api_key })).body;
    await server.call('DELETE', `/group_locks/${id}`, { secret: server.api_key });
    assert.equal((await asManager('POST', `/locks/${shared.id}/unlock`)).status, 404);
    await server.create('group_lock', { group_id: own.group.id, lock_id: shared.id });
    assert.equal((await asManager('POST', `/locks/${shared.id}/unlock`)).status, 200);
  });

  it('asks about links and doors of the named groups only', async () => {
    const { own, other } = house;
    const ask = (door: { id: number }, link: { id: number }) =>
      asManager('POST', `/locks/${door.id}/decision`, { decision: { group_link_id: link.id } });
    assert.deepEqual((await ask(own.door, own.link)).body.success, true);
    assert.equal((await ask(other.door, own.link)).status, 404);
    assert.deepEqual(Object.keys((await ask(own.door, other.link)).body.errors), ['group_link_id']);
  });

  it('changes none of them, and locks nothing down: 403 for what it sees, 404 for what it does not', async () => {
    const { own, other } = house;
    const place_id = await placeOf(own.door.id);
    for (const [method, path, status] of [
      ['PATCH', `/groups/${own.group.id}`, 403],
      ['PATCH', `/groups/${other.group.id}`, 404],
      ['DELETE', `/locks/${own.door.id}`, 403],
      ['DELETE', `/locks/${other.door.id}`, 404],
      ['POST', `/locks/${own.door.id}/lock_down`, 403],
      ['POST', `/locks/${other.door.id}/lock_down`, 404],
      ['POST', `/places/${place_id}/lock_down`, 403],
      ['POST', `/places/${emptyPlace}/lock_down`, 404],
      ['DELETE', `/schedules/${schedules.own}`, 403],
      ['DELETE', `/schedules/${schedules.other}`, 404],
      ['GET', '/agents', 403],
    ] as const)
      assert.equal((await asManager(method, path)).status, status, `${method} ${path}`);
  });

  it('would see the agents of their doors and no others', async () => {
    const caller = await manager();
    const { read } = server.context.database.of(server.organization_id);
    const { rows } = await selectAgents(read, caller, { reachableAgents: [] });
    assert.equal(rows.length, 1);
  });

  it('of no group at all sees and opens nothing', async () => {
    const caller = { ...(await manager()), group_ids: [] };
    await assert.rejects(
      unlockWithLogin(server.context, caller, {
        door_id: house.own.door.id,
        askedMs: server.context.clock.monotonicMs(),
      }),
      { reason: 'not_found' },
    );
  });
});
