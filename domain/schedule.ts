import { isInstant } from './instants.ts';

/** A span of wall time within one day. `start` and `end` are `HH:MM`; `end` may be `24:00`. */
export interface Hours {
  start: string;
  end: string;
}

/**
 * When a group's doors open: weekly windows, dated exceptions and whole days, as wall time in the zone of the place of
 * the door being opened, and spans of time that no zone moves. A window whose end is not after its start runs past
 * midnight into the next day; it belongs to the day on which it starts. Hours that cannot be read open nothing.
 */
export interface Schedule {
  /** `days`: ISO 8601 weekday numbers, 1 = Monday … 7 = Sunday. */
  weekly: readonly ({ days: readonly number[] } & Hours)[];
  /**
   * On `date` (`YYYY-MM-DD`) these hours replace the weekly windows that start that day; none: closed. Several
   * exceptions for one date add up.
   */
  exceptions: readonly { date: string; hours: readonly Hours[] }[];
  /** Whole days on the wall, `YYYY-MM-DD`: from `start` up to, and without, `end`. Exceptions do not touch them. */
  days?: readonly { start: string; end: string }[];
  /** Absolute time, ISO 8601 UTC with milliseconds: from `from` up to, and without, `until`. */
  spans?: readonly { from: string; until: string }[];
  /**
   * True: in its hours the doors stay shut, whatever other schedules say, and outside of them it says nothing. What
   * cannot be read in it shuts as well.
   */
  override?: boolean;
}

/** Schedules of one group, windows and exceptions of one schedule, hours of one exception: at most so many. */
export const schedulesPerGroupMax = 20;
export const windowsPerScheduleMax = 28;
export const exceptionsPerScheduleMax = 100;
export const hoursPerExceptionMax = 10;

/** How far ahead `nextOpening` looks, in days of 24 hours. */
export const nextOpeningDaysMax = 400;
/** It looks at so many days at a time, and gives up after so many instants at which a door might have opened. */
const daysAtOnce = 8;
const openingsTriedMax = 10_000;

/**
 * Whether any of the schedules allows the instant `at` (ISO 8601 UTC with milliseconds) in the IANA zone, and none that
 * overrides forbids it; none but such: always. An instant is allowed when the clock on the wall shows a time inside a window, so both
 * passes of a repeated hour count, and a window whose start a spring gap swallows opens at the first instant
 * after the gap. Never throws: an instant or a zone that cannot be read is not allowed.
 */
export function allows(schedules: readonly Schedule[], timeZone: string, at: string): boolean {
  if (schedules.length === 0) return true;
  const time = zonedTime(timeZone, at);
  return time !== null && opensAt(schedules, momentOf(time, at));
}

/**
 * The first instant at or after `from` that `allows` allows, written like `from` (ISO 8601 UTC with milliseconds); null:
 * none within 400 days, none among a great many that were tried, or `from` or the zone cannot be read. Never throws.
 */
export function nextOpening(schedules: readonly Schedule[], timeZone: string, from: string): string | null {
  if (schedules.length === 0) return from;
  const time = zonedTime(timeZone, from);
  if (time === null) return null;
  if (opensAt(schedules, momentOf(time, from))) return from;
  const last = time.add({ hours: nextOpeningDaysMax * 24 });
  let tried = 0;
  for (let begin = time; compare(begin, last) < 0 && tried < openingsTriedMax; ) {
    const next = begin.add({ hours: daysAtOnce * 24 });
    const end = compare(next, last) < 0 ? next : last;
    const possible = possibleOpenings(schedules, begin, end);
    for (const candidate of possible) {
      const at = instantOf(candidate);
      if (opensAt(schedules, momentOf(candidate, at))) return at;
    }
    tried += possible.length;
    begin = end;
  }
  return null;
}

/**
 * When the schedule next begins to apply after `from`, and when it then ends, whether it opens or overrides; the end is
 * null when it never does. Null: it does not begin within 400 days.
 */
export function nextOccurrence(
  schedule: Schedule,
  timeZone: string,
  from: string,
): { starts_at: string; ends_at: string | null } | null {
  const applying = [{ ...schedule, override: false }];
  const applyingNot = [{ ...schedule, override: true }];
  const after = allows(applying, timeZone, from) ? nextOpening(applyingNot, timeZone, from) : from;
  const starts_at = after && nextOpening(applying, timeZone, after);
  return starts_at ? { starts_at, ends_at: nextOpening(applyingNot, timeZone, starts_at) } : null;
}

function zonedTime(timeZone: string, at: string): Temporal.ZonedDateTime | null {
  if (!isInstant(at)) return null;
  try {
    return Temporal.Instant.from(at).toZonedDateTimeISO(timeZone);
  } catch {
    return null;
  }
}

const minutesPerDay = 24 * 60;

function opensAt(schedules: readonly Schedule[], moment: Moment): boolean {
  const opening = schedules.filter(({ override }) => !override);
  const overriding = schedules.filter(({ override }) => override);
  if (overriding.some((schedule) => applies(schedule, moment))) return false;
  return opening.length === 0 || opening.some((schedule) => applies(schedule, moment));
}

/** A point in time, and what the clock and the calendar on the wall show then. */
interface Moment {
  at: string;
  minute: number;
  today: Temporal.PlainDate;
  yesterday: Temporal.PlainDate;
}

function momentOf(time: Temporal.ZonedDateTime, at: string): Moment {
  const today = time.toPlainDate();
  return { at, minute: time.hour * 60 + time.minute, today, yesterday: today.subtract({ days: 1 }) };
}

