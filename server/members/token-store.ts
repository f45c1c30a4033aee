import type { Insertable } from 'kysely';
import type { Connection, RowKey, Transaction } from '../database/database.ts';
import type { Tables } from '../database/tables.ts';

export type TokenKind = Tables['member_tokens']['kind'];

/** A one-time link that works still, with what a new password is measured by. */
export type OpenToken = NonNullable<Awaited<ReturnType<typeof selectOpenToken>>>;

export function selectOpenToken(
  connection: Connection,
  { secret_hash, kind, at }: { secret_hash: Uint8Array; kind: TokenKind; at: string },
) {
  return connection.query
    .selectFrom('member_tokens as t')
    .innerJoin('members as m', (join) =>
      join.onRef('m.organization_id', '=', 't.organization_id').onRef('m.id', '=', 't.member_id'),
    )
    .select(['t.id', 't.organization_id', 't.member_id', 'm.name', 'm.email', 'm.password_hash'])
    .where('t.secret_hash', '=', secret_hash)
    .where('t.kind', '=', kind)
    .where('t.used_at', 'is', null)
    .where('t.expires_at', '>', at)
    .where('m.deleted_at', 'is', null)
    .executeTakeFirst();
}

/** A new one of a kind takes the place of the one before. */
export async function insertToken(tx: Transaction, row: Insertable<Tables['member_tokens']>): Promise<void> {
  const { organization_id, member_id: id, kind } = row;
  await deleteTokens(tx, { organization_id, id }, kind);
  await tx.query.insertInto('member_tokens').values(row).execute();
}

/** Ends the one-time links of a member that were not used; of all kinds, or of one. */
export async function deleteTokens(tx: Transaction, member: RowKey, kind?: TokenKind): Promise<void> {
  let rows = tx.query
    .deleteFrom('member_tokens')
    .where('organization_id', '=', member.organization_id)
    .where('member_id', '=', member.id)
    .where('used_at', 'is', null);
  if (kind !== undefined) rows = rows.where('kind', '=', kind);
  await rows.execute();
}

/** Uses a one-time link up. False when somebody was faster, or it has ended. */
export async function useToken(
  tx: Transaction,
  { organization_id, id }: RowKey,
  at: string,
): Promise<boolean> {
  const row = await tx.query
    .updateTable('member_tokens')
    .set({ used_at: at })
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .where('used_at', 'is', null)
    .where('expires_at', '>', at)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}
