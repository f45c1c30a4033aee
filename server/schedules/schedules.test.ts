import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  exceptionsPerScheduleMax,
  schedulesPerGroupMax,
  windowsPerScheduleMax,
} from '../../domain/schedule.ts';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';

/** A Tuesday; 10:00 on the wall in Berlin. */
const now = '2026-12-01T09:00:00.000Z';
const clock = new TestClock(now);
let server: TestServer;
let place_id: number;
let group_id: number;

before(async () => {
  server = await startTestServer({ clock });
  const fields = { name: 'House', address: '1 Gate Lane', time_zone: 'Europe/Berlin' };
  place_id = (await server.create('place', fields)).id;
  group_id = (await makeGroup()).id;
});
after(() => server.close());

const makeGroup = () => server.create('group', { name: 'Visitors', place_id });
const call = (method: string, path: string, body?: unknown) =>
  server.call(method, path, { secret: server.api_key, ...(body === undefined ? {} : { body }) });
const ofGroup = (id = group_id) => ({ scheduleable_type: 'Group', scheduleable_id: id });
const post = (fields: object) => call('POST', '/schedules', { schedule: { ...ofGroup(), ...fields } });
const patch = (id: number, fields: object) => call('PATCH', `/schedules/${id}`, { schedule: fields });
const show = async (id: number) => (await call('GET', `/schedules/${id}`)).body;

