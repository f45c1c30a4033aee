import { segmentPasses } from '../../domain/revocation-list.ts';
import { type Connection, only, type Transaction } from '../database/database.ts';

interface Epochs {
  organization_id: number;
  /** The first epoch that is not asked for, and the last that is. */
  after: number;
  until: number;
}

/** Where the list stands, at a time that nothing signed later may be dated before; undefined: that time is over. */
export function takeStatementTime(
  tx: Transaction,
  { organization_id, signed_at }: { organization_id: number; signed_at: string },
) {
  return tx.query
    .updateTable('organizations')
    .set({ statement_signed_at: signed_at })
    .where('id', '=', organization_id)
    .where((row) =>
      row.or([row('statement_signed_at', 'is', null), row('statement_signed_at', '<=', signed_at)]),
    )
    .returning(['revocation_epoch', 'next_pass_index'])
    .executeTakeFirst();
}

/** What agents were told last of each of the organizations counts as old when these have risen. */
export function selectRevisions(connection: Connection, organization_ids: readonly number[]) {
  return connection.query
    .selectFrom('organizations')
    .select(['id', 'agent_revision', 'revocation_epoch'])
    .where('id', 'in', [...organization_ids])
    .execute();
}

export async function selectRevokedPasses(
  connection: Connection,
  { organization_id, after, until }: Epochs,
): Promise<number[]> {
  const rows = await connection.query
    .selectFrom('passes')
    .select('pass_index')
    .where('organization_id', '=', organization_id)
    .where('revoked_epoch', '>', after)
    .where('revoked_epoch', '<=', until)
    .execute();
  return rows.map(({ pass_index }) => pass_index);
}

export async function selectEndedSegments(
  connection: Connection,
  { organization_id, after, until }: Epochs,
): Promise<number[]> {
  const rows = await connection.query
    .selectFrom('ended_segments')
    .select('segment')
    .where('organization_id', '=', organization_id)
    .where('dropped_epoch', '>', after)
    .where('dropped_epoch', '<=', until)
    .execute();
  return rows.map(({ segment }) => segment);
}

/** Of each organization with at least one whole segment: how many whole ones there are. */
export async function selectWholeSegments(connection: Connection) {
  const rows = await connection.query
    .selectFrom('organizations')
    .select(['id', 'next_pass_index'])
    .where('next_pass_index', '>=', segmentPasses)
    .execute();
  return rows.map(({ id, next_pass_index }) => ({
    organization_id: id,
    segments: Math.floor(next_pass_index / segmentPasses),
  }));
}

/** Whether any pass of the segment may still be valid after the time, in seconds since 1970. */
export async function hasLivePass(
  connection: Connection,
  { organization_id, segment, after_s }: { organization_id: number; segment: number; after_s: number },
): Promise<boolean> {
  const row = await connection.query
    .selectFrom('passes')
    .select('pass_index')
    .where('organization_id', '=', organization_id)
    .where('pass_index', '>=', segment * segmentPasses)
    .where('pass_index', '<', (segment + 1) * segmentPasses)
    .where('expires_at_s', '>', after_s)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

export async function dropSegment(
  tx: Transaction,
  { organization_id, segment }: { organization_id: number; segment: number },
): Promise<void> {
  const raised = await tx.query
    .updateTable('organizations')
    .set((row) => ({ revocation_epoch: row('revocation_epoch', '+', 1) }))
    .where('id', '=', organization_id)
    .returning('revocation_epoch')
    .executeTakeFirst();
  const dropped_epoch = only(raised).revocation_epoch;
  await tx.query
    .insertInto('ended_segments')
    .values({ organization_id, segment, dropped_epoch })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
