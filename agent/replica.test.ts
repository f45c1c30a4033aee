import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { readPass } from '../domain/pass.ts';
import { KnownReplica } from './replica.ts';
import { MemoryDisk } from './stand-in-disk.ts';
import { StandInHouse } from './stand-in-house.ts';

const house = new StandInHouse((bytes) => createHash('sha256').update(bytes).digest());

async function agentOn(disk = new MemoryDisk()) {
  const replica = new KnownReplica(disk.file('replica.json'));
  await replica.open();
  return { disk, replica };
}

const piece = (part: number, parts: number, text: string) =>
  ({ type: 'replica', part, parts, text }) as const;
const whole = (door: object = {}) => JSON.stringify(house.replica(door));

describe('what an agent knows of its organization', () => {
  it('is nothing before it was told', async () => {
    const { replica } = await agentOn();
    assert.deepEqual([replica.organization_id, replica.revision, replica.door(1)], [null, null, null]);
    assert.equal(readPass(house.pass({ issued_at: 1 }), replica.verifyPass).ok, false);
  });

  it('holds with its last piece, not before', async () => {
    const { replica } = await agentOn();
    const text = whole();
    await replica.take(piece(0, 2, text.slice(0, 100)));
    assert.equal(replica.door(1), null);
    await replica.take(piece(1, 2, text.slice(100)));
    assert.equal(replica.door(1)?.name, 'Door');
    assert.deepEqual(replica.schedulesOf(1), []);
    assert.equal(replica.schedulesOf(2), null);
    assert.equal(readPass(house.pass({ issued_at: 1 }), replica.verifyPass).ok, true);
  });

  it('refuses pieces that are missing or make no sense, and goes on with what it has', async () => {
    const { replica } = await agentOn();
    await replica.take(piece(0, 1, whole({ name: 'Before' })));
    await assert.rejects(replica.take(piece(1, 2, whole())), /A piece of the replica is missing/);
    await replica.take(piece(0, 3, whole()));
    await assert.rejects(replica.take(piece(2, 3, '')), /A piece of the replica is missing/);
    for (const text of [
      '',
      '{',
      'null',
      '{}',
      '[]',
      whole({ pulse_ms: 0 }),
      whole({ static_offline_limit: -1 }),
    ])
      await assert.rejects(replica.take(piece(0, 1, text)), /The replica is none/);
    assert.equal(replica.door(1)?.name, 'Before');
  });

  it('begins anew with the first piece', async () => {
    const { replica } = await agentOn();
    await replica.take(piece(0, 2, 'of a session that broke off'));
    await replica.take(piece(0, 1, whole()));
    assert.equal(replica.door(1)?.name, 'Door');
  });

  it('forgets the doors, the groups and the keys that it is told no more of', async () => {
    const { replica } = await agentOn();
    await replica.take(piece(0, 1, whole()));
    const none = { ...house.replica(), keys: [], doors: [], groups: [] };
    await replica.take(piece(0, 1, JSON.stringify(none)));
    assert.deepEqual([replica.door(1), replica.schedulesOf(1)], [null, null]);
    assert.equal(readPass(house.pass({ issued_at: 1 }), replica.verifyPass).ok, false);
  });

  it('is the same after a restart; a file that cannot be read is as good as none', async () => {
    const { disk, replica } = await agentOn();
    await replica.take(piece(0, 1, whole()));
    const again = (await agentOn(disk)).replica;
    assert.deepEqual([again.organization_id, again.revision, again.door(1)?.name], [1, 1, 'Door']);
    assert.equal(readPass(house.pass({ issued_at: 1 }), again.verifyPass).ok, true);
    const text = disk.texts.get('replica.json') ?? '';
    for (const damaged of ['', text.slice(0, -5), '{}', 'null']) {
      disk.texts.set('replica.json', damaged);
      assert.equal((await agentOn(disk)).replica.revision, null);
    }
  });

  it('believes no key of another organization', async () => {
    const { replica } = await agentOn();
    await replica.take(piece(0, 1, whole()));
    const other = new StandInHouse((bytes) => createHash('sha256').update(bytes).digest());
    assert.equal(readPass(other.pass({ issued_at: 1 }), replica.verifyPass).ok, false);
  });
});
