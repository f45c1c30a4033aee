import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { crc32 } from 'node:zlib';
import { hashOf, isLinkSecret, isSecret, linkSecretFrom, secretFrom } from './tokens.ts';

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

const prefixes = { api_key: 'pstk_', session: 'psts_', one_time: 'psto_' } as const;
const owners = { api_key: 'an API key', session: 'a session', one_time: 'a one-time link' } as const;

for (const kind of ['api_key', 'session', 'one_time'] as const) {
  describe(`the secret of ${owners[kind]}`, () => {
    it('begins with its prefix, and ends in the CRC-32 of what comes before', () => {
      const secret = secretFrom(kind, random);
      assert.match(secret, new RegExp(`^${prefixes[kind]}[a-z2-7]{32}[a-z2-7]{7}$`));
      assert.equal(bytesOf(secret.slice(-7)).readUInt32BE(), crc32(secret.slice(0, -7)));
      assert.ok(isSecret(kind, secret));
    });

    it('is refused with any one letter changed, or two neighbours swapped', () => {
      const secret = secretFrom(kind, random);
      for (let at = 0; at < secret.length; at++) {
        for (const letter of `${alphabet}_1`) {
          if (letter === secret[at]) continue;
          assert.ok(
            !isSecret(kind, secret.slice(0, at) + letter + secret.slice(at + 1)),
            `${letter} at ${at}`,
          );
        }
        const swapped = secret.slice(0, at) + (secret[at + 1] ?? '') + secret[at] + secret.slice(at + 2);
        if (swapped !== secret) assert.ok(!isSecret(kind, swapped), `swapped at ${at}`);
      }
    });

    it('is refused in another length, another case or with something around it', () => {
      const secret = secretFrom(kind, random);
      for (const other of [
        '',
        secret.slice(0, -1),
        `${secret}a`,
        secret.toUpperCase(),
        ` ${secret}`,
        `${secret}\n`,
        secret.slice(5),
      ]) {
        assert.ok(!isSecret(kind, other), JSON.stringify(other));
      }
    });

    it('is no secret of another kind, not even with the other prefix', () => {
      const secret = secretFrom(kind, random);
      assert.ok(!isLinkSecret(secret));
      assert.ok(!isSecret(kind, linkSecretFrom(random)));
      for (const other of ['api_key', 'session', 'one_time'] as const) {
        if (other === kind) continue;
        assert.ok(!isSecret(other, secret));
        assert.ok(!isSecret(other, prefixes[other] + secret.slice(5)));
      }
    });
  });
}

describe('hashOf', () => {
  it('is SHA-256', () => {
    assert.deepEqual(Buffer.from(hashOf('abc')), createHash('sha256').update('abc').digest());
  });
});
