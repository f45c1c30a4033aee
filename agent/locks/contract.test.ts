import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { memoryLog } from '../stand-in-server.ts';
import type { Lock, LockParts, Pulse } from './lock.ts';
import { openSimulatedLock, pulsesFileName } from './simulated.ts';

/** What the contract needs of a driver's hardware: a lock to command, and a look at what really moved. */
interface Rig {
  open(folder: string): Promise<Lock>;
  moved(folder: string): Promise<Pulse[]>;
}

const at = () => '2026-01-01T00:00:00.000Z';
const door = { id: 3, name: 'Front door' };
const parts = (folder: string): LockParts => ({ door, folder, at, log: memoryLog(), onReport: () => {} });

const rigs: Record<string, Rig> = {
  simulated: { open: (folder) => openSimulatedLock(parts(folder)), moved: pulsesIn },
};

for (const [driver, rig] of Object.entries(rigs)) {
  describe(`the ${driver} lock`, () => {
    let folder: string;
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'postern-lock-'));
    });
    after(() => rm(folder, { recursive: true }));

    it('moves once for each pulse, as long as it was told', async () => {
      const lock = await rig.open(folder);
      await lock.pulse({ command_id: 'a', pulse_ms: 3_000 });
      await Promise.all(['b', 'c'].map((command_id) => lock.pulse({ command_id, pulse_ms: 500 })));
      const moved = (await rig.moved(folder)).sort((one, other) =>
        one.command_id < other.command_id ? -1 : 1,
      );
      assert.deepEqual(moved, [
        { command_id: 'a', pulse_ms: 3_000 },
        { command_id: 'b', pulse_ms: 500 },
        { command_id: 'c', pulse_ms: 500 },
      ]);
      await lock.close();
    });

    it('does not wait for the end of the pulse', async () => {
      const lock = await rig.open(folder);
      const longest = lock.pulse({ command_id: 'long', pulse_ms: 60_000 });
      const timer = Promise.withResolvers<string>();
      const late = setTimeout(() => timer.resolve('late'), 2_000);
      assert.equal(await Promise.race([longest, timer.promise]), 'done');
      clearTimeout(late);
      await lock.close();
    });

    it('says in a sentence what it is, and moves nothing for that', async () => {
      const lock = await rig.open(folder);
      const before = await rig.moved(folder);
      assert.match(await lock.check(), /\w+ \w+/);
      assert.deepEqual(await rig.moved(folder), before);
      await lock.close();
    });

    it('rejects and stays where it is once closed, and may be closed twice', async () => {
      const lock = await rig.open(folder);
      const before = await rig.moved(folder);
      await lock.close();
      await lock.close();
      await assert.rejects(lock.pulse({ command_id: 'late', pulse_ms: 1 }), /[.]$/);
      assert.deepEqual(await rig.moved(folder), before);
    });
  });
}

describe('the simulated lock, besides', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postern-lock-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('writes one line of JSON that only its owner can read, and tells its spectator', async () => {
    const seen: unknown[] = [];
    const onPulse = (which: object, pulse_ms: number) => seen.push([which, pulse_ms]);
    const lock = await openSimulatedLock({ ...parts(folder), onPulse });
    await lock.pulse({ command_id: 'a', pulse_ms: 3_000 });
    await lock.close();
    const content = await readFile(join(folder, pulsesFileName), 'utf8');
    const line = { at: at(), door_id: 3, door: 'Front door', command_id: 'a', pulse_ms: 3_000 };
    assert.equal(content, `${JSON.stringify(line)}\n`);
    assert.equal((await stat(join(folder, pulsesFileName))).mode & 0o777, 0o600);
    assert.deepEqual(seen, [[door, 3_000]]);
  });

  it('has moved even if its spectator fails', async () => {
    const onPulse = () => {
      throw new Error('no audience');
    };
    const lock = await openSimulatedLock({ ...parts(folder), onPulse });
    await lock.pulse({ command_id: 'a', pulse_ms: 1 });
    await lock.close();
  });
});

async function pulsesIn(folder: string): Promise<Pulse[]> {
  const content = await readFile(join(folder, pulsesFileName), 'utf8');
  const lines = content.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line)).map(({ command_id, pulse_ms }) => ({ command_id, pulse_ms }));
}
