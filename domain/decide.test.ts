import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type Decision,
  type DecisionRequest,
  type DenialReason,
  decide,
  denialReasons,
  type LinkCredential,
} from './decide.ts';
import type { Schedule } from './schedule.ts';

interface Vector {
  name: string;
  request: DecisionRequest;
  decision: Decision;
}

const seed = Number(process.env['POSTERN_SEED'] ?? Date.now() % 2 ** 31);
const { vectors }: { vectors: Vector[] } = JSON.parse(
  readFileSync(new URL('testdata/decisions.json', import.meta.url), 'utf8'),
);

const link: LinkCredential = {
  kind: 'link',
  revoked: false,
  suspended: false,
  valid_from: '2026-06-15T08:00:00.000Z',
  valid_until: '2026-06-15T18:00:00.000Z',
  link_enabled: true,
  includes_door: true,
  schedules: [],
  max_uses: null,
  uses: 0,
  reader_id: null,
};
const grantable: DecisionRequest = {
  at: '2026-06-15T10:00:00.000Z',
  method: 'web',
  reader_id: null,
  credential: link,
  door: { locked_down: false, time_zone: 'Europe/Berlin', reachable: true, live_only: false },
  evidence: null,
};

describe('decide, vector by vector', () => {
  for (const { name, request, decision } of vectors)
    it(name, () => assert.deepEqual(decide(request), decision));
});

describe('the vectors of decide', () => {
  it('have a name each, no two alike', () => {
    assert.equal(new Set(vectors.map(({ name }) => name)).size, vectors.length);
  });

  it('have exactly the fields of a request', () => {
    for (const { name, request } of vectors) {
      const { credential, door } = request;
      assert.deepEqual(Object.keys(request), Object.keys(grantable), name);
      assert.deepEqual(Object.keys(door), Object.keys(grantable.door), name);
      if (credential?.kind === 'link') assert.deepEqual(Object.keys(credential), Object.keys(link), name);
    }
  });

  it('grant, and deny for every reason there is', () => {
    const answers = new Set(vectors.map(({ decision }) => (decision.granted ? 'granted' : decision.reason)));
    assert.deepEqual([...answers].sort(), ['granted', ...denialReasons].sort());
  });

  it('show each reason winning over the next in the order of checks', () => {
    for (const [index, reason] of denialReasons.slice(0, -1).entries()) {
      const next = denialReasons[index + 1];
      // One is about QR codes, the other about everything else.
      if (reason === 'remote_unlock_not_allowed' && next === 'live_code_required') continue;
      const shown = vectors.some(({ request, decision }) => {
        if (decision.granted || decision.reason !== reason || !next) return false;
        return reasonsThatApply(request).includes(next);
      });
      assert.ok(shown, `${reason} before ${next}`);
    }
  });
});

describe('decide', () => {
  it('gives the first reason that applies, in the order of denialReasons, or grants', (context) => {
    context.diagnostic(`POSTERN_SEED=${seed}`);
    const seen = new Set<string>();
    const property = fc.property(requests(), (request) => {
      const reasons = reasonsThatApply(request);
      const reason = denialReasons.find((candidate) => reasons.includes(candidate));
      seen.add(reason ?? 'granted');
      assert.deepEqual(decide(request), reason ? { granted: false, reason } : { granted: true });
    });
    fc.assert(property, { seed, numRuns: 5_000 });
    assert.deepEqual(
      [...seen].sort(),
      ['granted', ...denialReasons].sort(),
      'the requests are too much alike',
    );
  });
});

