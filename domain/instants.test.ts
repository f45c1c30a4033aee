import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  addMs,
  instantOfSeconds,
  isInstant,
  lastInstant,
  msBetween,
  parseInstant,
  secondsCeil,
  secondsFloor,
  timeZoneName,
} from './instants.ts';

const seed = Number(process.env['POSTERN_SEED'] ?? Date.now() % 2 ** 31);

/** Any instant that four-digit years can write, in our spelling. */
const instants = fc
  .integer({ min: Date.parse('0000-01-01T00:00:00.000Z'), max: Date.parse(lastInstant) })
  .map((ms) => new Date(ms).toISOString());

describe('parseInstant', () => {
  const spellings: readonly [string, string][] = [
    ['2026-12-01T09:00:00Z', '2026-12-01T09:00:00.000Z'],
    ['2026-12-01T09:00:00.000Z', '2026-12-01T09:00:00.000Z'],
    ['2026-12-01T09:00Z', '2026-12-01T09:00:00.000Z'],
    ['2026-12-01t09:00:00z', '2026-12-01T09:00:00.000Z'],
    ['2026-12-01 09:00:00Z', '2026-12-01T09:00:00.000Z'],
    ['2026-12-01T09:00:00,5Z', '2026-12-01T09:00:00.500Z'],
    ['2026-12-01T09:00:00.123456789Z', '2026-12-01T09:00:00.123Z'],
    ['2026-12-01T10:00:00+01:00', '2026-12-01T09:00:00.000Z'],
    ['2026-12-01T10:00:00+0100', '2026-12-01T09:00:00.000Z'],
    ['2026-12-01T10:00:00+01', '2026-12-01T09:00:00.000Z'],
    ['2026-12-01T03:30:00-05:30', '2026-12-01T09:00:00.000Z'],
    ['2028-02-29T00:00:00Z', '2028-02-29T00:00:00.000Z'],
    ['2026-06-30T23:59:60Z', '2026-06-30T23:59:59.000Z'],
    ['9999-12-31T23:59:59.999Z', lastInstant],
    ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00.000Z'],
  ];
  for (const [text, expected] of spellings) {
    it(`reads ${text}`, () => assert.equal(parseInstant(text), expected));
  }

  const none = [
    '',
    'tomorrow',
    '2026-12-01',
    '2026-12-01T09:00:00',
    '2026-12-01T09:00:00 Europe/London',
    '2026-12-01T09:00:00[Europe/London]',
    '2026-12-01T09:00:00+01:00[Europe/Berlin]',
    '2026-02-29T00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T12:60:00Z',
    '2026-01-01T12:00:61Z',
    '2026-01-01T12:00:00.Z',
    '2026-01-01T12:00:00.0123456789Z',
    '2026-01-01T12:00:00+25:00',
    '2026-01-01T12:00:00+01:60',
    '10000-01-01T00:00:00Z',
    '+010000-01-01T00:00:00Z',
    '-000001-01-01T00:00:00Z',
    '9999-12-31T23:59:59-01:00',
    '0000-01-01T00:00:00+01:00',
    '26-12-01T09:00:00Z',
    '2026-1-1T9:00:00Z',
    '20261201T090000Z',
    ' 2026-12-01T09:00:00Z',
    '2026-12-01T09:00:00Z ',
    '2026-12-01T09:00:00Z\n',
    '2026-12-01T09:00:00ZZ',
    '٢٠٢٦-12-01T09:00:00Z',
    '1796115600',
    '1796115600000',
  ];
  for (const text of none) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseInstant(text), null));
  }

  it('rounds down to the millisecond, before 1970 too: nobody gets in early', () => {
    assert.equal(parseInstant('2026-12-01T09:00:00.0009999Z'), '2026-12-01T09:00:00.000Z');
    assert.equal(parseInstant('1969-12-31T23:59:59.9999Z'), '1969-12-31T23:59:59.999Z');
  });

  it('reads what it wrote as the same text', () => {
    fc.assert(
      fc.property(instants, (at) => {
        assert.equal(parseInstant(at), at);
        assert.ok(isInstant(at));
      }),
      { seed },
    );
  });

  it('reads the same instant from every offset', () => {
    const property = fc.property(instants, fc.integer({ min: -1439, max: 1439 }), (at, minutes) => {
      const sign = minutes < 0 ? '-' : '+';
      const offset = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
      const local = new Date(Date.parse(at) + minutes * 60_000).toISOString();
      if (local.length !== at.length) return; // the wall there shows another millennium
      const text = local.slice(0, -1) + sign + offset.map((part) => String(part).padStart(2, '0')).join(':');
      assert.equal(parseInstant(text), at, text);
    });
    fc.assert(property, { seed });
  });
});

