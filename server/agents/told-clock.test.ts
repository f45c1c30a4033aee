import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commandLifetimeMs, presentationLifetimeMs } from '../../domain/agent-protocol.ts';
import { ToldClock } from './told-clock.ts';

describe('the clock of an agent, as it is told', () => {
  it('is unknown before the first answer: no deadline, and whatever was shown is past', () => {
    const clock = new ToldClock();
    clock.asked(100);
    assert.deepEqual([clock.isKnown, clock.deadline(100), clock.isPast(0, 100)], [false, 0, true]);
  });

  it('names deadlines from when the answer came, so that a slow line makes them early', () => {
    const clock = new ToldClock();
    clock.asked(1_000);
    clock.answered(50, 1_400);
    assert.equal(clock.deadline(1_500), 150 + commandLifetimeMs);
    assert.equal(clock.silentMs(1_500), 100);
  });

  it('takes a presentation for past from when the heartbeat was sent, so that one held up is never fresh', () => {
    const clock = new ToldClock();
    clock.asked(1_000);
    clock.answered(50, 5_000); // both were held up on the line for four seconds
    assert.equal(clock.isPast(60, 5_000), true);
    clock.asked(6_000);
    clock.answered(5_050, 6_000);
    assert.equal(clock.isPast(5_050, 6_000 + presentationLifetimeMs), false);
    assert.equal(clock.isPast(5_050, 6_001 + presentationLifetimeMs), true);
  });
});