describe('decide, with a clock that is wrong', () => {
  const second = 1_000;
  const day = 86_400 * second;
  const steps = [1, second, 60 * second, 3_600 * second, day];
  const offsets = [0, ...steps, ...steps.map((step) => -step)];
  const strange = [
    '0000-01-01T00:00:00.000Z',
    '1901-12-13T20:45:52.000Z',
    '1969-12-31T23:59:59.999Z',
    '1970-01-01T00:00:00.000Z',
    '2000-01-01T00:00:00.000Z',
    '2038-01-19T03:14:07.999Z',
    '2038-01-19T03:14:08.000Z',
    '2106-02-07T06:28:16.000Z',
    '9999-12-31T23:59:59.999Z',
  ];
  const windows = [
    [link.valid_from, link.valid_until],
    [null, link.valid_until],
    [null, '1970-01-01T00:00:00.000Z'],
    ['2038-01-19T03:14:07.000Z', '2038-01-19T03:14:08.000Z'],
    ['2038-01-19T03:14:08.000Z', '9999-12-31T23:59:59.999Z'],
  ] as const;

  it('grants from the start up to, not including, the end, and at no other instant', () => {
    for (const [valid_from, valid_until] of windows) {
      const ends = [valid_from ?? valid_until, valid_until].map((end) => Date.parse(end));
      const near = ends.flatMap((end) => offsets.map((offset) => new Date(end + offset).toISOString()));
      // Instants have four-digit years.
      for (const at of [...strange, ...near.filter((text) => text.length === 24)]) {
        const inside =
          (!valid_from || Date.parse(at) >= Date.parse(valid_from)) &&
          Date.parse(at) < Date.parse(valid_until);
        const { granted } = decide({ ...grantable, at, credential: { ...link, valid_from, valid_until } });
        assert.equal(granted, inside, `${at} in ${valid_from} … ${valid_until}`);
      }
    }
  });

  it('grants inside the window only, however the clock jumps', (context) => {
    context.diagnostic(`POSTERN_SEED=${seed}`);
    const jump = fc.oneof(fc.integer({ min: -2 * day, max: 2 * day }), fc.constantFrom(...offsets));
    const property = fc.property(fc.array(jump, { minLength: 1, maxLength: 40 }), (jumps) => {
      let now = Date.parse(link.valid_from ?? '');
      for (const ms of jumps) {
        now += ms;
        const { granted } = decide({ ...grantable, at: new Date(now).toISOString() });
        assert.equal(granted, now >= Date.parse(link.valid_from ?? '') && now < Date.parse(link.valid_until));
      }
    });
    fc.assert(property, { seed, numRuns: 500 });
  });

  it('revives nothing that is revoked, suspended or used up, wherever it is set', () => {
    const ended = [{ revoked: true }, { suspended: true }, { max_uses: 1, uses: 1 }];
    for (const ending of ended)
      for (const valid_from of [link.valid_from, null])
        for (const at of [
          ...strange,
          ...offsets.map((ms) => new Date(Date.parse(grantable.at ?? '') + ms).toISOString()),
        ])
          for (const method of ['web', 'api', 'qr'] as const) {
            const { granted } = decide({
              ...grantable,
              at,
              method,
              credential: { ...link, valid_from, ...ending },
            });
            assert.equal(granted, false, `${at} ${method} ${JSON.stringify(ending)}`);
          }
  });

  it('denies every credential while the time is not known', () => {
    for (const credential of [link, { ...link, valid_from: null }, { kind: 'login' } as const])
      for (const method of ['web', 'api', 'qr'] as const) {
        const decision = decide({ ...grantable, at: null, method, credential });
        assert.deepEqual(decision, { granted: false, reason: 'clock_unknown' });
      }
  });
});

/**
 * The oracle: every reason that applies, in no order, each judged by itself, instants as numbers, schedules as
 * spans on a line of wall time that Intl provides.
 */
function reasonsThatApply({
  at,
  method,
  reader_id,
  credential,
  door,
  evidence,
}: DecisionRequest): DenialReason[] {
  const ms = at === null ? Number.NaN : Date.parse(at);
  const pass = credential?.kind === 'link' ? credential : null;
  const judged: Record<DenialReason, boolean | null> = {
    clock_unknown: Number.isNaN(ms),
    credential_expired: pass && !Number.isNaN(ms) && !(ms < Date.parse(pass.valid_until)),
    credential_not_active: pass?.valid_from ? ms < Date.parse(pass.valid_from) : false,
    credential_revoked: pass?.revoked ?? false,
    credential_suspended: pass?.suspended ?? false,
    credential_unknown: !credential,
    door_locked_down: door.locked_down,
    door_not_included: pass && !pass.includes_door,
    door_unreachable: !door.reachable,
    live_code_required: pass && method === 'qr' && door.live_only,
    revocation_list_too_old:
      pass && evidence && !(evidence.age_ms_max > 0 && ms - Date.parse(evidence.at) <= evidence.age_ms_max),
    online_check_required: pass && evidence?.needs_server === true,
    reader_not_assigned: pass && ![null, reader_id].includes(pass.reader_id),
    outside_schedule: pass && !Number.isNaN(ms) && !insideSchedules(pass.schedules, door.time_zone, ms),
    remote_unlock_not_allowed: pass && !pass.link_enabled && ['web', 'api'].includes(method),
    use_limit_reached: pass && pass.uses >= (pass.max_uses ?? Number.POSITIVE_INFINITY),
  };
  return denialReasons.filter((reason) => judged[reason]);
}

function insideSchedules(schedules: readonly Schedule[], zone: string, ms: number): boolean {
  if (schedules.length === 0) return true;
  const wallMs = wallClockMs(zone, ms);
  const minutesPerDay = 24 * 60;
  return [0, 1].some((daysBack) => {
    const day = new Date(wallMs - daysBack * 86_400_000);
    const date = day.toISOString().slice(0, 10);
    const minute = day.getUTCHours() * 60 + day.getUTCMinutes() + daysBack * minutesPerDay;
    return schedules.some(({ weekly, exceptions }) => {
      const special = exceptions.filter((exception) => exception.date === date);
      const usual = weekly.filter(({ days }) => days.includes(day.getUTCDay() || 7));
      return (special.length > 0 ? special.flatMap(({ hours }) => hours) : usual).some(({ start, end }) => {
        const [opens, shuts] = [start, end].map(
          (text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3)),
        );
        if (opens === undefined || shuts === undefined) return false;
        const length = (shuts - opens + minutesPerDay) % minutesPerDay || minutesPerDay;
        return minute >= opens && minute < opens + length;
      });
    });
  });
}

