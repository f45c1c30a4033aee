import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { scanning } from './scan.ts';
import { MemoryDisk, memoryCore } from './stand-in-disk.ts';
import { packed, StandInHouse, segmentOf } from './stand-in-house.ts';
import { memoryLog } from './stand-in-server.ts';

const house = new StandInHouse((bytes) => createHash('sha256').update(bytes).digest());
const now = '2026-06-15T12:00:00.000Z';
const issued_at = Date.parse(now) / 1_000 - 60;

/** An agent that can decide alone, and its lock. */
async function setUp() {
  const disk = new MemoryDisk();
  const log = memoryLog();
  const core = memoryCore({ log }, disk);
  await core.open();
  core.clock.set(now);
  const text = JSON.stringify(house.replica());
  await core.replica.take({ type: 'replica', part: 0, parts: 1, text });
  const bits = segmentOf();
  core.revocations.takeSegment({ segment: 0, bits: packed(bits) });
  const list = house.statement({ epoch: 1, signed_at: now, length: 100 }, new Map([[0, bits]]));
  await core.revocations.takeStatement(list, true).kept;
  const pulses: string[] = [];
  const scan = scanning({
    ...core,
    ...{ door_id: 1, reader: 'front', isLockedDown: () => false, monotonicMs: () => 0 },
    ask: async () => null,
    pulse: async ({ command_id }) => {
      pulses.push(command_id);
      return { outcome: 'done' };
    },
  });
  let link_id = 0;
  return { disk, log, core, pulses, present: () => scan(house.pass({ issued_at, link_id: ++link_id })) };
}

describe('an agent whose disk is full', () => {
  it('opens to nobody without a record, says so, and goes on by itself', async () => {
    const { disk, log, core, pulses, present } = await setUp();
    assert.deepEqual(await present(), { shown: 'granted' });
    disk.isFull = true;
    for (let visitor = 0; visitor < 5; visitor++)
      assert.deepEqual(await present(), { shown: 'denied', reason: 'unavailable' });
    assert.equal(pulses.length, 1);
    const said = log.lines.filter((line) =>
      line.includes('The log cannot be written, so nobody is let in here'),
    );
    assert.equal(said.length, 1, log.lines.join('\n'));
    assert.match(said[0] ?? '', /ENOSPC.*Make room/);
    disk.isFull = false;
    assert.deepEqual(await present(), { shown: 'granted' });
    await core.close();
    const reports = core.outbox.next(0).flatMap((report) => (report.kind === 'decision' ? report.uuid : []));
    assert.deepEqual(pulses, reports);
    const alarms = core.outbox.next(0).flatMap((report) => (report.kind === 'alarm' ? report.message : []));
    assert.deepEqual(alarms, ['The log could not be written for a while: nobody was let in meanwhile.']);
  });
});
