import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Bus, Listener } from '../bus/bus.ts';
import { RateLimits, rateLimits } from './rate-limits.ts';
import { busCounters } from './shared-counters.ts';

/** Two ends of a line: what one says, the other hears, a moment later. */
function line(): [Bus, Bus] {
  const listeners: Listener[][] = [[], []];
  const end = (mine: number): Bus => ({
    process_id: String(mine),
    async publish(topic, message) {
      assert.equal(topic, 'counters');
      assert.ok(JSON.stringify(message).length < 7_500);
      for (const listener of listeners[1 - mine] ?? [])
        listener(JSON.parse(JSON.stringify(message)), { from: String(mine), ageMs: 1 });
    },
    subscribe: (_topic, listener) => void listeners[mine]?.push(listener),
    onConnected: () => {},
    close: async () => {},
  });
  return [end(0), end(1)];
}

const clock = { monotonicMs: () => 0 };
const limit = 'wrong_credentials';
const { max } = rateLimits[limit];

function limitsOver(bus: Bus): RateLimits {
  return new RateLimits({ enabled: true, clock, shared: busCounters(bus) });
}

/** Until what was counted has been told. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe('counters that processes share', () => {
  it('reach the others in bundles, a moment later', { timeout: 5_000 }, async () => {
    const [one, other] = line();
    const [here, there] = [limitsOver(one), limitsOver(other)];
    for (let address = 0; address < 200; address++)
      for (let time = 0; time < max; time++) here.count(limit, `2001:db8:${address}:0`);
    const isFull = (address: number) => {
      try {
        there.requireRoom(limit, `2001:db8:${address}:0`);
        return false;
      } catch {
        return true;
      }
    };
    await until(() => isFull(0) && isFull(199));
    assert.equal(there.count(limit, '2001:db8:999:0'), null);
  });

  it('count nothing that is no count', async () => {
    const [one, other] = line();
    const there = limitsOver(other);
    const wrong = [
      null,
      7,
      {},
      { counts: 'x' },
      { counts: [1, ['x'], [`${limit} a`, 'many'], ['constructor a', 99]] },
    ];
    for (const message of wrong) await one.publish('counters', message as object);
    assert.equal(there.count(limit, 'a'), null);
  });

  it('are only a little less exact while nobody hears', { timeout: 5_000 }, async () => {
    const [one] = line();
    const failing = { ...one, publish: () => Promise.reject(new Error('planted')) };
    const here = limitsOver(failing);
    for (let time = 0; time < max; time++) here.count(limit, 'a');
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.ok(here.count(limit, 'a'));
  });
});
