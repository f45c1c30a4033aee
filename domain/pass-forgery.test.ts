import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { describe, it } from 'node:test';
import { figure, report } from '../test/figures.ts';
import { hostileWords } from '../test/hostile-words.ts';
import { randomFrom, seed } from '../test/seed.ts';
import { decodeBase45, encodeBase45 } from './base45.ts';
import { type PassClaims, type PassVerifier, passPrefix, passProblems, readPass, signPass } from './pass.ts';
import vectors from './testdata/passes.json' with { type: 'json' };

/*
 * Forged passes and hostile texts. Accepted means: read as a pass without being, to the byte, a text that was
 * issued. POSTERN_SEED replays a run.
 */

const forgeriesMin = figure({ small: 50_000, large: 1_000_000 });
const randomForgeriesMin = 10_000; // beside those of the families
const textsMin = figure({ small: 50_000, large: 2_000_000 });
const readerTextLengthMax = 4_296;
const alphabet = [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:'];
const order = 2n ** 252n + 27742317777372353535851937790883648493n;

interface Issued {
  kid: Uint8Array;
  key: KeyObject;
  claims: PassClaims;
  text: string;
  bytes: Uint8Array;
  header: Uint8Array;
  payload: Uint8Array;
  signature: Uint8Array;
}

const random = randomFrom(seed);
const keys = new Map(vectors.keys.map((key) => [key.kid, privateKey(key.seed)]));
const publicKeys = new Map([...keys].map(([kid, key]) => [kid, createPublicKey(key)]));
const foreignKey = privateKey(pick(vectors.other_keys).seed);
const passes = Array.from({ length: 20 }, (_, at) => issue(at));
const issued = new Set(passes.map(({ text }) => text));

/** The reader's own keys, checked by Node; S is taken modulo L, as a library without the check on S does. */
const lenient: PassVerifier = (kid, bytes, signature) => {
  const key = publicKeys.get(hex(kid));
  const s = littleEndian(signature.subarray(32)) % order;
  return key !== undefined && verify(null, bytes, key, join(signature.subarray(0, 32), littleEndianBytes(s)));
};

describe('readPass against forgeries', () => {
  it('accepts the passes that were issued', () => {
    for (const { text } of passes) assert.equal(readPass(text, lenient).ok, true);
  });

  it('accepts a pass that is put together by hand in the same way as the forgeries are', () => {
    for (const pass of passes) {
      const names = namesOf(pass);
      const header = written(['a2', '01', '27', '04', '44', 'kid'], names);
      const payload = written(['a4', 'exp', 'nbf', 'iat', 'own'], names);
      assert.equal(trulySigned(pass, { header, payload }), pass.text);
      assert.equal(textOf(written(['d2', '84', 'h', 'a0', 'p', 's'], names)), pass.text);
    }
  });

  it('accepts none but them', (context) => {
    const problems = new Map<string, number>();
    for (const [family, forgeries] of Object.entries(families)) {
      for (const pass of passes) for (const text of forgeries(pass)) refuse(family, text, problems);
    }
    const randomForgeries = Math.max(randomForgeriesMin, forgeriesMin - total(problems));
    for (let tried = 0; tried < randomForgeries; ) {
      tried += refuse('random', pick(mutations)(pick(passes)), problems);
    }
    report(context, 'forged passes', { tried: total(problems), accepted: 0, seed });
    context.diagnostic(JSON.stringify(Object.fromEntries(problems)));
    assert.ok(total(problems) >= forgeriesMin);
    assert.deepEqual(new Set(problems.keys()), new Set(passProblems));
  });
});

describe('readPass against hostile texts', () => {
  it('throws for none and accepts none', (context) => {
    const problems = new Map<string, number>();
    for (const text of hostileWords) refuse('dictionary', text, problems);
    for (let tried = 0; tried < textsMin; ) tried += refuse('fuzz', pick(hostile)(), problems);
    report(context, 'hostile texts', { tried: total(problems), accepted: 0, thrown: 0, seed });
    assert.ok(total(problems) >= textsMin);
  });
});

/** Every family of forgeries, one pass at a time. */
const families: Readonly<Record<string, (pass: Issued) => Iterable<string>>> = {
  'bit of the bytes': ({ bytes }) => bitFlips(bytes).map(textOf),
  'bit of the text': ({ text }) => textBitFlips(text),
  'truncation of the text': ({ text }) =>
    countTo(text.length).flatMap((n) => [text.slice(0, n), text.slice(n + 1)]),
  'truncation of the bytes': ({ bytes }) =>
    countTo(bytes.length).flatMap((n) => [textOf(bytes.slice(0, n)), textOf(bytes.slice(n + 1))]),
  'white space and case': ({ text }) => dressings.map((dress) => dress(text)),
  splice: (one) => passes.filter((other) => other !== one).flatMap((other) => splices(one, other)),
  'S + kL': largerS,
  structure: structures,
  'other key': otherKeys,
};

/**
 * Reads one text and counts why it is refused; fails when it is accepted without having been issued. Gives 0
 * for an issued text, which an edit may happen to give back and which is no forgery.
 */
function refuse(family: string, text: string, problems: Map<string, number>): 0 | 1 {
  if (issued.has(text)) return 0;
  const reading = readPass(text, lenient);
  assert.ok(!reading.ok, `accepted (${family}, POSTERN_SEED=${seed}): ${JSON.stringify(text)}`);
  problems.set(reading.problem, (problems.get(reading.problem) ?? 0) + 1);
  return 1;
}

function total(problems: Map<string, number>): number {
  return problems.values().reduce((sum, count) => sum + count, 0);
}

function issue(at: number): Issued {
  const [kid, key] = pick([...keys]);
  const most = [200, 60_000, 2 ** 31, 2 ** 50][at % 4] ?? 1;
  const not_before = 1_700_000_000 + below(300_000_000);
  const claims: PassClaims = {
    organization_id: 1 + below(most),
    link_id: 1 + below(most),
    group_id: 1 + below(most),
    index: below(most),
    online: at % 3 === 0,
    issued_at: not_before - below(1_000_000),
    not_before,
    expires_at: not_before + 1 + below(30_000_000),
  };
  const signer = { kid: fromHex(kid), sign: (bytes: Uint8Array) => sign(null, bytes, key) };
  const text = signPass(claims, signer);
  const bytes = decodeBase45(text.slice(passPrefix.length)) ?? of();
  const [header, payload, signature] = [bytes.slice(3, 12), bytes.slice(15, -66), bytes.slice(-64)];
  return { kid: signer.kid, key, claims, text, bytes, header, payload, signature };
}

function bitFlips(bytes: Uint8Array): Uint8Array[] {
  return countTo(bytes.length * 8).map((bit) =>
    bytes.with(bit >> 3, (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))),
  );
}

