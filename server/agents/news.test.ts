import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { memoryCore } from '../../agent/stand-in-disk.ts';
import { isUpkeep } from '../../agent/upkeep.ts';
import type { ServerMessage } from '../../domain/agent-protocol.ts';
import { segmentPasses } from '../../domain/revocation-list.ts';
import { until } from '../../test/serve-process.ts';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import { EndedSegments } from './ended-segments.ts';

const now = '2026-12-01T09:00:00.000Z';
const wall = new TestClock(now);
let skippedMs = 0;
const clock = { now: () => wall.now(), monotonicMs: () => performance.now() + skippedMs };
let server: TestServer;
let group_id: number;
let door_id: number;

before(async () => {
  server = await startTestServer({ clock });
  const place = await server.create('place', { name: 'House', address: 'Gate Lane' });
  group_id = (await server.create('group', { name: 'Visitors' })).id;
  door_id = (await server.create('lock', { name: 'Front door', place_id: place.id })).id;
  await server.create('group_lock', { group_id, lock_id: door_id });
});
after(() => server.close());

const call = (method: string, path: string, body?: unknown) =>
  server.call(method, path, { secret: server.api_key, ...(body === undefined ? {} : { body }) });
const issue = () => server.create('group_link', { name: 'Robin Guest', group_id });

/** An agent's knowledge, fed with what the server says to it. */
async function joined(epoch: number | null = null, core = memoryCore({ systemMs: () => Date.parse(now) })) {
  await core.open();
  const said: ServerMessage[] = [];
  const session = {
    agent_id: 1,
    organization_id: server.organization_id,
    say(message: ServerMessage) {
      said.push(message);
      if (isUpkeep(message)) void core.upkeep.receive(message);
    },
  };
  server.context.agentNews.join(session, epoch);
  await until('a statement', () => said.some(({ type }) => type === 'revocation_statement'));
  const leave = () => server.context.agentNews.leave(session);
  return { core, said, session, [Symbol.dispose]: leave };
}

const kinds = (said: readonly ServerMessage[]) => said.map(({ type }) => type);

describe('news for agents', () => {
  it('begin with the replica and the whole list, signed', async () => {
    using agent = await joined();
    assert.equal(kinds(agent.said)[0], 'replica');
    assert.equal(agent.core.replica.organization_id, server.organization_id);
    assert.equal(agent.core.revocations.statement?.signed_at, now);
    assert.equal(agent.core.clock.now()?.slice(0, 19), now.slice(0, 19));
  });

  it('tell a revocation as a change, at once, and to nobody who has it the whole list', async () => {
    using agent = await joined();
    const link = await issue();
    agent.said.length = 0;
    await call('DELETE', `/group_links/${link.id}`);
    await until('the change', () => kinds(agent.said).includes('revocation_statement'), 2_000);
    assert.deepEqual(kinds(agent.said), ['revocation_changes', 'revocation_statement']);
    const { statement } = agent.core.revocations;
    using other = await joined(statement?.epoch ?? null);
    assert.ok(!kinds(other.said).includes('revocation_segment'), 'it has that list already');
  });

  it('tell changes of doors, groups and hours to those whom they concern, and nothing twice', async () => {
    await server.context.database.everywhere.transaction(async (tx) => {
      const row = { organization_id: server.organization_id, name: 'Agent', folded: 'agent' };
      const times = { created_at: now, updated_at: now, last_seen_at: null, deleted_at: null };
      const unused = { public_key: new Uint8Array(32), enrolled_at: now };
      await tx.query
        .insertInto('agents')
        .values({ ...row, ...times, ...unused })
        .execute();
      await tx.query.updateTable('doors').set({ agent_id: 1 }).where('id', '=', door_id).execute();
    });
    using agent = await joined();
    assert.deepEqual(agent.core.replica.door(door_id)?.group_ids, [group_id]);
    await call('PATCH', `/locks/${door_id}`, { lock: { static_offline_limit: 60, live_only: true } });
    await until('the new limit', () => agent.core.replica.door(door_id)?.static_offline_limit === 60);
    assert.equal(agent.core.replica.door(door_id)?.live_only, true);
    agent.said.length = 0;
    const elsewhere = await server.create('group', { name: 'Elsewhere' });
    await issue();
    await call('PATCH', `/groups/${group_id}`, { group: { name: 'Guests' } });
    const hours = { scheduleable_type: 'Group', scheduleable_id: group_id, type: 'recurring_event' };
    const weekly = [{ days: [1], start: '08:00', end: '18:00' }];
    await server.create('schedule', { ...hours, weekly });
    await until('the hours', () => agent.core.replica.schedulesOf(group_id)?.length === 1);
    assert.equal(agent.core.replica.schedulesOf(elsewhere.id), null, 'no door here is in it');
    assert.equal(kinds(agent.said).filter((kind) => kind === 'replica').length, 1);
  });

  it('sign nothing while the clock is behind what was signed, and no pass either', async () => {
    using agent = await joined();
    const link = await issue();
    const { statement } = agent.core.revocations;
    wall.set('2026-12-01T08:00:00.000Z');
    try {
      agent.said.length = 0;
      await call('DELETE', `/group_links/${link.id}`);
      const refused = await call('POST', '/group_links', { group_link: { name: 'X', group_id } });
      assert.deepEqual([refused.status, refused.body.reason], [503, 'unavailable']);
      assert.match(refused.body.error, /clock of the server is behind/);
      assert.deepEqual(kinds(agent.said), []);
    } finally {
      wall.set(now);
    }
    await until('the revocation', () => kinds(agent.said).includes('revocation_statement'), 3_000);
    assert.equal(agent.core.revocations.statement?.epoch, (statement?.epoch ?? 0) + 1);
  });

  it('drop a segment when every pass in it has ended', async () => {
    using agent = await joined();
    await server.context.database.everywhere.transaction(async (tx) => {
      await tx.query.updateTable('passes').set({ expires_at_s: 1_000 }).execute();
      await tx.query
        .updateTable('organizations')
        .set({ next_pass_index: segmentPasses + 5 })
        .execute();
    });
    assert.equal(await new EndedSegments(server.context).drop(10), 1);
    await until('the longer list', () => agent.core.revocations.statement?.length === segmentPasses + 5);
    assert.equal(agent.core.revocations.isRevoked({ index: 100, issued_at: 0 }), true);
    assert.equal(agent.core.revocations.isRevoked({ index: segmentPasses, issued_at: 0 }), false);
    assert.equal(await new EndedSegments(server.context).drop(10), 0, 'it is gone already');
  });

  it('sign anew for whoever has just come: by the first statement it sets its clock', async () => {
    using first = await joined();
    skippedMs += 2_000;
    const later = '2026-12-01T09:00:40.000Z';
    wall.set(later);
    using second = await joined();
    assert.equal(second.core.revocations.statement?.signed_at, later);
    assert.equal(second.core.clock.now()?.slice(0, 19), later.slice(0, 19));
    await until('the same statement', () => first.core.revocations.statement?.signed_at === later);
  });
});
