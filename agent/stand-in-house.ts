import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { type PassClaims, signPass } from '../domain/pass.ts';
import type { Replica, ReplicaDoor } from '../domain/replica.ts';
import {
  hex,
  listDigest,
  type RevocationStatement,
  revoke,
  type Sha256,
  segmentBytes,
  statementBytes,
} from '../domain/revocation-list.ts';

/** An organization as agents see it, for tests: it signs passes and lists, true or not. */
export class StandInHouse {
  readonly organization_id: number;
  readonly kid = Uint8Array.of(1, 2, 3, 4);
  readonly #sha256: Sha256;
  readonly #key: KeyObject;
  readonly #public_key: string;

  constructor(sha256: Sha256, organization_id = 1) {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    this.organization_id = organization_id;
    this.#sha256 = sha256;
    this.#key = privateKey;
    this.#public_key = publicKey.export({ format: 'jwk' }).x ?? '';
  }

  /** One door, 1, in one group, 1, that is always open. */
  replica(door: Partial<ReplicaDoor> = {}): Replica {
    const { organization_id } = this;
    const standard = { static_offline_limit: 86_400, live_offline_limit: 86_400, live_only: false };
    return {
      organization_id,
      revision: 1,
      keys: [{ kid: hex(this.kid), public_key: this.#public_key }],
      doors: [{ id: 1, name: 'Door', time_zone: 'UTC', pulse_ms: 500, group_ids: [1], ...standard, ...door }],
      groups: [{ id: 1, schedules: [] }],
      readers: [],
    };
  }

  pass(claims: Partial<PassClaims> & Pick<PassClaims, 'issued_at'>): string {
    const { organization_id, kid } = this;
    const window = { not_before: 0, expires_at: 253_402_300_799 };
    const standard = { organization_id, link_id: 1, group_id: 1, index: 0, online: false, ...window };
    return signPass({ ...standard, ...claims }, { kid, sign: (bytes) => sign(null, bytes, this.#key) });
  }

  statement(
    list: Pick<RevocationStatement, 'epoch' | 'signed_at' | 'length'>,
    segments: ReadonlyMap<number, Uint8Array>,
  ): RevocationStatement {
    const hashes = new Map([...segments].map(([number, bits]) => [number, hex(this.#sha256(bits))]));
    const { organization_id } = this;
    const unsigned = { organization_id, ...list, digest: listDigest(hashes, this.#sha256) };
    const signature = sign(null, statementBytes(unsigned), this.#key).toString('base64url');
    return { ...unsigned, kid: hex(this.kid), signature };
  }
}

export function segmentOf(revoked: readonly number[] = []): Uint8Array {
  const bits = new Uint8Array(segmentBytes);
  for (const index of revoked) revoke(bits, index);
  return bits;
}

export function packed(bits: Uint8Array): string {
  return deflateSync(bits).toString('base64');
}
