import type { FastifyRequest } from 'fastify';
import type { Endpoint } from '../domain/endpoints.ts';
import { PosternError } from '../domain/errors.ts';
import type { Caller, Context } from './context.ts';
import { readCredential } from './http/credentials.ts';
import { parseId } from './http/parse.ts';
import { authenticateLink, cookieName, openPageSession } from './links/page-sessions.ts';
import { authenticateLogin } from './logins/logins.ts';

/** Who calls this endpoint. Throws `unauthorized`, `session_over`, `cross_site` or `forbidden`. */
export async function authenticate(
  context: Context,
  endpoint: Endpoint,
  request: FastifyRequest,
): Promise<Caller> {
  const { callers } = endpoint;
  if (isOfPage(endpoint) && request.method === 'POST' && !isFromOurPage(request))
    throw new PosternError('cross_site');
  if (callers.includes('anyone') && callers.includes('login')) return authenticateIfAny(context, request);
  if (callers.includes('anyone') || callers.includes('agent')) return { kind: 'anyone' };
  if (callers.includes('page')) return authenticatePage(context, request);
  const credential = readCredential(request.headers.authorization);
  if (!credential) throw new PosternError('unauthorized');
  const known = await (credential.kind === 'login' ? authenticateLogin : authenticateLink)(
    context,
    credential.secret,
  );
  if (!known) throw new PosternError('unauthorized');
  if (!callers.includes(known.kind)) throw new PosternError('forbidden');
  return known;
}

/** What one of our pages asks for, the visitor's or a tablet's: it is answered to nobody else. */
export function isOfPage({ paths }: Endpoint): boolean {
  return paths.some((path) => /^\/(page|reader)\//.test(path));
}

/** Where a password in the body will do, a credential that is over is no obstacle. */
async function authenticateIfAny(context: Context, { headers }: FastifyRequest): Promise<Caller> {
  const credential = readCredential(headers.authorization);
  const known = credential?.kind === 'login' ? await authenticateLogin(context, credential.secret) : null;
  return known ?? { kind: 'anyone' };
}

async function authenticatePage(context: Context, request: FastifyRequest): Promise<Caller> {
  const id = parseId((request.params as { id?: string }).id ?? ''); // every page endpoint has an id in its path
  const cookie = request.cookies[cookieName(id)];
  const caller = cookie === undefined ? null : await openPageSession(context, id, cookie);
  if (!caller) throw new PosternError('session_over');
  return caller;
}

/** Fetch Metadata says so; a browser too old to send it says so by its `Origin`. */
function isFromOurPage({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  return headers.origin !== undefined && URL.parse(headers.origin)?.host === headers.host;
}