function textBitFlips(text: string): string[] {
  return countTo(text.length * 8).map((bit) => {
    const flipped = text.charCodeAt(bit >> 3) ^ (1 << (bit & 7));
    return text.slice(0, bit >> 3) + String.fromCharCode(flipped) + text.slice((bit >> 3) + 1);
  });
}

function countTo(length: number): number[] {
  return Array.from({ length }, (_, at) => at);
}

const dressings: readonly ((text: string) => string)[] = [
  ...[' ', '  ', '   ', '\n', '\r\n', '\t', '\0', '\u00a0', '\ufeff', '0', '00', '000', '\u200b'].flatMap(
    (extra) => [
      (text: string) => text + extra,
      (text: string) => extra + text,
      (text: string) => passPrefix + extra + text.slice(passPrefix.length),
    ],
  ),
  (text) => text.toLowerCase(),
  (text) => passPrefix.toLowerCase() + text.slice(passPrefix.length),
  (text) => passPrefix + text,
  (text) => text + text,
  (text) => text.slice(passPrefix.length),
  (text) => encodeURIComponent(text),
  (text) => text.replaceAll(' ', '+'),
  (text) => text.replaceAll('-', '\u2010'),
  (text) => text.replaceAll('A', '\uff21'),
  (text) => text.split('').reverse().join(''),
];

