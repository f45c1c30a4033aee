import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FailureLimit } from './failure-limit.ts';

/** Notes that many failures and answers the last answer. */
function fail(limit: FailureLimit, times: number, { address = '192.0.2.7', nowMs = 0 } = {}): number | null {
  let answer: number | null = null;
  for (let time = 0; time < times; time++) answer = limit.note(address, nowMs);
  return answer;
}

describe('the limit of failures', () => {
  it('allows 60 a minute, and then says how many seconds to wait', () => {
    const limit = new FailureLimit(true);
    assert.equal(fail(limit, 60), null);
    assert.equal(fail(limit, 1), 60);
    assert.equal(fail(limit, 1, { nowMs: 59_001 }), 1);
  });

  it('begins again after a minute, and does not grow while somebody keeps trying', () => {
    const limit = new FailureLimit(true);
    fail(limit, 100);
    assert.equal(fail(limit, 1, { nowMs: 60_000 }), null);
    assert.equal(fail(limit, 59, { nowMs: 60_000 }), null);
    assert.equal(fail(limit, 1, { nowMs: 61_000 }), 59);
  });

  it('counts every address by itself', () => {
    const limit = new FailureLimit(true);
    fail(limit, 100);
    assert.equal(fail(limit, 60, { address: '192.0.2.8' }), null);
  });

  it('counts the addresses of one IPv6 network together, however they are written', () => {
    const limit = new FailureLimit(true);
    const same = ['2001:db8:1:2::1', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::', '2001:db8:1:2:0:0:0:9'];
    for (const address of same) assert.equal(fail(limit, 15, { address }), null, address);
    assert.ok(fail(limit, 1, { address: '2001:db8:1:2:ffff::' }));
    assert.equal(fail(limit, 1, { address: '2001:db8:1:3::1' }), null);
    assert.equal(fail(limit, 1, { address: '2001:db8::1:2:1' }), null);
    assert.equal(fail(limit, 60, { address: '::1' }), null);
    assert.ok(fail(limit, 1, { address: '::2' }));
  });

  it('counts IPv4 addresses one by one behind a socket that speaks both', () => {
    const limit = new FailureLimit(true);
    fail(limit, 100, { address: '::ffff:192.0.2.7' });
    assert.equal(fail(limit, 60, { address: '::ffff:192.0.2.8' }), null);
  });

  it('remembers a bounded number of addresses, the latest ones', () => {
    const limit = new FailureLimit(true);
    fail(limit, 100);
    for (let address = 0; address < 9_999; address++) limit.note(`address ${address}`, 0);
    assert.ok(fail(limit, 1));
    for (let address = 0; address < 10_000; address++) limit.note(`other ${address}`, 0);
    assert.equal(fail(limit, 1), null);
  });

  it('tells how long an address has to wait before it may guess again, without counting that', () => {
    const limit = new FailureLimit(true);
    fail(limit, 59);
    assert.equal(limit.waitS('192.0.2.7', 0), null);
    fail(limit, 1);
    for (let times = 0; times < 3; times++) assert.equal(limit.waitS('192.0.2.7', 1_000), 59);
    assert.equal(limit.waitS('192.0.2.8', 1_000), null);
    assert.equal(limit.waitS('192.0.2.7', 60_000), null);
  });

  it('does nothing when it is off', () => {
    const off = new FailureLimit(false);
    assert.equal(fail(off, 1_000), null);
    assert.equal(off.waitS('192.0.2.7', 0), null);
  });
});
