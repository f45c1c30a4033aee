import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { commandLifetimeMs } from '../domain/agent-protocol.ts';
import { scanning } from './scan.ts';
import { MemoryDisk, memoryCore } from './stand-in-disk.ts';
import { packed, StandInHouse, segmentOf } from './stand-in-house.ts';

const house = new StandInHouse((bytes) => createHash('sha256').update(bytes).digest());
const now = '2026-06-15T12:00:00.000Z';
const issued_at = Date.parse(now) / 1_000 - 60;

/** An agent that can decide alone. `meanwhile`: what happens while a grant is on its way to the disk. */
async function showing(meanwhile: (state: { nowMs: number; isLockedDown: boolean }) => void) {
  const state = { nowMs: 0, isLockedDown: false };
  const disk = new MemoryDisk();
  const store = disk.store();
  let isScanning = false;
  const append = (text: string) => {
    if (isScanning) meanwhile(state);
    return store.append(text);
  };
  const core = memoryCore({ store: { ...store, append } }, disk);
  await core.open();
  core.clock.set(now);
  const text = JSON.stringify(house.replica());
  await core.replica.take({ type: 'replica', part: 0, parts: 1, text });
  const bits = segmentOf();
  core.revocations.takeSegment({ segment: 0, bits: packed(bits) });
  const list = house.statement({ epoch: 1, signed_at: now, length: 100 }, new Map([[0, bits]]));
  await core.revocations.takeStatement(list, true).kept;
  let pulses = 0;
  const scan = scanning({
    ...core,
    ...{ door_id: 1, reader: 'front', ask: async () => null },
    isLockedDown: () => state.isLockedDown,
    monotonicMs: () => state.nowMs,
    pulse: async () => {
      pulses++;
      return { outcome: 'done' };
    },
  });
  isScanning = true;
  const shown = await scan(house.pass({ issued_at }));
  await core.close();
  const outcomes = core.outbox
    .next(0)
    .flatMap((report) => (report.kind === 'decision' ? report.outcome : []));
  return { shown, pulses, outcomes };
}

describe('an agent whose disk takes its time', () => {
  it('opens when nothing has happened meanwhile', async () => {
    const { shown, pulses, outcomes } = await showing((state) => {
      state.nowMs = commandLifetimeMs;
    });
    assert.deepEqual([shown, pulses, outcomes], [{ shown: 'granted' }, 1, ['done']]);
  });

  it('opens nothing later than a command lives', async () => {
    const { shown, pulses, outcomes } = await showing((state) => {
      state.nowMs = commandLifetimeMs + 1;
    });
    assert.deepEqual(
      [shown, pulses, outcomes],
      [{ shown: 'denied', reason: 'unavailable' }, 0, ['not_done']],
    );
  });

  it('keeps a door shut that was locked down meanwhile', async () => {
    const { shown, pulses, outcomes } = await showing((state) => {
      state.isLockedDown = true;
    });
    assert.deepEqual(
      [shown, pulses, outcomes],
      [{ shown: 'denied', reason: 'door_locked_down' }, 0, ['not_done']],
    );
  });
});