/** Head of one pass and tail of another, in text and in bytes; and the three parts mixed. */
function splices(one: Issued, other: Issued): string[] {
  const cut = 6 + below(one.text.length - 6);
  const at = 1 + below(one.bytes.length - 1);
  const head = one.bytes.subarray(0, at);
  const mixed = countTo(8).map((mix) => {
    const [first, second, third] = [mix & 1, mix & 2, mix & 4].map((bit) => (bit === 0 ? one : other));
    return assemble((first ?? one).header, (second ?? one).payload, (third ?? one).signature);
  });
  return [
    one.text.slice(0, cut) + other.text.slice(cut),
    textOf(join(head, other.bytes.subarray(at))),
    textOf(join(head, other.bytes.subarray(at - one.bytes.length))),
    ...mixed,
  ];
}

function largerS({ bytes }: Issued): string[] {
  const s = littleEndian(bytes.subarray(-32));
  const sums = countTo(15).map((k) => littleEndianBytes(s + order * BigInt(k + 1)));
  return sums.map((sum) => textOf(join(bytes.subarray(0, -32), sum)));
}

/*
 * Forgeries of the structure, as CBOR written by hand: hexadecimal, and names for the numbers and parts of
 * the pass. A name alone is the shortest form, with `64` an eight-byte integer, with `F` a float. Below,
 * truly signed by the organization's own key: only the spelling is wrong. A pass: `a2 01 27 04 44 kid` and
 * `a4 exp nbf iat own`.
 */
