import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  allows,
  type Hours,
  nextOccurrence,
  nextOpening,
  nextOpeningDaysMax,
  type Schedule,
} from './schedule.ts';

const seed = Number(process.env['POSTERN_SEED'] ?? Date.now() % 2 ** 31);
const everyDay = [1, 2, 3, 4, 5, 6, 7];
const berlin = 'Europe/Berlin';

describe('allows', () => {
  it('allows every instant when there is no schedule', () => {
    assert.equal(allows([], berlin, '2026-06-14T01:00:00.000Z'), true);
  });

  it('allows nothing when a schedule has no windows', () => {
    assert.equal(allows([{ weekly: [], exceptions: [] }], berlin, '2026-06-15T10:00:00.000Z'), false);
  });

  it('opens at the start of a window and shuts at its end, to the millisecond', () => {
    const schedules = [weekly([1], '08:00', '18:00')];
    expectAllowed(schedules, berlin, ['2026-06-15T06:00:00.000Z', '2026-06-15T15:59:59.999Z']);
    expectDenied(schedules, berlin, ['2026-06-15T05:59:59.999Z', '2026-06-15T16:00:00.000Z']);
  });

  it('counts weekdays from Monday as 1 to Sunday as 7', () => {
    for (const day of everyDay) {
      const noon = `2026-06-${14 + day}T12:00:00.000Z`;
      for (const other of everyDay)
        assert.equal(allows([weekly([other], '10:00', '14:00')], 'UTC', noon), other === day);
    }
  });

  it('allows what any of several schedules allows', () => {
    const schedules = [weekly([1], '08:00', '09:00'), weekly([1], '20:00', '21:00')];
    expectAllowed(schedules, 'UTC', ['2026-06-15T08:30:00.000Z', '2026-06-15T20:30:00.000Z']);
    expectDenied(schedules, 'UTC', ['2026-06-15T12:00:00.000Z']);
  });

  it('reads the clock on the wall of the zone', () => {
    const mondays = [weekly([1], '20:00', '24:00')];
    expectAllowed(mondays, 'America/New_York', ['2026-06-16T00:30:00.000Z']);
    expectDenied(mondays, berlin, ['2026-06-16T00:30:00.000Z']);
    expectAllowed([weekly([2], '06:15', '06:16')], 'Asia/Kathmandu', ['2026-06-16T00:30:00.000Z']);
  });

  it('takes 24:00 as the end of the day', () => {
    const schedules = [weekly([1], '22:00', '24:00')];
    expectAllowed(schedules, 'UTC', ['2026-06-15T23:59:59.999Z']);
    expectDenied(schedules, 'UTC', ['2026-06-16T00:00:00.000Z', '2026-06-15T00:00:00.000Z']);
  });

  it('runs past midnight when the end is not after the start, and belongs to the day of the start', () => {
    const fridayNight = [weekly([5], '22:00', '02:00')];
    expectAllowed(fridayNight, 'UTC', ['2026-06-19T22:00:00.000Z', '2026-06-20T01:59:59.999Z']);
    expectDenied(fridayNight, 'UTC', [
      '2026-06-19T01:00:00.000Z',
      '2026-06-20T02:00:00.000Z',
      '2026-06-20T23:00:00.000Z',
    ]);
    expectAllowed([weekly([7], '22:00', '02:00')], 'UTC', ['2026-06-22T01:00:00.000Z']);
  });

  it('lasts a whole day when start and end are the same', () => {
    const schedules = [weekly([1], '09:00', '09:00')];
    expectAllowed(schedules, 'UTC', ['2026-06-15T09:00:00.000Z', '2026-06-16T08:59:59.999Z']);
    expectDenied(schedules, 'UTC', ['2026-06-15T08:59:59.999Z', '2026-06-16T09:00:00.000Z']);
    expectDenied([weekly([1], '00:00', '00:00')], 'UTC', ['2026-06-16T00:00:00.000Z']);
  });
});

