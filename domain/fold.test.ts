import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fold } from './fold.ts';

describe('a folded text', () => {
  it('is the same however the name was written', () => {
    for (const [one, other] of [
      ['Zoe\u0308', 'ZOË'],
      ['Straße', 'STRASSE'],
      ['Ольга', 'ОЛЬГА'],
      ['ﬁre', 'FIRE'],
      ['Ａｄａ', 'ada'],
    ] as const)
      assert.equal(fold(one), fold(other));
  });

  it('keeps different letters apart', () => {
    for (const [one, other] of [
      ['Zoë', 'Zoe'],
      ['I', 'l'],
    ] as const)
      assert.notEqual(fold(one), fold(other));
  });

  it('sorts by its first part, whatever follows', () => {
    assert.ok(fold('Ada', 'z@example.org') < fold('Ada Lovelace', 'a@example.org'));
    assert.equal(fold('Ada', null, undefined), 'ada');
  });

  it('folds what is folded into itself', () => {
    for (const text of ['İstanbul', 'ΣΊΣΥΦΟΣ', 'ǅ', 'ŉ', '👨‍👩‍👧'])
      assert.equal(fold(fold(text)), fold(text));
  });
});
