import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { rolldown } from 'rolldown';
import vectors from './testdata/passes.json' with { type: 'json' };

/*
 * The vectors, read by code that is not ours: a COSE library from npm, the example of docs/reference/pass.md,
 * and a Base45 written here from RFC 9285. Nothing of pass.ts or base45.ts is used.
 */

const page = await readFile(new URL('../docs/reference/pass.md', import.meta.url), 'utf8');
const { Ed25519Key, Header, readPass, mayOpen, Sign1Message } = await bundle(`${fenced('js').join('\n')}
  export { Ed25519Key, Sign1Message };
  export { Header } from '@ldclabs/cose-ts/header';
`);
const publicKeys = new Map(vectors.keys.map((key) => [key.kid, fromHex(key.public_key)]));

describe('a standard COSE library', () => {
  for (const { name, text, kid, cose, claims } of vectors.valid) {
    it(`verifies the vector "${name}" and finds its claims`, () => {
      const bytes = base45(text);
      assert.equal(hex(bytes), cose);
      const message = Sign1Message.fromBytes(publicKey(kid), bytes);
      assert.deepEqual(
        message.protected?.toRaw(),
        new Map<number, unknown>([
          [1, -8],
          [4, fromHex(kid)],
        ]),
      );
      const payload = Header.fromBytes(message.payload).toRaw();
      assert.deepEqual(payload, payloadOf(claims));
    });

    it(`writes the vector "${name}" to the byte`, () => {
      const header = new Header(
        new Map<number, unknown>([
          [1, -8],
          [4, fromHex(kid)],
        ]),
      );
      const message = new Sign1Message(new Header(payloadOf(claims)).toBytes(), header, new Header());
      const seed = vectors.keys.find((key) => key.kid === kid)?.seed ?? '';
      const signed = message.toBytes(Ed25519Key.fromSecret(fromHex(seed)));
      assert.equal(hex(Sign1Message.withTag(signed)), cose);
    });
  }

  for (const { name, text } of vectors.invalid.filter(
    ({ problem }) => problem === 'unknown_key_or_bad_signature',
  )) {
    it(`refuses the signature of the vector "${name}", or has no key of that name`, () => {
      const bytes = base45(text);
      const kid = hex(bytes.subarray(8, 12));
      if (!publicKeys.has(kid)) assert.equal(kid, 'deadbeef');
      else assert.throws(() => Sign1Message.fromBytes(publicKey(kid), bytes), /signature mismatch/);
    });
  }
});

describe('the example of docs/reference/pass.md', () => {
  for (const { name, text, claims } of vectors.valid) {
    it(`reads the vector "${name}"`, () => {
      const { exp, nbf, iat, ...pass } = readPass(text, publicKeys);
      const { organization_id: organization, link_id: link, group_id: group, index, online } = claims;
      assert.deepEqual(pass, { organization, link, group, index, online });
      assert.deepEqual([exp, nbf, iat], [claims.expires_at, claims.not_before, claims.issued_at]);
    });
  }

  for (const { name, text, problem } of vectors.invalid) {
    it(`refuses the vector "${name}": ${problem}`, () => {
      assert.throws(() => readPass(text, publicKeys));
    });
  }

  it('opens for the group and organization of the pass, from its start until before its end', () => {
    const pass = readPass(vectors.valid[0]?.text ?? '', publicKeys);
    const door = { organization: 1201, groups: [7, 318] };
    const at = (now: number) => mayOpen(pass, door, now);
    assert.deepEqual([pass.nbf - 1, pass.nbf, pass.exp - 1, pass.exp].map(at), [false, true, true, false]);
    assert.equal(mayOpen(pass, { ...door, organization: 1202 }, pass.nbf), false);
    assert.equal(mayOpen(pass, { ...door, groups: [7] }, pass.nbf), false);
    assert.equal(mayOpen({ ...pass, online: true }, door, pass.nbf), false);
  });

  it('explains the bytes, the text and the key of the first vector', () => {
    const [bytes = ''] = fenced('cbor');
    const written = bytes.split('\n').map((line) => /^(?:[0-9a-f]{2}(?: |$))+/.exec(line)?.[0] ?? '');
    assert.equal(written.join('').replaceAll(' ', ''), vectors.valid[0]?.cose);
    const shown = fenced('text').map((block) => block.trim());
    assert.deepEqual(shown, [vectors.valid[0]?.text, vectors.keys[0]?.public_key]);
  });
});

/** What is used of the example and the library. They are bundled as JavaScript, without their types. */
interface Bundled {
  readPass(text: string, keys: Map<string, Uint8Array>): Pass;
  mayOpen(pass: Pass, door: { organization: number; groups: number[] }, now: number): boolean;
  Ed25519Key: { fromPublic(bytes: Uint8Array): Key; fromSecret(seed: Uint8Array): Key };
  Header: { new (map?: Map<number, unknown>): Header; fromBytes(bytes: Uint8Array): Header };
  Sign1Message: {
    new (
      payload: Uint8Array,
      protectedHeader: Header,
      unprotected: Header,
    ): { toBytes(key: Key): Uint8Array };
    fromBytes(key: Key, bytes: Uint8Array): { payload: Uint8Array; protected: Header | null };
    withTag(bytes: Uint8Array): Uint8Array;
  };
}

/** Only handed on. */
type Key = object;

interface Header {
  toRaw(): Map<number, unknown>;
  toBytes(): Uint8Array;
}

interface Pass {
  [claim: string]: number | boolean;
  exp: number;
  nbf: number;
}

/** Bundles the source as the page says to (the library's files name each other without endings); loads it. */
async function bundle(source: string): Promise<Bundled> {
  const entry = new URL('./pass-example.js', import.meta.url).pathname;
  const virtual = {
    name: 'example',
    resolveId: (id: string) => (id === entry ? id : null),
    load: (id: string) => (id === entry ? source : null),
  };
  await using built = await rolldown({ input: entry, platform: 'node', plugins: [virtual] });
  const { output } = await built.generate({ format: 'esm' });
  // What a module exports is not known to the compiler; the tests above show that it is this.
  return (await import(`data:text/javascript,${encodeURIComponent(output[0].code)}`)) as Bundled;
}

/** The contents of the page's code blocks in one language. */
function fenced(language: string): string[] {
  return [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)].flatMap(([, of, block = '']) =>
    of === language ? [block] : [],
  );
}

function publicKey(kid: string) {
  return Ed25519Key.fromPublic(publicKeys.get(kid) ?? new Uint8Array());
}

function payloadOf(claims: (typeof vectors.valid)[number]['claims']): Map<number, unknown> {
  const { organization_id, link_id, group_id, index, online, issued_at, not_before, expires_at } = claims;
  const ours = [organization_id, link_id, group_id, index, online ? 1 : 0];
  return new Map<number, unknown>([
    [4, expires_at],
    [5, not_before],
    [6, issued_at],
    [-65537, ours],
  ]);
}

/** Base45 of RFC 9285 §4, in the words of the RFC: c + d * 45 + e * 45² for two bytes, c + d * 45 for one. */
function base45(text: string): Uint8Array {
  const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:';
  const groups = text.slice('PSN1:'.length).match(/.{1,3}/gs) ?? [];
  const values = groups.map((group) =>
    [...group].reduce((sum, c, at) => sum + alphabet.indexOf(c) * 45 ** at, 0),
  );
  return Uint8Array.from(values.flatMap((n, at) => (groups[at]?.length === 3 ? [n >> 8, n & 255] : [n])));
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
