import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readerTextLengthMax } from './agent-protocol.ts';
import {
  canonicalReaderCode,
  presentable,
  presentedTextLengthMax,
  type ReaderStatement,
  readerBytes,
  readerCodeFrom,
} from './reader-protocol.ts';

describe('the code that enrolls a tablet', () => {
  it('is 80 bits in four groups of Crockford Base32', () => {
    assert.equal(readerCodeFrom(new Uint8Array(10)), '0000-0000-0000-0000');
    assert.equal(readerCodeFrom(new Uint8Array(10).fill(255)), 'ZZZZ-ZZZZ-ZZZZ-ZZZZ');
    assert.equal(readerCodeFrom(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 33)), '0000-0000-0000-0011');
    assert.equal(readerCodeFrom(Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 0, 0, 0)), '1000-0000-0000-0000');
  });

  it('has one spelling, however it is typed', () => {
    const code = '6Q01-ZK3M-V9X2-D7NB';
    for (const typed of [code, '6q01zk3mv9x2d7nb', ' 6QOI zk3m-V9X2 D7NB\n', '6qol-ZK3M-V9X2-D7NB'])
      assert.equal(canonicalReaderCode(typed), code, typed);
    for (const typed of ['', '6Q01-ZK3M-V9X2-D7N', `${code}0`, '6U01-ZK3M-V9X2-D7NB', '6Q01-ZK3M-V9X2-D7N!'])
      assert.equal(canonicalReaderCode(typed), null, typed);
  });
});

describe('what a tablet signs', () => {
  it('cannot be taken for anything else', () => {
    const statements: ReaderStatement[] = [
      { what: 'enrollment', code: '1' },
      { what: 'nonce', reader_id: 1 },
      { what: 'presentation', reader_id: 1, nonce: 'a', digest: 'b","c' },
      { what: 'presentation', reader_id: 1, nonce: 'a","b', digest: 'c' },
      { what: 'presentation', reader_id: 11, nonce: 'a', digest: 'b","c' },
    ];
    const texts = statements.map((statement) => new TextDecoder().decode(readerBytes(statement)));
    assert.equal(new Set(texts).size, statements.length);
    assert.equal(texts[1], '["postern-reader",1,"nonce",1]');
  });

  it('is the text as the server will have it', () => {
    assert.equal(presentable('e\u0301\r\nx'), '\u00e9\nx');
    assert.equal(presentable('a'.repeat(9_999)).length, readerTextLengthMax);
    assert.equal(presentedTextLengthMax, readerTextLengthMax);
  });
});
