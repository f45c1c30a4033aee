import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TestClock } from '../../test/test-server.ts';
import {
  countersMax,
  type LimitName,
  networkOf,
  type RateLimitParts,
  RateLimits,
  rateLimits,
  type SharedCounters,
} from './rate-limits.ts';

const limit = 'wrong_credentials';
const { max, windowMs } = rateLimits[limit];

function start(parts: Partial<RateLimitParts> = {}) {
  const clock = new TestClock('2026-12-01T09:00:00.000Z');
  const limits = new RateLimits({ enabled: true, clock, ...parts });
  /** Counts that often and answers the last answer. */
  const count = (times: number, address = '192.0.2.7') => {
    let answer: number | null = null;
    for (let time = 0; time < times; time++) answer = limits.count(limit, networkOf(address));
    return answer;
  };
  return { clock, limits, count };
}

describe('a rate limit', () => {
  it('allows so many within its window, and then says how many seconds to wait', () => {
    const { clock, count } = start();
    assert.equal(count(max), null);
    assert.equal(count(1), windowMs / 1000);
    clock.advance(windowMs - 999);
    assert.equal(count(1), 1);
  });

  it('begins again after its window, and the window does not grow while somebody keeps trying', () => {
    const { clock, count } = start();
    count(max + 40);
    clock.advance(windowMs);
    assert.equal(count(max), null);
    clock.advance(1_000);
    assert.equal(count(1), windowMs / 1000 - 1);
  });

  it('counts every caller by itself', () => {
    const { count } = start();
    count(max + 40);
    assert.equal(count(max, '192.0.2.8'), null);
  });

  it('tells whether there is room without counting', () => {
    const { clock, limits, count } = start();
    count(max - 1);
    for (let time = 0; time < 3; time++) limits.requireRoom(limit, '192.0.2.7');
    count(1);
    clock.advance(1_000);
    for (let time = 0; time < 3; time++)
      assert.throws(() => limits.requireRoom(limit, '192.0.2.7'), {
        reason: 'too_many_requests',
        retryAfterS: 59,
      });
    limits.requireRoom(limit, '192.0.2.8');
    clock.advance(59_000);
    limits.requireRoom(limit, '192.0.2.7');
  });

  it('throws an error that says how long to wait, and forgives', () => {
    const { limits, count } = start();
    count(max);
    assert.throws(() => limits.require(limit, '192.0.2.7'), { reason: 'too_many_requests', retryAfterS: 60 });
    limits.forget(limit, '192.0.2.7');
    limits.require(limit, '192.0.2.7');
  });

  it('remembers a bounded number of callers, the latest ones', () => {
    const { limits, count } = start();
    count(max + 1);
    for (let address = 1; address < countersMax; address++) limits.count(limit, `address ${address}`);
    assert.ok(count(1));
    for (let address = 0; address < countersMax; address++) limits.count(limit, `other ${address}`);
    assert.equal(count(1), null);
  });

  it('does nothing when limits are off', () => {
    assert.equal(start({ enabled: false }).count(max + 1_000), null);
  });

  it('says which limit it was, for the metrics', () => {
    const limited: LimitName[] = [];
    start({ onLimited: (name) => limited.push(name) }).count(max + 2);
    assert.deepEqual(limited, [limit, limit]);
  });
});

describe('rate limits of processes that serve together', () => {
  /** What one adds, the other hears. */
  function joined(): [SharedCounters, SharedCounters] {
    const listeners: Parameters<SharedCounters['onRemote']>[0][] = [];
    const one = (mine: number): SharedCounters => ({
      add: (name, key) => listeners[1 - mine]?.(name, key, 1),
      onRemote: (listener) => {
        listeners[mine] = listener;
      },
    });
    return [one(0), one(1)];
  }

  it('add up where that was asked for', () => {
    const [shared, other] = joined();
    const here = start({ shared });
    const there = start({ shared: other });
    assert.equal(here.count(max - 1), null);
    assert.equal(there.count(1), null);
    assert.ok(here.count(1));
    assert.ok(there.count(1));
  });

  it('do not where each counts for itself', () => {
    const [shared, other] = joined();
    const here = start({ shared }).limits;
    const there = start({ shared: other }).limits;
    for (let time = 0; time < rateLimits.wrong_passwords.max; time++) here.count('wrong_passwords', 'x');
    assert.equal(there.count('wrong_passwords', 'x'), null);
  });
});

describe('the network of an address', () => {
  it('is the /64 of IPv6, however it is written', () => {
    const same = ['2001:db8:1:2::1', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::', '2001:db8:1:2:0:0:0:9'];
    for (const address of same) assert.equal(networkOf(address), '2001:db8:1:2', address);
    assert.notEqual(networkOf('2001:db8:1:3::1'), networkOf('2001:db8:1:2::1'));
    assert.notEqual(networkOf('2001:db8::1:2:1'), networkOf('2001:db8:1:2::1'));
    assert.equal(networkOf('2001:db8::1'), '2001:db8:0:0');
    assert.equal(networkOf('::2'), '0:0:0:0');
    assert.equal(networkOf('64:ff9b::192.0.2.1'), '64:ff9b:0:0');
    assert.equal(networkOf('fe80::1%eth0'), networkOf('fe80::2%eth1'));
  });

  it('is the address itself of IPv4, also behind a socket that speaks both', () => {
    assert.equal(networkOf('192.0.2.7'), '192.0.2.7');
    assert.equal(networkOf('::ffff:192.0.2.8'), '192.0.2.8');
  });

  it('of this machine is recognised in each family', () => {
    assert.deepEqual(['127.0.0.1', '::ffff:127.0.0.1', '::1'].map(networkOf), [
      '127.0.0.1',
      '127.0.0.1',
      '::1',
    ]);
  });
});