describe('allows, on the date of an exception', () => {
  it('is shut all day when the exception has no hours', () => {
    const closed = [exceptFor('2026-06-15', [], weekly(everyDay, '00:00', '24:00'))];
    expectDenied(closed, 'UTC', ['2026-06-15T00:00:00.000Z', '2026-06-15T23:59:59.999Z']);
    expectAllowed(closed, 'UTC', ['2026-06-14T23:59:59.999Z', '2026-06-16T00:00:00.000Z']);
  });

  it('opens in the hours of the exception instead of the weekly ones', () => {
    const shifted = [
      exceptFor('2026-06-15', [{ start: '12:00', end: '14:00' }], weekly([1], '08:00', '10:00')),
    ];
    expectAllowed(shifted, 'UTC', ['2026-06-15T12:30:00.000Z', '2026-06-22T08:30:00.000Z']);
    expectDenied(shifted, 'UTC', ['2026-06-15T08:30:00.000Z']);
  });

  it('replaces what starts that day, also after midnight, and not what started the day before', () => {
    const nights = weekly([5, 6], '22:00', '02:00');
    const saturdayOne = ['2026-06-20T01:00:00.000Z'];
    expectDenied([exceptFor('2026-06-19', [], nights)], 'UTC', saturdayOne);
    expectAllowed([exceptFor('2026-06-20', [], nights)], 'UTC', saturdayOne);
    expectDenied([exceptFor('2026-06-20', [], nights)], 'UTC', ['2026-06-20T23:00:00.000Z']);
    expectAllowed([exceptFor('2026-06-16', [{ start: '23:00', end: '01:00' }], nights)], 'UTC', [
      '2026-06-17T00:30:00.000Z',
    ]);
  });

  it('adds up several exceptions for one date', () => {
    const schedule = {
      weekly: [],
      exceptions: ['08:00', '10:00'].map((start) => exception('2026-06-15', start, '11:00')),
    };
    expectAllowed([schedule], 'UTC', ['2026-06-15T08:30:00.000Z', '2026-06-15T10:30:00.000Z']);
  });

  it('leaves the other schedules alone', () => {
    const closed = exceptFor('2026-06-15', [], weekly([1], '08:00', '18:00'));
    expectAllowed([closed, weekly([1], '12:00', '13:00')], 'UTC', ['2026-06-15T12:30:00.000Z']);
  });
});

describe('allows, on whole days', () => {
  it('opens from the midnight of the first day to the midnight of the end, on the wall of the zone', () => {
    const days = [wholeDays('2026-06-15', '2026-06-17')];
    expectAllowed(days, berlin, ['2026-06-14T22:00:00.000Z', '2026-06-16T21:59:59.999Z']);
    expectDenied(days, berlin, ['2026-06-14T21:59:59.999Z', '2026-06-16T22:00:00.000Z']);
    expectAllowed(days, 'America/New_York', ['2026-06-17T03:59:59.999Z']);
  });

  it('opens a day that begins with a gap at its first instant', () => {
    const day = [wholeDays('2026-04-24', '2026-04-25')];
    expectAllowed(day, 'Africa/Cairo', ['2026-04-23T22:00:00.000Z']);
    expectDenied(day, 'Africa/Cairo', ['2026-04-23T21:59:59.999Z']);
    assert.equal(nextOpening(day, 'Africa/Cairo', '2026-04-20T00:00:00.000Z'), '2026-04-23T22:00:00.000Z');
  });

  it('opens nothing for dates that cannot be read', () => {
    for (const bad of ['', '2026-6-15', '15.06.2026', '2026-06-14T00:00'])
      expectDenied([wholeDays(bad, '2026-06-30')], 'UTC', ['2026-06-15T10:00:00.000Z']);
  });
});

describe('allows, in spans of time', () => {
  it('opens at the first instant and shuts at the end, in every zone the same', () => {
    const party = [span('2026-06-15T20:00:00.000Z', '2026-06-16T03:00:00.000Z')];
    for (const zone of ['UTC', berlin, 'Pacific/Apia']) {
      expectAllowed(party, zone, ['2026-06-15T20:00:00.000Z', '2026-06-16T02:59:59.999Z']);
      expectDenied(party, zone, ['2026-06-15T19:59:59.999Z', '2026-06-16T03:00:00.000Z']);
    }
  });

  it('opens nothing for instants in another spelling', () => {
    for (const bad of ['', '2026-06-15', '2026-06-15T00:00:00Z'])
      expectDenied([span(bad, '2026-06-30T00:00:00.000Z')], 'UTC', ['2026-06-15T10:00:00.000Z']);
  });
});

