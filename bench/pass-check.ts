import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import { type PassClaims, readPass, signPass } from '../domain/pass.ts';
import { type Figure, interleaved, median, microsecondsEach, middleOf } from './measure.ts';

const passCount = 500;

/** Reading a pass, with everything that must hold of it, against the bare Ed25519 verification of as many bytes. */
export async function measurePassCheck(size: { rounds: number; repetitions: number }): Promise<Figure[]> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const kid = createHash('sha256').update('measured').digest().subarray(0, 4);
  const signed: { bytes: Uint8Array; signature: Uint8Array }[] = [];
  const signer = {
    kid,
    sign(bytes: Uint8Array) {
      const signature = sign(null, bytes, privateKey);
      signed.push({ bytes, signature });
      return signature;
    },
  };
  const texts = Array.from({ length: passCount }, (_, index) => signPass(claims(index), signer));
  const known = kid.toString('hex');
  const verifier = (of: Uint8Array, bytes: Uint8Array, signature: Uint8Array) =>
    Buffer.from(of).toString('hex') === known && verify(null, bytes, publicKey, signature);
  const check = (index: number) => {
    if (!readPass(texts[index % passCount] ?? '', verifier).ok)
      throw new Error('A pass of ours was refused.');
  };
  const bare = (index: number) => {
    const { bytes, signature } = signed[index % passCount] ?? signed[0] ?? { bytes: kid, signature: kid };
    if (!verify(null, bytes, publicKey, signature)) throw new Error('A signature of ours was refused.');
  };
  const contenders = {
    check: () => microsecondsEach(size.repetitions, check),
    bare: () => microsecondsEach(size.repetitions, bare),
  };
  const results = await interleaved(size.rounds, contenders);
  return [
    {
      name: 'checking a pass, against one Ed25519 verification',
      value: median(results.map((result) => result.check / result.bare)),
      unit: 'ratio',
      better: 'lower',
      bound: 1.5,
      detail: `${middleOf(results, 'check')} against ${middleOf(results, 'bare')} µs`,
    },
  ];
}

function claims(index: number): PassClaims {
  const issued_at = 1_780_000_000 + index;
  return {
    organization_id: 7,
    link_id: 100_000 + index,
    group_id: 12,
    index: 200_000 + index,
    online: index % 5 === 0,
    issued_at,
    not_before: issued_at,
    expires_at: issued_at + 604_800,
  };
}
