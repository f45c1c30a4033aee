const form = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?([Zz]|[+-]\d{2}(:?\d{2})?)$/;

const ours = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Whether the text is an instant in our one spelling, so that it may be compared as text. */
export function isInstant(text: string): boolean {
  return ours.test(text);
}

/** The last instant that four-digit years can write: instants sort as text. */
export const lastInstant = '9999-12-31T23:59:59.999Z';

/**
 * Reads an ISO 8601 date and time with its zone (RFC 3339, and a little more) into our one spelling: UTC, with
 * milliseconds, 24 characters, so that instants compare as text. Null when it is none, or has no zone.
 */
export function parseInstant(text: string): string | null {
  if (!form.test(text)) return null;
  try {
    return canonical(Temporal.Instant.from(text.replace(' ', 'T')));
  } catch {
    return null;
  }
}

/** The instant `ms` milliseconds after `at`. */
export function addMs(at: string, ms: number): string {
  return canonical(Temporal.Instant.from(at).add({ milliseconds: ms }));
}

/** The first of two instants. */
export function earlier(one: string, other: string): string {
  return one <= other ? one : other;
}

/** The second of two instants. */
export function later(one: string, other: string): string {
  return one >= other ? one : other;
}

/** Milliseconds from `from` to `to`. */
export function msBetween(from: string, to: string): number {
  return Date.parse(to) - Date.parse(from);
}

/**
 * An ISO 8601 interval: start/end, start/duration or duration/end, the end not before the start. Days, months and
 * years of a duration are those of UTC. Null when it is none.
 */
export function parseInterval(text: string): { from: string; to: string } | null {
  const [first = '', second = '', ...rest] = text.split('/');
  if (rest.length > 0) return null;
  const from = parseInstant(first) ?? shifted(second, first, -1);
  const to = parseInstant(second) ?? shifted(first, second, 1);
  return from !== null && to !== null && from <= to ? { from, to } : null;
}

/** Whole seconds since 1970 (RFC 8392 NumericDate) at or before the instant. */
export function secondsFloor(at: string): number {
  return Math.floor(Date.parse(at) / 1000);
}

/** Whole seconds since 1970 at or after the instant. */
export function secondsCeil(at: string): number {
  return Math.ceil(Date.parse(at) / 1000);
}

/** The instant that many seconds after 1970. */
export function instantOfSeconds(seconds: number): string {
  return canonical(Temporal.Instant.fromEpochMilliseconds(seconds * 1000));
}

/** The IANA time zone of that name as IANA writes it; null when there is none. Offsets such as `+01:00` are no places' zones. */
export function timeZoneName(name: string): string | null {
  if (!/^[A-Za-z]/.test(name)) return null;
  try {
    return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name).timeZoneId;
  } catch {
    return null;
  }
}

/** The instant that lies the ISO 8601 duration after (1) or before (-1) the other; null when either is none. */
function shifted(instant: string, duration: string, direction: 1 | -1): string | null {
  const at = parseInstant(instant);
  if (at === null || !/^P/i.test(duration)) return null;
  try {
    const length = Temporal.Duration.from(duration);
    const zoned = Temporal.Instant.from(at).toZonedDateTimeISO('UTC');
    return canonical(zoned.add(direction === 1 ? length : length.negated()).toInstant());
  } catch {
    return null;
  }
}

function canonical(instant: Temporal.Instant): string {
  const text = instant
    .round({ smallestUnit: 'millisecond', roundingMode: 'floor' })
    .toString({ fractionalSecondDigits: 3 });
  if (text.length !== lastInstant.length)
    throw new RangeError('an instant must lie in the years 0000 to 9999');
  return text;
}