describe('allows, under a schedule that overrides', () => {
  const office = weekly([1, 2, 3, 4, 5], '08:00', '18:00');

  it('shuts in its hours, whatever the others say, and only then', () => {
    const holiday = [office, overriding(wholeDays('2026-06-15', '2026-06-16'))];
    expectDenied(holiday, 'UTC', ['2026-06-15T08:00:00.000Z', '2026-06-15T17:59:59.999Z']);
    expectAllowed(holiday, 'UTC', ['2026-06-16T08:00:00.000Z']);
    const lunch = [office, weekly([1], '12:00', '13:00'), overriding(weekly([1], '12:00', '13:00'))];
    expectDenied(lunch, 'UTC', ['2026-06-15T12:00:00.000Z', '2026-06-15T12:59:59.999Z']);
    expectAllowed(lunch, 'UTC', ['2026-06-15T11:59:59.999Z', '2026-06-15T13:00:00.000Z']);
    const alarm = [office, overriding(span('2026-06-15T09:00:00.000Z', '2026-06-15T10:00:00.000Z'))];
    expectDenied(alarm, 'UTC', ['2026-06-15T09:00:00.000Z']);
    expectAllowed(alarm, 'UTC', ['2026-06-15T10:00:00.000Z']);
  });

  it('leaves the doors open at all other times where there is no other schedule', () => {
    const nights = [overriding(weekly(everyDay, '22:00', '06:00'))];
    expectAllowed(nights, 'UTC', ['2026-06-15T06:00:00.000Z', '2026-06-15T21:59:59.999Z']);
    expectDenied(nights, 'UTC', ['2026-06-15T22:00:00.000Z', '2026-06-16T05:59:59.999Z']);
  });

  it('shuts when it cannot be read', () => {
    const noon = ['2026-06-15T12:00:00.000Z'];
    expectDenied([overriding(weekly([1], 'noon', '13:00'))], 'UTC', noon);
    expectDenied([overriding(wholeDays('yesterday', '2026-06-15'))], 'UTC', noon);
    expectDenied([overriding(span('2026-06-15', '2026-06-15'))], 'UTC', noon);
  });
});

describe('allows, when the clocks change', () => {
  it('opens at the first instant after a spring gap that swallows the start', () => {
    const schedules = [weekly([7], '02:30', '04:00')];
    expectAllowed(schedules, berlin, ['2026-03-29T01:00:00.000Z', '2026-03-29T01:59:59.999Z']);
    expectDenied(schedules, berlin, ['2026-03-29T00:59:59.999Z', '2026-03-29T02:00:00.000Z']);
  });

  it('shuts at the gap when it swallows the end, and does not open when it swallows the window', () => {
    expectAllowed([weekly([7], '00:00', '02:30')], berlin, ['2026-03-29T00:59:59.999Z']);
    expectDenied([weekly([7], '00:00', '02:30')], berlin, ['2026-03-29T01:00:00.000Z']);
    expectDenied([weekly([7], '02:15', '02:45')], berlin, [
      '2026-03-29T00:59:59.999Z',
      '2026-03-29T01:00:00.000Z',
    ]);
  });

  it('counts both passes of a repeated hour', () => {
    const schedules = [weekly([7], '02:30', '02:45')];
    expectAllowed(schedules, berlin, ['2026-10-25T00:30:00.000Z', '2026-10-25T01:30:00.000Z']);
    expectDenied(schedules, berlin, [
      '2026-10-25T00:45:00.000Z',
      '2026-10-25T01:29:59.999Z',
      '2026-10-25T01:45:00.000Z',
    ]);
  });

  it("knows Lord Howe's half hour, and days that begin at one o'clock or are missing", () => {
    expectAllowed([weekly([7], '02:15', '02:45')], 'Australia/Lord_Howe', ['2026-10-03T15:30:00.000Z']);
    expectAllowed([weekly([5], '00:00', '02:00')], 'Africa/Cairo', ['2026-04-23T22:00:00.000Z']);
    expectAllowed([weekly([5], '22:00', '02:00')], 'Pacific/Apia', ['2011-12-30T10:00:00.000Z']);
    expectDenied([weekly([5], '22:00', '02:00')], 'Pacific/Apia', ['2011-12-30T09:59:59.999Z']);
  });
});

