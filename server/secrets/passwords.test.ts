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
});
