import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { createSealer, type SealedPlace } from './sealer.ts';

const sealerOf = (secretKey: Uint8Array) =>
  createSealer({ secretKey, random: (length) => randomBytes(length) });
const secretKey = randomBytes(32);
const sealer = sealerOf(secretKey);
const place: SealedPlace = { table: 'links', column: 'secret_sealed', organization_id: 1, row_id: 7 };
const plain = Buffer.from('abcdefghijklmnopqrstuvwxyz234567');

describe('the sealer', () => {
  it('opens what it sealed, in the same place and under the same key', () => {
    assert.deepEqual(Buffer.from(sealer.open(sealer.seal(plain, place), place)), plain);
    assert.deepEqual(Buffer.from(sealerOf(secretKey).open(sealer.seal(plain, place), { ...place })), plain);
  });

  it('seals nothing at all, too', () => {
    assert.equal(sealer.open(sealer.seal(new Uint8Array(), place), place).length, 0);
  });

  it('shows nothing of the value, and never the same twice', () => {
    const [one, other] = [sealer.seal(plain, place), sealer.seal(plain, place)];
    assert.notDeepEqual(one, other);
    assert.ok(!Buffer.from(one).includes(plain.subarray(0, 4)));
    assert.equal(one.length, 12 + plain.length + 16);
  });

  it('refuses a value that was moved to another place', () => {
    const sealed = sealer.seal(plain, place);
    const places: SealedPlace[] = [
      { ...place, table: 'logins' },
      { ...place, column: 'secret' },
      { ...place, organization_id: 2 },
      { ...place, row_id: 8 },
      { ...place, row_id: '7' },
    ];
    for (const other of places) assert.throws(() => sealer.open(sealed, other), JSON.stringify(other));
  });

  it('refuses places that read the same when their parts are run together', () => {
    const sealed = sealer.seal(plain, { ...place, table: 'links","x', column: 'y' });
    assert.throws(() => sealer.open(sealed, { ...place, table: 'links', column: 'x","y' }));
  });

  it('refuses a value that was sealed under another key', () => {
    const other = sealerOf(randomBytes(32));
    assert.throws(() => other.open(sealer.seal(plain, place), place));
  });

  it('refuses a value with any bit changed', () => {
    const sealed = Buffer.from(sealer.seal(plain, place));
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.throws(() => sealer.open(changed, place), `bit ${bit}`);
    }
  });

  it('refuses a value that was cut short or made longer', () => {
    const sealed = Buffer.from(sealer.seal(plain, place));
    for (let length = 0; length < sealed.length; length++) {
      assert.throws(() => sealer.open(sealed.subarray(0, length), place), `${length} bytes`);
    }
    assert.throws(() => sealer.open(Buffer.concat([sealed, Buffer.alloc(1)]), place));
  });
});
