import { type Insertable, sql, type Updateable } from 'kysely';
import { fold } from '../../domain/fold.ts';
import type { Sight } from '../context.ts';
import type { Connection, RowKey, Transaction } from '../database/database.ts';
import { only } from '../database/database.ts';
import type { Tables } from '../database/tables.ts';
import { doorIdsIn } from '../doors/store.ts';
import { containing, idsOf, type ListQuery, listPage } from '../http/lists.ts';

export type StoredReader = NonNullable<Awaited<ReturnType<typeof selectReader>>>;
export type Tablet = NonNullable<Awaited<ReturnType<typeof selectTablet>>>;

export interface ReaderListQuery extends ListQuery {
  door_id?: number;
  kind?: 'agent' | 'tablet';
  sort?: string;
}

export function selectReaders(connection: Connection, sight: Sight, query: ReaderListQuery) {
  let rows = readers(connection, sight);
  if (query.ids) rows = rows.where('readers.id', 'in', idsOf(query.ids));
  if (query.door_id) rows = rows.where('readers.door_id', '=', query.door_id);
  if (query.kind) rows = rows.where('readers.kind', '=', query.kind);
  if (query.query)
    rows = rows.where(sql<boolean>`readers.folded like ${containing(query.query)} escape '\\'`);
  rows = rows.orderBy('readers.folded', query.sort === '-name' ? 'desc' : 'asc').orderBy('readers.id');
  return listPage(rows, query);
}

/** The reader, if there is one that this caller may see. */
export function selectReader(connection: Connection, sight: Sight, id: number) {
  return readers(connection, sight).where('readers.id', '=', id).executeTakeFirst();
}

/** A reader is gone with its door and with its agent, whatever its own row says. */
function readers(connection: Connection, { organization_id, group_ids }: Sight) {
  const rows = connection.query
    .selectFrom('readers')
    .innerJoin('doors', (join) =>
      join
        .onRef('doors.organization_id', '=', 'readers.organization_id')
        .onRef('doors.id', '=', 'readers.door_id'),
    )
    .leftJoin('agents', (join) =>
      join
        .onRef('agents.organization_id', '=', 'readers.organization_id')
        .onRef('agents.id', '=', 'readers.agent_id'),
    )
    .select(['readers.id', 'readers.name', 'readers.kind', 'readers.door_id', 'readers.agent_id'])
    .select(['readers.enrolled_at', 'readers.created_at', 'readers.updated_at'])
    .select(['doors.name as door_name', 'doors.place_id'])
    .select(sql<string | null>`coalesce(readers.last_seen_at, agents.last_seen_at)`.as('last_seen_at'))
    .where('readers.organization_id', '=', organization_id)
    .where('readers.deleted_at', 'is', null)
    .where('doors.deleted_at', 'is', null)
    .where('agents.deleted_at', 'is', null);
  if (!group_ids) return rows;
  return rows.where('doors.id', 'in', doorIdsIn(connection, { organization_id, group_ids }));
}

/** Of whatever organization: the tablet that says it is this reader, with what it shows and its public key. */
export function selectTablet(connection: Connection, id: number) {
  return tablets(connection)
    .where('readers.id', '=', id)
    .where('readers.public_key', 'is not', null)
    .executeTakeFirst();
}

/** Of whatever organization: the reader that this code enrolls, if it works still. */
export function selectTabletByCode(connection: Connection, enrollment_hash: Uint8Array, at: string) {
  return tablets(connection)
    .where('readers.enrollment_hash', '=', enrollment_hash)
    .where('readers.enrollment_expires_at', '>', at)
    .executeTakeFirst();
}

function tablets(connection: Connection) {
  return connection.query
    .selectFrom('readers')
    .innerJoin('doors', (join) =>
      join
        .onRef('doors.organization_id', '=', 'readers.organization_id')
        .onRef('doors.id', '=', 'readers.door_id'),
    )
    .innerJoin('places', (join) =>
      join
        .onRef('places.organization_id', '=', 'doors.organization_id')
        .onRef('places.id', '=', 'doors.place_id'),
    )
    .innerJoin('organizations', 'organizations.id', 'readers.organization_id')
    .select(['readers.id', 'readers.organization_id', 'readers.name', 'readers.door_id'])
    .select(['readers.public_key', 'readers.last_seen_at', 'doors.name as door_name', 'doors.place_id'])
    .select(['places.name as place_name', 'organizations.name as organization_name'])
    .where('readers.kind', '=', 'tablet')
    .where('readers.deleted_at', 'is', null)
    .where('doors.deleted_at', 'is', null);
}

export async function insertReader(
  tx: Transaction,
  row: Omit<Insertable<Tables['readers']>, 'folded' | 'updated_at'>,
): Promise<number> {
  const values = { ...row, folded: fold(row.name), updated_at: row.created_at };
  return only(await tx.query.insertInto('readers').values(values).returning('id').executeTakeFirst()).id;
}

export async function updateReader(
  tx: Transaction,
  { organization_id, id }: RowKey,
  change: Updateable<Tables['readers']>,
): Promise<void> {
  await tx.query
    .updateTable('readers')
    .set({ ...change, ...(change.name === undefined ? {} : { folded: fold(change.name) }) })
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .execute();
}

/** Uses a code up: from now on this key is the reader's, and no other. False when somebody was faster, or it has ended. */
export async function takeEnrollment(
  tx: Transaction,
  { organization_id, id }: RowKey,
  { enrollment_hash, public_key, at }: { enrollment_hash: Uint8Array; public_key: Uint8Array; at: string },
): Promise<boolean> {
  const row = await tx.query
    .updateTable('readers')
    .set({ public_key, enrolled_at: at, last_seen_at: at, updated_at: at })
    .set({ enrollment_hash: null, enrollment_expires_at: null })
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .where('enrollment_hash', '=', enrollment_hash)
    .where('enrollment_expires_at', '>', at)
    .where('deleted_at', 'is', null)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** What was written down of an agent's readers, those too that it no longer has. */
export function selectReadersOfAgent(
  connection: Connection,
  { organization_id, agent_id }: { organization_id: number; agent_id: number },
) {
  return connection.query
    .selectFrom('readers')
    .select(['id', 'name', 'door_id', 'deleted_at'])
    .where('organization_id', '=', organization_id)
    .where('agent_id', '=', agent_id)
    .orderBy('id')
    .execute();
}
