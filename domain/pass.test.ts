import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import encodeQR from 'qr';
import { decodeBase45, encodeBase45 } from './base45.ts';
import {
  type PassClaims,
  type PassSigner,
  type PassVerifier,
  passPrefix,
  passProblems,
  passTextLengthMax,
  passTimeMax,
  readPass,
  signPass,
} from './pass.ts';
import vectors from './testdata/passes.json' with { type: 'json' };

const seed = Number(process.env['POSTERN_SEED'] ?? Date.now() % 2 ** 31);
const keys = new Map(vectors.keys.map((key) => [key.kid, privateKey(key.seed)]));
const publicKeys = new Map([...keys].map(([kid, key]) => [kid, createPublicKey(key)]));
const [kid = ''] = keys.keys();
const signer = signerOf(kid);

/** Verifies as the server and the agent do: the key by its kid, the check by Node. */
const check: PassVerifier = (kid, bytes, signature) => {
  const key = publicKeys.get(hex(kid));
  return key !== undefined && verify(null, bytes, key, signature);
};

const ordinary: PassClaims = {
  organization_id: 1201,
  link_id: 70_345,
  group_id: 318,
  index: 52_817,
  online: false,
  issued_at: 1_777_622_400,
  not_before: 1_777_881_600,
  expires_at: 1_778_486_400,
};

const id = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const time = fc.integer({ min: 0, max: passTimeMax });
const anyClaims: fc.Arbitrary<PassClaims> = fc
  .record(
    {
      organization_id: id,
      link_id: id,
      group_id: id,
      index: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
      online: fc.boolean(),
      issued_at: time,
      not_before: time,
      expires_at: time,
    },
    { noNullPrototype: true },
  )
  .filter(({ not_before, expires_at }) => not_before < expires_at);

describe('signPass', () => {
  for (const vector of vectors.valid) {
    it(`writes the vector "${vector.name}" to the byte`, () => {
      const signed: string[] = [];
      const recording: PassSigner = {
        kid: fromHex(vector.kid),
        sign: (bytes) => {
          signed.push(hex(bytes));
          return signerOf(vector.kid).sign(bytes);
        },
      };
      assert.equal(signPass(vector.claims, recording), vector.text);
      assert.deepEqual(signed, [vector.sig_structure]);
      assert.equal(hex(bytesOf(vector.text)), vector.cose);
    });
  }

  const wrong: readonly Partial<PassClaims>[] = [
    ...[0, -1, 1.5, Number.NaN, 2 ** 53].map((organization_id) => ({ organization_id })),
    ...[0, -1, Number.POSITIVE_INFINITY].map((link_id) => ({ link_id })),
    ...[0, -1, 2 ** 53].map((group_id) => ({ group_id })),
    ...[-1, 0.1, 2 ** 53].map((index) => ({ index })),
    ...[-1, passTimeMax + 1, 0.5].map((issued_at) => ({ issued_at })),
    ...[-1, passTimeMax + 1, Number.NaN].map((not_before) => ({ not_before })),
    ...[ordinary.not_before, ordinary.not_before - 1, -1, passTimeMax + 1].map((expires_at) => ({
      expires_at,
    })),
  ];
  for (const change of wrong) {
    it(`refuses claims with ${JSON.stringify(change)}`, () => {
      assert.throws(() => signPass({ ...ordinary, ...change }, signer), RangeError);
    });
  }

  it('refuses claims of the wrong type, naming the claim', () => {
    for (const [name, value] of [
      ['online', 1] as const,
      ['link_id', '7'] as const,
      ['index', null] as const,
    ]) {
      const claims = JSON.parse(JSON.stringify({ ...ordinary, [name]: value }));
      assert.throws(() => signPass(claims, signer), { name: 'RangeError', message: new RegExp(name) });
    }
  });

  it('refuses a kid that is not 4 bytes', () => {
    for (const length of [0, 3, 5, 32]) {
      const other = { kid: new Uint8Array(length), sign: signer.sign };
      assert.throws(() => signPass(ordinary, other), RangeError);
    }
  });

  it('refuses a signature that is not 64 bytes or has an S not below L', () => {
    for (const signature of [new Uint8Array(63), new Uint8Array(65), new Uint8Array(64).fill(0xff)]) {
      assert.throws(() => signPass(ordinary, { kid: signer.kid, sign: () => signature }), RangeError);
    }
  });
});

