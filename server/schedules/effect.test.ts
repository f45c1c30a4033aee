import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';

/** A Tuesday; 10:00 on the wall in Berlin, 04:00 in New York. */
const now = '2026-12-01T09:00:00.000Z';
const clock = new TestClock(now);
let server: TestServer;
let door: { id: number };
let group: { id: number };
let link: { id: number; secret: string };

before(async () => {
  server = await startTestServer({ clock });
});
after(() => server.close());
beforeEach(async () => {
  clock.set(now);
  const place = { name: 'House', address: 'x', time_zone: 'Europe/Berlin' };
  const { id: place_id } = await server.create('place', place);
  door = await server.create('lock', { name: 'Front door', place_id });
  group = await server.create('group', { name: 'Visitors' });
  await server.create('group_lock', { group_id: group.id, lock_id: door.id });
  link = await server.create('group_link', { name: 'Robin Guest', group_id: group.id });
});

const call = (method: string, path: string, body?: unknown) =>
  server.call(method, path, { secret: server.api_key, ...(body === undefined ? {} : { body }) });
const make = (fields: object) =>
  server.create('schedule', { scheduleable_type: 'Group', scheduleable_id: group.id, ...fields });

/** Without an agent a door that would open is out of reach: what comes before that is what the hours say. */
async function isAllowed(at = now): Promise<boolean> {
  clock.set(at);
  const { body } = await server.call('POST', `/locks/${door.id}/unlock`, { secret: link.secret, as: 'link' });
  assert.ok(['door_unreachable', 'outside_schedule'].includes(body.reason), JSON.stringify(body));
  return body.reason === 'door_unreachable';
}

const isRestricted = async () => (await call('GET', `/groups/${group.id}`)).body.time_restriction_enabled;

describe('the doors of a group', () => {
  it('open at any hour without a schedule, and in its hours with one', async () => {
    assert.deepEqual([await isAllowed(), await isRestricted()], [true, false]);
    const { id } = await make({ tuesday: true, starts_at_time: '10:00', ends_at_time: '11:00' });
    assert.equal(await isRestricted(), true);
    assert.deepEqual(
      [await isAllowed(), await isAllowed('2026-12-01T10:00:00.000Z')],
      [true, false],
      'the hours are those on the wall of the place',
    );
    await call('DELETE', `/schedules/${id}`);
    assert.deepEqual([await isAllowed('2026-12-01T10:00:00.000Z'), await isRestricted()], [true, false]);
  });

  it('open in the hours of any of several', async () => {
    await make({ monday: true });
    assert.equal(await isAllowed(), false);
    await make({ starts_at: '2026-12-01T09:00:00Z', ends_at: '2026-12-01T09:30:00Z' });
    assert.deepEqual([await isAllowed(), await isAllowed('2026-12-01T09:30:00.000Z')], [true, false]);
    await make({ starts_at_date: '2026-12-02', ends_at_date: '2026-12-03' });
    const days = ['2026-12-01T22:59:59.999Z', '2026-12-01T23:00:00.000Z', '2026-12-02T23:00:00.000Z'];
    const allowed = [];
    for (const at of days) allowed.push(await isAllowed(at));
    assert.deepEqual(allowed, [false, true, false]);
  });

  it('stay shut in the hours of one that overrides, also when it is the only one', async () => {
    const { id } = await make({
      override: true,
      ...{ starts_at_date: '2026-12-01', ends_at_date: '2026-12-02' },
    });
    assert.deepEqual([await isAllowed(), await isAllowed('2026-12-02T09:00:00.000Z')], [false, true]);
    await make({ weekly: [{ days: [1, 2, 3, 4, 5, 6, 7], start: '00:00', end: '24:00' }] });
    assert.equal(await isAllowed(), false);
    await call('PATCH', `/schedules/${id}`, { schedule: { override: false } });
    assert.equal(await isAllowed(), true);
  });

  it('do not heed a schedule that is not enabled', async () => {
    const { id } = await make({ monday: true, enabled: false });
    assert.deepEqual([await isAllowed(), await isRestricted()], [true, false]);
    await call('PATCH', `/schedules/${id}`, { schedule: { enabled: true } });
    assert.deepEqual([await isAllowed(), await isRestricted()], [false, true]);
  });

  it('heed exceptions', async () => {
    await make({
      tuesday: true,
      exceptions: [{ date: '2026-12-01', hours: [{ start: '12:00', end: '13:00' }] }],
    });
    assert.deepEqual([await isAllowed(), await isAllowed('2026-12-01T11:00:00.000Z')], [false, true]);
  });

  it('follow a new time zone of their place at once', async () => {
    await make({ tuesday: true, starts_at_time: '04:00', ends_at_time: '05:00' });
    assert.equal(await isAllowed(), false);
    const { place_id } = (await call('GET', `/locks/${door.id}`)).body;
    await call('PATCH', `/places/${place_id}`, { place: { time_zone: 'America/New_York' } });
    assert.equal(await isAllowed(), true);
  });

  it('tell the visitor when they open', async () => {
    await make({ wednesday: true, starts_at_time: '08:00', ends_at_time: '18:00' });
    const [shown] = (await server.call('GET', '/locks', { secret: link.secret, as: 'link' })).body;
    assert.deepEqual([shown.unlockable, shown.reason], [false, 'outside_schedule']);
    assert.equal(shown.unlockable_at, '2026-12-02T07:00:00.000Z');
  });
});

describe('a group that is deleted', () => {
  it('takes its schedules with it', async () => {
    const { id } = await make({ monday: true });
    await call('DELETE', `/group_links/${link.id}`);
    assert.equal((await call('DELETE', `/groups/${group.id}`)).status, 204);
    assert.equal((await call('GET', `/schedules/${id}`)).status, 404);
    const rows = await server.context.database.everywhere.read.query
      .selectFrom('schedules')
      .select('id')
      .where('id', '=', id)
      .execute();
    assert.deepEqual(rows, []);
  });
});
