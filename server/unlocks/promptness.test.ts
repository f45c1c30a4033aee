import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startTestServer, TestClock } from '../../test/test-server.ts';
import { requirePrompt } from './promptness.ts';

describe('an unlock that waits to be decided', () => {
  it('gets the rest of five seconds for its command, and is refused when hardly any are left', async () => {
    const clock = new TestClock('2026-12-01T09:00:00.000Z');
    await using server = await startTestServer({ clock });
    const asked = clock.monotonicMs();
    const countedFrom = () => requirePrompt(server.context, asked) - asked;
    const seen = [0, 2_500, 3_000, 4_000].map((waitedMs) => {
      clock.advance(waitedMs - (clock.monotonicMs() - asked));
      return countedFrom();
    });
    assert.deepEqual(seen, [0, 2_500, 2_500, 2_500]);
    clock.advance(1);
    assert.throws(countedFrom, { reason: 'unavailable' });
  });
});
