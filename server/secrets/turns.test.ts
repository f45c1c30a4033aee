import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PosternError } from '../../domain/errors.ts';
import { Turns } from './turns.ts';

/** Work that goes on until the test ends it. */
function works(count: number) {
  return Array.from({ length: count }, () => Promise.withResolvers<void>());
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('turns', () => {
  it('lets two run at once, the next when one has ended, in the order in which they came', async () => {
    const turns = new Turns({ atOnceMax: 2, waitingMax: 10 });
    const begun: number[] = [];
    const all = works(5);
    const done = all.map(({ promise }, number) =>
      turns.take(() => {
        begun.push(number);
        return promise;
      }),
    );
    await settled();
    assert.deepEqual(begun, [0, 1]);
    all[1]?.resolve();
    await settled();
    assert.deepEqual(begun, [0, 1, 2]);
    for (const { resolve } of all) resolve();
    await Promise.all(done);
    assert.deepEqual(begun, [0, 1, 2, 3, 4]);
  });

  it('never run more at once than may, whenever they come and however they end', async () => {
    const turns = new Turns({ atOnceMax: 2, waitingMax: 100 });
    let running = 0;
    let most = 0;
    const one = async (number: number) => {
      running += 1;
      most = Math.max(most, running);
      for (let times = 0; times < number % 4; times++) await settled();
      running -= 1;
      if (number % 3 === 0) throw new Error('failed');
    };
    for (let round = 0; round < 5; round++) {
      await Promise.allSettled(Array.from({ length: 15 }, (_, number) => turns.take(() => one(number))));
    }
    assert.deepEqual([most, running], [2, 0]);
  });

  it('send away at once who comes when too many wait, and take the next again once there is room', async () => {
    const turns = new Turns({ atOnceMax: 2, waitingMax: 3 });
    const all = works(5);
    const done = all.map(({ promise }) => turns.take(() => promise));
    const refused = await turns.take(async () => {}).catch((error: unknown) => error);
    assert.ok(refused instanceof PosternError);
    assert.deepEqual([refused.reason, refused.entry.status, refused.retryAfterS], ['busy', 503, 2]);
    all[0]?.resolve();
    await settled();
    const late = turns.take(async () => 'late');
    for (const { resolve } of all) resolve();
    await Promise.all(done);
    assert.equal(await late, 'late');
  });
});
