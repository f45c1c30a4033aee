import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { passwordProblem } from './password.ts';

const surroundings = {
  email: 'Ada.Lovelace@example.org',
  name: 'Ada Lovelace',
  organization_name: 'Harbour House',
  domain: 'harbour-house',
};

describe('a new password', () => {
  it('is none of the names beside it, in whatever case', () => {
    const names = [
      'ada.lovelace@example.org',
      'ADA.LOVELACE@EXAMPLE.ORG',
      'ada.lovelace',
      'ada lovelace',
      'Harbour House',
      'HARBOUR-HOUSE',
    ];
    for (const name of names) assert.match(passwordProblem(name, surroundings) ?? '', /another than/, name);
  });

  it('may hold one of them, and be anything else', () => {
    for (const password of ['harbour-house-7', 'correct horse battery', 'пароль пароль', '0123456789'])
      assert.equal(passwordProblem(password, surroundings), null, password);
  });
});
