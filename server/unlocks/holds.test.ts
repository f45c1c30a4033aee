import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import type { LinkCaller } from '../context.ts';
import { beginPress, endPress, holdMsMax, holdMsMin } from './holds.ts';
import { insertUsedPress } from './store.ts';

const clock = new TestClock('2026-12-01T09:00:00.000Z');
let server: TestServer;
let guest: LinkCaller;

before(async () => {
  server = await startTestServer({ clock });
  guest = { kind: 'page', organization_id: server.organization_id, link_id: 7 };
});
after(() => server.close());

const begin = (door_id = 1, caller = guest) => beginPress(server.context, caller, door_id);

/** Ends the press as an unlock does, and answers `opens` or the reason. */
async function finish(nonce: string, { caller = guest, door_id = 1 } = {}): Promise<unknown> {
  const { context } = server;
  try {
    const press = await endPress(context, caller, { door_id, nonce });
    const { organization_id } = caller;
    const row = { organization_id, press_id: press.id, used_at: clock.now() };
    await context.database.of(organization_id).transaction((tx) => insertUsedPress(tx, row));
    return 'opens';
  } catch (error) {
    return error instanceof Error && 'reason' in error ? error.reason : error;
  }
}

describe('a press', () => {
  it('opens when it lasted from 600 ms to 30 s, to the millisecond', async () => {
    for (const [ms, answer] of [
      [0, 'hold_too_short'],
      [holdMsMin - 1, 'hold_too_short'],
      [holdMsMin, 'opens'],
      [holdMsMax, 'opens'],
      [holdMsMax + 1, 'hold_expired'],
    ] as const) {
      const nonce = begin();
      clock.advance(ms);
      assert.equal(await finish(nonce), answer, `${ms} ms`);
    }
    assert.deepEqual([holdMsMin, holdMsMax], [600, 30_000]);
  });

  it('opens once', async () => {
    const nonce = begin();
    clock.advance(1_000);
    assert.equal(await finish(nonce), 'opens');
    assert.equal(await finish(nonce), 'hold_used');
  });

  it('opens once however often it is sent at the same time', async () => {
    const nonce = begin();
    clock.advance(1_000);
    const answers = await Promise.all(Array.from({ length: 16 }, () => finish(nonce)));
    assert.deepEqual(answers.sort(), [...Array<string>(15).fill('hold_used'), 'opens']);
  });

  it('that was too short is one try, and holding on does not mend it', async () => {
    const nonce = begin();
    assert.equal(await finish(nonce), 'hold_too_short');
    clock.advance(1_000);
    assert.equal(await finish(nonce), 'hold_used');
  });

  it('that was begun by a clock ahead of this one is too short, and no longer', async () => {
    const nonce = begin();
    clock.advance(-5_000);
    assert.equal(await finish(nonce), 'hold_too_short');
    clock.advance(5_000);
  });

  it('opens the door and serves the link it began for, and stays good for those', async () => {
    const nonce = begin();
    clock.advance(1_000);
    assert.equal(await finish(nonce, { door_id: 2 }), 'hold_expired');
    assert.equal(await finish(nonce, { caller: { ...guest, link_id: 8 } }), 'hold_expired');
    assert.equal(await finish(nonce, { caller: { ...guest, organization_id: 2 } }), 'hold_expired');
    assert.equal(await finish(nonce), 'opens');
  });

  it('that nobody began opens nothing, nor one of which a letter was changed', async () => {
    const nonce = begin();
    clock.advance(1_000);
    for (const wrong of [
      '',
      'x',
      randomBytes(16).toString('base64url'),
      randomBytes(90).toString('base64url'),
    ])
      assert.equal(await finish(wrong), 'hold_expired');
    for (let at = 0; at < nonce.length; at++) {
      const letter = nonce[at] === 'A' ? 'Q' : 'A';
      assert.equal(
        await finish(nonce.slice(0, at) + letter + nonce.slice(at + 1)),
        'hold_expired',
        `letter ${at}`,
      );
    }
    assert.equal(await finish(nonce), 'opens');
  });

  it('used once opens nothing more in any other spelling', async () => {
    const nonce = begin();
    clock.advance(1_000);
    assert.equal(await finish(nonce), 'opens');
    for (const spelling of [
      `${nonce}=`,
      `${nonce}==`,
      `${nonce} `,
      nonce.replaceAll('-', '+').replaceAll('_', '/'),
    ])
      assert.equal(await finish(spelling), 'hold_used');
  });

  it('is a short text that never comes twice', () => {
    const nonces = Array.from({ length: 1_000 }, () => begin(Number.MAX_SAFE_INTEGER));
    assert.equal(new Set(nonces).size, nonces.length);
    for (const nonce of nonces) assert.match(nonce, /^[A-Za-z0-9_-]{60,200}$/);
  });
});
