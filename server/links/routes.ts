import { LinkChange, LinkQuery, NewLink, QrCodeQuery } from '../../domain/schemas/links.ts';
import { toWire } from '../../domain/wire.ts';
import type { Context } from '../context.ts';
import type { LinkRequest, LoginRequest } from '../http/handlers.ts';
import { bodyParser, parseId, queryParser } from '../http/parse.ts';
import { changeLink, createLink, revokeLink, showLink } from './links.ts';
import { currentPass } from './passes.ts';
import { qrPng, qrSvg } from './qr.ts';
import { type LinkWithNames, selectLinks } from './store.ts';
import { passOfLink, viewLink } from './view.ts';

const parseQuery = queryParser(LinkQuery);
const parseNew = bodyParser('group_link', NewLink);
const parseChange = bodyParser('group_link', LinkChange);
const parseQrQuery = queryParser(QrCodeQuery);

export async function listLinks(context: Context, { caller, query, reply }: LoginRequest) {
  const { organization_id } = caller;
  const at = context.clock.now();
  const { rows, range } = await selectLinks(context.database.of(caller.organization_id).read, {
    ...parseQuery(query),
    organization_id,
    at,
  });
  reply.header('x-collection-range', range);
  return rows.map(linkAnswer);
}

export async function showLinkById(context: Context, { caller, params }: LoginRequest) {
  return linkAnswer(await showLink(context, caller, parseId(params.id ?? '')));
}

/** The only answer that ever holds the secret and the pass. */
export async function createLinkFromBody(context: Context, { caller, body }: LoginRequest) {
  const { id, secret } = await createLink(context, caller, parseNew(body));
  const link = await showLink(context, caller, id);
  const pass = await currentPass(context.keys, context.database.of(caller.organization_id).read, link);
  return {
    ...linkAnswer(link),
    secret,
    quick_response_code_token: pass,
    quick_response_code_image: pass === null ? null : qrPng(pass).toString('base64'),
    url: secret === null ? null : `${context.publicUrl}/l/${id}#${secret}`,
    qr_code_url: pass === null || secret === null ? null : `${context.publicUrl}/group_link/qr_code.png`,
  };
}

export async function changeLinkById(context: Context, { caller, params, body }: LoginRequest) {
  return linkAnswer(
    await changeLink(context, caller, { id: parseId(params.id ?? ''), change: parseChange(body) }),
  );
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
    metadata: link.metadata === null ? null : JSON.parse(link.metadata),
  });
}
