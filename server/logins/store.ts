import type { Insertable } from 'kysely';
import type { Connection, RowKey, Transaction } from '../database/database.ts';
import { only } from '../database/database.ts';
import type { Tables } from '../database/tables.ts';
import { idsOf, type ListQuery, listPage } from '../http/lists.ts';

export type LoginWithMember = NonNullable<Awaited<ReturnType<typeof selectLogin>>>;

/** Whose eyes a login is for: API keys belong to the organization, a session to its member, and each login sees itself. */
export interface LoginViewer {
  organization_id: number;
  member_id: number;
  login_id: number;
  sees_api_keys: boolean;
  at: string;
}

export interface LoginListQuery extends ListQuery {
  member_id?: number;
}

export function selectLogins(connection: Connection, viewer: LoginViewer, query: LoginListQuery) {
  let rows = logins(connection, viewer);
  if (query.ids) rows = rows.where('logins.id', 'in', idsOf(query.ids));
  if (query.member_id !== undefined) rows = rows.where('logins.member_id', '=', query.member_id);
  return listPage(rows.orderBy('logins.id'), query);
}

export function selectLogin(connection: Connection, viewer: LoginViewer, id: number) {
  return logins(connection, viewer).where('logins.id', '=', id).executeTakeFirst();
}

/** The logins that work at this instant and that the viewer may see. */
function logins(connection: Connection, viewer: LoginViewer) {
  const { organization_id, member_id, login_id, sees_api_keys, at: now } = viewer;
  return connection.query
    .selectFrom('logins')
    .innerJoin('members', (join) =>
      join
        .onRef('members.organization_id', '=', 'logins.organization_id')
        .onRef('members.id', '=', 'logins.member_id'),
    )
    .selectAll('logins')
    .select(['members.name as member_name', 'members.email as member_email'])
    .where('logins.organization_id', '=', organization_id)
    .where('logins.revoked_at', 'is', null)
    .where((at) => at.or([at('logins.expires_at', 'is', null), at('logins.expires_at', '>', now)]))
    .where((at) =>
      at.or([
        at('logins.id', '=', login_id),
        at.and([at('logins.type', '=', 'login'), at('logins.member_id', '=', member_id)]),
        ...(sees_api_keys ? [at('logins.type', '=', 'api')] : []),
      ]),
    );
}

export async function insertLogin(tx: Transaction, row: Insertable<Tables['logins']>): Promise<number> {
  return only(await tx.query.insertInto('logins').values(row).returning('id').executeTakeFirst()).id;
}

export async function renameLogin(
  tx: Transaction,
  { organization_id, id }: RowKey,
  { name, at }: { name: string; at: string },
): Promise<void> {
  await tx.query
    .updateTable('logins')
    .set({ name, updated_at: at })
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .execute();
}

/** Ends one login. False when it had ended before. */
export async function revokeLogin(
  tx: Transaction,
  { organization_id, id }: RowKey,
  at: string,
): Promise<boolean> {
  const row = await tx.query
    .updateTable('logins')
    .set({ revoked_at: at, updated_at: at })
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Ends the logins of a member but one. */
export async function revokeLoginsOf(
  tx: Transaction,
  member: RowKey,
  { at, except = 0 }: { at: string; except?: number },
): Promise<void> {
  await tx.query
    .updateTable('logins')
    .set({ revoked_at: at, updated_at: at })
    .where('organization_id', '=', member.organization_id)
    .where('member_id', '=', member.id)
    .where('id', '<>', except)
    .where('revoked_at', 'is', null)
    .execute();
}

/** The ids of a member's logins that work, the newest first. */
export async function selectActiveLogins(
  connection: Connection,
  member: RowKey,
  at: string,
): Promise<number[]> {
  const rows = await connection.query
    .selectFrom('logins')
    .select('id')
    .where('organization_id', '=', member.organization_id)
    .where('member_id', '=', member.id)
    .where('revoked_at', 'is', null)
    .where((is) => is.or([is('expires_at', 'is', null), is('expires_at', '>', at)]))
    .orderBy('id', 'desc')
    .execute();
  return rows.map(({ id }) => id);
}
