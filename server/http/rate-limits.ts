import { PosternError } from '../../domain/errors.ts';
import type { Clock } from '../context.ts';

interface RateLimit {
  /** So many within `windowMs`, from the first one on. */
  max: number;
  windowMs: number;
  /** What is counted, and by what: ends up in the reference. */
  what: string;
  /** Counted over all processes that serve together; otherwise each counts for itself. */
  shared?: true;
}

/**
 * What strangers and callers may do how often. Every limit is counted by who does it, never by whom it is done to, so
 * that nobody can lock out another. The figures are far above what an honest program or a whole office comes to.
 */
export const rateLimits = {
  requests_of_address: {
    max: 3_000,
    windowMs: 10_000,
    what: 'requests from one address (IPv6: its /64). This machine itself and proxies that do not name their clients are not counted',
  },
  requests_of_login: { max: 3_000, windowMs: 10_000, what: 'requests with one API key or one sign-in' },
  requests_of_link: { max: 600, windowMs: 10_000, what: "requests with one link's secret or from its page" },
  requests_of_reader: {
    max: 120,
    windowMs: 60_000,
    what: 'nonces and presentations of one tablet, by its own key',
    shared: true,
  },
  unlocks_of_link: {
    max: 120,
    windowMs: 60_000,
    what: 'unlocks asked for with one link, over page and API',
    shared: true,
  },
  wrong_credentials: {
    max: 60,
    windowMs: 60_000,
    what: 'wrong secrets from one address (IPv6: its /64). A right one is served all the same',
    shared: true,
  },
  wrong_passwords_of_address: {
    max: 60,
    windowMs: 60_000,
    what: 'wrong passwords from one address (IPv6: its /64). After that none from there is looked at for the rest of the time',
    shared: true,
  },
  wrong_passwords: {
    max: 100,
    windowMs: 3_600_000,
    what: 'wrong passwords for one e-mail address from one address: from elsewhere its owner signs in as always',
  },
} as const satisfies Record<string, RateLimit>;

export type LimitName = keyof typeof rateLimits;

/** How many callers are remembered for each limit, the latest ones: bounds the memory an attacker can take. */
export const countersMax = 10_000;

/** How processes that serve together tell each other what they counted. */
export interface SharedCounters {
  /** This was counted here. */
  add(limit: LimitName, key: string): void;
  /** Is told what the others counted. */
  onRemote(listener: (limit: LimitName, key: string, count: number) => void): void;
}

export interface RateLimitParts {
  enabled: boolean;
  clock: Pick<Clock, 'monotonicMs'>;
  /** Absent: this process serves alone. */
  shared?: SharedCounters;
  onLimited?: (limit: LimitName) => void;
}

type Counters = Record<LimitName, Map<string, { count: number; untilMs: number }>>;

/** Counts in fixed windows, and says how long to wait once there were too many. */
export class RateLimits {
  readonly enabled: boolean;
  readonly #parts: RateLimitParts;
  readonly #counters: Counters;

  constructor(parts: RateLimitParts) {
    this.#parts = parts;
    this.enabled = parts.enabled;
    const names = Object.keys(rateLimits) as LimitName[]; // the table's own keys
    this.#counters = Object.fromEntries(names.map((name) => [name, new Map()])) as Counters; // all of them
    parts.shared?.onRemote((limit, key, count) => {
      if (Object.hasOwn(this.#counters, limit)) this.#add(limit, key, count);
    });
  }

  /** Counts one more. Answers null, or the seconds to wait when there were too many already. */
  count(limit: LimitName, key: string | number): number | null {
    if (!this.enabled) return null;
    if ('shared' in rateLimits[limit]) this.#parts.shared?.add(limit, String(key));
    const { count, untilMs } = this.#add(limit, String(key), 1);
    if (count <= rateLimits[limit].max) return null;
    this.#parts.onLimited?.(limit);
    return this.#secondsUntil(untilMs);
  }

  /** Throws `too_many_requests` when there were as many as may be, without counting another. */
  requireRoom(limit: LimitName, key: string | number): void {
    const entry = this.#counters[limit].get(String(key));
    if (!this.enabled || !entry || this.#isOver(entry) || entry.count < rateLimits[limit].max) return;
    this.#parts.onLimited?.(limit);
    throw tooMany(limit, this.#secondsUntil(entry.untilMs));
  }

  /** Counts one more, and throws `too_many_requests` when there were too many. */
  require(limit: LimitName, key: string | number): void {
    const retryAfterS = this.count(limit, key);
    if (retryAfterS !== null) throw tooMany(limit, retryAfterS);
  }

  /** One that was counted was none. */
  takeBack(limit: LimitName, key: string | number): void {
    const entry = this.#counters[limit].get(String(key));
    if (entry) entry.count -= 1;
  }

  /** What was counted so far is forgiven. */
  forget(limit: LimitName, key: string | number): void {
    this.#counters[limit].delete(String(key));
  }

  #add(limit: LimitName, key: string, count: number): { count: number; untilMs: number } {
    const counters = this.#counters[limit];
    const known = counters.get(key);
    const fresh = { count: 0, untilMs: this.#now() + rateLimits[limit].windowMs };
    const entry = known && !this.#isOver(known) ? known : fresh;
    entry.count += count;
    counters.delete(key); // so that the order is that of the last use
    counters.set(key, entry);
    const [oldest] = counters.keys();
    if (counters.size > countersMax && oldest !== undefined) counters.delete(oldest);
    return entry;
  }

  #isOver({ untilMs }: { untilMs: number }): boolean {
    return untilMs <= this.#now();
  }

  #secondsUntil(untilMs: number): number {
    return Math.ceil((untilMs - this.#now()) / 1000);
  }

  #now(): number {
    return this.#parts.clock.monotonicMs();
  }
}

function tooMany(limit: LimitName, retryAfterS: number): PosternError {
  const { max, windowMs } = rateLimits[limit];
  const message = `Too many requests of this kind: at most ${max} in ${windowMs / 1000} s.`;
  return new PosternError('too_many_requests', { retryAfterS, message });
}

/** What an address is counted under: itself, or for IPv6 its /64, which is what one customer has (RFC 6177). */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':') || address === '::1') return address;
  const [head = '', tail] = address.split('::');
  const groups = head.split(':').filter(Boolean);
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(':').filter(Boolean).length;
  const all = [...groups, ...Array<string>(missing).fill('0'), ...(tail ?? '').split(':')];
  return all.slice(0, 4).join(':');
}
