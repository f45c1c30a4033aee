import assert from 'node:assert/strict';
import type { TestServer } from './test-server.ts';

const user = { domain: 'test', email: 'manager@test.invalid', password: 'correct horse battery' };

/** A house with two groups, each with a door and a link; a manager runs one of them. */
export interface ManagedHouse {
  /** The manager's login. */
  manager: string;
  member_id: number;
  own: Side;
  other: Side;
}

interface Side {
  group: { id: number; name: string };
  door: { id: number };
  link: { id: number; secret: string };
}

export async function makeManagedHouse(server: TestServer): Promise<ManagedHouse> {
  const place = await server.create('place', { name: 'House', address: '1 Gate Lane' });
  const makeSide = async (name: string): Promise<Side> => {
    const group = await server.create('group', { name });
    const door = await server.create('lock', { name: `${name} door`, place_id: place.id });
    await server.create('group_lock', { group_id: group.id, lock_id: door.id });
    const link = await server.create('group_link', { name: `${name} guest`, group_id: group.id });
    return { group, door, link };
  };
  const [own, other] = [await makeSide('Own'), await makeSide('Other')];
  const { email, password } = user;
  const member = { name: 'Mo Manager', email, password, role: 'manager', group_ids: [own.group.id] };
  const made = await server.call('POST', '/members', { secret: server.api_key, body: { member } });
  assert.equal(made.status, 200, JSON.stringify(made.body));
  const login = await server.call('POST', '/logins', { body: { user } });
  assert.equal(login.status, 200, JSON.stringify(login.body));
  return { manager: login.body.secret, member_id: made.body.id, own, other };
}
