import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';

const nonceBytes = 12;
const tagBytes = 16;

/** Where a sealed value lives. It is authenticated with the value, so that none can be moved to another place. */
export interface SealedPlace {
  table: string;
  column: string;
  organization_id: number;
  row_id: number | string;
}

/** Seals and opens values with AES-256-GCM (NIST SP 800-38D) under keys derived from the secret key (RFC 5869). */
export interface Sealer {
  /** nonce (12 bytes), ciphertext, tag (16 bytes). */
  seal(plain: Uint8Array, place: SealedPlace): Uint8Array;
  /** Throws when the value was not sealed under this key for this place. */
  open(sealed: Uint8Array, place: SealedPlace): Uint8Array;
}

export interface SealerSource {
  /** 32 bytes. */
  secretKey: Uint8Array;
  /** That many random bytes. */
  random(length: number): Uint8Array;
}

export function createSealer({ secretKey, random }: SealerSource): Sealer {
  const key = deriveKey(secretKey, 'seal');
  return {
    seal(plain, place) {
      const nonce = random(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(associatedBytes(place));
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open(sealed, place) {
      if (sealed.length < nonceBytes + tagBytes) throw new Error('a sealed value is too short');
      const bytes = Buffer.from(sealed);
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes), {
        authTagLength: tagBytes,
      })
        .setAAD(associatedBytes(place))
        .setAuthTag(bytes.subarray(-tagBytes));
      return Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]);
    },
  };
}

function deriveKey(secretKey: Uint8Array, purpose: string): KeyObject {
  const bytes = hkdfSync('sha256', secretKey, new Uint8Array(0), `postern ${purpose} v1`, 32);
  return createSecretKey(Buffer.from(bytes));
}

function associatedBytes({ table, column, organization_id, row_id }: SealedPlace): Buffer {
  return Buffer.from(JSON.stringify([table, column, organization_id, row_id]));
}
