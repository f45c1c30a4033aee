import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { hashPassword, passwordMatches } from './passwords.ts';

describe('a password', () => {
  it('matches what was made of it, and nothing else does', async () => {
    const stored = await hashPassword('correct horse', randomBytes(16));
    assert.match(stored, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    const answers = ['correct horse', 'correct horsf', 'Correct horse', ' correct horse', ''].map((each) =>
      passwordMatches(each, stored),
    );
    assert.deepEqual(await Promise.all(answers), [true, false, false, false, false]);
  });

  it('is salted: the same password is stored differently twice', async () => {
    const [one, other] = await Promise.all([
      hashPassword('same', randomBytes(16)),
      hashPassword('same', randomBytes(16)),
    ]);
    assert.notEqual(one, other);
  });

  it("is never nobody's, and takes as much work to find that out", async () => {
    const stored = await hashPassword('correct horse', randomBytes(16));
    const msOf = async (known: string | null) => {
      const start = performance.now();
      assert.equal(await passwordMatches('', known), false);
      return performance.now() - start;
    };
    const times = { known: [] as number[], nobody: [] as number[] };
    for (let round = 0; round < 15; round++) {
      times.known.push(await msOf(stored));
      times.nobody.push(await msOf(null));
    }
    // The least of several: what the machine does meanwhile only ever adds to it.
    const ratio = Math.min(...times.nobody) / Math.min(...times.known);
    assert.ok(ratio > 0.6 && ratio < 1.6, `ratio ${ratio}`);
  });

  it('is checked two at a time, however many come, and refused at once beyond a number that waits', async () => {
    const salt = randomBytes(16);
    const answers = await Promise.allSettled(Array.from({ length: 60 }, () => hashPassword('same', salt)));
    const refused = answers.filter((answer) => answer.status === 'rejected');
    assert.equal(refused.length, 60 - 42);
    for (const { reason } of refused) assert.deepEqual([reason.reason, reason.retryAfterS], ['busy', 2]);
    assert.ok(await hashPassword('same', salt), 'and the next one is welcome again');
  });
});
