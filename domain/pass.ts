/** The claims of a pass. Times are seconds since 1970 (RFC 8392 NumericDate), the others safe integers. */
export interface PassClaims {
  organization_id: number;
  link_id: number;
  group_id: number;
  /** The pass's own number in its organization: one bit of the revocation list. */
  index: number;
  /** The reader must ask the server before it opens (a link with a use limit, or of type `online`). */
  online: boolean;
  issued_at: number;
  not_before: number;
  expires_at: number;
}

export interface PassSigner {
  /** 4 bytes: names the organization's key. */
  kid: Uint8Array;
  /** Ed25519 (RFC 8032) over the given bytes: 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array;
}

/** Verifies an Ed25519 signature with the key named `kid`; false if there is no such key. */
export type PassVerifier = (kid: Uint8Array, bytes: Uint8Array, signature: Uint8Array) => boolean;

export type PassReading = { ok: true; claims: PassClaims; kid: Uint8Array } | { ok: false; problem: PassProblem };

export const passProblems = ['not_a_pass', 'not_canonical', 'unknown_key_or_bad_signature'] as const;
export type PassProblem = (typeof passProblems)[number];

/** Signs the claims into the text of a QR code: `PSN1:` and Base45. Throws RangeError on claims out of range. */
export function signPass(_claims: PassClaims, _signer: PassSigner): string {
  throw new Error('not written yet');
}

/** Reads a text that may be anything. Never throws. The claims are returned only when the signature holds. */
export function readPass(_text: string, _verify: PassVerifier): PassReading {
  throw new Error('not written yet');
}
