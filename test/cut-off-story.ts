import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { sightingWindowMs } from '../agent/scan.ts';
import { type CutOffHouse, type Link, readerName, type Scanned } from './cut-off-house.ts';
import { until } from './serve-process.ts';

/** How soon after the agent is back a revoked link is refused at its reader. */
const refusedWithinMs = 2_000;

export interface Line {
  cut(): void | Promise<void>;
  heal(): void | Promise<void>;
}

/** A day with a cut in it. The reader's answers, the lock's pulses and the log of events are compared, each with the others. */
export async function tellTheStory(house: CutOffHouse, line: Line): Promise<void> {
  const known = await house.issue();
  const others = await Promise.all(Array.from({ length: 6 }, () => house.issue()));
  assert.equal(await house.scan(known), 'granted');
  const scannedMs = performance.now();
  await until('the server has been told', async () => (await house.unlocks()).length === 1);

  await line.cut();
  const unheardOf = await house.issue();
  const limited = await house.issue({ max_uses: 1 });
  assert.equal(await house.scan(unheardOf), 'granted');
  assert.equal(await house.pulses(), 2);
  assert.equal(await house.scan(limited), 'denied online_check_required');
  assert.equal(await house.scan({ id: null, text: 'PT1:NO PASS OF ANYBODY' }), 'denied credential_unknown');
  for (const link of [known, ...others]) await house.revoke(link);
  assert.equal((await house.unlocks()).length, 1, 'nothing has come through the cut');
  await pause(Math.max(0, scannedMs + sightingWindowMs + 100 - performance.now())); // else it is the same presentation

  await line.heal();
  await house.untilOnline();
  await refusedSoon(house, [known, ...others]);
  await until('the server has been told all', async () => (await house.waiting()) === 0);
  await assertToldOnce(house);
  assert.equal(await house.scan(limited), 'granted', 'its only use was not used up by what was refused');
}

/** The revoked links one after the other, until one is refused; from then on all are. */
async function refusedSoon(house: CutOffHouse, revoked: readonly Link[]): Promise<void> {
  const backMs = performance.now();
  let isRefused = false;
  for (const link of revoked) {
    const shown = await house.scan(link);
    if (shown === 'granted' && !isRefused) await pause(refusedWithinMs / revoked.length);
    else {
      assert.equal(shown, 'denied credential_revoked');
      isRefused = true;
    }
  }
  assert.ok(isRefused);
  assert.ok(performance.now() - backMs < 2 * refusedWithinMs);
}

/** Every grant and every denial is in the log once, as it was shown and when it was, in order; the lock moved as often. */
export async function assertToldOnce(house: CutOffHouse): Promise<void> {
  const events = await house.unlocks();
  const passes = house.scanned.filter(({ link_id }) => link_id !== null);
  assert.deepEqual(
    events.map(({ actor_id, success, details: { outcome, reason, reader, agent_id, unverified } }) => ({
      ...{ actor_id, success, outcome, reason, reader, agent_id, unverified },
    })),
    passes.map((scan) => expected(scan, house.agent_id)),
  );
  assert.equal(new Set(events.map(({ uuid }) => uuid)).size, events.length);
  for (const [index, { created_at }] of events.entries()) {
    const { from = '', to = '' } = passes[index] ?? {};
    assert.ok(from <= created_at && created_at <= to, `${created_at} is not from ${from} to ${to}`);
  }
  assert.equal(await house.pulses(), events.filter(({ success }) => success).length);
  assert.equal(
    new Set(house.broker.moved.map(({ command_id }) => command_id)).size,
    house.broker.moved.length,
  );
}

function expected({ link_id, shown }: Scanned, agent_id: number) {
  const isGranted = shown === 'granted';
  return {
    actor_id: link_id,
    success: isGranted,
    outcome: isGranted ? 'done' : null,
    reason: isGranted ? null : shown.replace(/^denied /, ''),
    ...{ reader: readerName, agent_id, unverified: false },
  };
}
