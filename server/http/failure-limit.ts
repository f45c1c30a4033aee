const failuresMax = 60;
const windowMs = 60_000;
const addressesMax = 10_000;

/**
 * Counts wrong credentials by the address they came from (IPv6: its /64), so that guessing is slow. A right
 * credential is never refused: many visitors may share one address, and none can lock another out.
 */
export class FailureLimit {
  readonly #failures = new Map<string, { count: number; until: number }>();
  readonly #enabled: boolean;

  constructor(enabled: boolean) {
    this.#enabled = enabled;
  }

  /** Notes one failure. Answers null, or the seconds to wait when there were too many. */
  note(address: string, nowMs: number): number | null {
    if (!this.#enabled) return null;
    const key = network(address);
    const known = this.#failures.get(key);
    const entry = known && known.until > nowMs ? known : { count: 0, until: nowMs + windowMs };
    entry.count += 1;
    this.#failures.delete(key);
    this.#failures.set(key, entry);
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > addressesMax && oldest !== undefined) this.#failures.delete(oldest);
    return entry.count > failuresMax ? Math.ceil((entry.until - nowMs) / 1000) : null;
  }

  /** Null, or the seconds that this address has to wait: asked before a password is looked at, which can be guessed. */
  waitS(address: string, nowMs: number): number | null {
    const known = this.#failures.get(network(address));
    if (!known || known.until <= nowMs || known.count < failuresMax) return null;
    return Math.ceil((known.until - nowMs) / 1000);
  }
}

function network(address: string): string {
  if (!address.includes(':') || address.startsWith('::ffff:')) return address;
  const [head = '', tail] = address.split('::');
  const groups = head.split(':').filter(Boolean);
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(':').filter(Boolean).length;
  return [...groups, ...Array<string>(missing).fill('0'), ...(tail ?? '').split(':')].slice(0, 4).join(':');
}
