import type { Selectable } from 'kysely';
import { PosternError } from '../../domain/errors.ts';
import { msBetween, secondsCeil, secondsFloor } from '../../domain/instants.ts';
import { type PassClaims, signPass } from '../../domain/pass.ts';
import type { Context } from '../context.ts';
import { type Connection, only, type Transaction } from '../database/database.ts';
import type { Tables } from '../database/tables.ts';
import type { OrganizationKeys } from '../organizations/keys.ts';
import type { StoredLink } from './store.ts';

/** What a pass of the link would allow; null: the link has no QR code. */
type PassTerms = Pick<StoredLink, 'group_id' | 'valid_from' | 'valid_until' | 'max_uses'> & {
  online: boolean;
};

/** So far the clocks of several server processes may be apart. */
const clocksApartMsMax = 30_000;

/** A link without a start is good at once, also at a door whose clock is behind. */
const slowClockS = 3_600;

/** Signs a first pass for a new link, if it is to have one. Nothing of the pass is stored but its terms. */
export async function issuePass(context: Context, tx: Transaction, link: StoredLink): Promise<void> {
  const terms = termsOf(link);
  if (terms === null) return;
  const { organization_id } = link;
  const counted = await tx.query
    .updateTable('organizations')
    .set((row) => ({ next_pass_index: row('next_pass_index', '+', 1) }))
    .where('id', '=', organization_id)
    .returning(['next_pass_index', 'statement_signed_at'])
    .executeTakeFirst();
  const at = context.clock.now();
  requireClock(at, only(counted).statement_signed_at);
  const issued_at_s = secondsFloor(at);
  // Whole seconds that never reach beyond the link's own window; a pass has none before 1970.
  const expires_at_s = secondsFloor(link.valid_until);
  const begins_s =
    link.valid_from === null
      ? Math.min(issued_at_s - slowClockS, expires_at_s - 1)
      : secondsCeil(link.valid_from);
  const not_before_s = Math.max(0, begins_s);
  if (not_before_s >= expires_at_s) return;
  await tx.query
    .insertInto('passes')
    .values({
      organization_id,
      pass_index: only(counted).next_pass_index - 1,
      link_id: link.id,
      group_id: link.group_id,
      online: Number(terms.online),
      issued_at_s,
      not_before_s,
      expires_at_s,
      revoked_at: null,
    })
    .execute();
}

/** Nothing is signed that would be dated before what was signed already: the clock was set back. */
function requireClock(at: string, signed_at: string | null): void {
  if (signed_at === null || msBetween(at, signed_at) <= clocksApartMsMax) return;
  const message = `The clock of the server is behind what it last signed, at ${signed_at}: no pass is signed.`;
  throw new PosternError('unavailable', { message, hint: 'Set the clock of the server.' });
}

/**
 * Brings a link's passes in line with a change: one that narrows what a pass allows ends every earlier pass; a new
 * pass is signed when its terms differ. While a link is suspended it has none; resuming signs a new one.
 */
export async function replacePass(
  context: Context,
  tx: Transaction,
  change: { before: StoredLink; after: StoredLink },
): Promise<void> {
  const before = termsOf(change.before);
  const after = termsOf(change.after);
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  if (before !== null && narrows(before, after)) await revokePasses(context, tx, change.after);
  await issuePass(context, tx, change.after);
}

/** Ends every pass of the link: the readers refuse them from now on. */
export async function revokePasses(
  context: Context,
  tx: Transaction,
  link: { organization_id: number; id: number },
): Promise<void> {
  const { organization_id } = link;
  const raised = await tx.query
    .updateTable('organizations')
    .set((row) => ({ revocation_epoch: row('revocation_epoch', '+', 1) }))
    .where('id', '=', organization_id)
    .returning('revocation_epoch')
    .executeTakeFirst();
  await tx.query
    .updateTable('passes')
    .set({ revoked_at: context.clock.now(), revoked_epoch: only(raised).revocation_epoch })
    .where('organization_id', '=', organization_id)
    .where('link_id', '=', link.id)
    .where('revoked_at', 'is', null)
    .execute();
  context.agentNews.expect(organization_id);
}

/** The text of the link's QR code, signed again; null when it has none now. */
export async function currentPass(
  keys: OrganizationKeys,
  connection: Connection,
  link: StoredLink,
): Promise<string | null> {
  if (termsOf(link) === null) return null;
  const row = await connection.query
    .selectFrom('passes')
    .selectAll()
    .where('organization_id', '=', link.organization_id)
    .where('link_id', '=', link.id)
    .where('revoked_at', 'is', null)
    .orderBy('pass_index', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (!row) return null;
  return signPass(claimsOf(row), await keys.signer(link.organization_id));
}

/** The text of one of the link's passes, whatever became of it; null: the link never had it. */
export async function passOfIndex(
  keys: OrganizationKeys,
  connection: Connection,
  { organization_id, link_id, index }: { organization_id: number; link_id: number; index: number },
): Promise<string | null> {
  const row = await connection.query
    .selectFrom('passes')
    .selectAll()
    .where('organization_id', '=', organization_id)
    .where('pass_index', '=', index)
    .where('link_id', '=', link_id)
    .executeTakeFirst();
  return row ? signPass(claimsOf(row), await keys.signer(organization_id)) : null;
}

function claimsOf(row: Selectable<Tables['passes']>): PassClaims {
  return {
    organization_id: row.organization_id,
    link_id: row.link_id,
    group_id: row.group_id,
    index: row.pass_index,
    online: row.online === 1,
    issued_at: row.issued_at_s,
    not_before: row.not_before_s,
    expires_at: row.expires_at_s,
  };
}

function termsOf(link: StoredLink): PassTerms | null {
  if (link.quick_response_code_type === null || link.suspended_at !== null || link.revoked_at !== null)
    return null;
  const { group_id, valid_from, valid_until, max_uses } = link;
  return {
    group_id,
    valid_from,
    valid_until,
    max_uses,
    online: link.quick_response_code_type === 'online' || max_uses !== null,
  };
}

function narrows(before: PassTerms, after: PassTerms | null): boolean {
  if (after === null || after.group_id !== before.group_id) return true;
  if (after.valid_until < before.valid_until) return true;
  if (after.valid_from !== null && after.valid_from > (before.valid_from ?? '')) return true;
  if (after.online && !before.online) return true;
  return after.max_uses !== null && after.max_uses < (before.max_uses ?? Number.POSITIVE_INFINITY);
}
