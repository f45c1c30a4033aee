import { LinkChange, LinkQuery, LinkReveal, NewLink, QrCodeQuery } from '../../domain/schemas/links.ts';
import { toWire } from '../../domain/wire.ts';
import type { Context } from '../context.ts';
import type { LinkRequest, LoginRequest } from '../http/handlers.ts';
import { bodyParser, objectParser, parseId, queryParser } from '../http/parse.ts';
import { credentialsOf } from './credentials.ts';
import { changeLink, createLink, revealLink, revokeLink, showLink } from './links.ts';
import { selectLinks } from './list.ts';
import { qrPng, qrSvg } from './qr.ts';
import type { LinkWithNames } from './store.ts';
import { passOfLink, viewLink } from './view.ts';

const parseQuery = queryParser(LinkQuery);
const parseNew = bodyParser('group_link', NewLink);
const parseChange = bodyParser('group_link', LinkChange);
const parseReveal = objectParser(LinkReveal);
const parseQrQuery = queryParser(QrCodeQuery);

/** By offset, or by a cursor: the next page is named by the `Link` header (RFC 8288) and by `X-Next-Cursor`. */
export async function listLinks(context: Context, { caller, query, reply }: LoginRequest) {
  const parsed = parseQuery(query);
  const wanted = { sight: caller, query: parsed, at: context.clock.now() };
  const { rows, range, cursor } = await selectLinks(context.database.of(caller.organization_id).read, wanted);
  if (range !== null) reply.header('x-collection-range', range);
  if (cursor !== null) {
    const { offset: _, ...filters } = parsed;
    const texts = Object.entries({ ...filters, cursor }).map(([name, value]) => [name, String(value)]);
    reply.header('x-next-cursor', cursor);
    reply.header('link', `</group_links?${new URLSearchParams(texts)}>; rel="next"`);
  }
  return rows.map(linkAnswer);
}

export async function showLinkById(context: Context, { caller, params }: LoginRequest) {
  return linkAnswer(await showLink(context, caller, parseId(params.id ?? '')));
}

/** This answer and that of `revealLinkById` are the only ones that hold the secret and the pass. */
export async function createLinkFromBody(context: Context, { caller, body }: LoginRequest) {
  const { id } = await createLink(context, caller, parseNew(body));
  const link = await showLink(context, caller, id);
  const { read } = context.database.of(caller.organization_id);
  return { ...linkAnswer(link), ...(await credentialsOf(context, read, link)) };
}

export async function revealLinkById(context: Context, { caller, params, body }: LoginRequest) {
  parseReveal(body);
  const { link, credentials } = await revealLink(context, caller, parseId(params.id ?? ''));
  return { ...linkAnswer(link), ...credentials };
}

export async function changeLinkById(context: Context, { caller, params, body }: LoginRequest) {
  const change = parseChange(body);
  const { link, secret_rotated } = await changeLink(context, caller, {
    id: parseId(params.id ?? ''),
    change,
  });
  return { ...linkAnswer(link), ...(secret_rotated ? { secret_rotated } : {}) };
}

export async function revokeLinkById(context: Context, { caller, params, reply }: LoginRequest) {
  await revokeLink(context, caller, parseId(params.id ?? ''));
  reply.code(204);
}

export async function showOwnLink(context: Context, { caller }: LinkRequest) {
  const { pass: _, ...view } = await viewLink(context, caller);
  return view;
}

export async function showQrSvg(context: Context, { caller, query, reply }: LinkRequest) {
  const { size } = parseQrQuery(query);
  reply.type('image/svg+xml; charset=utf-8');
  return qrSvg(await passOfLink(context, caller), size);
}

export async function showQrPng(context: Context, { caller, query, reply }: LinkRequest) {
  const { size } = parseQrQuery(query);
  reply.type('image/png');
  return qrPng(await passOfLink(context, caller), size);
}

function linkAnswer(link: LinkWithNames) {
  const { id, name, email, phone, valid_from, valid_until, group_id, created_by_id } = link;
  const user = {
    id: created_by_id,
    resource_type: 'User',
    email: link.created_by_email,
    name: link.created_by_name,
  };
  return toWire({
    id,
    resource_type: 'GroupLink',
    name,
    email,
    phone,
    last_used_at: link.last_used_at,
    link_enabled: link.link_enabled === 1,
    quick_response_code_type: link.quick_response_code_type,
    valid_from,
    valid_until,
    created_at: link.created_at,
    updated_at: link.updated_at,
    group_id,
    group: { id: group_id, resource_type: 'Group', name: link.group_name },
    created_by_type: 'User',
    created_by_id,
    created_by: user,
    issued_by_id: created_by_id,
    issued_by: user,
    max_uses: link.max_uses,
    uses: link.uses,
    suspended: link.suspended_at !== null,
    suspended_at: link.suspended_at,
    revoked_at: link.revoked_at,
    revealed_at: link.revealed_at,
    metadata: link.metadata === null ? null : JSON.parse(link.metadata),
  });
}
