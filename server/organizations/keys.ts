import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { PassSigner, PassVerifier } from '../../domain/pass.ts';
import type { Context } from '../context.ts';
import { only, type Transaction } from '../database/database.ts';

/** Makes an organization's first pass key, in the transaction that makes the organization. */
export async function createOrganizationKey(
  context: Context,
  tx: Transaction,
  organization_id: number,
): Promise<void> {
  const { publicKey, privateKey } = context.random.keyPair();
  const public_key = rawPublicKey(publicKey);
  const kid = createHash('sha256').update(public_key).digest().subarray(0, 4);
  const created_at = context.clock.now();
  const row = await tx.query
    .insertInto('organization_keys')
    .values({ organization_id, kid, public_key, private_key_sealed: null, created_at, retired_at: null })
    .returning('id')
    .executeTakeFirst();
  const { id } = only(row);
  const plain = privateKey.export({ format: 'der', type: 'pkcs8' });
  const private_key_sealed = context.sealer.seal(plain, privateKeyPlace(organization_id, id));
  await tx.query.updateTable('organization_keys').set({ private_key_sealed }).where('id', '=', id).execute();
}

type KeySource = Pick<Context, 'database' | 'sealer'>;

/** The keys of every organization that has asked for them, opened once and kept in memory. */
export class OrganizationKeys {
  readonly #context: KeySource;
  readonly #signers = new Map<number, Promise<PassSigner>>();
  readonly #verifiers = new Map<number, Promise<PassVerifier>>();

  constructor(context: KeySource) {
    this.#context = context;
  }

  /** Signs with the organization's newest key. */
  signer(organization_id: number): Promise<PassSigner> {
    return remembered(this.#signers, organization_id, async () => {
      const rows = await this.#rows(organization_id);
      const row = only(rows.find(({ retired_at }) => retired_at === null));
      const sealed = only(row.private_key_sealed ?? undefined);
      const plain = this.#context.sealer.open(sealed, privateKeyPlace(organization_id, row.id));
      const key = createPrivateKey({ key: Buffer.from(plain), format: 'der', type: 'pkcs8' });
      return { kid: row.kid, sign: (bytes) => sign(null, bytes, key) };
    });
  }

  /** Knows the organization's own keys and no others, so that a pass of another organization is no pass here. */
  verifier(organization_id: number): Promise<PassVerifier> {
    return remembered(this.#verifiers, organization_id, async () => {
      const rows = await this.#rows(organization_id);
      const keys = new Map(rows.map((row) => [hex(row.kid), publicKeyOf(row.public_key)]));
      return (kid, bytes, signature) => {
        const key = keys.get(hex(kid));
        return key !== undefined && verify(null, bytes, key, signature);
      };
    });
  }

  #rows(organization_id: number) {
    return this.#context.database
      .of(organization_id)
      .read.query.selectFrom('organization_keys')
      .selectAll()
      .where('organization_id', '=', organization_id)
      .orderBy('id', 'desc')
      .execute();
  }
}

/** The 32 bytes of an Ed25519 public key. */
export function rawPublicKey(key: KeyObject): Uint8Array {
  return Buffer.from(only(key.export({ format: 'jwk' }).x), 'base64url');
}

export function publicKeyOf(raw: Uint8Array): KeyObject {
  const x = Buffer.from(raw).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}

function privateKeyPlace(organization_id: number, row_id: number) {
  return { table: 'organization_keys', column: 'private_key_sealed', organization_id, row_id };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** A failed load is forgotten, so that the next call tries again. */
function remembered<T>(known: Map<number, Promise<T>>, key: number, load: () => Promise<T>): Promise<T> {
  const found = known.get(key);
  if (found) return found;
  const loading = load();
  known.set(key, loading);
  loading.catch(() => known.delete(key));
  return loading;
}
