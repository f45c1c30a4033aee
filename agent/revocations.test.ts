import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { deflateSync } from 'node:zlib';
import type { AgentMessage } from '../domain/agent-protocol.ts';
import { segmentPasses } from '../domain/revocation-list.ts';
import { MemoryDisk, memoryCore } from './stand-in-disk.ts';
import { packed, StandInHouse, segmentOf } from './stand-in-house.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
const house = new StandInHouse(sha256);
const minute = (n: number) => `2026-06-15T12:${String(n).padStart(2, '0')}:00.000Z`;
const pass = (index: number, issued_at = 0) => ({ index, issued_at });

async function agentOn(disk = new MemoryDisk()) {
  const core = memoryCore({}, disk);
  await core.open();
  const text = JSON.stringify(house.replica());
  if (core.replica.revision === null) await core.replica.take({ type: 'replica', part: 0, parts: 1, text });
  return { disk, core, revocations: core.revocations };
}

type Told = { epoch: number; length: number; segments: Map<number, Uint8Array>; signed_at?: string };

function told({ segments, signed_at, ...list }: Told, by = house) {
  return by.statement({ ...list, signed_at: signed_at ?? minute(list.epoch) }, segments);
}

/** An agent with a list of 100 passes, of which 7 is revoked. */
async function withList() {
  const agent = await agentOn();
  const segments = new Map([[0, segmentOf([7])]]);
  agent.revocations.takeSegment({ segment: 0, bits: packed(segmentOf([7])) });
  const taken = agent.revocations.takeStatement(told({ epoch: 1, length: 100, segments }), true);
  assert.equal(taken.problem, null);
  await taken.kept;
  return { ...agent, segments };
}

describe('the revocation list of an agent', () => {
  it('calls every pass revoked before there is one', async () => {
    const { revocations } = await agentOn();
    assert.equal(revocations.statement, null);
    assert.equal(revocations.isRevoked(pass(0)), true);
  });

  it('is taken with the signature of the organization, and no other', async () => {
    const { revocations, segments } = await withList();
    assert.deepEqual([revocations.isRevoked(pass(7)), revocations.isRevoked(pass(8))], [true, false]);
    const good = told({ epoch: 2, length: 100, segments });
    const flipped = Buffer.from(good.signature, 'base64url');
    flipped[10] = (flipped[10] ?? 0) ^ 1;
    const forged = [
      told({ epoch: 2, length: 100, segments }, new StandInHouse(sha256)),
      told({ epoch: 2, length: 100, segments }, new StandInHouse(sha256, 2)),
      { ...good, kid: '00000000' },
      { ...good, signature: flipped.toString('base64url') },
      { ...good, epoch: 3 },
      { ...good, signed_at: minute(30) },
      { ...good, length: 101 },
      { ...good, organization_id: 2 },
    ];
    for (const statement of forged)
      assert.equal(revocations.takeStatement(statement, false).problem, 'not_signed');
    assert.equal(revocations.statement?.epoch, 1);
    assert.equal(revocations.takeStatement(good, false).problem, null);
  });

  it('does not go back to an older epoch or an earlier word, not even whole', async () => {
    const { revocations, segments } = await withList();
    assert.equal(revocations.takeStatement(told({ epoch: 5, length: 100, segments }), false).problem, null);
    const nothing = new Map([[0, segmentOf()]]);
    for (const signed_at of [minute(1), minute(30)]) {
      revocations.takeSegment({ segment: 0, bits: packed(segmentOf()) });
      const old = told({ epoch: 4, length: 100, segments: nothing, signed_at });
      assert.equal(revocations.takeStatement(old, true).problem, 'older');
    }
    const earlier = told({ epoch: 5, length: 100, segments, signed_at: minute(4) });
    assert.equal(revocations.takeStatement(earlier, false).problem, 'older');
    assert.equal(revocations.isRevoked(pass(7)), true);
  });

  it('takes changes with the statement that names them, and not before', async () => {
    const { revocations } = await withList();
    revocations.takeChanges({ revoked: [8, 99], dropped: [] });
    assert.equal(revocations.isRevoked(pass(8)), false);
    const segments = new Map([[0, segmentOf([7, 8, 99])]]);
    assert.equal(revocations.takeStatement(told({ epoch: 2, length: 100, segments }), false).problem, null);
    for (const index of [7, 8, 99]) assert.equal(revocations.isRevoked(pass(index)), true);
    assert.equal(revocations.isRevoked(pass(9)), false);
  });

  it('of another digest is not taken: the agent asks for all of it, and goes on with what it has', async () => {
    const { core, revocations } = await withList();
    const said: AgentMessage[] = [];
    core.upkeep.begin((message) => said.push(message));
    const segments = new Map([[0, segmentOf([7, 8])]]);
    const statement = told({ epoch: 2, length: 100, segments });
    await core.upkeep.receive({ type: 'revocation_statement', statement, whole: false });
    assert.deepEqual(said.at(-1), { type: 'revocations_wanted' });
    assert.equal(revocations.statement?.epoch, 1);
    assert.equal(revocations.isRevoked(pass(8)), false);
    await core.upkeep.receive({ type: 'revocation_segment', segment: 0, bits: packed(segmentOf([7, 8])) });
    await core.upkeep.receive({ type: 'revocation_statement', statement, whole: true });
    assert.equal(revocations.statement?.epoch, 2);
    assert.equal(revocations.isRevoked(pass(8)), true);
    assert.equal(said.filter(({ type }) => type === 'revocations_wanted').length, 1);
  });

  it('grows over the end of a segment without being sent the new one', async () => {
    const { revocations } = await withList();
    const length = segmentPasses + 3;
    const grown = new Map([
      [0, segmentOf([7])],
      [1, segmentOf()],
    ]);
    assert.equal(revocations.takeStatement(told({ epoch: 2, length, segments: grown }), false).problem, null);
    assert.equal(revocations.isRevoked(pass(segmentPasses + 2)), false);
    revocations.takeChanges({ revoked: [segmentPasses + 2], dropped: [] });
    grown.set(1, segmentOf([segmentPasses + 2]));
    assert.equal(revocations.takeStatement(told({ epoch: 3, length, segments: grown }), false).problem, null);
    assert.equal(revocations.isRevoked(pass(segmentPasses + 2)), true);
    const both = new Map([...grown, [2, segmentOf([2 * segmentPasses])]]);
    revocations.takeChanges({ revoked: [2 * segmentPasses], dropped: [] });
    const more = told({ epoch: 4, length: 2 * segmentPasses + 1, segments: both });
    assert.equal(revocations.takeStatement(more, false).problem, null, 'revoked before it was ever seen');
    assert.equal(revocations.isRevoked(pass(2 * segmentPasses)), true);
  });

  it('drops a segment whose passes have all ended; they stay revoked, and it does not come back', async () => {
    const { disk, revocations } = await withList();
    const length = segmentPasses + 3;
    const grown = new Map([[1, segmentOf()]]);
    revocations.takeChanges({ revoked: [], dropped: [0] });
    assert.equal(revocations.takeStatement(told({ epoch: 2, length, segments: grown }), false).problem, null);
    assert.equal(revocations.isRevoked(pass(8)), true);
    const next = revocations.takeStatement(told({ epoch: 3, length: length + 1, segments: grown }), false);
    assert.equal(next.problem, null);
    await next.kept;
    assert.equal((await agentOn(disk)).revocations.isRevoked(pass(8)), true);
  });

  it('knows a pass beyond it by the time at which it was signed', async () => {
    const { revocations } = await withList();
    const listS = Date.parse(minute(1)) / 1_000;
    assert.equal(revocations.isRevoked(pass(100, listS + 10)), false);
    assert.equal(revocations.isRevoked(pass(100, listS - 3_600)), true);
  });

  it('refuses segments that are bombs, too short, or no deflated bytes', async () => {
    const { revocations } = await withList();
    const bomb = deflateSync(Buffer.alloc(64 * 1024 * 1024)).toString('base64');
    const short = deflateSync(Buffer.alloc(100)).toString('base64');
    for (const bits of [bomb, short, '', 'AAAA'])
      assert.throws(() => revocations.takeSegment({ segment: 0, bits }));
    assert.equal(revocations.isRevoked(pass(8)), false);
  });
});

