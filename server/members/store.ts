import { type Insertable, type Selectable, sql, type Updateable } from 'kysely';
import { fold } from '../../domain/fold.ts';
import { type Connection, only, type RowKey, type Transaction } from '../database/database.ts';
import type { Tables } from '../database/tables.ts';
import { containing, idsOf, type ListQuery, listPage, type Page } from '../http/lists.ts';

export type Member = Selectable<Tables['members']> & {
  /** The groups that a manager runs, those that are there still. */
  group_ids: number[];
};

export interface MemberListQuery extends ListQuery {
  email?: string;
  member_id?: number;
  group_id?: number;
  place_id?: number;
  sort?: string;
}

/** One of the people who may sign in with an address, as far as signing in needs it. */
export type SignInMember = Awaited<ReturnType<typeof selectSignIns>>[number];

const listLimitDefault = 50;

const groupsOfMemberSql =
  'select group_id from member_groups where organization_id = ? and member_id = ? order by group_id';

/** A manager's groups, also those that are gone: nobody sees anything of them. */
export async function selectGroupsOfMember(connection: Connection, member: RowKey): Promise<number[]> {
  const { organization_id, id } = member;
  const rows = await connection.prepare<{ group_id: number }>(groupsOfMemberSql).all(organization_id, id);
  return rows.map(({ group_id }) => group_id);
}

/** The people of an organization, without the service member behind its API keys. */
export async function selectMembers(
  connection: Connection,
  organization_id: number,
  query: MemberListQuery,
): Promise<Page<Member>> {
  const { ids, query: text, email, member_id, group_id, place_id, sort } = query;
  let rows = members(connection, organization_id).where('kind', '=', 'person');
  if (ids) rows = rows.where('id', 'in', idsOf(ids));
  if (text) rows = rows.where(sql<boolean>`folded like ${containing(text)} escape '\\'`);
  if (email) rows = rows.where('email_folded', '=', fold(email));
  if (member_id !== undefined) rows = rows.where('id', '=', member_id);
  if (group_id) rows = rows.where(inGroup(organization_id, group_id));
  if (place_id) rows = rows.where(withAccessTo(organization_id, place_id));
  if (sort?.endsWith('access_enabled'))
    rows = rows.orderBy('access_enabled', sort.startsWith('-') ? 'desc' : 'asc');
  rows = rows.orderBy('folded', sort === '-name' ? 'desc' : 'asc').orderBy('id');
  const page = await listPage(rows, { limit: listLimitDefault, ...query });
  return { ...page, rows: await withGroups(connection, organization_id, page.rows) };
}

/** A person or the service member; undefined when there is none, or none any more. */
export async function selectMember(
  connection: Connection,
  { organization_id, id }: RowKey,
): Promise<Member | undefined> {
  const row = await members(connection, organization_id).where('id', '=', id).executeTakeFirst();
  const [member] = row ? await withGroups(connection, organization_id, [row]) : [];
  return member;
}

export function selectServiceMember(connection: Connection, organization_id: number) {
  return members(connection, organization_id).where('kind', '=', 'service').executeTakeFirst();
}

/** Who may sign in with an address: at most two, since more than one is too many already. */
export function selectSignIns(
  connection: Connection,
  { email, domain }: { email: string; domain: string | null },
) {
  let rows = connection.query
    .selectFrom('members')
    .innerJoin('organizations', 'organizations.id', 'members.organization_id')
    .select(['members.id', 'members.organization_id', 'members.name', 'members.email', 'members.role'])
    .select(['members.password_hash', 'members.access_enabled'])
    .where('members.email_folded', '=', fold(email))
    .where('members.deleted_at', 'is', null)
    .where('members.password_hash', 'is not', null);
  if (domain !== null) rows = rows.where('organizations.domain', '=', domain);
  return rows.orderBy('members.id').limit(2).execute();
}

export async function isEmailTaken(
  connection: Connection,
  { organization_id, id }: RowKey,
  email: string,
): Promise<boolean> {
  const row = await members(connection, organization_id)
    .where('email_folded', '=', fold(email))
    .where('id', '<>', id)
    .executeTakeFirst();
  return row !== undefined;
}

export async function insertMember(
  tx: Transaction,
  row: Omit<Insertable<Tables['members']>, 'folded' | 'email_folded'>,
): Promise<number> {
  const folded = { folded: fold(row.name, row.email), email_folded: fold(row.email) };
  const inserted = await tx.query
    .insertInto('members')
    .values({ ...row, ...folded })
    .returning('id')
    .executeTakeFirst();
  return only(inserted).id;
}

/** `before`: the member as the transaction found it, for what is kept of its name and address. */
export async function updateMember(
  tx: Transaction,
  before: Pick<Member, 'organization_id' | 'id' | 'name' | 'email'>,
  change: Updateable<Tables['members']>,
): Promise<void> {
  const { name = before.name, email = before.email } = change;
  await tx.query
    .updateTable('members')
    .set({ ...change, folded: fold(name, email), email_folded: fold(email) })
    .where('organization_id', '=', before.organization_id)
    .where('id', '=', before.id)
    .execute();
}

