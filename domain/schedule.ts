import { isInstant } from './instants.ts';

/** A span of wall time within one day. `start` and `end` are `HH:MM`; `end` may be `24:00`. */
export interface Hours {
  start: string;
  end: string;
}

/**
 * When a group's doors open: weekly windows and dated exceptions, as wall time in the zone of the place of the
 * door being opened. A window whose end is not after its start runs past midnight into the next day; it belongs
 * to the day on which it starts. Hours that cannot be read open nothing.
 */
export interface Schedule {
  /** `days`: ISO 8601 weekday numbers, 1 = Monday … 7 = Sunday. */
  weekly: readonly ({ days: readonly number[] } & Hours)[];
  /**
   * On `date` (`YYYY-MM-DD`) these hours replace the weekly windows that start that day; none: closed. Several
   * exceptions for one date add up.
   */
  exceptions: readonly { date: string; hours: readonly Hours[] }[];
}

/** How far ahead `nextOpening` looks, in days of 24 hours. */
export const nextOpeningDaysMax = 400;

/**
 * Whether any of the schedules allows the instant `at` (ISO 8601 UTC with milliseconds) in the IANA zone; no
 * schedules: always. An instant is allowed when the clock on the wall shows a time inside a window, so both
 * passes of a repeated hour count, and a window whose start a spring gap swallows opens at the first instant
 * after the gap. Never throws: an instant or a zone that cannot be read is not allowed.
 */
export function allows(schedules: readonly Schedule[], timeZone: string, at: string): boolean {
  if (schedules.length === 0) return true;
  const time = zonedTime(timeZone, at);
  return time !== null && opensAt(schedules, time);
}

/**
 * The first instant at or after `from` that any of the schedules allows, written like `from` (ISO 8601 UTC with
 * milliseconds); null: none within 400 days, or `from` or the zone cannot be read. Never throws.
 */
export function nextOpening(schedules: readonly Schedule[], timeZone: string, from: string): string | null {
  if (schedules.length === 0) return from;
  const time = zonedTime(timeZone, from);
  if (time === null) return null;
  if (opensAt(schedules, time)) return from;
  for (const days of [8, nextOpeningDaysMax]) {
    const opening = possibleOpenings(schedules, time, days).find((candidate) =>
      opensAt(schedules, candidate),
    );
    if (opening) return opening.toInstant().toString({ smallestUnit: 'millisecond' });
  }
  return null;
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

function opensAt(schedules: readonly Schedule[], time: Temporal.ZonedDateTime): boolean {
  const minute = time.hour * 60 + time.minute;
  const today = time.toPlainDate();
  const yesterday = today.subtract({ days: 1 });
  return (
    hoursStartingOn(today, schedules).some((hours) => contains(hours, minute)) ||
    hoursStartingOn(yesterday, schedules).some((hours) => contains(hours, minute + minutesPerDay))
  );
}

function hoursStartingOn(day: Temporal.PlainDate, schedules: readonly Schedule[]): readonly Hours[] {
  const date = day.toString();
  const weekday = day.dayOfWeek;
  return schedules.flatMap(({ weekly, exceptions }) => {
    const today = exceptions.filter((exception) => exception.date === date);
    if (today.length > 0) return today.flatMap(({ hours }) => hours);
    return weekly.filter(({ days }) => days.includes(weekday));
  });
}

/** `minute` counts from the midnight that begins the day on which the hours start. */
function contains({ start, end }: Hours, minute: number): boolean {
  const first = minuteOfDay(start);
  const last = end === '24:00' ? minutesPerDay : minuteOfDay(end);
  return minute >= first && minute < (last <= first ? last + minutesPerDay : last);
}

/** NaN for anything but `00:00` … `23:59`: it compares as neither before nor after, so such hours stay shut. */
function minuteOfDay(text: string): number {
  if (!/^([01]\d|2[0-3]):[0-5]\d$/.test(text)) return Number.NaN;
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
}

/**
 * In order of time, every instant of the next `days` days at which a door that is shut may open: the clock
 * reaches the start of a window (twice, if that hour is repeated) or jumps over it or back into the window.
 */
function possibleOpenings(
  schedules: readonly Schedule[],
  from: Temporal.ZonedDateTime,
  days: number,
): Temporal.ZonedDateTime[] {
  const until = from.add({ hours: days * 24 });
  return [...transitions(from, until), ...starts(schedules, from, until)]
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

function* starts(
  schedules: readonly Schedule[],
  from: Temporal.ZonedDateTime,
  until: Temporal.ZonedDateTime,
) {
  // A clock set back over midnight shows the day before again, so look one day further on either side.
  const lastDay = until.toPlainDate().add({ days: 1 });
  let day = from.toPlainDate().subtract({ days: 1 });
  for (; Temporal.PlainDate.compare(day, lastDay) <= 0; day = day.add({ days: 1 })) {
    for (const { start } of hoursStartingOn(day, schedules)) {
      if (Number.isNaN(minuteOfDay(start))) continue;
      const wall = day.toPlainDateTime(start);
      yield wall.toZonedDateTime(from.timeZoneId, { disambiguation: 'earlier' });
      yield wall.toZonedDateTime(from.timeZoneId, { disambiguation: 'later' });
    }
  }
}

function compare(a: Temporal.ZonedDateTime, b: Temporal.ZonedDateTime): number {
  return Temporal.ZonedDateTime.compare(a, b);
}
