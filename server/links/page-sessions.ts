import { timingSafeEqual } from 'node:crypto';
import { isForgotten } from '../../domain/link.ts';
import type { Context, LinkCaller } from '../context.ts';
import { hashOf, isLinkSecret } from '../secrets/tokens.ts';
import { selectLink, selectLinkBySecret } from './store.ts';

const place = { table: 'cookie', column: 'page session', organization_id: 0, row_id: 'link' };

/** Whose link this secret is; null when it is nobody's, or of a link that ended long ago. Nothing is written. */
export async function authenticateLink(context: Context, secret: string): Promise<LinkCaller | null> {
  if (!isLinkSecret(secret)) return null;
  const found = await selectLinkBySecret(context.database.everywhere.read, hashOf(secret));
  if (!found || isForgotten(found, context.clock.now())) return null;
  return { kind: 'link', organization_id: found.organization_id, link_id: found.link_id };
}

/** One cookie a link, so that a visitor may have several. The prefix keeps it on this host and on https (RFC 6265bis). */
export function cookieName(link_id: number): string {
  return `__Host-postern-${link_id}`;
}

/** What the page's cookie holds: the link and its secret's hash, sealed; the server keeps nothing. */
export async function sealPageSession(
  context: Context,
  { organization_id, link_id }: LinkCaller,
): Promise<string | null> {
  const link = await selectLink(context.database.of(organization_id).read, organization_id, link_id);
  if (!link) return null;
  const content = JSON.stringify([
    organization_id,
    link_id,
    Buffer.from(link.secret_hash).toString('base64'),
  ]);
  return Buffer.from(context.sealer.seal(Buffer.from(content), place)).toString('base64url');
}

/** The caller behind a page's cookie; null when it is not ours, or the link's secret has changed since. */
export async function openPageSession(
  context: Context,
  id: number,
  cookie: string,
): Promise<LinkCaller | null> {
  const content = openSealed(context, cookie);
  if (content === null) return null;
  const [organization_id, link_id, hash] = content;
  if (link_id !== id) return null;
  const link = await selectLink(context.database.of(organization_id).read, organization_id, link_id);
  const expected = Buffer.from(hash, 'base64');
  if (!link || expected.length !== link.secret_hash.length || !timingSafeEqual(expected, link.secret_hash))
    return null;
  return { kind: 'page', organization_id, link_id };
}

function openSealed(context: Context, cookie: string): [number, number, string] | null {
  try {
    const plain = context.sealer.open(Buffer.from(cookie, 'base64url'), place);
    return JSON.parse(Buffer.from(plain).toString()); // ours: the seal holds
  } catch {
    return null;
  }
}
