import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeBase45, encodeBase45 } from './base45.ts';

const seed = Number(process.env['POSTERN_SEED'] ?? Date.now() % 2 ** 31);
const bytes = (text: string) => new TextEncoder().encode(text);

/** The examples of RFC 9285 §4.3 and §4.4, and the ends of both group sizes. */
const examples: readonly (readonly [string, Uint8Array])[] = [
  ['BB8', bytes('AB')],
  ['%69 VD92EX0', bytes('Hello!!')],
  ['UJCLQE7W581', bytes('base-45')],
  ['QED8WEX0', bytes('ietf!')],
  ['', Uint8Array.of()],
  ['00', Uint8Array.of(0)],
  ['U5', Uint8Array.of(255)],
  ['000', Uint8Array.of(0, 0)],
  ['FGW', Uint8Array.of(255, 255)],
];

describe('encodeBase45', () => {
  it('writes the examples of RFC 9285', () => {
    for (const [text, plain] of examples) assert.equal(encodeBase45(plain), text);
  });

  it('never ends a text with a space, which a scanner might trim', () => {
    for (let value = 0; value <= 0xffff; value++) {
      assert.ok(!encodeBase45(Uint8Array.of(value >> 8, value & 0xff)).endsWith(' '));
    }
    for (let value = 0; value <= 0xff; value++) assert.ok(!encodeBase45(Uint8Array.of(value)).endsWith(' '));
  });
});

describe('decodeBase45', () => {
  it('reads the examples of RFC 9285', () => {
    for (const [text, plain] of examples) assert.deepEqual(decodeBase45(text), plain);
  });

  it('refuses a character outside the alphabet at every place of a group', () => {
    const outside = [
      'a',
      '_',
      ',',
      '\n',
      '\0',
      '\x7f',
      '\x80',
      'Ａ',
      'ſ',
      '\ud800',
      '#',
      '"',
      '\t',
      '@',
      '[',
      '`',
    ];
    for (const wrong of outside) {
      for (const text of [`${wrong}00`, `0${wrong}0`, `00${wrong}`, `000${wrong}0`, `0000${wrong}`]) {
        assert.equal(decodeBase45(text), null, JSON.stringify(text));
      }
    }
  });

  it('takes exactly the 45 characters of the alphabet', () => {
    const taken = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code));
    const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:';
    assert.equal(taken.filter((character) => decodeBase45(`${character}0`) !== null).length, alphabet.length);
    for (const character of alphabet) assert.notEqual(decodeBase45(`${character}0`), null);
  });

  it('refuses a length that no bytes have', () => {
    for (const length of [1, 4, 7, 100]) assert.equal(decodeBase45('0'.repeat(length)), null);
  });

  it('refuses a group above 65535 and a last pair above 255', () => {
    for (const text of ['GGW', 'FHW', ':::', '00X', '000:::', ':::00'])
      assert.equal(decodeBase45(text), null, text);
    for (const text of ['V5', '06', '::', '000V5', '00006']) assert.equal(decodeBase45(text), null, text);
  });

  it('reads back what was written, and accepts no text but the one that is written', (context) => {
    context.diagnostic(`POSTERN_SEED=${seed}`);
    const plain = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(plain, (it) => assert.deepEqual(decodeBase45(encodeBase45(it)), it)),
      { seed, numRuns: 2_000 },
    );
    const digit = fc.constantFrom(...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:');
    const text = fc.string({ unit: digit, maxLength: 12 });
    fc.assert(
      fc.property(text, (it) => {
        const read = decodeBase45(it);
        if (read !== null) assert.equal(encodeBase45(read), it);
      }),
      { seed, numRuns: 20_000 },
    );
  });
});
