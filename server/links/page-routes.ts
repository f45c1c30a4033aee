import { PosternError } from '../../domain/errors.ts';
import { PageSecret } from '../../domain/schemas/page.ts';
import type { Context } from '../context.ts';
import type { AnyoneRequest, LinkRequest } from '../http/handlers.ts';
import { pagePolicy } from '../http/headers.ts';
import { type PageFiles, sendFile } from '../http/page-files.ts';
import { objectParser } from '../http/parse.ts';
import { authenticateLink, cookieName, sealPageSession } from './page-sessions.ts';
import { viewLinkWithDoors } from './view.ts';

const sessionMaxAgeS = 400 * 24 * 3600;
const parseSecret = objectParser(PageSecret);

/** The same file for every address; no code here looks at the address that asked for it. */
export function showPage(files: PageFiles, request: AnyoneRequest): Buffer {
  request.reply.header('content-security-policy', pagePolicy);
  return sendFile(files.html, request);
}

/** Names carry a hash of the content, so that they can be kept for ever. */
export function showPageAsset(files: PageFiles, request: AnyoneRequest): Buffer {
  const asset = files.assets.get(request.params.name ?? '');
  if (!asset) throw new PosternError('not_found');
  request.reply.header('cache-control', 'public, max-age=31536000, immutable');
  return sendFile(asset, request);
}

/** Exchanges the secret for a sealed cookie. Nothing is written, nothing is spent. */
export async function openSession(context: Context, { body, reply }: AnyoneRequest) {
  const { secret } = parseSecret(body);
  const caller = await authenticateLink(context, secret);
  const cookie = caller && (await sealPageSession(context, caller));
  if (!caller || !cookie) {
    throw new PosternError('unauthorized', {
      message: 'This link is not known here.',
      hint: 'Open the link from the message again, whole; or ask the host for a new one.',
    });
  }
  const view = await viewLinkWithDoors(context, caller);
  const attributes = {
    path: '/',
    secure: true,
    httpOnly: true,
    sameSite: 'strict',
    maxAge: sessionMaxAgeS,
  } as const;
  reply.setCookie(cookieName(caller.link_id), cookie, attributes);
  return view;
}

export function showLinkOfPage(context: Context, { caller }: LinkRequest) {
  return viewLinkWithDoors(context, caller);
}