const wallClocks = new Map<string, Intl.DateTimeFormat>();

/** What the clock on the wall shows, as if the wall were in UTC. */
function wallClockMs(zone: string, ms: number): number {
  const options = { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' } as const;
  const clock = wallClocks.get(zone) ?? new Intl.DateTimeFormat('sv-SE', options);
  wallClocks.set(zone, clock);
  return Date.parse(`${clock.format(ms).replace(' ', 'T')}Z`);
}

/** Each request mostly in order, so that late checks are reached, with every field able to be the reason. */
function requests() {
  const instant = fc
    .constantFrom('2026-03-29T01:00:00.000Z', '2026-10-25T01:00:00.000Z', '2026-06-15T22:00:00.000Z')
    .map((text) => Date.parse(text));
  return fc
    .record({ near: instant, offset: fc.integer({ min: -90_000_000, max: 90_000_000 }) })
    .chain(({ near, offset }) =>
      fc.record({
        at: mostly(fc.constant(textOf(near + offset)), fc.constant(null)),
        method: fc.constantFrom('web' as const, 'api' as const, 'qr' as const),
        reader_id: mostly(fc.constant(1), fc.constant(null)),
        credential: mostly(linkCredentials(near + offset), fc.constantFrom({ kind: 'login' as const }, null)),
        door: fc.record({
          locked_down: mostly(fc.constant(false), fc.constant(true)),
          time_zone: fc.constantFrom('UTC', 'Europe/Berlin', 'Australia/Lord_Howe', 'America/St_Johns'),
          reachable: mostly(fc.constant(true), fc.constant(false)),
          live_only: mostly(fc.constant(false), fc.constant(true)),
        }),
        evidence: fc.oneof(
          fc.constant(null),
          fc.record({
            at: mostly(
              fc.constant(textOf(near + offset - 3_600_000)),
              fc.constant(textOf(near + offset - 3_600_001)),
            ),
            age_ms_max: mostly(fc.constant(3_600_000), fc.constant(0)),
            needs_server: mostly(fc.constant(false), fc.constant(true)),
          }),
        ),
      }),
    );
}

function linkCredentials(at: number) {
  const before = fc.constantFrom(0, 1, 1_000, 86_400_000).map((ms) => textOf(at - ms));
  const later = fc.constantFrom(1, 1_000, 86_400_000).map((ms) => textOf(at + ms));
  return fc.record({
    kind: fc.constant('link' as const),
    revoked: mostly(fc.constant(false), fc.constant(true)),
    suspended: mostly(fc.constant(false), fc.constant(true)),
    valid_from: mostly(fc.oneof(before, fc.constant(null)), later),
    valid_until: mostly(later, before),
    link_enabled: mostly(fc.constant(true), fc.constant(false)),
    includes_door: mostly(fc.constant(true), fc.constant(false)),
    schedules: mostly(fc.constant([]), fc.array(schedules(at), { minLength: 1, maxLength: 3 })),
    max_uses: mostly(fc.constant(null), fc.integer({ min: 0, max: 3 })),
    uses: fc.integer({ min: 0, max: 3 }),
    reader_id: mostly(fc.constantFrom(null, 1), fc.constant(2)),
  });
}

function schedules(at: number) {
  const hour = fc.integer({ min: 0, max: 23 }).map((n) => `${n}`.padStart(2, '0'));
  const time = fc.tuple(hour, fc.constantFrom('00', '15', '30', '59')).map((parts) => parts.join(':'));
  const span = { start: time, end: fc.oneof(time, fc.constant('24:00')) };
  const days = fc.uniqueArray(fc.constantFrom(1, 2, 3, 4, 5, 6, 7), { minLength: 3 });
  const date = fc.constantFrom(-1, 0, 1).map((n) => textOf(at + n * 86_400_000).slice(0, 10));
  return fc.record({
    weekly: fc.array(fc.record({ days, ...span }), { maxLength: 3 }),
    exceptions: fc.array(fc.record({ date, hours: fc.array(fc.record(span), { maxLength: 2 }) }), {
      maxLength: 2,
    }),
  });
}

function mostly<Usual, Rare>(
  usual: fc.Arbitrary<Usual>,
  rare: fc.Arbitrary<Rare>,
): fc.Arbitrary<Usual | Rare> {
  return fc.oneof({ weight: 9, arbitrary: usual }, { weight: 1, arbitrary: rare });
}

function textOf(ms: number): string {
  return new Date(ms).toISOString();
}
