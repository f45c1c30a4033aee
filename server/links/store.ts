import type { Insertable, Updateable } from 'kysely';
import { type Connection, only, type Transaction } from '../database/database.ts';
import type { LinkRow, Tables } from '../database/tables.ts';

/** A link as it lies in the database, its id known. */
export type StoredLink = Omit<LinkRow, 'id' | 'uses'> & { id: number; uses: number };
export type LinkWithNames = NonNullable<Awaited<ReturnType<typeof selectLink>>>;

export function selectLink(connection: Connection, organization_id: number, id: number) {
  return links(connection)
    .where('links.organization_id', '=', organization_id)
    .where('links.id', '=', id)
    .executeTakeFirst();
}

const bySecretSql =
  'select organization_id, id as link_id, valid_until, revoked_at from links where secret_hash = ?';

interface LinkOfSecret {
  organization_id: number;
  link_id: number;
  valid_until: string;
  revoked_at: string | null;
}

export async function selectLinkBySecret(connection: Connection, secret_hash: Uint8Array) {
  return connection.prepare<LinkOfSecret>(bySecretSql).get(secret_hash);
}

export async function insertLink(tx: Transaction, row: Insertable<Tables['links']>): Promise<number> {
  return only(await tx.query.insertInto('links').values(row).returning('id').executeTakeFirst()).id;
}

export async function updateLink(
  tx: Transaction,
  key: { organization_id: number; id: number },
  change: Updateable<Tables['links']>,
): Promise<void> {
  const { organization_id, id } = key;
  await tx.query
    .updateTable('links')
    .set(change)
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .execute();
}

export async function selectRules(connection: Connection, organization_id: number) {
  const row = await connection.query
    .selectFrom('organizations')
    .select(['default_validity_s', 'validity_s_max', 'default_quick_response_code_type'])
    .where('id', '=', organization_id)
    .executeTakeFirst();
  return only(row);
}

/** Links with the names that stand beside them. */
export function links(connection: Connection) {
  return connection.query
    .selectFrom('links')
    .innerJoin('groups', (join) =>
      join
        .onRef('groups.organization_id', '=', 'links.organization_id')
        .onRef('groups.id', '=', 'links.group_id'),
    )
    .innerJoin('members', (join) =>
      join
        .onRef('members.organization_id', '=', 'links.organization_id')
        .onRef('members.id', '=', 'links.created_by_id'),
    )
    .innerJoin('organizations', 'organizations.id', 'links.organization_id')
    .selectAll('links')
    .select([
      'groups.name as group_name',
      'groups.place_id as place_id',
      'organizations.name as organization_name',
    ])
    .select(['members.name as created_by_name', 'members.email as created_by_email']);
}