const headers = spelled(`
  a1 01 27 | a1 04 44 kid | a2 04 44 kid 01 27 | a2 01 27 01 27 | a3 01 27 04 44 kid 04 44 kid | a0 | - | 80
  f6 | a2 01 26 04 44 kid | a2 01 32 04 44 kid | a2 01 38 22 04 44 kid | a2 01 38 34 04 44 kid
  a2 01 08 04 44 kid | a2 01 38 07 04 44 kid | a2 18 01 27 04 44 kid | a2 01 27 04 58 04 kid
  a2 01 27 18 04 44 kid | b8 02 01 27 04 44 kid | a2 01 f9 c8 00 04 44 kid | a2 01 f6 04 44 kid
  a2 01 65 45 64 44 53 41 04 44 kid | a2 20 27 04 44 kid | a3 01 27 02 81 04 04 44 kid
  a3 01 27 03 18 3d 04 44 kid | a3 01 27 04 44 kid 05 41 00 | a3 01 27 04 44 kid 20 00 | bf 01 27 04 44 kid ff
  a2 01 27 04 44 kid 00 | a2 01 27 04 45 kid 00 | a2 01 27 04 43 01 02 03 | a2 01 27 04 40
  a2 01 27 04 64 31 32 33 34 | a2 01 27 04 5f 44 kid ff | a2 01 27 04 c2 44 kid | 46 a2 01 27 04 44 kid
`);
const payloads = spelled(`
  a4 nbf exp iat own | a4 own exp nbf iat | a4 exp iat nbf own | a4 iat nbf exp own | a4 exp nbf own iat
  a3 nbf iat own | a3 exp iat own | a3 exp nbf own | a3 exp nbf iat | a0 | - | 80 | f6 | a4 exp nbf iat own 00
  a5 exp exp nbf iat own | a5 exp nbf iat own own | a5 exp nbf iat own 07 01 | a5 01 01 exp nbf iat own
  a5 exp nbf iat own 3a 00 01 00 01 00 | a5 exp 04 00 nbf iat own | a4 exp nbf iat 3a 00 01 00 01 85 ids flags
  bf exp nbf iat own ff | b8 04 exp nbf iat own | d8 3d a4 exp nbf iat own | c1 a4 exp nbf iat own
  a4 18 04 expires nbf iat own | a4 04 expires64 nbf iat own | a4 04 expiresF nbf iat own
  a4 04 c1 expires nbf iat own | a4 exp 05 before64 iat own | a4 exp 05 beforeF iat own
  a4 exp nbf 06 issued64 own | a4 exp nbf 06 issuedF own | a4 04 before nbf iat own | a4 04 00 nbf iat own
  a4 04 20 nbf iat own | a4 exp 05 20 iat own | a4 exp nbf 06 20 own
  a4 04 1b 00 00 00 3a ff f4 41 80 nbf iat own | a4 04 f9 7c 00 nbf iat own | a4 04 f9 7e 00 nbf iat own
  a4 exp nbf iat key 86 ids flags 00 | a4 exp nbf iat key 84 ids | a4 exp nbf iat key 9f ids flags ff
  a4 exp nbf iat key 98 05 ids flags | a4 exp nbf iat key a1 00 00 | a4 exp nbf iat key 45 00 00 00 00 00
  a4 exp nbf iat 3b 00 00 00 00 00 01 00 00 85 ids flags | a4 exp nbf iat 39 ff ff 85 ids flags
  a4 exp nbf iat key 85 ids 02 | a4 exp nbf iat key 85 ids 03 | a4 exp nbf iat key 85 ids 18 80
  a4 exp nbf iat key 85 ids 20 | a4 exp nbf iat key 85 ids 18 00 | a4 exp nbf iat key 85 ids 18 01
  a4 exp nbf iat key 85 ids f4 | a4 exp nbf iat key 85 ids f5 | a4 exp nbf iat key 85 ids flagsF
  a4 exp nbf iat key 85 ids f9 80 00 | a4 exp nbf iat key 85 00 link group index flags
  a4 exp nbf iat key 85 organization 00 group index flags
  a4 exp nbf iat key 85 organization link 00 index flags
  a4 exp nbf iat key 85 organization link group 20 flags
  a4 exp nbf iat key 85 organizationF link group index flags
  a4 exp nbf iat key 85 organization linkF group index flags
  a4 exp nbf iat key 85 organization link groupF index flags
  a4 exp nbf iat key 85 organization link group indexF flags
  a4 exp nbf iat key 85 organization link group index flags64
  a4 exp nbf iat key 85 organization c2 41 01 group index flags
  a4 exp nbf iat key 85 organization 1b 00 20 00 00 00 00 00 00 group index flags | 58 20 a4 exp nbf iat own
  a4 exp nbf iat key 85 organization 1b ff ff ff ff ff ff ff ff group index flags
  a4 exp nbf iat f6 85 ids flags | a4 exp nbf iat key 85 f6 link group index flags
  a4 exp nbf iat key 85 organization f7 group index flags
  a4 exp nbf iat key 85 organization 61 31 group index flags
  a4 exp nbf iat key 85 organization 41 01 group index flags
  a4 exp nbf iat key 85 organization link 80 index flags
  a4 exp nbf iat key 85 organization link a0 index flags
`);
/** The signed parts as they are, the envelope around them not. A pass: `d2 84 h a0 p s`. */
const envelopes = spelled(`
  84 h a0 p s | d2 d2 84 h a0 p s | d8 12 84 h a0 p s | d9 00 12 84 h a0 p s | d8 3d d2 84 h a0 p s
  d2 d8 3d 84 h a0 p s | d9 d9 f7 d2 84 h a0 p s | d0 84 h a0 p s | d1 84 h a0 p s | d3 84 h a0 p s
  d8 62 84 h a0 p s | d8 61 84 h a0 p s | d2 9f h a0 p s ff | d2 98 04 h a0 p s | d2 83 h a0 p
  d2 85 h a0 p s 00 | d2 84 h a0 p s 00 | d2 84 h a0 p s f6 | d2 84 h a0 5f p ff s | d2 84 h a0 f6 s
  d2 84 h a0 payload s | d2 84 header a0 p s | d2 84 a0 h p s | d2 84 h p a0 s
  d2 84 h a0 p 59 00 40 signature | d2 84 58 09 header a0 p s | d2 84 h a0 p 58 41 signature 00
  d2 84 h a0 p 40 | d2 84 h a1 04 44 kid p s | d2 84 h a1 01 27 p s | d2 84 h bf ff p s | d2 84 h b8 00 p s
  d2 84 h f6 p s | d2 84 h 80 p s | d2 84 h 40 p s | d2 84 h a1 20 00 p s | d2 84 h a0 p 78 40 signature
  d2 84 78 09 header a0 p s | d2 84 h a0 p s s | d2 84 h a0 p 5f s ff | d2 82 h s | d2 a2 h a0 p s
  d2 58 73 84 h a0 p s | d2 | d2 84 | d2 84 h | d2 84 h a0 | d2 84 h a0 p
`);

function spelled(list: string): string[][] {
  return list
    .trim()
    .split(/[|\n]/)
    .map((words) => words.trim().split(' '));
}

