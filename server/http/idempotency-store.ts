import { sql } from 'kysely';
import type { Connection, Database, Transaction } from '../database/database.ts';

/** Which row: whose key it is is in the hash. */
export interface KeyIdentity {
  organization_id: number;
  key_hash: Uint8Array;
  request_hash: Uint8Array;
}

export interface StoredKey {
  request_hash: Uint8Array;
  effect: Uint8Array | null;
  answer: Uint8Array | null;
  under_way: number;
}

type NewKey = KeyIdentity & { created_at: string } & Partial<Pick<StoredKey, 'answer' | 'under_way'>>;

/** The row of a key that is not older than `after`. */
export function selectKey(
  connection: Connection,
  { organization_id, key_hash }: KeyIdentity,
  after: string,
): Promise<StoredKey | undefined> {
  return connection.query
    .selectFrom('idempotency_keys')
    .select(['request_hash', 'effect', 'answer', 'under_way'])
    .where('organization_id', '=', organization_id)
    .where('key_hash', '=', key_hash)
    .where('created_at', '>', after)
    .executeTakeFirst();
}

/** Takes the key if nobody has it, or whoever had it had it before `after`. Answers whether it was to be had. */
export async function insertKey(tx: Transaction, row: NewKey, after: string): Promise<boolean> {
  const { request_hash, created_at, answer = null, under_way = 1 } = row;
  const content = { request_hash, created_at, answer, under_way, effect: null };
  const taken = await tx.query
    .insertInto('idempotency_keys')
    .values({ organization_id: row.organization_id, key_hash: row.key_hash, ...content })
    .onConflict((conflict) =>
      conflict
        .columns(['organization_id', 'key_hash'])
        .doUpdateSet(content)
        .where('idempotency_keys.created_at', '<=', after),
    )
    .returning('created_at')
    .executeTakeFirst();
  return taken !== undefined;
}

/** Changes the row as long as it has no answer: the first answer stays. */
export async function updateKey(
  tx: Transaction,
  { organization_id, key_hash }: KeyIdentity,
  change: Partial<Pick<StoredKey, 'effect' | 'answer' | 'under_way'>>,
): Promise<void> {
  await tx.query
    .updateTable('idempotency_keys')
    .set(change)
    .where('organization_id', '=', organization_id)
    .where('key_hash', '=', key_hash)
    .where('answer', 'is', null)
    .execute();
}

/** Gives a key back that has no answer. */
export async function deleteKey(tx: Transaction, { organization_id, key_hash }: KeyIdentity): Promise<void> {
  await tx.query
    .deleteFrom('idempotency_keys')
    .where('organization_id', '=', organization_id)
    .where('key_hash', '=', key_hash)
    .where('answer', 'is', null)
    .execute();
}

/** Removes the oldest keys up to `until`, a bounded number at once. Answers how many. */
export async function deleteOldKeys(database: Database, until: string, countMax: number): Promise<number> {
  return database.everywhere.transaction(async (tx) => {
    const { rows } = await sql`
      delete from idempotency_keys where (organization_id, key_hash) in (
        select organization_id, key_hash from idempotency_keys
        where created_at <= ${until} order by created_at limit ${countMax})
      returning 1 as one`.execute(tx.query);
    return rows.length;
  });
}