describe('allows, given what cannot be read', () => {
  const always = [weekly(everyDay, '00:00', '24:00')];

  it('allows nothing at an instant that is not written in UTC with milliseconds', () => {
    const bad = [
      '',
      'now',
      '2026-06-15',
      '2026-06-15T10:00:00Z',
      '2026-06-15T10:00:00.000+02:00',
      '2026-13-15T10:00:00.000Z',
    ];
    expectAllowed(always, berlin, ['2026-06-15T10:00:00.000Z']);
    expectDenied(always, berlin, [...bad, '+010000-01-01T00:00:00.000Z', '2026-06-15T10:00:00.000Z\n']);
  });

  it('allows nothing in a zone that does not exist', () => {
    for (const zone of ['', 'Europe/Atlantis', 'UTC\n'])
      expectDenied(always, zone, ['2026-06-15T10:00:00.000Z']);
  });

  it('opens nothing for hours that are not HH:MM', () => {
    const bad = ['', '8:00', '08:60', '24:00', '25:00', '08:00:00', '08.00', ' 08:00', '08:00\n', 'noon'];
    for (const text of bad) expectDenied([weekly([1], text, '23:00')], 'UTC', ['2026-06-15T10:00:00.000Z']);
    for (const text of bad.filter((text) => text !== '24:00'))
      expectDenied([weekly([1], '00:00', text)], 'UTC', ['2026-06-15T10:00:00.000Z']);
  });

  it('never throws, and neither does nextOpening', (context) => {
    context.diagnostic(`POSTERN_SEED=${seed}`);
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom('UTC', '08:00', '24:00', '2026-06-15', '9999-12-31T23:59:59.999Z'),
    );
    const property = fc.property(text, text, text, text, (start, end, zone, at) => {
      const schedules = [exceptFor(at, [{ start: end, end: start }], weekly([1, Number(start)], start, end))];
      allows(schedules, zone, at);
      nextOpening(schedules, zone, at);
    });
    fc.assert(property, { seed, numRuns: 500 });
  });
});