describe('isInstant', () => {
  it('knows our one spelling and no other', () => {
    assert.ok(isInstant('2026-12-01T09:00:00.000Z'));
    for (const text of [
      '2026-12-01T09:00:00Z',
      '2026-12-01T09:00:00.000+00:00',
      '2026-12-01 09:00:00.000Z',
      '',
    ]) {
      assert.ok(!isInstant(text), text);
    }
    assert.ok(!isInstant('2026-12-01T09:00:00.000Z\n'));
  });
});

describe('instants as text', () => {
  it('sort as their times do', () => {
    fc.assert(
      fc.property(instants, instants, (one, other) => {
        assert.equal(one < other, Date.parse(one) < Date.parse(other));
        assert.equal(one === other, Date.parse(one) === Date.parse(other));
      }),
      { seed },
    );
  });

  it('move by milliseconds, there and back', () => {
    assert.equal(addMs('2026-12-31T23:59:59.999Z', 1), '2027-01-01T00:00:00.000Z');
    assert.equal(addMs('2026-12-01T09:00:00.000Z', -1), '2026-12-01T08:59:59.999Z');
    const span = fc.integer({ min: 0, max: 3_000_000_000_000 });
    fc.assert(
      fc.property(fc.constant('2026-12-01T09:00:00.000Z'), span, (at, ms) => {
        assert.equal(msBetween(at, addMs(at, ms)), ms);
        assert.equal(addMs(addMs(at, ms), -ms), at);
      }),
      { seed },
    );
  });

  it('never leave the years that four digits can write', () => {
    assert.throws(() => addMs(lastInstant, 1), RangeError);
  });
});

describe('whole seconds', () => {
  it('lie at or before, and at or after, the instant', () => {
    assert.deepEqual(
      [secondsFloor('1970-01-01T00:00:01.999Z'), secondsCeil('1970-01-01T00:00:01.001Z')],
      [1, 2],
    );
    assert.deepEqual(
      [secondsFloor('1970-01-01T00:00:01.000Z'), secondsCeil('1970-01-01T00:00:01.000Z')],
      [1, 1],
    );
    fc.assert(
      fc.property(instants, (at) => {
        const [floor, ceil] = [secondsFloor(at), secondsCeil(at)];
        assert.ok(floor * 1000 <= Date.parse(at) && Date.parse(at) <= ceil * 1000);
        assert.ok(ceil - floor <= 1);
        assert.ok(instantOfSeconds(floor) <= at);
      }),
      { seed },
    );
  });

  it('become the instant they count to', () => {
    assert.equal(instantOfSeconds(0), '1970-01-01T00:00:00.000Z');
    assert.equal(instantOfSeconds(253_402_300_799), '9999-12-31T23:59:59.000Z');
  });
});

describe('timeZoneName', () => {
  it('knows the zones of places', () => {
    for (const name of [
      'UTC',
      'Europe/London',
      'America/Argentina/Ushuaia',
      'Australia/Lord_Howe',
      'Asia/Kolkata',
    ]) {
      assert.equal(timeZoneName(name), name);
    }
  });

  it('knows no others, and no offsets', () => {
    const none = [
      '',
      'Mars/Olympus',
      'Europe/Londonx',
      'Europe',
      '+01:00',
      '-05',
      'Z',
      'Europe/London ',
      'UTC\0',
    ];
    for (const name of none) assert.equal(timeZoneName(name), null, JSON.stringify(name));
    assert.equal(timeZoneName('2026-12-01T09:00:00+01:00[Europe/Berlin]'), null);
  });
});
