import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { crc32 } from 'node:zlib';
import { apiKeyFrom, hashOf, isApiKey, isLinkSecret, linkSecretFrom } from './tokens.ts';

const random = (length: number) => randomBytes(length);
const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** Base32 of RFC 4648 §6 read back, so that the encoder is not its own witness. */
function bytesOf(text: string): Buffer {
  const bits = [...text].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

describe("a link's secret", () => {
  it('holds all of its 160 random bits, in 32 letters that survive being read aloud', () => {
    for (let times = 0; times < 50; times++) {
      const bytes = randomBytes(20);
      const secret = linkSecretFrom((length) => bytes.subarray(0, length));
      assert.match(secret, /^[a-z2-7]{32}$/);
      assert.deepEqual(bytesOf(secret), bytes);
      assert.ok(isLinkSecret(secret));
    }
  });

  it('is told from everything else before the database is asked', () => {
    const secret = linkSecretFrom(random);
    const others = [
      '',
      secret.slice(1),
      `${secret}a`,
      secret.toUpperCase(),
      `${secret.slice(1)}1`,
      `${secret}\n`,
      `${secret.slice(1)}ä`,
    ];
    for (const other of others) assert.ok(!isLinkSecret(other), JSON.stringify(other));
  });
});

describe('an API key', () => {
  it('ends in the CRC-32 of what comes before', () => {
    const key = apiKeyFrom(random);
    assert.match(key, /^pstk_[a-z2-7]{32}[a-z2-7]{7}$/);
    assert.equal(bytesOf(key.slice(-7)).readUInt32BE(), crc32(key.slice(0, -7)));
    assert.ok(isApiKey(key));
  });

  it('is refused with any one letter changed, or two neighbours swapped', () => {
    const key = apiKeyFrom(random);
    for (let at = 0; at < key.length; at++) {
      for (const letter of `${alphabet}_1`) {
        if (letter === key[at]) continue;
        assert.ok(!isApiKey(key.slice(0, at) + letter + key.slice(at + 1)), `${letter} at ${at}`);
      }
      const swapped = key.slice(0, at) + (key[at + 1] ?? '') + key[at] + key.slice(at + 2);
      if (swapped !== key) assert.ok(!isApiKey(swapped), `swapped at ${at}`);
    }
  });

  it('is refused in another length, another case or with something around it', () => {
    const key = apiKeyFrom(random);
    for (const other of [
      '',
      key.slice(0, -1),
      `${key}a`,
      key.toUpperCase(),
      ` ${key}`,
      `${key}\n`,
      key.slice(5),
    ]) {
      assert.ok(!isApiKey(other), JSON.stringify(other));
    }
  });

  it('never looks like a secret of a link, nor the other way round', () => {
    assert.ok(!isLinkSecret(apiKeyFrom(random)));
    assert.ok(!isApiKey(linkSecretFrom(random)));
  });
});

describe('hashOf', () => {
  it('is SHA-256', () => {
    assert.deepEqual(Buffer.from(hashOf('abc')), createHash('sha256').update('abc').digest());
  });
});
