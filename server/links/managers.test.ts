import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type ManagedHouse, makeManagedHouse } from '../../test/managed-house.ts';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';

let server: TestServer;
let house: ManagedHouse;

before(async () => {
  server = await startTestServer({ clock: new TestClock('2026-12-01T09:00:00.000Z') });
  house = await makeManagedHouse(server);
});
after(() => server.close());

const call = (method: string, path: string, body?: unknown, secret = house.manager) =>
  server.call(method, path, { secret, ...(body === undefined ? {} : { body }) });
const issue = (group_id: number) => call('POST', '/group_links', { group_link: { name: 'New', group_id } });
const namesIn = async (query = '') => {
  const { status, body, headers } = await call('GET', `/group_links?${query}`);
  assert.equal(status, 200, JSON.stringify(body));
  return [body.map(({ name }: { name: string }) => name).sort(), headers.get('x-collection-range')];
};
const linkRows = () =>
  server.context.database.everywhere.read.query.selectFrom('links').selectAll().orderBy('id').execute();

describe('a manager', () => {
  it('sees the links of the named groups, and counts no others', async () => {
    const { own, other } = house;
    assert.deepEqual(await namesIn(), [['Own guest'], '0-0/1']);
    assert.deepEqual(await namesIn('query=guest'), [['Own guest'], '0-0/1']);
    assert.deepEqual(await namesIn(`ids=${own.link.id},${other.link.id}`), [['Own guest'], '0-0/1']);
    assert.deepEqual(await namesIn(`group_id=${other.group.id}`), [[], '*/0']);
    assert.deepEqual(await namesIn('state=ended'), [[], '*/0']);
    assert.equal((await call('GET', `/group_links/${own.link.id}`)).status, 200);
  });

  it('issues, changes, reveals and revokes links of the named groups', async () => {
    const made = await issue(house.own.group.id);
    assert.equal(made.status, 200, JSON.stringify(made.body));
    const { id, secret } = made.body;
    assert.deepEqual((await namesIn())[0], ['New', 'Own guest']);
    assert.equal((await call('PATCH', `/group_links/${id}`, { group_link: { name: 'Newer' } })).status, 200);
    assert.equal((await call('POST', `/group_links/${id}/reveal`)).body.secret, secret);
    const [event] = (await call('GET', '/events?limit=1')).body;
    assert.deepEqual([event.actor_name, event.actor_id], ['Mo Manager', house.member_id]);
    assert.equal((await call('DELETE', `/group_links/${id}`)).status, 204);
  });

  it('finds nothing of the others: not to see, change, reveal or revoke', async () => {
    const path = `/group_links/${house.other.link.id}`;
    const before = await linkRows();
    const nothing = (await call('GET', '/group_links/999999')).body;
    for (const [method, to, body] of [
      ['GET', path],
      ['PATCH', path, { group_link: { suspended: true } }],
      ['PUT', path, { group_link: { group_id: house.own.group.id } }],
      ['POST', `${path}/reveal`],
      ['DELETE', path],
    ] as const) {
      const answer = await call(method, to, body);
      assert.deepEqual([answer.status, answer.body], [404, nothing], method);
    }
    assert.deepEqual(await linkRows(), before);
  });

  it('cannot issue a link for another group, or move one there: it is as if there were none', async () => {
    const { own, other } = house;
    const before = await linkRows();
    const move = (group_id: number) =>
      call('PATCH', `/group_links/${own.link.id}`, { group_link: { group_id } });
    for (const ask of [issue, move]) {
      const [foreign, none] = [await ask(other.group.id), await ask(999_999)];
      assert.deepEqual([foreign.status, Object.keys(foreign.body.errors)], [422, ['group_id']]);
      assert.deepEqual(foreign.body, none.body);
    }
    assert.deepEqual(await linkRows(), before);
  });

  it('loses sight of a link that is moved to another group', async () => {
    const made = (await issue(house.own.group.id)).body;
    const change = { group_link: { group_id: house.other.group.id } };
    assert.equal((await call('PATCH', `/group_links/${made.id}`, change, server.api_key)).status, 200);
    assert.equal((await call('GET', `/group_links/${made.id}`)).status, 404);
  });

  it('of no group sees nothing', async () => {
    const change = { member: { role: 'manager', group_ids: [] } };
    const { status } = await call('PATCH', `/members/${house.member_id}`, change, server.api_key);
    assert.equal(status, 204);
    assert.deepEqual(await namesIn(), [[], '*/0']);
    assert.deepEqual((await call('GET', '/events')).body, []);
  });
});
