import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addMs } from './instants.ts';
import {
  chooseValidity,
  endedLinkVisibleMs,
  isForgotten,
  type LinkTerms,
  linkState,
  namesNewRecipient,
} from './link.ts';

const at = '2026-12-01T09:00:00.000Z';
const dayMs = 24 * 3_600_000;
const later = (days: number, ms = 0) => addMs(at, days * dayMs + ms);

const open: LinkTerms = {
  valid_from: null,
  valid_until: later(1),
  suspended_at: null,
  revoked_at: null,
  max_uses: null,
  uses: 0,
};

describe('linkState', () => {
  const cases: readonly [string, Partial<LinkTerms>, string][] = [
    ['without a start', {}, 'active'],
    ['at its first instant', { valid_from: at }, 'active'],
    ['a millisecond before its start', { valid_from: later(0, 1) }, 'not_active'],
    ['a millisecond before its end', { valid_until: later(0, 1) }, 'active'],
    ['at its end', { valid_until: at }, 'expired'],
    ['with a use left', { max_uses: 2, uses: 1 }, 'active'],
    ['with no use left', { max_uses: 2, uses: 2 }, 'used_up'],
    ['with more uses than it may have by now', { max_uses: 1, uses: 3 }, 'used_up'],
    ['suspended', { suspended_at: at }, 'suspended'],
    ['suspended and ended', { suspended_at: at, valid_until: at }, 'suspended'],
    ['revoked and suspended', { revoked_at: at, suspended_at: at }, 'revoked'],
    ['not begun and used up', { valid_from: later(0, 1), max_uses: 1, uses: 1 }, 'not_active'],
    ['ended and used up', { valid_until: at, max_uses: 1, uses: 1 }, 'expired'],
  ];
  for (const [name, terms, state] of cases) {
    it(`is ${state} for a link ${name}`, () => assert.equal(linkState({ ...open, ...terms }, at), state));
  }
});

describe('isForgotten', () => {
  it('counts 30 days from the end, and not a millisecond less', () => {
    const link = { ...open, valid_until: at };
    assert.equal(endedLinkVisibleMs, 30 * dayMs);
    assert.equal(isForgotten(link, at), false);
    assert.equal(isForgotten(link, later(30)), false);
    assert.equal(isForgotten(link, later(30, 1)), true);
  });

  it('counts from the revocation when that came first, and from the end when it did not', () => {
    const revoked = { ...open, revoked_at: at, valid_until: later(300) };
    assert.equal(isForgotten(revoked, later(30)), false);
    assert.equal(isForgotten(revoked, later(30, 1)), true);
    const revokedLate = { ...open, valid_until: at, revoked_at: later(20) };
    assert.equal(isForgotten(revokedLate, later(30, 1)), true);
  });
});

describe('chooseValidity', () => {
  const rules = { default_validity_s: 7 * 86_400, validity_s_max: 366 * 86_400 };
  const choose = (valid_from: string | null, valid_until: string | null) =>
    chooseValidity({ valid_from, valid_until }, at, rules);
  const wrongField = (valid_from: string | null, valid_until: string | null) => {
    const chosen = choose(valid_from, valid_until);
    return 'field' in chosen ? chosen.field : null;
  };

  it('takes the wanted window as it is', () => {
    assert.deepEqual(choose(later(1), later(2)), { valid_from: later(1), valid_until: later(2) });
    assert.deepEqual(choose(null, later(2)), { valid_from: null, valid_until: later(2) });
  });

  it('gives a link without an end the default, from its start or from now', () => {
    assert.deepEqual(choose(null, null), { valid_from: null, valid_until: later(7) });
    assert.deepEqual(choose(later(3), null), { valid_from: later(3), valid_until: later(10) });
  });

  it('counts the default from now when the start has passed: a new link is never over already', () => {
    const chosen = choose(later(-30), null);
    assert.ok('valid_until' in chosen);
    assert.equal(chosen.valid_until, later(7));
  });

  it('refuses an end that is not later than the start', () => {
    assert.equal(wrongField(later(2), later(2)), 'valid_until');
    assert.equal(wrongField(later(2), later(1)), 'valid_until');
    assert.equal(wrongField(later(2), later(2, 1)), null);
  });

  it('allows the longest validity to the millisecond', () => {
    assert.equal(wrongField(null, later(366)), null);
    assert.equal(wrongField(null, later(366, 1)), 'valid_until');
    assert.equal(wrongField(later(10), later(376)), null);
    assert.equal(wrongField(later(10), later(376, 1)), 'valid_until');
  });

  it('counts the longest validity from now when the start has passed, so that a link can be extended', () => {
    assert.equal(wrongField(later(-300), later(366)), null);
    assert.equal(wrongField(later(-300), later(366, 1)), 'valid_until');
  });

  it('names a field, and does not throw, for a start at the end of the years', () => {
    assert.equal(wrongField('9999-12-31T00:00:00.000Z', null), 'valid_from');
  });

  it('says in days how far away an end may be', () => {
    const chosen = choose(null, later(400));
    assert.ok('expected' in chosen);
    assert.match(chosen.expected, /366 days/);
  });
});

describe('namesNewRecipient', () => {
  const [robin, ada] = ['robin@example.org', 'ada@example.org'];
  const cases: readonly [string, [string | null, string | null], [string | null, string | null], boolean][] =
    [
      ['another e-mail address', [robin, null], [ada, null], true],
      ['a first e-mail address', [null, null], [ada, null], true],
      ['another phone number', [robin, '+1202555012'], [robin, '+4930123456'], true],
      ['a first phone number', [robin, null], [robin, '+4930123456'], true],
      ['one gained and one lost', [robin, null], [null, '+4930123456'], true],
      ['the same of both', [robin, '+4930123456'], [robin, '+4930123456'], false],
      ['an e-mail address less', [robin, '+4930123456'], [null, '+4930123456'], false],
      ['nobody named before and after', [null, null], [null, null], false],
    ];
  for (const [what, before, after, isNew] of cases) {
    it(`says ${isNew ? 'yes' : 'no'} for ${what}`, () => {
      const contact = ([email, phone]: [string | null, string | null]) => ({ email, phone });
      assert.equal(namesNewRecipient(contact(before), contact(after)), isNew);
    });
  }
});
