import type { Bus } from '../bus/bus.ts';
import type { LimitName, SharedCounters } from './rate-limits.ts';

/** How long counts are collected before the others hear of them: limits may be that much late. */
const collectMs = 250;
/** Counts in one message: keeps it within what a bus carries. */
const countsPerMessageMax = 60;
/** Different counts that wait to be told; more are left out, since they only make a limit less exact. */
const countsMax = 2_000;

/** Tells the other server processes over the bus what was counted here, in bundles. */
export function busCounters(bus: Bus): SharedCounters {
  const waiting = new Map<string, number>();
  const tell = () => {
    const counts = [...waiting];
    waiting.clear();
    for (let start = 0; start < counts.length; start += countsPerMessageMax) {
      // Who does not hear it counts without it.
      bus.publish('counters', { counts: counts.slice(start, start + countsPerMessageMax) }).catch(() => {});
    }
  };
  return {
    add(limit, key) {
      const name = `${limit} ${key}`;
      if (!waiting.has(name) && waiting.size >= countsMax) return;
      if (waiting.size === 0) setTimeout(tell, collectMs).unref();
      waiting.set(name, (waiting.get(name) ?? 0) + 1);
    },
    onRemote(listener) {
      bus.subscribe('counters', (message) => {
        for (const [name, count] of countsOf(message)) {
          const [limit = '', key = ''] = name.split(' ');
          listener(limit as LimitName, key, count); // a name that is none is not counted
        }
      });
    },
  };
}

function countsOf(message: unknown): [string, number][] {
  const counts = typeof message === 'object' && message !== null && 'counts' in message ? message.counts : [];
  return Array.isArray(counts) ? counts.filter(isCount) : [];
}

function isCount(entry: unknown): entry is [string, number] {
  return Array.isArray(entry) && typeof entry[0] === 'string' && Number.isSafeInteger(entry[1]);
}
