import { sql } from 'kysely';
import { PosternError } from '../../domain/errors.ts';
import type { Outcome } from '../../domain/event.ts';
import type { Connection, Database, Transaction } from '../database/database.ts';
import type { StoredLink } from '../links/store.ts';

/*
 * The statements of an unlock: prepared SQL, the one place where Kysely is not used. Every one is bound to the
 * organization.
 */

export interface DoorFacts {
  id: number;
  name: string;
  place_id: number;
  agent_id: number | null;
  pulse_ms: number;
  /** The door was locked down, or its whole place was. */
  locked_down_at: string | null;
  time_zone: string;
  live_only: number;
  /** 1 when the door is in the asked group. */
  includes_door: number;
}

/** What of a link decides whether it opens a door. */
export type LinkTerms = Pick<
  StoredLink,
  | 'id'
  | 'organization_id'
  | 'group_id'
  | 'name'
  | 'email'
  | 'valid_from'
  | 'valid_until'
  | 'link_enabled'
  | 'max_uses'
  | 'uses'
  | 'suspended_at'
  | 'revoked_at'
>;

export interface PassFacts {
  not_before_s: number;
  expires_at_s: number;
  revoked_at: string | null;
}

/** Without the two forms of its secret, which cost the most to read and are not asked for here. */
const linkColumns =
  'id, organization_id, group_id, name, email, valid_from, valid_until, link_enabled, max_uses, uses, suspended_at, revoked_at';
const takeUseSql = `
  update links set uses = uses + 1, last_used_at = ?
  where organization_id = ? and id = ? and revoked_at is null and suspended_at is null
    and (max_uses is null or uses < max_uses)
  returning ${linkColumns}`;
const countGrantSql =
  'update links set uses = uses + 1, last_used_at = ? where organization_id = ? and id = ?';
const selectLinkSql = `select ${linkColumns} from links where organization_id = ? and id = ?`;
const selectDoorSql = `
  select d.id, d.name, d.place_id, d.agent_id, d.pulse_ms, d.live_only, p.time_zone,
    coalesce(d.locked_down_at, p.locked_down_at) as locked_down_at,
    (select count(*) from group_doors g where g.organization_id = d.organization_id and g.group_id = ? and g.door_id = d.id)
      as includes_door
  from doors d join places p on p.organization_id = d.organization_id and p.id = d.place_id
  where d.organization_id = ? and d.id = ? and d.deleted_at is null`;
const selectPassSql =
  'select not_before_s, expires_at_s, revoked_at from passes where organization_id = ? and pass_index = ? and link_id = ?';
const selectLatestPassSql =
  'select max(pass_index) as pass_index from passes where organization_id = ? and link_id = ?';
const insertUsedPressSql = `
  insert into used_presses (organization_id, press_id, used_at) values (?, ?, ?) on conflict do nothing returning used_at`;
const selectOutcomeSql = 'select outcome from event_outcomes where organization_id = ? and event_uuid = ?';

/** Takes one use of the link if it has one left and is neither revoked nor suspended; answers it as it is then. */
export async function takeUse(tx: Transaction, key: LinkKey, at: string): Promise<LinkTerms | undefined> {
  return tx.prepare<LinkTerms>(takeUseSql).get(at, key.organization_id, key.link_id);
}

export async function selectLinkRow(connection: Connection, key: LinkKey): Promise<LinkTerms | undefined> {
  return connection.prepare<LinkTerms>(selectLinkSql).get(key.organization_id, key.link_id);
}

export async function selectDoorFacts(
  connection: Connection,
  key: { organization_id: number; door_id: number; group_id: number | null },
): Promise<DoorFacts | undefined> {
  return connection.prepare<DoorFacts>(selectDoorSql).get(key.group_id, key.organization_id, key.door_id);
}

export async function selectPassFacts(
  connection: Connection,
  key: LinkKey & { pass_index: number },
): Promise<PassFacts | undefined> {
  return connection.prepare<PassFacts>(selectPassSql).get(key.organization_id, key.pass_index, key.link_id);
}

/** The pass that was signed last for the link, whatever became of it; null: it never had one. */
export async function selectLatestPassIndex(connection: Connection, key: LinkKey): Promise<number | null> {
  const row = await connection
    .prepare<{ pass_index: number | null }>(selectLatestPassSql)
    .get(key.organization_id, key.link_id);
  return row?.pass_index ?? null;
}

/** Counts a grant that was decided at the door. */
export async function countGrant(tx: Transaction, key: LinkKey, at: string): Promise<void> {
  await tx.prepare(countGrantSql).run(at, key.organization_id, key.link_id);
}

export interface LinkKey {
  organization_id: number;
  link_id: number;
}

/** Uses a press up. Throws `hold_used` when it is used already. */
export async function insertUsedPress(
  tx: Transaction,
  row: { organization_id: number; press_id: Uint8Array; used_at: string },
): Promise<void> {
  const inserted = await tx
    .prepare<{ used_at: string }>(insertUsedPressSql)
    .get(row.organization_id, row.press_id, row.used_at);
  if (!inserted) throw new PosternError('hold_used');
}

/** Removes the presses that were used at `until` or earlier, a bounded number at once. Answers how many. */
export function deleteOldPresses(database: Database, until: string, countMax: number): Promise<number> {
  return database.everywhere.transaction(async (tx) => {
    const { rows } = await sql`
      delete from used_presses where (organization_id, press_id) in (
        select organization_id, press_id from used_presses
        where used_at <= ${until} order by used_at limit ${countMax})
      returning 1 as one`.execute(tx.query);
    return rows.length;
  });
}

/** What became of a granted unlock's command, as far as anybody has said. */
export async function selectOutcome(
  connection: Connection,
  { organization_id, event_uuid }: { organization_id: number; event_uuid: string },
): Promise<Outcome | undefined> {
  const row = await connection
    .prepare<{ outcome: Outcome }>(selectOutcomeSql)
    .get(organization_id, event_uuid);
  return row?.outcome;
}
