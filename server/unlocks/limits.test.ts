import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import { beginPress, endPress, holdMsMin } from './holds.ts';
import { Presentations } from './presentations.ts';

const dayMs = 24 * 3_600_000;

describe('what one caller can use up', () => {
  const clock = new TestClock('2026-12-01T09:00:00.000Z');
  let server: TestServer;

  before(async () => {
    server = await startTestServer({ clock });
  });
  after(() => server.close());

  const events = async (query: string) =>
    (await server.call('GET', `/events?limit=250&${query}`, { secret: server.api_key })).body;

  it('is one event a minute for junk at a door, whatever name the reader goes by', async () => {
    const presentations = new Presentations(server.context);
    const { organization_id } = server;
    for (let number = 0; number < 30; number++) {
      const presentation = { organization_id, agent_id: 1, door_id: 1, reader: `R${number}`, text: 'junk' };
      assert.equal((await presentations.decide(presentation)).reason, 'credential_unknown');
    }
    assert.equal((await events('event_type=reader.unreadable')).length, 1);
  });

  it('is nothing for presses that are only begun: no memory, no row, and none pushes out another', async () => {
    const visitor = { kind: 'page', organization_id: server.organization_id, link_id: 1 } as const;
    const first = beginPress(server.context, visitor, 1);
    for (let number = 0; number < 1_000; number++) beginPress(server.context, visitor, 1);
    clock.advance(holdMsMin);
    assert.ok(await endPress(server.context, visitor, { door_id: 1, nonce: first }));
    const { query } = server.context.database.everywhere.read;
    assert.deepEqual(await query.selectFrom('used_presses').selectAll().execute(), []);
  });

  it('is nothing at all with the secret of a link that ended long ago', async () => {
    const group = await server.create('group', { name: 'Visitors' });
    const place = await server.create('place', { name: 'House', address: '1 Gate Lane' });
    const door = await server.create('lock', { name: 'Front door', place_id: place.id });
    const { id, secret } = await server.create('group_link', { name: 'Robin Guest', group_id: group.id });
    await server.call('DELETE', `/group_links/${id}`, { secret: server.api_key });
    const unlock = () => server.call('POST', `/locks/${door.id}/unlock`, { secret, as: 'link' });
    assert.equal((await unlock()).body.reason, 'credential_revoked');
    clock.advance(31 * dayMs);
    assert.equal((await unlock()).status, 401);
    assert.equal((await events(`event_actor_type=GroupLink&event_actor_id=${id}`)).length, 1);
  });
});
