import type { FastifyReply, FastifyRequest } from 'fastify';
import { invalidField } from '../../domain/errors.ts';
import type { LinkCaller, LoginCaller } from '../context.ts';
import { jsonType, type KeyedRequest, type WholeAnswer } from './idempotency.ts';

const header = 'idempotency-key';

/** The request under the name that its caller gave it; null when it has none. Throws `invalid` for a bad one. */
export function keyedRequest(request: FastifyRequest, caller: LoginCaller | LinkCaller): KeyedRequest | null {
  const key = readKey(request);
  if (key === null) return null;
  const [path = ''] = request.url.split('?', 1);
  return {
    organization_id: caller.organization_id,
    credential: caller.kind === 'login' ? `login ${caller.login_id}` : `link ${caller.link_id}`,
    key,
    method: request.method,
    path: path.replace(/\/$/, ''),
    content: [request.query, request.body],
  };
}

/** What a handler answered, in the bytes that will leave now and whenever the request is repeated. */
export function wholeAnswer(reply: FastifyReply, answer: unknown): WholeAnswer {
  const status = reply.statusCode;
  if (answer === undefined) return { status, headers: {}, body: undefined };
  if (typeof answer !== 'string' && !(answer instanceof Uint8Array))
    return { status, headers: { 'content-type': jsonType }, body: JSON.stringify(answer) };
  const type = String(reply.getHeader('content-type') ?? 'text/plain; charset=utf-8');
  return { status, headers: { 'content-type': type }, body: answer };
}

/** As the draft has it, a string in quotes (RFC 9651 §3.3.3), or bare, as most programs send it. */
function readKey({ headers, raw }: FastifyRequest): string | null {
  const text = headers[header];
  if (text === undefined) return null;
  const count = raw.rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === header).length;
  const key = String(text).replace(/^"(.*)"$/, '$1');
  if (count === 1 && /^[\x20-\x7e]{1,255}$/.test(key)) return key;
  throw invalidField('Idempotency-Key', 'must be one text of 1 to 255 printable ASCII characters');
}
