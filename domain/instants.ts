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

/** Whether the name is one of an IANA time zone known here. Offsets such as `+01:00` are not places' zones. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name);
    return true;
  } catch {
    return false;
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