function* structures(pass: Issued): Iterable<string> {
  const names = namesOf(pass);
  for (const words of headers) yield trulySigned(pass, { ...pass, header: written(words, names) });
  for (const words of payloads) yield trulySigned(pass, { ...pass, payload: written(words, names) });
  for (const words of envelopes) yield textOf(written(words, names));
}

function trulySigned({ key }: Issued, { header, payload }: Pick<Issued, 'header' | 'payload'>): string {
  return assemble(header, payload, sign(null, signedBytes(header, payload), key));
}

function written(words: readonly string[], names: ReadonlyMap<string, Uint8Array>): Uint8Array {
  return join(...words.map((word) => names.get(word) ?? fromHex(word)));
}

function namesOf({ kid, claims, header, payload, signature }: Issued): Map<string, Uint8Array> {
  const names = new Map(
    Object.entries({ '-': of(), kid, key: fromHex('3a00010000'), header, payload, signature }),
  );
  const { organization_id: organization, link_id: link, group_id: group, index } = claims;
  const times = { issued: claims.issued_at, before: claims.not_before, expires: claims.expires_at };
  const numbers = { organization, link, group, index, flags: Number(claims.online), ...times };
  for (const [name, value] of Object.entries(numbers)) {
    names
      .set(name, head(0, value))
      .set(`${name}64`, head(0, value, 8))
      .set(`${name}F`, float(value));
  }
  names.set('ids', written(['organization', 'link', 'group', 'index'], names));
  names.set('own', written(['key', '85', 'ids', 'flags'], names));
  names.set('exp', written(['04', 'expires'], names)).set('nbf', written(['05', 'before'], names));
  names.set('iat', written(['06', 'issued'], names));
  return names.set('h', bytesItem(header)).set('p', bytesItem(payload)).set('s', bytesItem(signature));
}

/** Another organization's key under our kids and under others; our key under another kid; other messages. */
function otherKeys({ kid, header, payload, key }: Issued): string[] {
  const kids = [...[...keys.keys()].map(fromHex), fromHex('00000000'), fromHex('ffffffff')];
  const named = kids.map((id) => join(header.subarray(0, -4), id));
  const renamed = named.filter((other) => hex(other) !== hex(header));
  const forge = (header: Uint8Array, message: Uint8Array, by: KeyObject) =>
    assemble(header, payload, sign(null, message, by));
  return [
    ...named.map((header) => forge(header, signedBytes(header, payload), foreignKey)),
    ...renamed.map((header) => forge(header, signedBytes(header, payload), key)),
    ...named.map((header) => forge(header, signedBytes(header, payload, 'Signature'), key)),
    ...[payload, join(header, payload), of(), kid].map((message) => forge(header, message, key)),
  ];
}

const mutations: readonly ((pass: Issued) => string)[] = [
  editText,
  editText,
  editBytes,
  (one) => pick(splices(one, pick(passes))),
];

/** Edits the text, one to three times. */
function editText({ text }: Issued): string {
  let edited = text;
  for (let times = 1 + below(3); times > 0; times--) {
    const at = below(edited.length);
    const [left, here, right] = [edited.slice(0, at), edited.charAt(at), edited.slice(at + 1)];
    const character = pick(alphabet);
    const edits = [
      () => left + character + right,
      () => left + character + here + right,
      () => left + right,
      () => left + right.charAt(0) + here + right.slice(1),
      () => left + here.toLowerCase() + right,
      () => left + here + here + right,
      () => left + below(10) + right,
      () => left + right.slice(below(4)),
    ];
    edited = pick(edits)();
  }
  return edited;
}

function editBytes({ bytes }: Issued): string {
  const at = below(bytes.length);
  return textOf(join(bytes.subarray(0, at), randomBytes(below(4)), bytes.subarray(at + below(4))));
}

