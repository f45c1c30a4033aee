import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Answer, type ScanParts, scanning, sightingsMax, sightingWindowMs } from './scan.ts';
import { memoryCore } from './stand-in-disk.ts';

const granted = { granted: true, reason: null };

/** An agent that was never told anything: the server has to decide. */
function nothingKnown(): ScanParts {
  return {
    ...memoryCore(),
    ...{ door_id: 3, reader: 'front' },
    ask: async () => null,
    isLockedDown: () => false,
    pulse: async () => ({ outcome: 'done' }),
    monotonicMs: () => 0,
  };
}

function setUp(answer: Answer | null = granted, lockedDown = false) {
  const clock = { ms: 1_000_000 };
  const asked: string[] = [];
  const ask = async (text: string) => {
    asked.push(text);
    return answer;
  };
  const scan = scanning({
    ...nothingKnown(),
    ask,
    isLockedDown: () => lockedDown,
    monotonicMs: () => clock.ms,
  });
  return { clock, asked, scan };
}

describe('a scan at an agent that knows nothing', () => {
  it('shows what the server decided', async () => {
    assert.deepEqual(await setUp().scan('A'), { shown: 'granted' });
    const { scan } = setUp({ granted: false, reason: 'credential_revoked' });
    assert.deepEqual(await scan('A'), { shown: 'denied', reason: 'credential_revoked' });
  });

  it('denies when there is no answer', async () => {
    assert.deepEqual(await setUp(null).scan('A'), { shown: 'denied', reason: 'online_check_required' });
  });

  it('says that the door is locked down when there is no answer and that is known', async () => {
    const { asked, scan } = setUp(null, true);
    assert.deepEqual(await scan('A'), { shown: 'denied', reason: 'door_locked_down' });
    assert.deepEqual(asked, ['A']);
    assert.deepEqual(await setUp(granted, true).scan('A'), { shown: 'granted' });
  });

  it('denies with a word of its own when the reason is none or no word', async () => {
    for (const reason of [null, '', 'x\ngranted', '\u001b[2J', 'a'.repeat(65)]) {
      const shown = await setUp({ granted: false, reason }).scan('A');
      assert.deepEqual(shown, { shown: 'denied', reason: 'online_check_required' });
    }
  });

  it('takes the same text within 3 seconds of its last sighting for one presentation', async () => {
    const { clock, asked, scan } = setUp();
    await scan('A');
    for (let sighting = 0; sighting < 5; sighting++) {
      clock.ms += sightingWindowMs - 1;
      assert.deepEqual(await scan('A'), { shown: 'repeated' });
    }
    assert.equal(asked.length, 1);
  });

  it('decides again 3 seconds after the last sighting', async () => {
    const { clock, asked, scan } = setUp();
    await scan('A');
    clock.ms += 2_000;
    await scan('A');
    clock.ms += sightingWindowMs;
    assert.deepEqual(await scan('A'), { shown: 'granted' });
    assert.deepEqual(asked, ['A', 'A']);
  });

  it('decides once when the same text comes again before its answer', async () => {
    const waiting = Promise.withResolvers<Answer>();
    const scan = scanning({ ...nothingKnown(), ask: () => waiting.promise });
    const first = scan('A');
    assert.deepEqual(await scan('A'), { shown: 'repeated' });
    waiting.resolve(granted);
    assert.deepEqual(await first, { shown: 'granted' });
  });

  it('keeps texts and readers apart', async () => {
    const { scan } = setUp();
    await scan('A');
    assert.deepEqual(await scan('B'), { shown: 'granted' });
    assert.deepEqual(await setUp().scan('A'), { shown: 'granted' });
  });

  it('remembers a bounded number of texts, and forgets the one seen longest ago', async () => {
    const { scan } = setUp();
    for (let n = 0; n < sightingsMax; n++) await scan(`text ${n}`);
    assert.deepEqual(await scan('text 0'), { shown: 'repeated' });
    await scan('one more');
    assert.deepEqual(await scan('text 0'), { shown: 'repeated' });
    assert.deepEqual(await scan('text 1'), { shown: 'granted' });
  });
});
