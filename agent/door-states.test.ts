import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { DoorStates } from './door-states.ts';
import { keptFile } from './kept-file.ts';

const doorStatesFileName = 'door-states.json';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-doors-'));
});
afterEach(() => rm(folder, { recursive: true }));

const told = (door_id: number, locked_down: boolean) => ({ door_id, revision: 1, locked_down });

async function reopened(): Promise<DoorStates> {
  const states = new DoorStates(keptFile(join(folder, doorStatesFileName)));
  await states.open();
  return states;
}

describe('door states', () => {
  it('begin with no door locked down', async () => {
    assert.equal((await reopened()).isLockedDown(1), false);
  });

  it('hold at once, and survive a restart once kept', async () => {
    const states = await reopened();
    const kept = states.keep([told(1, true), told(2, false)]);
    assert.equal(states.isLockedDown(1), true);
    await kept;
    const later = await reopened();
    assert.deepEqual(
      [1, 2, 3].map((id) => later.isLockedDown(id)),
      [true, false, false],
    );
    await later.keep([told(1, false)]);
    assert.equal((await reopened()).isLockedDown(1), false);
  });

  it('keep the last of many changes that come at once', async () => {
    const states = await reopened();
    await Promise.all(Array.from({ length: 50 }, (_, index) => states.keep([told(1, index % 2 === 0)])));
    await states.keep([told(1, true)]);
    assert.equal(await readFile(join(folder, doorStatesFileName), 'utf8'), '[1]\n');
  });

  it('stay shut when their file cannot be read, door by door until the server has said how it stands', async () => {
    for (const text of ['', '{', '{"1":true}', '["1"]']) {
      await writeFile(join(folder, doorStatesFileName), text);
      const states = await reopened();
      assert.equal(states.isLockedDown(1), true, text);
      await states.keep([told(1, false)]);
      assert.deepEqual([states.isLockedDown(1), states.isLockedDown(2)], [false, true], text);
    }
  });

  it('are not kept while they cannot be written, and are written with the next news', async () => {
    const states = await reopened();
    const inTheWay = join(folder, `${doorStatesFileName}.new`);
    await mkdir(inTheWay);
    await assert.rejects(states.keep([told(1, true)]));
    assert.equal(states.isLockedDown(1), true);
    await rm(inTheWay, { recursive: true });
    await states.keep([told(1, true)]);
    assert.equal((await reopened()).isLockedDown(1), true);
  });
});