const hostile: readonly (() => string)[] = [
  () => characters(length(), () => String.fromCharCode(below(0x20))),
  () => characters(length(), () => String.fromCharCode(below(0x80))),
  () => characters(length(), () => String.fromCharCode(below(0x10000))),
  () => characters(1 + below(12), () => pick(hostileWords)).slice(0, readerTextLengthMax),
  () => passPrefix + characters(1 + below(6), () => pick(hostileWords)),
  () => passPrefix + characters(length(), () => pick(alphabet)),
  () => passPrefix + characters(below(234), () => pick(alphabet)),
  () => textOf(randomBytes(below(156))),
  () => textOf(join(of(0xd2, 0x84), randomBytes(below(150)))),
  () => textOf(join(of(0xd2), ...countTo(below(40)).map(cborItem)).subarray(0, 155)),
  () => assemble(cborItem(), join(...countTo(6).map(cborItem)), new Uint8Array(64)),
  () => assemble(pick(passes).header, join(...countTo(9).map(cborItem)), new Uint8Array(64)),
  () => spliced(pick(passes).text),
];

/** A pass with a hostile word in its middle. */
function spliced(text: string): string {
  const at = below(text.length);
  return text.slice(0, at) + pick(hostileWords) + text.slice(at + below(8));
}

/** Half of the lengths where a pass's are, half up to the capacity of a QR code. */
function length(): number {
  return below(2) === 0 ? below(300) : below(readerTextLengthMax - passPrefix.length + 1);
}

/** Random heads: arrays and maps that promise billions of items, nesting, breaks, floats, unknown tags. */
function cborItem(): Uint8Array {
  const value = pick([0, 1, 23, 24, 255, 65536, 2 ** 32 - 1, 2 ** 53]);
  return pick([head(below(8), value), of(below(8) * 32 + 31), of(0xd2, 0x84), of(below(256))]);
}

function characters(count: number, next: () => string): string {
  let text = '';
  for (let at = 0; at < count; at++) text += next();
  return text;
}

/** The head of a CBOR item (RFC 8949 §3), whose argument may be written in more bytes than it needs. */
function head(major: number, argument: number, width: number = sizeOf(argument)): Uint8Array {
  if (width === 0) return of(major * 32 + argument);
  const bytes = countTo(width).map((at) =>
    Number((BigInt(argument) >> BigInt(8 * (width - 1 - at))) & 0xffn),
  );
  return of(major * 32 + 24 + Math.log2(width), ...bytes);
}

function sizeOf(argument: number): number {
  return argument < 24 ? 0 : argument < 256 ? 1 : argument < 65536 ? 2 : argument < 2 ** 32 ? 4 : 8;
}

function float(value: number): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setFloat64(0, value);
  return join(of(0xfb), new Uint8Array(bytes.buffer));
}

function bytesItem(bytes: Uint8Array): Uint8Array {
  return join(head(2, bytes.length), bytes);
}

/** A pass of three parts, put together by hand. */
function assemble(header: Uint8Array, payload: Uint8Array, signature: Uint8Array): string {
  return textOf(join(of(0xd2, 0x84), bytesItem(header), of(0xa0), bytesItem(payload), bytesItem(signature)));
}

function signedBytes(header: Uint8Array, payload: Uint8Array, context = 'Signature1'): Uint8Array {
  const name = new TextEncoder().encode(context);
  return join(of(0x84), head(3, name.length), name, bytesItem(header), of(0x40), bytesItem(payload));
}

function textOf(bytes: Uint8Array): string {
  return passPrefix + encodeBase45(bytes);
}

function join(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

function of(...bytes: number[]): Uint8Array {
  return Uint8Array.from(bytes);
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${hex(bytes.toReversed())}`);
}

function littleEndianBytes(value: bigint): Uint8Array {
  return fromHex(value.toString(16).padStart(64, '0')).toReversed();
}

/** An Ed25519 seed of RFC 8032 in the PKCS #8 envelope of RFC 8410 §7. */
function privateKey(seed: string): KeyObject {
  const key = fromHex(`302e020100300506032b657004220420${seed}`);
  return createPrivateKey({ key: Buffer.from(key), format: 'der', type: 'pkcs8' });
}

function fromHex(text: string): Uint8Array {
  assert.match(text, /^([0-9a-f]{2})*$/);
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function below(limit: number): number {
  return Math.floor(random() * limit);
}

function randomBytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, () => below(256));
}

function pick<Item>(items: readonly Item[]): Item {
  const item = items[below(items.length)];
  if (item === undefined) throw new RangeError('nothing to pick from');
  return item;
}
