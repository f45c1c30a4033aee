import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import type { Context, LinkCaller } from '../context.ts';
import { Holds, holdMsMax, holdMsMin } from './holds.ts';

const guest: LinkCaller = { kind: 'page', organization_id: 1, link_id: 7 };
const other: LinkCaller = { ...guest, link_id: 8 };

function start() {
  let ms = 5_000;
  const clock = { now: () => '', monotonicMs: () => ms };
  const random = { bytes: (length: number) => randomBytes(length) };
  // Holds looks at the clock and at randomness, and at nothing else of its context.
  const holds = new Holds({ clock, random } as unknown as Context);
  const finish = (nonce: string, { caller = guest, door_id = 1 } = {}) => {
    try {
      holds.finish(caller, door_id, nonce);
      return 'opens';
    } catch (error) {
      return error instanceof Error && 'reason' in error ? error.reason : error;
    }
  };
  const pass = (more: number) => {
    ms += more;
  };
  return { pass, holds, finish };
}

describe('a press', () => {
  it('opens when it lasted from 600 ms to 30 s, to the millisecond', () => {
    for (const [ms, answer] of [
      [0, 'hold_too_short'],
      [holdMsMin - 1, 'hold_too_short'],
      [holdMsMin, 'opens'],
      [holdMsMax, 'opens'],
      [holdMsMax + 1, 'hold_expired'],
    ] as const) {
      const { pass, holds, finish } = start();
      const nonce = holds.begin(guest, 1);
      pass(ms);
      assert.equal(finish(nonce), answer, `${ms} ms`);
    }
    assert.deepEqual([holdMsMin, holdMsMax], [600, 30_000]);
  });

  it('opens once', () => {
    const { pass, holds, finish } = start();
    const nonce = holds.begin(guest, 1);
    pass(1_000);
    assert.equal(finish(nonce), 'opens');
    assert.equal(finish(nonce), 'hold_used');
  });

  it('that was too short is one try, and holding on does not mend it', () => {
    const { pass, holds, finish } = start();
    const nonce = holds.begin(guest, 1);
    assert.equal(finish(nonce), 'hold_too_short');
    pass(1_000);
    assert.equal(finish(nonce), 'hold_used');
  });

  it('opens the door and serves the link it began for, and stays good for those', () => {
    const { pass, holds, finish } = start();
    const nonce = holds.begin(guest, 1);
    pass(1_000);
    assert.equal(finish(nonce, { door_id: 2 }), 'hold_expired');
    assert.equal(finish(nonce, { caller: other }), 'hold_expired');
    assert.equal(finish(nonce), 'opens');
  });

  it('that nobody began opens nothing', () => {
    const { finish } = start();
    for (const nonce of ['', 'x', randomBytes(16).toString('base64url')])
      assert.equal(finish(nonce), 'hold_expired');
  });

  it('never has the nonce of another', () => {
    const { holds } = start();
    const nonces = Array.from({ length: 1_000 }, () => holds.begin(guest, 1));
    assert.equal(new Set(nonces).size, nonces.length);
    for (const nonce of nonces) assert.match(nonce, /^[A-Za-z0-9_-]{22}$/);
  });
});
