import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { readPass } from '../../domain/pass.ts';
import type { Report } from '../../domain/reports.ts';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import type { ProvenAgent } from './handshake.ts';
import { keepReports } from './reports.ts';
import { insertAgent, selectAgent } from './store.ts';

const now = '2026-12-01T09:00:00.000Z';
const then = '2026-12-01T08:30:00.000Z';
const wall = new TestClock(now);
const clock = { now: () => wall.now(), monotonicMs: () => performance.now() };
let server: TestServer;
let group_id: number;
let door_id: number;
let made = 0;

before(async () => {
  server = await startTestServer({ clock });
  const place = await server.create('place', { name: 'House', address: 'Gate Lane' });
  group_id = (await server.create('group', { name: 'Visitors' })).id;
  door_id = (await server.create('lock', { name: 'Front door', place_id: place.id })).id;
  await server.create('group_lock', { group_id, lock_id: door_id });
});
after(() => server.close());

const call = (method: string, path: string) => server.call(method, path, { secret: server.api_key });
const uuid = () => `01900000-0000-7000-8000-${String(++made).padStart(12, '0')}`;

async function makeAgent(): Promise<ProvenAgent> {
  const { organization_id, context } = server;
  const unused = { public_key: new Uint8Array(32), created_at: now };
  const agent_id = await context.database
    .of(organization_id)
    .transaction((tx) => insertAgent(tx, { organization_id, name: 'Gatehouse', ...unused }));
  const row = await selectAgent(context.database.everywhere.read, agent_id);
  assert.ok(row);
  return { agent_id, organization_id, name: 'Gatehouse', door_ids: new Set([door_id]), readers: [], row };
}

async function issue() {
  const link = await server.create('group_link', { name: 'Robin Guest', group_id });
  const text: string = link.quick_response_code_token;
  const reading = readPass(text, await server.context.keys.verifier(server.organization_id));
  assert.ok(reading.ok);
  const pass_hash = createHash('sha256').update(text).digest('hex');
  return { id: link.id as number, index: reading.claims.index, pass_hash };
}

function decision(
  sequence: number,
  link: { id: number; index: number; pass_hash: string },
  more: Partial<Extract<Report, { kind: 'decision' }>> = {},
): Report {
  const what = { kind: 'decision', door_id, reader: 'front', reason: null, outcome: 'done' } as const;
  const { id: link_id, index, pass_hash } = link;
  return { ...what, sequence, uuid: uuid(), at: then, link_id, index, pass_hash, ...more };
}

const outbox_id = 'L'.repeat(43);
const tell = (agent: ProvenAgent, reports: Report[], log = outbox_id) =>
  keepReports(server.context, agent, { outbox_id: log, reports });
const eventsOf = async (link: { id: number }) => {
  const query = `event_actor_type=GroupLink&event_actor_id=${link.id}&limit=50`;
  return (await call('GET', `/events?${query}`)).body.reverse();
};

describe('reports of an agent', () => {
  it('become events of when it happened, which name the agent, and count the use', async () => {
    const [agent, link] = [await makeAgent(), await issue()];
    assert.equal(
      await tell(agent, [
        decision(1, link),
        decision(2, link, { reason: 'credential_expired', outcome: null }),
      ]),
      2,
    );
    const [granted, denied, ...more] = await eventsOf(link);
    assert.deepEqual(more, []);
    assert.deepEqual(
      [granted.success, granted.created_at, granted.actor_name, granted.object_id],
      [true, then, 'Robin Guest', door_id],
    );
    assert.deepEqual(granted.details, {
      ...{ method: 'qr', reader: 'front', recorded_at: now, reason: null, outcome: 'done' },
      ...{ agent_id: agent.agent_id, unverified: false },
    });
    assert.deepEqual([denied.success, denied.details.reason], [false, 'credential_expired']);
    const { body } = await call('GET', `/group_links/${link.id}`);
    assert.deepEqual([body.uses, body.last_used_at], [1, then]);
  });

  it('are kept once, however often they are told, and another log begins anew', async () => {
    const [agent, link] = [await makeAgent(), await issue()];
    const reports = [decision(1, link), decision(2, link)];
    assert.equal(await tell(agent, reports), 2);
    assert.equal(await tell(agent, reports), 2);
    assert.equal(
      await tell(agent, [...reports, decision(4, link)]),
      4,
      'a number may be missing: it was lost',
    );
    assert.equal((await eventsOf(link)).length, 3);
    assert.equal(await tell(agent, [decision(1, link)], 'M'.repeat(43)), 1);
    assert.equal((await eventsOf(link)).length, 4);
  });

  it('of a grant with a pass that was never signed here are marked, and count nothing', async () => {
    const [agent, link, other] = [await makeAgent(), await issue(), await issue()];
    const forged = { ...link, pass_hash: 'f'.repeat(64) };
    const borrowed = { ...link, index: other.index, pass_hash: other.pass_hash };
    await tell(agent, [decision(1, forged), decision(2, borrowed), decision(3, { ...link, id: 999_999 })]);
    const events = await eventsOf(link);
    assert.deepEqual(
      events.map(({ details }: { details: { unverified: boolean } }) => details.unverified),
      [true, true],
    );
    assert.equal((await call('GET', `/group_links/${link.id}`)).body.uses, 0);
  });

  it('of a lock that did not move, or did not say, leave a second event', async () => {
    const [agent, link] = [await makeAgent(), await issue()];
    await tell(agent, [
      decision(1, link, { outcome: 'not_done' }),
      decision(2, link, { outcome: 'unknown' }),
    ]);
    const failed = (await call('GET', '/events?event_type=lock.unlock_failed&limit=2')).body.reverse();
    const [first, second] = await eventsOf(link);
    assert.deepEqual(
      failed.map((event: { sequence: string; details: { reason: string } }) => [
        event.sequence,
        event.details.reason,
      ]),
      [
        [first.uuid, 'lock_failed'],
        [second.uuid, 'outcome_unknown'],
      ],
    );
  });

  it('of doors, junk and alarms are events too; none is dated later than now, and no uuid is taken twice', async () => {
    const agent = await makeAgent();
    const future = '2027-01-01T00:00:00.000Z';
    const same = uuid();
    await tell(agent, [
      { kind: 'door', sequence: 1, uuid: same, at: future, door_id, what: 'forced_open' },
      { kind: 'alarm', sequence: 2, uuid: same, at: null, message: 'The log is nearly full.' },
      { kind: 'unreadable', sequence: 3, uuid: uuid(), at: then, door_id, reader: 'front', count: 7 },
    ]);
    const events = (await call('GET', '/events?limit=3')).body.reverse();
    assert.deepEqual(
      events.map(({ type, created_at }: { type: string; created_at: string }) => [type, created_at]),
      [
        ['lock.forced_open.alarm', now],
        ['agent.alarm', now],
        ['reader.unreadable', then],
      ],
    );
    assert.match(events[1].message, /^Gatehouse: The log is nearly full\.$/);
    assert.equal(new Set(events.map(({ uuid: id }: { uuid: string }) => id)).size, 3);
  });
});
