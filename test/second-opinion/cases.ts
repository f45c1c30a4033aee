import type { DecisionRequest, LinkCredential, UnlockMethod } from '../../domain/decide.ts';
import type { Hours, Schedule } from '../../domain/schedule.ts';

/*
 * Questions for decide(), drawn so that most of them lie on an edge: an instant at a boundary or a millisecond beside
 * it, several reasons to say no at once, hours that begin and end where the clocks change.
 */

/** Numbers in [0, 1). */
export type Random = () => number;

/** Zones with unlike changes of clocks: half an hour, at midnight, twice a year for a month, backwards, a lost day, none. */
const zones = [
  'Africa/Cairo',
  'Africa/Casablanca',
  'America/New_York',
  'America/Santiago',
  'America/St_Johns',
  'Antarctica/Troll',
  'Asia/Beirut',
  'Asia/Gaza',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Europe/Berlin',
  'Europe/Dublin',
  'Pacific/Apia',
  'Pacific/Chatham',
  'Pacific/Kiritimati',
  'UTC',
] as const;
const unknownZones = ['Nowhere/Land', ''];

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
/** Beside a boundary: the millisecond before, the boundary itself, the millisecond after. */
const beside = [-1, 0, 0, 0, 1];
const nearMs = [1, 1000, minuteMs, dayMs, 400 * dayMs];
/** Where clocks of other makes have ended. */
const farAway = ['1970-01-01T00:00:00.000Z', '2038-01-19T03:14:08.000Z', '2106-02-07T06:28:16.000Z'];
const noClocks = [
  null,
  '',
  '2026-06-15T10:00:00Z',
  '2026-06-15 10:00:00.000Z',
  '2026-06-15T10:00:00.000+00:00',
  '+012026-06-15T10:00:00.000Z',
];
const noHours = ['8:00', '25:00', '24:00', '08:60', '08:00:00', ''];
const noDates = ['2026-6-1', '', '15.06.2026', '2026-06-15T00:00'];
const methods: readonly UnlockMethod[] = ['web', 'api', 'qr'];

/** What may be wrong with a request, in no order that matters. */
const flaws = [
  'no credential',
  'no clock',
  'revoked',
  'suspended',
  'too early',
  'too late',
  'another door',
  'locked down',
  'shut',
  'QR code only',
  'live only',
  'old evidence',
  'server needed',
  'another reader',
  'unreachable',
  'used up',
] as const;
type Flaw = (typeof flaws)[number];

/** One question. Some flaws are put in on purpose; schedules decide by themselves whether they are another one. */
export function drawCase(random: Random): DecisionRequest {
  const has = drawFlaws(random);
  const zone = random() < 0.02 ? pick(random, unknownZones) : pick(random, zones);
  const known = zone === 'UTC' || unknownZones.includes(zone) ? 'Europe/Berlin' : zone;
  const at = drawInstant(random, known);
  const schedules = random() < 0.25 && !has('shut') ? [] : drawSchedules(random, { at, zone: known });
  const reader_id = pick(random, [null, 1, 2]);
  return {
    at: has('no clock') ? pick(random, noClocks) : at,
    method: has('QR code only')
      ? pick(random, ['web', 'api'])
      : has('live only')
        ? 'qr'
        : pick(random, methods),
    reader_id,
    credential: has('no credential')
      ? null
      : random() < 0.06
        ? { kind: 'login' }
        : drawLink(random, { at, has, schedules, reader_id }),
    door: {
      locked_down: has('locked down'),
      time_zone: zone,
      reachable: !has('unreachable'),
      live_only: has('live only'),
    },
    evidence: drawEvidence(random, { at, has }),
  };
}

/** One that leads, none that is asked before it, and by chance any of the rest: so that each of them leads often enough. */
function drawFlaws(random: Random): (flaw: Flaw) => boolean {
  const first = Math.floor(random() * (flaws.length + 2));
  const more = pick(random, [0, 0.2, 0.6, 1]);
  const drawn = new Set(flaws.filter((_, index) => index === first || (index > first && random() < more)));
  return (flaw) => drawn.has(flaw);
}

function drawLink(
  random: Random,
  drawn: {
    at: string;
    has: (flaw: Flaw) => boolean;
    schedules: readonly Schedule[];
    reader_id: number | null;
  },
): LinkCredential {
  const { at, has, schedules, reader_id } = drawn;
  const limit = pick(random, [0, 1, 3, Number.MAX_SAFE_INTEGER - 1]);
  const max_uses = has('used up') ? limit : pick(random, [null, limit + 1]);
  return {
    kind: 'link',
    revoked: has('revoked'),
    suspended: has('suspended'),
    valid_from: has('too early')
      ? shifted(at, pick(random, nearMs))
      : pick(random, [null, at, shifted(at, -pick(random, nearMs))]),
    valid_until: has('too late')
      ? pick(random, [at, shifted(at, -pick(random, nearMs))])
      : shifted(at, pick(random, nearMs)),
    link_enabled: !has('QR code only') && random() < 0.9,
    includes_door: !has('another door'),
    schedules,
    max_uses,
    uses: has('used up')
      ? pick(random, [limit, limit + 1])
      : pick(random, [0, Math.max(0, limit - 1), limit]),
    reader_id: has('another reader') ? 3 : pick(random, [null, reader_id]),
  };
}