/** Sets the password; with `from`, only if it is still the one that was looked at. False when it is not. */
export async function replacePassword(
  tx: Transaction,
  { organization_id, id }: RowKey,
  { from, to, at }: { from?: string; to: string; at: string },
): Promise<boolean> {
  let rows = tx.query
    .updateTable('members')
    .set({ password_hash: to, confirmed_at: sql<string>`coalesce(confirmed_at, ${at})`, updated_at: at })
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .where('deleted_at', 'is', null);
  if (from !== undefined) rows = rows.where('password_hash', '=', from);
  return (await rows.returning('id').executeTakeFirst()) !== undefined;
}

/**
 * Takes a member's ownership away, unless nobody would be left who has it and can sign in. The caller holds the rows
 * of all owners. False when this is the last one.
 */
export async function unmakeOwner(
  tx: Transaction,
  { organization_id, id }: RowKey,
  change: Pick<Updateable<Tables['members']>, 'role' | 'deleted_at'>,
): Promise<boolean> {
  const row = await tx.query
    .updateTable('members')
    .set(change)
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('members as others')
          .select('others.id')
          .where('others.organization_id', '=', organization_id)
          .where('others.id', '<>', id)
          .where('others.role', '=', 'owner')
          .where('others.deleted_at', 'is', null)
          .where('others.password_hash', 'is not', null),
      ),
    )
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Holds the rows of all owners, in the order of their ids, so that no two of them go at once. */
export async function lockOwners(tx: Transaction, organization_id: number): Promise<void> {
  const owners = await members(tx, organization_id).where('role', '=', 'owner').orderBy('id').execute();
  for (const { id } of owners) await tx.lock('members', { organization_id, id }, 'to change');
}

export async function replaceGroupsOfMember(
  tx: Transaction,
  { organization_id, id }: RowKey,
  { group_ids, at }: { group_ids: readonly number[]; at: string },
): Promise<void> {
  await tx.query
    .deleteFrom('member_groups')
    .where('organization_id', '=', organization_id)
    .where('member_id', '=', id)
    .execute();
  const rows = [...new Set(group_ids)].map((group_id) => ({
    organization_id,
    member_id: id,
    group_id,
    created_at: at,
  }));
  if (rows.length > 0) await tx.query.insertInto('member_groups').values(rows).execute();
}

/** Which of these ids are groups of the organization. */
export async function selectKnownGroups(
  connection: Connection,
  organization_id: number,
  ids: readonly number[],
): Promise<number[]> {
  if (ids.length === 0) return [];
  const rows = await connection.query
    .selectFrom('groups')
    .select('id')
    .where('organization_id', '=', organization_id)
    .where('deleted_at', 'is', null)
    .where('id', 'in', ids)
    .execute();
  return rows.map(({ id }) => id);
}

function members(connection: Connection, organization_id: number) {
  return connection.query
    .selectFrom('members')
    .selectAll('members')
    .where('organization_id', '=', organization_id)
    .where('deleted_at', 'is', null);
}

function inGroup(organization_id: number, group_id: number) {
  return sql<boolean>`id in (select member_id from member_groups
    where organization_id = ${organization_id} and group_id = ${group_id})`;
}

/** Owners and admins open every door; a manager those of the groups. */
function withAccessTo(organization_id: number, place_id: number) {
  return sql<boolean>`(role in ('owner', 'admin') or role = 'manager' and id in (
    select mg.member_id from member_groups mg
    join group_doors gd on gd.organization_id = mg.organization_id and gd.group_id = mg.group_id
    join doors d on d.organization_id = gd.organization_id and d.id = gd.door_id
    where mg.organization_id = ${organization_id} and d.place_id = ${place_id}))`;
}

async function withGroups(
  connection: Connection,
  organization_id: number,
  rows: Selectable<Tables['members']>[],
): Promise<Member[]> {
  const managers = rows.filter(({ role }) => role === 'manager').map(({ id }) => id);
  const found = managers.length === 0 ? [] : await groupsOf(connection, organization_id, managers);
  return rows.map((row) => ({
    ...row,
    group_ids: found.filter(({ member_id }) => member_id === row.id).map(({ group_id }) => group_id),
  }));
}

function groupsOf(connection: Connection, organization_id: number, member_ids: readonly number[]) {
  return connection.query
    .selectFrom('member_groups')
    .innerJoin('groups', (join) =>
      join
        .onRef('groups.organization_id', '=', 'member_groups.organization_id')
        .onRef('groups.id', '=', 'member_groups.group_id'),
    )
    .select(['member_groups.member_id', 'member_groups.group_id'])
    .where('member_groups.organization_id', '=', organization_id)
    .where('member_groups.member_id', 'in', member_ids)
    .where('groups.deleted_at', 'is', null)
    .orderBy('member_groups.group_id')
    .execute();
}
