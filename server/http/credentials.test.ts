import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readCredential } from './credentials.ts';

describe('the Authorization header', () => {
  it('names a login or a link in every spelling that programs send', () => {
    for (const scheme of ['KISI-LOGIN', 'kisi-login', 'Kisi-Login', 'Bearer', 'bearer', 'BEARER']) {
      assert.deepEqual(readCredential(`${scheme} abc`), { kind: 'login', secret: 'abc' }, scheme);
    }
    for (const scheme of ['KISI-GROUP-LINK', 'kisi-group-link', 'KISI-LINK', 'Kisi-Link']) {
      assert.deepEqual(readCredential(`${scheme} abc`), { kind: 'link', secret: 'abc' }, scheme);
    }
    assert.deepEqual(readCredential('Bearer   abc  '), { kind: 'login', secret: 'abc' });
  });

  it('is no credential when it is missing, empty, of another scheme or too long', () => {
    const none = [
      undefined,
      '',
      'abc',
      'KISI-LOGIN',
      'KISI-LOGIN ',
      'Basic YTpi',
      'KISI-ACCESS-KEY abc',
      'Bearer a b',
    ];
    for (const header of [
      ...none,
      ` Bearer abc`,
      `Bearer ${'a'.repeat(201)}`,
      'KISI_LOGIN abc',
      'Bearer\tabc',
    ]) {
      assert.equal(readCredential(header), null, String(header));
    }
  });

  it('is no credential when its scheme is a word that every object knows', () => {
    assert.equal(readCredential('constructor abc'), null);
  });
});