describe('nextOpening', () => {
  it('is the instant itself when that is allowed', () => {
    assert.equal(nextOpening([], berlin, '2026-06-15T10:00:00.123Z'), '2026-06-15T10:00:00.123Z');
    const from = '2026-06-15T10:00:00.123Z';
    assert.equal(nextOpening([weekly([1], '08:00', '18:00')], berlin, from), from);
  });

  it('is the earliest start of a window in any schedule', () => {
    const schedules = [
      weekly([3], '08:00', '18:00'),
      weekly([2], '20:00', '21:00'),
      weekly([2], '23:00', '24:00'),
    ];
    assert.equal(nextOpening(schedules, berlin, '2026-06-15T10:00:00.001Z'), '2026-06-16T18:00:00.000Z');
  });

  it('heeds exceptions that shut a day and that open one', () => {
    const schedule = exceptFor('2026-06-16', [], weekly([2], '08:00', '18:00'));
    assert.equal(nextOpening([schedule], 'UTC', '2026-06-15T10:00:00.000Z'), '2026-06-23T08:00:00.000Z');
    const extra = {
      ...schedule,
      exceptions: [...schedule.exceptions, exception('2026-06-20', '07:15', '08:00')],
    };
    assert.equal(nextOpening([extra], 'UTC', '2026-06-15T10:00:00.000Z'), '2026-06-20T07:15:00.000Z');
  });

  it('knows whole days, spans, and the end of what overrides', () => {
    const from = '2026-06-15T10:00:00.000Z';
    assert.equal(
      nextOpening([wholeDays('2026-06-20', '2026-06-21')], berlin, from),
      '2026-06-19T22:00:00.000Z',
    );
    const later = span('2026-07-01T09:30:00.000Z', '2026-07-01T10:00:00.000Z');
    assert.equal(nextOpening([later], berlin, from), '2026-07-01T09:30:00.000Z');
    const always = weekly(everyDay, '00:00', '24:00');
    const shut = {
      '2026-06-17T22:00:00.000Z': wholeDays('2026-06-15', '2026-06-18'),
      '2026-06-15T10:30:00.000Z': span(from, '2026-06-15T10:30:00.000Z'),
      '2026-06-15T11:15:00.000Z': weekly([1], '11:00', '13:15'),
    };
    for (const [opening, schedule] of Object.entries(shut)) {
      assert.equal(nextOpening([always, overriding(schedule)], berlin, from), opening);
      assert.equal(nextOpening([overriding(schedule)], berlin, from), opening);
    }
  });

  it('gives up in a moment where nothing opens for years', () => {
    const windows = Array.from({ length: 28 }, (_, index) => ({
      ...{ days: everyDay, start: `08:${10 + index}`, end: `08:${11 + index}` },
    }));
    const busy = Array.from({ length: 19 }, () => ({ weekly: windows, exceptions: [] }));
    const closed = overriding(wholeDays('2020-01-01', '2050-01-01'));
    assert.equal(nextOpening([...busy, closed], berlin, '2026-06-15T10:00:00.000Z'), null);
  });

  it('looks 400 days ahead and no further', () => {
    const from = '2026-01-01T00:00:00.000Z';
    const last = Temporal.PlainDate.from('2026-01-01').add({ days: nextOpeningDaysMax }).toString();
    const opensOn = (date: string, start: string) => [
      { weekly: [], exceptions: [exception(date, start, '24:00')] },
    ];
    assert.equal(nextOpening(opensOn(last, '00:00'), 'UTC', from), `${last}T00:00:00.000Z`);
    assert.equal(nextOpening(opensOn(last, '00:01'), 'UTC', from), null);
    assert.equal(nextOpening([{ weekly: [], exceptions: [] }], 'UTC', from), null);
  });

  it('is the first instant after a gap that swallows the start', () => {
    const schedules = [weekly([7], '02:30', '04:00')];
    assert.equal(nextOpening(schedules, berlin, '2026-03-28T20:00:00.000Z'), '2026-03-29T01:00:00.000Z');
  });

  it('finds the second pass of a repeated hour, and a clock that goes back into a window', () => {
    const from = '2026-10-25T00:50:00.000Z';
    assert.equal(nextOpening([weekly([7], '02:15', '02:45')], berlin, from), '2026-10-25T01:15:00.000Z');
    assert.equal(nextOpening([weekly([7], '01:30', '02:30')], berlin, from), '2026-10-25T01:00:00.000Z');
  });

  it('is null when the instant or the zone cannot be read', () => {
    assert.equal(nextOpening([weekly(everyDay, '08:00', '09:00')], berlin, 'now'), null);
    assert.equal(
      nextOpening([weekly(everyDay, '08:00', '09:00')], 'Europe/Atlantis', '2026-06-15T10:00:00.000Z'),
      null,
    );
  });

  it('is allowed, and no minute before it is', (context) => {
    context.diagnostic(`POSTERN_SEED=${seed}`);
    const property = fc.property(schedulesNearClockChanges(), ({ schedules, zone, from }) => {
      const opening = nextOpening(schedules, zone, from);
      if (opening !== null) assert.equal(allows(schedules, zone, opening), true, `${opening} is shut`);
      const scanEnd = Date.parse(from) + 2 * 86_400_000;
      const end = opening === null ? scanEnd : Math.min(Date.parse(opening), scanEnd);
      for (let ms = Date.parse(from); ms < end; ms += 60_000 - (ms % 60_000)) {
        const at = new Date(ms).toISOString();
        assert.equal(allows(schedules, zone, at), false, `${at} is open before ${opening}`);
      }
    });
    fc.assert(property, { seed, numRuns: 300 });
  });
});

describe('nextOccurrence', () => {
  const from = '2026-06-15T10:00:00.000Z';
  const occurrence = (schedule: Schedule) => nextOccurrence(schedule, 'UTC', from);

  it('is the next window, not the one that is open now, also of what overrides', () => {
    const schedule = weekly([1, 3], '08:00', '18:00');
    const wednesday = { starts_at: '2026-06-17T08:00:00.000Z', ends_at: '2026-06-17T18:00:00.000Z' };
    assert.deepEqual(occurrence(schedule), wednesday);
    assert.deepEqual(occurrence(overriding(schedule)), wednesday);
  });

  it('knows what never ends, and what does not come again', () => {
    assert.deepEqual(occurrence(span('2026-06-16T00:00:00.000Z', '2029-01-01T00:00:00.000Z')), {
      starts_at: '2026-06-16T00:00:00.000Z',
      ends_at: null,
    });
    assert.equal(occurrence(wholeDays('2026-06-01', '2026-06-02')), null);
    assert.equal(occurrence(weekly(everyDay, '00:00', '24:00')), null);
  });
});

