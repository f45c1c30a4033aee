import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { sightingWindowMs } from '../agent/scan.ts';
import { commandLifetimeMs } from '../domain/agent-protocol.ts';
import { type CutOffHouse, type Link, readerName, type Scanned } from './cut-off-house.ts';
import { until } from './serve-process.ts';

/** How soon after the agent is back a revoked link is refused at its reader. */
const refusedWithinMs = 2_000;
/** The agent's clock follows what the server signs, and so it is behind by as long as that was under way. */
const clockLagMsMax = 1_000;

export interface Line {
  cut(): void | Promise<void>;
  /** Resolves when the agent is back. */
  heal(): void | Promise<void>;
}

/** A day with a cut in it. The reader's answers, the lock's pulses and the log of events are compared, each with the others. */
export async function tellTheStory(house: CutOffHouse, line: Line): Promise<void> {
  const revoked = await Promise.all(Array.from({ length: 6 }, () => house.issue()));
  const [known] = revoked;
  assert.ok(known);
  assert.equal(await house.scan(known), 'granted');
  const scannedMs = performance.now();
  await until('the server has been told', async () => (await house.waiting()) === 0);
  const [told, moved] = [(await house.unlocks()).length, await house.pulses()];
  await line.cut();
  const unheardOf = await house.issue();
  const limited = await house.issue({ max_uses: 1 });
  assert.equal(await house.scan(unheardOf), 'granted');
  assert.equal(await house.pulses(), moved + 1);
  assert.equal(await house.scan(limited), 'denied online_check_required');
  const limitedMs = performance.now();
  assert.equal(await house.scan({ id: null, text: 'PT1:NO PASS OF ANYBODY' }), 'denied credential_unknown');
  assert.equal(await house.pulses(), moved + 1);
  for (const link of revoked) await house.revoke(link);
  assert.equal((await house.unlocks()).length, told, 'nothing has come through the cut');
  await forgotten(scannedMs);
  await line.heal();
  await house.untilOnline();
  await refusedSoon(house, revoked);
  await until('the server has been told all', async () => (await house.waiting()) === 0);
  await assertToldOnce(house);
  await forgotten(limitedMs);
  assert.equal(await house.scan(limited), 'granted', 'its only use was not used up by what was refused');
  await until(
    'the server has counted it',
    async () => (await house.unlocks()).length === house.passes.length,
  );
  await assertToldOnce(house, { decidedByServer: limited });
}

/** Later than a reader takes the same text for the same presentation. */
async function forgotten(seenMs: number): Promise<void> {
  await pause(Math.max(0, seenMs + sightingWindowMs + 100 - performance.now()));
}

/** The revoked links in the order of their revocation: the last is the last one to be known. */
async function refusedSoon(house: CutOffHouse, revoked: readonly Link[]): Promise<void> {
  const backMs = performance.now();
  let shown = '';
  for (const link of revoked) {
    shown = await house.scan(link);
    if (shown === 'denied credential_revoked') continue;
    assert.equal(shown, 'granted');
    assert.ok(performance.now() - backMs < refusedWithinMs, `${link.id} still opens`);
    await pause(refusedWithinMs / revoked.length);
  }
  assert.equal(shown, 'denied credential_revoked');
}

/** Every grant and every denial is in the log once, as it was shown and when it was, in order; the lock moved as often. */
async function assertToldOnce(
  house: CutOffHouse,
  { decidedByServer }: { decidedByServer?: Link } = {},
): Promise<void> {
  const [events, { passes }] = [await house.unlocks(), house];
  assert.deepEqual(
    events.map(({ actor_id, success, details: { outcome, reason, reader } }) => ({
      ...{ actor_id, success, outcome, reason, reader },
    })),
    passes.map(expected),
  );
  assert.equal(new Set(events.map(({ uuid }) => uuid)).size, events.length);
  for (const [index, { created_at, actor_id, details }] of events.entries()) {
    const { fromMs = 0, toMs = 0 } = passes[index] ?? {};
    const atMs = Date.parse(created_at);
    assert.ok(fromMs - clockLagMsMax <= atMs && atMs <= toMs, `${created_at}: ${index} of ${passes.length}`);
    assert.equal(details.unverified, false);
    if (actor_id !== decidedByServer?.id) continue;
    const isGranted = details.reason === null;
    assert.equal(details.agent_id, isGranted ? null : house.agent_id);
  }
  assert.equal(await house.pulses(), events.filter(({ success }) => success).length);
  assertNoneTwice(house);
}

function assertNoneTwice({ broker }: CutOffHouse): void {
  assert.equal(new Set(broker.moved.map(({ command_id }) => command_id)).size, broker.moved.length);
}

function expected({ link_id, shown }: Scanned) {
  const isGranted = shown === 'granted';
  return {
    ...{ actor_id: link_id, success: isGranted, outcome: isGranted ? 'done' : null },
    ...{ reason: isGranted ? null : shown.replace(/^denied /, ''), reader: readerName },
  };
}

/** How long a cut lasts after what was commanded: longer than a command lives. */
const cutsMs = [commandLifetimeMs + 50, 3_100, commandLifetimeMs + 300, 4_000];

/** Cut by cut, commands that nobody may obey any more, and one afterwards that is obeyed. */
export async function commandDuringCuts(
  house: CutOffHouse,
  cuts: number,
  lineOf: (cut: number) => Line,
): Promise<{ cuts: number; commands: number }> {
  const unlock = () => house.call('POST', `/locks/${house.door_id}/unlock`);
  let commands = 0;
  for (let cut = 0; cut < cuts; cut++) {
    const line = lineOf(cut);
    const before = await house.pulses();
    await line.cut();
    const answers = [unlock(), unlock()];
    commands += answers.length;
    await pause(cutsMs[cut % cutsMs.length]);
    await line.heal();
    for (const { status } of await Promise.all(answers)) assert.ok(status >= 400, `${status}`);
    await house.untilOnline();
    const { value } = await until('a command is obeyed again', async () => {
      const answer = await unlock();
      return answer.status === 200 && answer;
    });
    assert.equal(value.body.message, 'Unlocked!');
    assert.equal(await house.pulses(), before + 1, `cut ${cut}: a command moved the lock late, or twice`);
  }
  assertNoneTwice(house);
  return { cuts, commands };
}