async function make(fields: object) {
  const { status, body } = await post(fields);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

/** The field that is wrong, and what was said of it. */
async function refusedField(fields: object, id?: number): Promise<[string, string]> {
  const { status, body } = await (id === undefined ? post(fields) : patch(id, fields));
  assert.equal(status, 422, JSON.stringify(body));
  const [[name, [text]] = ['', ['']]] = Object.entries(body.errors as Record<string, [string]>);
  assert.ok(String(body.error).includes(name));
  return [name, text];
}

async function refused(fields: object, id?: number): Promise<string> {
  return (await refusedField(fields, id))[0];
}

describe('a recurring schedule', () => {
  it("has every field that Kisi's clients read, and ours", async () => {
    const { id, ...made } = await make({
      name: 'Office hours',
      ...{ enabled: true, consequence: 'allow', type: 'recurring_event' },
      ...{ monday: true, tuesday: true, wednesday: false, thursday: false, friday: false },
      ...{ saturday: false, sunday: false, starts_at_time: '12:00', ends_at_time: '18:00' },
    });
    assert.deepEqual(made, {
      resource_type: 'Schedule',
      ...{ created_at: now, updated_at: now, name: 'Office hours', enabled: true, override: false },
      ...{ consequence: 'allow', scheduleable_type: 'Group', scheduleable_id: group_id },
      scheduleable: { id: group_id, type: 'Group', name: 'Visitors' },
      place_id,
      place: { id: place_id, resource_type: 'Place', name: 'House' },
      ...{ integration_id: null, type: 'recurring_event' },
      ...{ monday: true, tuesday: true, wednesday: false, thursday: false, friday: false },
      ...{ saturday: false, sunday: false, starts_at_time: '12:00', ends_at_time: '18:00' },
      next_occurence: { starts_at: '2026-12-01T11:00:00.000Z', ends_at: '2026-12-01T17:00:00.000Z' },
      weekly: [{ days: [1, 2], start: '12:00', end: '18:00' }],
      exceptions: [],
    });
    assert.deepEqual(await show(id), { id, ...made });
  });

  it('is the whole day without times, and counts when nothing else is said', async () => {
    const made = await make({ sunday: true });
    assert.deepEqual(made.weekly, [{ days: [7], start: '00:00', end: '24:00' }]);
    assert.deepEqual([made.name, made.enabled, made.override], [null, true, false]);
  });

  it('may have several windows and exceptions, of which Kisi sees the days and the outer hours', async () => {
    const weekly = [
      { days: [1, 2], start: '08:00', end: '12:00' },
      { days: [2, 3], start: '13:00', end: '18:00' },
    ];
    const exceptions = [{ date: '2026-12-24', hours: [] }];
    const made = await make({ weekly, exceptions });
    assert.deepEqual([made.weekly, made.exceptions], [weekly, exceptions]);
    assert.deepEqual([made.monday, made.wednesday, made.thursday], [true, true, false]);
    assert.deepEqual([made.starts_at_time, made.ends_at_time], ['08:00', '18:00']);
  });

  it('changes field by field', async () => {
    const { id } = await make({ monday: true, starts_at_time: '08:00', ends_at_time: '18:00' });
    assert.equal((await patch(id, { friday: true })).status, 204);
    assert.equal((await patch(id, { ends_at_time: '20:00', name: 'Late' })).status, 204);
    assert.equal((await patch(id, { exceptions: [{ date: '2026-12-25', hours: [] }] })).status, 204);
    const changed = await show(id);
    assert.deepEqual(changed.weekly, [{ days: [1, 5], start: '08:00', end: '20:00' }]);
    assert.deepEqual([changed.name, changed.exceptions.length], ['Late', 1]);
    assert.equal((await patch(id, { monday: false, name: null, enabled: false })).status, 204);
    const again = await show(id);
    assert.deepEqual([again.weekly[0].days, again.name, again.enabled], [[5], null, false]);
    assert.equal(again.exceptions.length, 1);
  });

  it('takes back what it answered, as programs send it', async () => {
    const made = await make({ monday: true, type: 'recurring_event' });
    const { name, enabled, override, type, monday, tuesday, starts_at_time, ends_at_time } = made;
    const sent = { name, enabled, override, type, monday, tuesday, starts_at_time, ends_at_time };
    assert.equal((await patch(made.id, { ...sent, ...ofGroup(), consequence: 'allow' })).status, 204);
    assert.deepEqual(await show(made.id), made);
  });

  it('is refused without a day, with equal times, or with two shapes at once, naming the field', async () => {
    assert.equal(await refused({ type: 'recurring_event' }), 'monday');
    assert.equal(
      await refused({ monday: true, starts_at_time: '09:00', ends_at_time: '09:00' }),
      'ends_at_time',
    );
    assert.equal(await refused({ monday: true, starts_at_time: '9 am' }), 'starts_at_time');
    assert.equal(await refused({ monday: true, ends_at_time: '24:01' }), 'ends_at_time');
    const weekly = [{ days: [1], start: '08:00', end: '12:00' }];
    assert.equal(await refused({ weekly, monday: true }), 'weekly');
    for (const bad of [[], [{ days: [8], start: '08:00', end: '12:00' }], [{ days: [1], start: '08:00' }]])
      assert.equal(await refused({ weekly: bad }), 'weekly');
    assert.equal(await refused({ weekly: [{ days: [1], start: '08:00', end: '08:00' }] }), 'weekly');
    assert.equal(
      await refused({ monday: true, exceptions: [{ date: '2026-02-30', hours: [] }] }),
      'exceptions',
    );
    const { id } = await make({ weekly: [...weekly, ...weekly] });
    assert.equal(await refused({ tuesday: true }, id), 'weekly');
  });

  it('has a limited number of windows and exceptions', async () => {
    const weekly = Array.from({ length: windowsPerScheduleMax + 1 }, () => ({
      ...{ days: [1], start: '08:00', end: '12:00' },
    }));
    assert.equal(await refused({ weekly }), 'weekly');
    await make({ weekly: weekly.slice(1) });
    const exceptions = Array.from({ length: exceptionsPerScheduleMax + 1 }, () => ({
      ...{ date: '2026-12-24', hours: [] },
    }));
    assert.equal(await refused({ monday: true, exceptions }), 'exceptions');
  });
});

describe('a single schedule', () => {
  it('is a span of time without seconds, known by its fields', async () => {
    const made = await make({ starts_at: '2026-12-01T21:00:59+01:00', ends_at: '2026-12-02T02:00:30Z' });
    assert.deepEqual(
      [made.type, made.starts_at, made.ends_at],
      ['single_event', '2026-12-01T20:00:00.000Z', '2026-12-02T02:00:00.000Z'],
    );
    assert.equal((await patch(made.id, { ends_at: '2026-12-02T03:00:00Z' })).status, 204);
    const { starts_at, ends_at } = await show(made.id);
    assert.deepEqual([starts_at, ends_at], ['2026-12-01T20:00:00.000Z', '2026-12-02T03:00:00.000Z']);
  });

  it('is whole days up to and without the last date, known by its fields', async () => {
    const made = await make({ starts_at_date: '2026-12-24', ends_at_date: '2026-12-27' });
    assert.deepEqual(
      [made.type, made.starts_at_date, made.ends_at_date],
      ['single_all_day_event', '2026-12-24', '2026-12-27'],
    );
  });

  it('is refused without one of its ends, or with the end not after the start, naming the field', async () => {
    assert.equal(await refused({ starts_at: now }), 'ends_at');
    assert.equal(await refused({ ends_at_date: '2026-12-24' }), 'starts_at_date');
    assert.equal(await refused({ starts_at: now, ends_at: now }), 'ends_at');
    const day = { starts_at_date: '2026-12-24', ends_at_date: '2026-12-24' };
    assert.deepEqual(await refusedField(day), [
      'ends_at_date',
      'must be later than starts_at_date: it is the day after the last',
    ]);
    assert.equal(
      await refused({ type: 'single_event', monday: true, starts_at: now, ends_at: now }),
      'monday',
    );
  });
});

describe('a schedule', () => {
  it('is refused by name for what Kisi has and we have not', async () => {
    for (const consequence of ['unlock', 'permit', 'first_to_arrive'])
      assert.match((await refusedField({ monday: true, consequence })).join(), /^consequence.*not supported/);
    for (const scheduleable_type of ['Lock', 'ElevatorStop'])
      assert.match((await refusedField({ monday: true, scheduleable_type })).join(), /_type.*not supported/);
    assert.match((await refusedField({ type: 'holiday_calendar' })).join(), /^type.*not supported/);
    assert.match((await refusedField({ region: 'de_by', observed: true })).join(), /^region.*not supported/);
    await make({ monday: true, region: null, observed: false, ignored_holidays: [] });
  });

  it('keeps its type and its group', async () => {
    const { id } = await make({ monday: true });
    assert.equal(await refused({ type: 'single_event' }, id), 'type');
    assert.equal(await refused({ starts_at: now }, id), 'starts_at');
    const other = await makeGroup();
    assert.equal(await refused(ofGroup(other.id), id), 'scheduleable_id');
    assert.equal(await refused({ ...ofGroup(999), monday: true }), 'scheduleable_id');
  });

  it('goes, and is gone', async () => {
    const { id } = await make({ monday: true });
    assert.equal((await call('DELETE', `/schedules/${id}`)).status, 204);
    for (const method of ['GET', 'DELETE'])
      assert.equal((await call(method, `/schedules/${id}`)).status, 404);
    assert.equal((await patch(id, { name: 'x' })).status, 404);
  });

  it('leaves its id to nobody', async () => {
    const { id } = await make({ monday: true });
    await call('DELETE', `/schedules/${id}`);
    assert.notEqual((await make({ monday: true })).id, id);
  });

  it('leaves an event of each change', async () => {
    const { id } = await make({ monday: true, name: 'Hours' });
    await patch(id, { name: null });
    await call('DELETE', `/schedules/${id}`);
    const events = (await call('GET', `/events?event_object_type=Schedule&event_object_id=${id}`)).body;
    assert.deepEqual(
      events.map((event: { type: string; object_name: string }) => [event.type, event.object_name]),
      [
        ['schedule.destroy', 'Hours of Visitors'],
        ['schedule.update', 'Hours of Visitors'],
        ['schedule.create', 'Hours'],
      ],
    );
    assert.ok(events.every((event: { place_id: number }) => event.place_id === place_id));
  });

  it('is one of a limited number in its group, however many are made at once', async () => {
    const { id } = await makeGroup();
    const fields = { ...ofGroup(id), monday: true };
    const answers = await Promise.all(
      Array.from({ length: schedulesPerGroupMax + 6 }, () =>
        call('POST', '/schedules', { schedule: fields }),
      ),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, schedulesPerGroupMax);
    assert.ok(answers.every(({ status, body }) => status === 200 || body.errors.scheduleable_id));
  });
});

describe('the list of schedules', () => {
  it('is of one group, by ids, page by page', async () => {
    const { id } = await makeGroup();
    const made = [];
    for (const day of ['monday', 'tuesday', 'friday']) made.push(await make({ ...ofGroup(id), [day]: true }));
    const listed = await call('GET', `/schedules?scheduleable_type=Group&scheduleable_id=${id}`);
    assert.deepEqual([listed.body, listed.headers.get('x-collection-range')], [made, '0-2/3']);
    const page = await call(
      'GET',
      `/schedules?scheduleable_type=Group&scheduleable_id=${id}&limit=1&offset=1`,
    );
    assert.deepEqual([page.body, page.headers.get('x-collection-range')], [[made[1]], '1-1/3']);
    assert.deepEqual((await call('GET', `/schedules?ids=${made[2].id},999`)).body, [made[2]]);
  });

  it('is empty for what there is none of, and refuses half a question', async () => {
    for (const query of ['consequence=unlock', `scheduleable_type=Lock&scheduleable_id=${group_id}`])
      assert.equal((await call('GET', `/schedules?${query}`)).headers.get('x-collection-range'), '*/0');
    assert.notEqual((await call('GET', '/schedules?consequence=allow')).body.length, 0);
    for (const query of ['scheduleable_type=Group', `scheduleable_id=${group_id}`])
      assert.ok((await call('GET', `/schedules?${query}`)).body.errors.scheduleable_type);
  });
});