function wholeDays(start: string, end: string): Schedule {
  return { weekly: [], exceptions: [], days: [{ start, end }] };
}

function span(from: string, until: string): Schedule {
  return { weekly: [], exceptions: [], spans: [{ from, until }] };
}

function overriding(schedule: Schedule): Schedule {
  return { ...schedule, override: true };
}

function weekly(days: readonly number[], start: string, end: string): Schedule {
  return { weekly: [{ days, start, end }], exceptions: [] };
}

function exception(date: string, start: string, end: string): Schedule['exceptions'][number] {
  return { date, hours: [{ start, end }] };
}

function exceptFor(date: string, hours: readonly Hours[], schedule: Schedule): Schedule {
  return { ...schedule, exceptions: [{ date, hours }] };
}

function expectAllowed(schedules: readonly Schedule[], zone: string, instants: readonly string[]): void {
  for (const at of instants) assert.equal(allows(schedules, zone, at), true, `${at} should be open`);
}

function expectDenied(schedules: readonly Schedule[], zone: string, instants: readonly string[]): void {
  for (const at of instants) assert.equal(allows(schedules, zone, at), false, `${at} should be shut`);
}

const clockChanges: readonly (readonly [zone: string, change: string])[] = [
  [berlin, '2026-03-29T01:00:00.000Z'],
  [berlin, '2026-10-25T01:00:00.000Z'],
  ['Australia/Lord_Howe', '2026-04-04T15:00:00.000Z'],
  ['Australia/Lord_Howe', '2026-10-03T15:30:00.000Z'],
  ['Africa/Cairo', '2026-04-23T22:00:00.000Z'],
  ['Africa/Cairo', '2026-10-29T21:00:00.000Z'],
  ['America/Nuuk', '2026-10-25T01:00:00.000Z'],
  ['Antarctica/Troll', '2027-03-28T01:00:00.000Z'],
];

/** Schedules of the small hours, and an instant to search from, near a change of clocks. */
function schedulesNearClockChanges() {
  return fc.constantFrom(...clockChanges).chain(([zone, change]) =>
    fc.record({
      zone: fc.constant(zone),
      schedules: fc.array(smallHoursSchedule(Date.parse(change)), { minLength: 1, maxLength: 3 }),
      from: fc.oneof(
        instantAround(Date.parse(change), { min: -86_400_000, max: 0 }),
        instantAround(Date.parse(change), { min: -3_600_000, max: 3_600_000 }),
      ),
    }),
  );
}

function smallHoursSchedule(nearMs: number) {
  const hour = fc.constantFrom('22', '23', '00', '01', '02', '03');
  const minute = fc.integer({ min: 0, max: 59 }).map((n) => `${n}`.padStart(2, '0'));
  const time = fc.tuple(hour, minute).map((parts) => parts.join(':'));
  const end = fc.oneof({ weight: 9, arbitrary: time }, fc.constant('24:00'));
  const days = fc.uniqueArray(fc.constantFrom(...everyDay), { maxLength: 4 });
  const date = instantAround(nearMs, { min: -2 * 86_400_000, max: 2 * 86_400_000 }).map((at) =>
    at.slice(0, 10),
  );
  const hours = fc.array(fc.record({ start: time, end }), { maxLength: 2 });
  const instant = instantAround(nearMs, { min: -86_400_000, max: 86_400_000 });
  return fc.record({
    weekly: fc.array(fc.record({ days, start: time, end }), { maxLength: 2 }),
    exceptions: fc.array(fc.record({ date, hours }), { maxLength: 2 }),
    days: fc.array(fc.record({ start: date, end: date }), { maxLength: 1 }),
    spans: fc.array(fc.record({ from: instant, until: instant }), { maxLength: 1 }),
    override: fc.oneof({ weight: 2, arbitrary: fc.constant(false) }, fc.constant(true)),
  });
}

function instantAround(ms: number, offsetMs: { min: number; max: number }) {
  return fc.integer(offsetMs).map((offset) => new Date(ms + offset).toISOString());
}
