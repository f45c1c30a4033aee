import * as words from './words.ts';

/** A calendar day seen from today: `distance` in days (1: tomorrow), `name` as it is read. */
export interface Day {
  distance: number;
  name: string;
}

const dayMs = 86_400_000;

// English words go with the phone's own English: 08:00 in London, 8:00 AM in New York.
const locale = navigator.languages.find((language) => /^en\b/i.test(language)) ?? 'en-GB';

let serverAheadMs = 0;

/** Learns the server's clock from an answer: its time lies between sending and receiving, in local milliseconds. */
export function learnServerTime(serverTime: string, sentAt: number, receivedAt: number): void {
  const server = Date.parse(serverTime);
  if (Number.isFinite(server)) serverAheadMs = server - (sentAt + receivedAt) / 2;
}

/** Milliseconds since 1970 by the server's clock: a phone's clock may be wrong, and the door does not care. */
export function serverNow(): number {
  return Date.now() + serverAheadMs;
}

/** The span from `from` (null: since always) to `until`, as wall time in the place's zone. */
export function windowWords(from: number | null, until: number, zone: string): string {
  const end = endOf(until, zone);
  if (from !== null && dayOf(from, zone).distance === end.day.distance) {
    return words.range(capitalized(end.day), timeOf(from, zone), end.time);
  }
  const last = words.dayAt(end.day, end.time);
  if (from === null || from <= serverNow()) return words.until(last);
  return words.fromUntil(words.dayAt(dayOf(from, zone), timeOf(from, zone)), last);
}

/** "at 08:00", "tomorrow at 08:00", "on Monday at 08:00". */
export function atWords(at: number, zone: string): string {
  return words.at(dayOf(at, zone), timeOf(at, zone));
}

export function countdownWords(untilMs: number): string {
  const seconds = Math.ceil(untilMs / 1000);
  if (seconds <= 0) return words.anyMoment;
  if (seconds < 3600) return words.inMinutes(Math.floor(seconds / 60), seconds % 60);
  if (seconds < 48 * 3600)
    return words.inHours(Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60));
  return words.inDays(Math.floor(seconds / 86_400));
}

/** The zone's name when this phone's own wall clock shows another time at any of the instants; otherwise null. */
export function foreignZoneName(zone: string, instants: readonly number[]): string | null {
  const here = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (instants.every((at) => wallTime(at, zone) === wallTime(at, here))) return null;
  const named = formatter(zone, { timeZoneName: 'longGeneric' }).formatToParts(serverNow());
  return named.find((part) => part.type === 'timeZoneName')?.value ?? zone;
}

function timeOf(at: number, zone: string): string {
  return formatter(zone, { timeStyle: 'short' }).format(at);
}

/** The end is the first instant after: midnight belongs to the day that it ends. */
function endOf(until: number, zone: string): { day: Day; time: string } {
  if (!wallTime(until, zone).endsWith('00:00')) return { day: dayOf(until, zone), time: timeOf(until, zone) };
  return { day: dayOf(until - 1, zone), time: words.midnight };
}

function dayOf(at: number, zone: string): Day {
  const now = serverNow();
  const distance = dayNumber(at, zone) - dayNumber(now, zone);
  if (distance > 1 && distance < 7)
    return { distance, name: formatter(zone, { weekday: 'long' }).format(at) };
  const year = wallTime(at, zone).slice(0, 4) === wallTime(now, zone).slice(0, 4) ? undefined : 'numeric';
  return {
    distance,
    name: formatter(zone, { weekday: 'short', day: 'numeric', month: 'short', year }).format(at),
  };
}

function dayNumber(at: number, zone: string): number {
  return Math.round(Date.parse(`${wallTime(at, zone).slice(0, 10)}T00:00:00Z`) / dayMs);
}

function capitalized(day: Day): string {
  if (day.distance === 0) return words.today;
  if (day.distance === 1) return words.tomorrow;
  return day.distance === -1 ? words.yesterday : day.name;
}

/** `2026-05-04 14:00`: Swedish writes dates like this. */
function wallTime(at: number, zone: string): string {
  return formatter(zone, { dateStyle: 'short', timeStyle: 'short' }, 'sv').format(at);
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatter(
  zone: string,
  options: Intl.DateTimeFormatOptions,
  language = locale,
): Intl.DateTimeFormat {
  const key = `${zone} ${language} ${JSON.stringify(options)}`;
  const known = formatters.get(key);
  if (known !== undefined) return known;
  const made = newFormatter(zone, options, language);
  formatters.set(key, made);
  return made;
}

function newFormatter(timeZone: string, options: Intl.DateTimeFormatOptions, language: string) {
  try {
    return new Intl.DateTimeFormat(language, { ...options, timeZone });
  } catch {
    return new Intl.DateTimeFormat(language, options); // an old phone may not know a new zone
  }
}
