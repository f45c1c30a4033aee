import { createPublicKey, hash, verify } from 'node:crypto';
import { invalidField } from '../../domain/errors.ts';
import { type ReaderStatement, readerBytes } from '../../domain/reader-protocol.ts';

const coordinateBytes = 32;
const uncompressed = 4;

/** A public key of P-256 as it is kept: the point, uncompressed (SEC 1 §2.3.3). Throws `invalid` for what is no point. */
export function pointOf({ x, y }: { x: string; y: string }): Uint8Array {
  const point = Buffer.concat([
    Buffer.of(uncompressed),
    Buffer.from(x, 'base64url'),
    Buffer.from(y, 'base64url'),
  ]);
  try {
    keyOf(point);
  } catch {
    throw invalidField('public_key', 'must be a point of the curve P-256');
  }
  return point;
}

/** Whether the tablet with this key signed the statement: ECDSA with SHA-256, r and s one after the other. */
export function isSigned(statement: ReaderStatement, point: Uint8Array, signature: string): boolean {
  const key = { key: keyOf(point), dsaEncoding: 'ieee-p1363' } as const;
  return verify('sha256', readerBytes(statement), key, Buffer.from(signature, 'base64url'));
}

export function digestOf(text: string): string {
  return hash('sha256', text, 'base64url');
}

function keyOf(point: Uint8Array) {
  const coordinate = (at: number) =>
    Buffer.from(point.subarray(1 + at * coordinateBytes, 1 + (at + 1) * coordinateBytes)).toString(
      'base64url',
    );
  return createPublicKey({
    key: { kty: 'EC', crv: 'P-256', x: coordinate(0), y: coordinate(1) },
    format: 'jwk',
  });
}