/** What an agent goes by; without a flaw often none, because the server itself decides. */
function drawEvidence(
  random: Random,
  { at, has }: { at: string; has: (flaw: Flaw) => boolean },
): DecisionRequest['evidence'] {
  if (!has('old evidence') && !has('server needed') && random() < 0.5) return null;
  const age_ms_max = pick(random, nearMs);
  const old = { at: shifted(at, -age_ms_max - pick(random, nearMs)), age_ms_max };
  const none = { at, age_ms_max: 0 };
  const unreadable = { at: '2026-06-15T10:00:00Z', age_ms_max };
  const fresh = { at: shifted(at, pick(random, [-age_ms_max, -1, 0, 1, minuteMs])), age_ms_max };
  const age = has('old evidence') ? pick(random, [old, old, none, unreadable]) : fresh;
  return { ...age, needs_server: has('server needed') };
}

/** At a change of clocks, at a midnight, at some minute of either; or at an ordinary or a very far instant. */
function drawInstant(random: Random, zone: string): string {
  const offset = pick(random, beside);
  const kind = random();
  if (kind < 0.02) return shifted(pick(random, farAway), offset);
  const year = random() < 0.05 ? 2011 : 2024 + Math.floor(random() * 6);
  const change = kind < 0.7 ? pickChange(random, { zone, year }) : null;
  const day = Temporal.PlainDate.from({ year, month: 1, day: 1 }).add({ days: Math.floor(random() * 366) });
  const ms = change ?? day.toZonedDateTime(zone).epochMilliseconds;
  const quarters = random() < 0.3 ? 0 : Math.floor(random() * 28) - 12;
  return instantText(ms + quarters * 15 * minuteMs + offset);
}

const changesOfYear = new Map<string, number[]>();

function pickChange(random: Random, { zone, year }: { zone: string; year: number }): number | null {
  const key = `${zone} ${year}`;
  let changes = changesOfYear.get(key);
  if (!changes) {
    changes = [];
    const begin = Temporal.PlainDate.from({ year, month: 1, day: 1 }).toZonedDateTime(zone);
    for (let t = begin.getTimeZoneTransition('next'); t; t = t.getTimeZoneTransition('next')) {
      if (t.year > year) break;
      changes.push(t.epochMilliseconds);
    }
    changesOfYear.set(key, changes);
  }
  return changes.length === 0 ? null : pick(random, changes);
}

interface Here {
  at: string;
  zone: string;
}

function drawSchedules(random: Random, here: Here): Schedule[] {
  return several(random, 3).map(() => drawSchedule(random, here));
}

function drawSchedule(random: Random, here: Here): Schedule {
  const wall = Temporal.Instant.from(here.at).toZonedDateTimeISO(here.zone).toPlainDateTime();
  const today = wall.toPlainDate();
  const nearDate = () => today.add({ days: pick(random, [-8, -2, -1, -1, 0, 0, 0, 1, 2]) }).toString();
  const hours = () => drawHours(random, wall);
  const hasMore = random() < 0.3;
  return {
    weekly: several(random, 2).map(() => ({ days: drawDays(random, today.dayOfWeek), ...hours() })),
    exceptions:
      random() < 0.6
        ? []
        : several(random, 2).map(() => ({
            date: random() < 0.03 ? pick(random, noDates) : nearDate(),
            hours: random() < 0.3 ? [] : several(random, 2).map(hours),
          })),
    ...(hasMore && random() < 0.6 ? { days: several(random, 1).map(() => drawRange(random, nearDate)) } : {}),
    ...(hasMore && random() < 0.6 ? { spans: several(random, 1).map(() => drawSpan(random, here.at)) } : {}),
    ...(random() < 0.25 ? { override: random() < 0.8 } : {}),
  };
}

/** Hours whose start or end is the very minute on the wall, or one near it, or anywhere. */
function drawHours(random: Random, wall: Temporal.PlainDateTime): Hours {
  const near = () => {
    const minutes = pick(random, [-120, -60, -30, -15, -1, 0, 0, 0, 1, 15, 30, 60, 120]);
    return random() < 0.3
      ? pick(random, ['00:00', '00:30', '02:00', '03:00', '12:00', '22:00', '23:59'])
      : wall.add({ minutes }).toPlainTime().toString({ smallestUnit: 'minute' });
  };
  const spoilt = random();
  return {
    start: spoilt < 0.015 ? pick(random, noHours) : near(),
    end: spoilt > 0.985 ? pick(random, noHours) : random() < 0.1 ? '24:00' : near(),
  };
}

function drawDays(random: Random, today: number): number[] {
  const yesterday = ((today + 5) % 7) + 1;
  const tomorrow = (today % 7) + 1;
  return pick(random, [[1, 2, 3, 4, 5, 6, 7], [today], [yesterday], [yesterday, today], [tomorrow], []]);
}

function drawRange(random: Random, date: () => string): { start: string; end: string } {
  const range = { start: date(), end: date() };
  return random() < 0.03 ? { ...range, [pick(random, ['start', 'end'])]: pick(random, noDates) } : range;
}

function drawSpan(random: Random, at: string): { from: string; until: string } {
  const point = () => shifted(at, pick(random, [-dayMs, -minuteMs, -1, 0, 0, 1, minuteMs, dayMs]));
  const span = { from: point(), until: point() };
  return random() < 0.03 ? { ...span, [pick(random, ['from', 'until'])]: '2026-06-15T10:00:00Z' } : span;
}

/** An empty list of places to fill: none to `more` beyond one, and at times none at all. */
function several(random: Random, more: number): undefined[] {
  const count = random() < 0.1 ? 0 : 1 + Math.floor(random() * more);
  return Array.from({ length: count });
}

function shifted(at: string, ms: number): string {
  return instantText(Date.parse(at) + ms);
}

function instantText(ms: number): string {
  return new Date(ms).toISOString();
}

function pick<Choice>(random: Random, choices: readonly Choice[]): Choice {
  const choice = choices[Math.floor(random() * choices.length)];
  if (choice === undefined) throw new Error('nothing to choose from');
  return choice;
}
