import type { DenialReason } from '../domain/decide.ts';
import type { Shown } from './readers/reader.ts';

/** The same text at the same reader within this time of its last sighting is one presentation: scanners repeat. */
export const sightingWindowMs = 3_000;
/** How many texts a reader remembers for that; the one seen longest ago goes first. */
export const sightingsMax = 256;

/** A reader that needs the server and cannot reach it says this. */
const readerOffline: DenialReason = 'online_check_required';

/** What the server answered to a presentation. */
export interface Answer {
  granted: boolean;
  reason: string | null;
}

export interface ScanSettings {
  /** Who decides. Null: no answer, because nobody is connected or because it took too long. */
  ask: (text: string) => Promise<Answer | null>;
  /** Whether the door is known to be locked down: it is what a reader says while nobody can be asked. */
  isLockedDown: () => boolean;
  /** The agent's monotonic clock. */
  monotonicMs: () => number;
}

/** The whole story of a scan, for one reader. Texts are hostile: they are compared and passed on, nothing else. */
export function scanning({ ask, isLockedDown, monotonicMs }: ScanSettings): (text: string) => Promise<Shown> {
  const sightings = new Map<string, number>();
  return async function scan(text) {
    if (sighted(sightings, text, monotonicMs())) return { shown: 'repeated' };
    const answer = await ask(text);
    if (answer === null) return denied(isLockedDown() ? 'door_locked_down' : readerOffline);
    if (answer.granted) return { shown: 'granted' };
    return denied(answer.reason);
  };
}

/** Whether the text was seen just now; either way it has been seen now. The map is in the order of last sighting. */
function sighted(sightings: Map<string, number>, text: string, now: number): boolean {
  const last = sightings.get(text);
  sightings.delete(text);
  for (const [seen, at] of sightings) {
    if (now - at < sightingWindowMs && sightings.size < sightingsMax) break;
    sightings.delete(seen);
  }
  sightings.set(text, now);
  return last !== undefined && now - last < sightingWindowMs;
}

/** A reason is one word on a reader's display; anything else is no answer. */
function denied(reason: string | null): Shown {
  const isWord = reason !== null && /^[a-z0-9_]{1,64}$/.test(reason);
  return { shown: 'denied', reason: isWord ? reason : readerOffline };
}
