import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  isRevoked,
  issuedBeforeListSMax,
  listDigest,
  revoke,
  segmentBytes,
  segmentPasses,
  statementBytes,
} from './revocation-list.ts';

const signed_at = '2026-06-15T12:00:00.000Z';
const signedS = Date.parse(signed_at) / 1_000;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();

function listWith(...revoked: number[]) {
  const bits = new Uint8Array(segmentBytes);
  for (const index of revoked) revoke(bits, index);
  return { length: segmentPasses, signed_at, segments: new Map([[0, bits]]) };
}

const pass = (index: number, issued_at = 0) => ({ index, issued_at });

describe('a revocation list', () => {
  it('has one bit for each pass, the least significant first', () => {
    const bits = new Uint8Array(segmentBytes);
    for (const index of [0, 9, 15, segmentPasses - 1]) revoke(bits, index);
    assert.deepEqual([bits[0], bits[1], bits[2], bits.at(-1)], [0b1, 0b1000_0010, 0, 0b1000_0000]);
  });

  it('revokes exactly the passes that it names', () => {
    const named = [0, 7, 8, 1_000, segmentPasses - 1];
    const list = listWith(...named);
    for (const index of [...named, 1, 6, 9, 999, 1_001, segmentPasses - 2])
      assert.equal(isRevoked(list, pass(index)), named.includes(index), `${index}`);
  });

  it('names a pass in a later segment by its place there', () => {
    const bits = new Uint8Array(segmentBytes);
    revoke(bits, 3 * segmentPasses + 5);
    const list = { length: 4 * segmentPasses, signed_at, segments: new Map([[3, bits]]) };
    assert.equal(isRevoked(list, pass(3 * segmentPasses + 5)), true);
    assert.equal(isRevoked(list, pass(3 * segmentPasses + 4)), false);
  });

  it('takes a pass in a dropped segment for revoked', () => {
    const list = { length: 2 * segmentPasses, signed_at, segments: listWith().segments };
    assert.equal(isRevoked(list, pass(segmentPasses)), true);
    assert.equal(isRevoked(list, pass(segmentPasses - 1)), false);
  });

  it('takes a pass beyond it for good if it was signed after it, but for the moment between', () => {
    const list = { ...listWith(), length: 100 };
    assert.equal(isRevoked(list, pass(100, signedS)), false);
    assert.equal(isRevoked(list, pass(100, signedS - issuedBeforeListSMax)), false);
    assert.equal(isRevoked(list, pass(100, signedS - issuedBeforeListSMax - 1)), true);
    assert.equal(isRevoked(list, pass(99, 0)), false);
  });

  it('has a digest of the numbers and the hashes of its segments, whatever their order', () => {
    const hashes: [number, string][] = [
      [10, 'a'],
      [2, 'b'],
    ];
    const digest = listDigest(new Map(hashes), sha256);
    assert.equal(digest, sha256(new TextEncoder().encode('[[2,"b"],[10,"a"]]')).toString('hex'));
    assert.equal(listDigest(new Map(hashes.toReversed()), sha256), digest);
    assert.notEqual(listDigest(new Map([[3, 'b'], ...hashes.slice(0, 1)]), sha256), digest);
  });

  it('is signed in all its parts', () => {
    const statement = { organization_id: 1, epoch: 2, signed_at, length: 3, digest: 'd' };
    const text = (changed: object) => new TextDecoder().decode(statementBytes({ ...statement, ...changed }));
    assert.equal(text({}), `["postern-revocation-list",1,1,2,"${signed_at}",3,"d"]`);
    for (const changed of [
      { organization_id: 9 },
      { epoch: 9 },
      { signed_at: '' },
      { length: 9 },
      { digest: '' },
    ])
      assert.notEqual(text(changed), text({}));
  });
});