describe('readPass', () => {
  for (const { name, text, claims, kid } of vectors.valid) {
    it(`reads the vector "${name}"`, () => {
      const reading = readPass(text, check);
      assert.deepEqual(reading.ok && { ...reading, kid: hex(reading.kid) }, { ok: true, claims, kid });
    });
  }

  for (const { name, text, problem } of vectors.invalid) {
    it(`refuses the vector "${name}": ${problem}`, () => {
      assert.deepEqual(readPass(text, check), { ok: false, problem });
    });
  }

  it('has a vector for every problem', () => {
    assert.deepEqual(new Set(vectors.invalid.map(({ problem }) => problem)), new Set(passProblems));
  });

  it('reads back what was signed, whatever the claims', (context) => {
    context.diagnostic(`POSTERN_SEED=${seed}`);
    fc.assert(
      fc.property(anyClaims, (claims) => {
        const text = signPass(claims, signer);
        assert.ok(text.length <= passTextLengthMax);
        assert.deepEqual(readPass(text, check), { ok: true, claims, kid: signer.kid });
      }),
      { seed, numRuns: 1_000 },
    );
  });

  it('refuses every text when the verifier says anything but true, or throws', () => {
    const text = signPass(ordinary, signer);
    // A verifier in JavaScript may break its type; a promise, for one, is truthy.
    const broken = [false, 1, 'true', {}, undefined, Promise.resolve(true)] as readonly boolean[];
    const verifiers: PassVerifier[] = broken.map((answer) => () => answer);
    verifiers.push(() => {
      throw new Error('no such key');
    });
    for (const verifier of verifiers) {
      assert.deepEqual(readPass(text, verifier), { ok: false, problem: 'unknown_key_or_bad_signature' });
    }
  });

  it('asks the verifier only about the one spelling of claims in range, and about an S below L', () => {
    const asked = vectors.invalid.filter(({ text }) => {
      let called = false;
      readPass(text, () => {
        called = true;
        return false;
      });
      return called;
    });
    assert.ok(asked.length > 0);
    for (const { name, problem } of asked) {
      assert.equal(problem, 'unknown_key_or_bad_signature');
      assert.notEqual(name, 'S + L');
    }
  });

  it('refuses S + kL under a verifier that would accept it', () => {
    const bytes = bytesOf(signPass(ordinary, signer));
    const s = littleEndian(bytes.subarray(-32));
    for (let sum = s + order; sum < 2n ** 256n; sum += order) {
      const mutant = Uint8Array.from(bytes);
      mutant.set(littleEndianBytes(sum), bytes.length - 32);
      const reading = readPass(passPrefix + encodeBase45(mutant), lenient);
      assert.deepEqual(reading, { ok: false, problem: 'unknown_key_or_bad_signature' });
    }
  });

  it('draws the line of S exactly at L', () => {
    const at = (s: bigint) => {
      const bytes = Uint8Array.from(bytesOf(signPass(ordinary, signer)));
      bytes.set(littleEndianBytes(s), bytes.length - 32);
      return readPass(passPrefix + encodeBase45(bytes), () => true).ok;
    };
    assert.deepEqual([0n, 1n, order - 1n].map(at), [true, true, true]);
    assert.deepEqual(
      [order, order + 1n, order + 256n, 2n ** 253n, 2n ** 256n - 1n].map(at),
      Array(5).fill(false),
    );
  });

  it('answers "not a pass" to what is no text, or far too long', () => {
    // What a reader hands on is not typed at run time.
    const values = [null, undefined, 7, {}, [], Symbol('x'), new String('PSN1:'), 10n] as unknown as string[];
    const texts = [
      '\ud800',
      `PSN1:\udfff`,
      'A'.repeat(4_296),
      `PSN1:${'0'.repeat(4_291)}`,
      `PSN1:${'0'.repeat(1e7)}`,
    ];
    const started = performance.now();
    for (const text of [...values, ...texts]) {
      assert.deepEqual(
        readPass(text, () => true),
        { ok: false, problem: 'not_a_pass' },
      );
    }
    assert.ok(performance.now() - started < 1_000);
  });
});

