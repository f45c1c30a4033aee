import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Turns } from './turns.ts';

describe('turns', () => {
  it('go one after the other, whatever became of the one before', async () => {
    const [turns, never] = [new Turns(), new AbortController().signal];
    const seen: string[] = [];
    const first = turns.take(never, async () => {
      seen.push('first begins');
      await Promise.resolve();
      seen.push('first ends');
      throw new Error('It did not move.');
    });
    const second = turns.take(never, async () => seen.push('second'));
    await assert.rejects(first, /did not move/);
    await second;
    assert.deepEqual(seen, ['first begins', 'first ends', 'second']);
  });

  it('are lost at the signal, at once and for good', async () => {
    const [turns, late] = [new Turns(), new AbortController()];
    const busy = Promise.withResolvers<void>();
    const seen: string[] = [];
    const first = turns.take(new AbortController().signal, () => busy.promise);
    const second = turns.take(late.signal, async () => seen.push('second'));
    late.abort();
    await assert.rejects(second, /nothing was sent[.]$/);
    busy.resolve();
    await first;
    await turns.over();
    assert.deepEqual(seen, []);
  });
});