describe('the revocation list over a restart', () => {
  it('is the one that was kept, with the last statement', async () => {
    const { disk, revocations, segments } = await withList();
    await revocations.takeStatement(told({ epoch: 1, length: 120, segments, signed_at: minute(9) }), false)
      .kept;
    const again = (await agentOn(disk)).revocations;
    assert.equal(again.statement?.signed_at, minute(9));
    assert.deepEqual([again.isRevoked(pass(7)), again.isRevoked(pass(110))], [true, false]);
  });

  it('is the older pair when only one of the two files was written', async () => {
    const { disk, revocations, segments } = await withList();
    const statementBefore = told({ epoch: 1, length: 100, segments, signed_at: minute(2) });
    await revocations.takeStatement(statementBefore, false).kept;
    const listBefore = disk.texts.get('revocations.json') ?? '';
    revocations.takeChanges({ revoked: [8], dropped: [] });
    const newer = new Map([[0, segmentOf([7, 8])]]);
    await revocations.takeStatement(told({ epoch: 3, length: 100, segments: newer }), false).kept;
    const withOldStatement = (await agentOn(disk)).revocations;
    assert.equal(withOldStatement.statement?.epoch, 3, 'a new list with the statement of an earlier one');
    assert.equal(withOldStatement.isRevoked(pass(8)), true);
    await revocations.takeStatement(
      told({ epoch: 3, length: 100, segments: newer, signed_at: minute(9) }),
      false,
    ).kept;
    disk.texts.set('revocations.json', listBefore);
    const withOldList = (await agentOn(disk)).revocations;
    assert.equal(withOldList.statement?.signed_at, minute(1), 'a statement on a list that is not there');
    assert.equal(withOldList.isRevoked(pass(7)), true);
  });

  it('is none when its file was edited, is torn, or is of another organization', async () => {
    const { disk } = await withList();
    const text = disk.texts.get('revocations.json') ?? '';
    const kept = JSON.parse(text);
    const edited = JSON.stringify({ ...kept, segments: [[0, packed(segmentOf())]] });
    const longer = JSON.stringify({ ...kept, statement: { ...kept.statement, length: 1 } });
    const bomb = JSON.stringify({
      ...kept,
      segments: [[0, deflateSync(Buffer.alloc(8 * 1024 * 1024)).toString('base64')]],
    });
    for (const damaged of ['', '{}', text.slice(0, 200), edited, longer, bomb]) {
      disk.texts.set('revocations.json', damaged);
      const { revocations } = await agentOn(disk);
      assert.equal(revocations.statement, null, damaged.slice(0, 40));
      assert.equal(revocations.isRevoked(pass(8)), true);
    }
  });
});