describe('the size of a pass', () => {
  const range = (min: number, max: number) => fc.integer({ min, max });
  const ordinaryIds = fc.record(
    {
      organization_id: range(1, 2 ** 32 - 1),
      link_id: range(256, 2 ** 32 - 1),
      group_id: range(24, 2 ** 32 - 1),
      index: range(256, 2 ** 32 - 1),
      online: fc.boolean(),
    },
    { noNullPrototype: true },
  );

  it('is 116 to 127 bytes for ordinary ids, a QR code of version 9 or 10 at level Q', (context) => {
    context.diagnostic(`POSTERN_SEED=${seed}`);
    fc.assert(
      fc.property(ordinaryIds, (ids) => {
        const text = signPass({ ...ordinary, ...ids }, signer);
        const { length } = bytesOf(text);
        assert.ok(length >= 116 && length <= 127, `${length} bytes`);
        assert.ok([9, 10].includes(qrVersion(text)));
      }),
      { seed, numRuns: 300, examples: [[smallest], [largest]] },
    );
    assert.equal(bytesOf(signPass({ ...ordinary, ...smallest }, signer)).length, 116);
    assert.equal(bytesOf(signPass({ ...ordinary, ...largest }, signer)).length, 127);
  });

  it('is 111 bytes in a new installation, version 9, and at most 155 bytes, version 11', () => {
    const first = { ...ordinary, organization_id: 1, link_id: 1, group_id: 1, index: 0 };
    assert.deepEqual([bytesOf(signPass(first, signer)).length, qrVersion(signPass(first, signer))], [111, 9]);
    const id = Number.MAX_SAFE_INTEGER;
    const times = { issued_at: passTimeMax, not_before: passTimeMax - 1, expires_at: passTimeMax };
    const most = signPass(
      { organization_id: id, link_id: id, group_id: id, index: id, online: true, ...times },
      signer,
    );
    assert.deepEqual([bytesOf(most).length, most.length, qrVersion(most)], [155, passTextLengthMax, 11]);
  });

  const smallest = { organization_id: 1, link_id: 256, group_id: 24, index: 256, online: false };
  const most = 2 ** 32 - 1;
  const largest = { organization_id: most, link_id: most, group_id: most, index: most, online: true };
});

const order = 2n ** 252n + 27742317777372353535851937790883648493n;

/** A verifier without the check of RFC 8032 §5.1.7, as some libraries have it: S is taken modulo L. */
function lenient(kid: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  const reduced = Uint8Array.from(signature);
  reduced.set(littleEndianBytes(littleEndian(signature.subarray(32)) % order), 32);
  return check(kid, bytes, reduced);
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
}

function littleEndianBytes(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn));
}

/** The version of the alphanumeric QR code at level Q, from its side (ISO/IEC 18004: 17 + 4 × version). */
function qrVersion(text: string): number {
  const border = 1;
  const rows = encodeQR(text, 'raw', { ecc: 'quartile', encoding: 'alphanumeric', border });
  return (rows.length - 2 * border - 17) / 4;
}

function bytesOf(text: string): Uint8Array {
  const bytes = decodeBase45(text.slice(passPrefix.length));
  assert.ok(bytes !== null);
  return bytes;
}

/** An Ed25519 seed of RFC 8032 in the PKCS #8 envelope of RFC 8410 §7. */
function privateKey(seed: string): KeyObject {
  const key = Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex');
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

function signerOf(kid: string): PassSigner {
  const key = keys.get(kid);
  assert.ok(key !== undefined);
  return { kid: fromHex(kid), sign: (bytes) => sign(null, bytes, key) };
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