function applies(schedule: Schedule, { at, minute, today, yesterday }: Moment): boolean {
  const { days = [], spans = [], override: unreadable = false } = schedule;
  const holds = (hours: Hours, of: number) => contains(hours, of) ?? unreadable;
  return (
    hoursStartingOn(today, schedule).some((hours) => holds(hours, minute)) ||
    hoursStartingOn(yesterday, schedule).some((hours) => holds(hours, minute + minutesPerDay)) ||
    days.some(
      ({ start, end }) => within(today.toString(), { from: start, until: end, isOne: isDate }) ?? unreadable,
    ) ||
    spans.some((span) => within(at, { ...span, isOne: isInstant }) ?? unreadable)
  );
}

function hoursStartingOn(day: Temporal.PlainDate, { weekly, exceptions }: Schedule): readonly Hours[] {
  const date = day.toString();
  const today = exceptions.filter((exception) => exception.date === date);
  if (today.length > 0) return today.flatMap(({ hours }) => hours);
  return weekly.filter(({ days }) => days.includes(day.dayOfWeek));
}

/** Texts of one form sort as what they stand for. Null: the range cannot be read. */
function within(
  text: string,
  { from, until, isOne }: { from: string; until: string; isOne: (text: string) => boolean },
): boolean | null {
  return isOne(from) && isOne(until) ? from <= text && text < until : null;
}

function isDate(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text);
}

/** `minute` counts from the midnight that begins the day on which the hours start. Null: they cannot be read. */
function contains(hours: Hours, minute: number): boolean | null {
  const range = minutesOf(hours);
  return range && minute >= range.first && minute < range.end;
}

/** The end lies on the next day, beyond the minutes of one, when it is not after the start. */
function minutesOf({ start, end }: Hours): { first: number; end: number } | null {
  const first = minuteOfDay(start);
  const last = end === '24:00' ? minutesPerDay : minuteOfDay(end);
  if (Number.isNaN(first) || Number.isNaN(last)) return null;
  return { first, end: last <= first ? last + minutesPerDay : last };
}

/** NaN for anything but `00:00` … `23:59`. */
function minuteOfDay(text: string): number {
  if (!/^([01]\d|2[0-3]):[0-5]\d$/.test(text)) return Number.NaN;
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
}

/**
 * In order of time, every instant between the two at which a door that is shut may open: the clock reaches the start of
 * a window or the end of an override (twice, if that hour is repeated), or jumps over it or back into the window; or a
 * span begins, or one that overrides ends.
 */
function possibleOpenings(
  schedules: readonly Schedule[],
  from: Temporal.ZonedDateTime,
  until: Temporal.ZonedDateTime,
): Temporal.ZonedDateTime[] {
  return [
    ...transitions(from, until),
    ...wallOpenings(schedules, from, until),
    ...spanOpenings(schedules, from.timeZoneId),
  ]
    .filter((time) => compare(time, from) >= 0 && compare(time, until) <= 0)
    .sort(compare);
}

function* transitions(from: Temporal.ZonedDateTime, until: Temporal.ZonedDateTime) {
  let time = from.getTimeZoneTransition('next');
  while (time !== null && compare(time, until) <= 0) {
    yield time;
    time = time.getTimeZoneTransition('next');
  }
}

function* wallOpenings(
  schedules: readonly Schedule[],
  from: Temporal.ZonedDateTime,
  until: Temporal.ZonedDateTime,
) {
  // A clock set back over midnight shows the day before again, so look one day further on either side.
  const lastDay = until.toPlainDate().add({ days: 1 });
  let day = from.toPlainDate().subtract({ days: 1 });
  for (; Temporal.PlainDate.compare(day, lastDay) <= 0; day = day.add({ days: 1 })) {
    const minutes = new Set(schedules.flatMap((schedule) => turningMinutes(schedule, day)));
    for (const minute of minutes) {
      const wall = day.toPlainDateTime().add({ minutes: minute });
      const earlier = wall.toZonedDateTime(from.timeZoneId, { disambiguation: 'earlier' });
      const later = wall.toZonedDateTime(from.timeZoneId, { disambiguation: 'later' });
      yield earlier;
      if (compare(earlier, later) !== 0) yield later;
    }
  }
}

/** The minutes, from the midnight that begins the day, at which the schedule begins to open or ceases to override. */
function turningMinutes(schedule: Schedule, day: Temporal.PlainDate): number[] {
  const date = day.toString();
  const windows = hoursStartingOn(day, schedule).flatMap((hours) => minutesOf(hours) ?? []);
  const turns = (schedule.days ?? []).some(({ start, end }) => (schedule.override ? end : start) === date);
  return [...windows.map(({ first, end }) => (schedule.override ? end : first)), ...(turns ? [0] : [])];
}

function* spanOpenings(schedules: readonly Schedule[], timeZone: string) {
  for (const { spans = [], override } of schedules) {
    for (const { from, until } of spans) {
      const time = zonedTime(timeZone, override ? until : from);
      if (time !== null) yield time;
    }
  }
}

function instantOf(time: Temporal.ZonedDateTime): string {
  return time.toInstant().toString({ smallestUnit: 'millisecond' });
}

function compare(a: Temporal.ZonedDateTime, b: Temporal.ZonedDateTime): number {
  return Temporal.ZonedDateTime.compare(a, b);
}
