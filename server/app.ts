import cookie from '@fastify/cookie';
import fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import type { Logger } from 'pino';
import { type Endpoint, endpoints, type Operation } from '../domain/endpoints.ts';
import { errorBody, PosternError } from '../domain/errors.ts';
import { takesIdempotencyKey } from '../domain/idempotency.ts';
import { authenticate, isOfPage } from './authentication.ts';
import { requireScope } from './authorization.ts';
import type { Caller, Context } from './context.ts';
import { isUnavailable } from './database/database.ts';
import { bodyBytesMax, readBodies } from './http/bodies.ts';
import { readCredential } from './http/credentials.ts';
import type { Request } from './http/handlers.ts';
import {
  answerHeaders,
  crossOriginHeaders,
  helpLink,
  preflightHeaders,
  transportHeaders,
} from './http/headers.ts';
import { answerOnce, type KeyedRequest } from './http/idempotency.ts';
import { keyedRequest, wholeAnswer } from './http/keyed-requests.ts';
import { answerParserError } from './http/parser-errors.ts';
import { type IsAmong, requestIdOf, withinRanges } from './http/proxies.ts';
import { type LimitName, networkOf } from './http/rate-limits.ts';
import type { TlsPair } from './http/tls.ts';
import { hardenServer, transport } from './http/transport.ts';
import { countUnanswered } from './http/unanswered.ts';
import type { Handlers } from './routes.ts';
import { isLoopback } from './setting-values.ts';

const pathParameterLengthMax = 500;
/** Where a page on another origin may call with a link's secret. */
const crossOriginPaths =
  /^\/(locks|locks\/\d+\/(unlock|access)|group_link|group_link\/qr_code\.(svg|png))\/?$/;

/** What counts against the address that it came from. */
const wrongCredentials: Partial<Record<PosternError['reason'], LimitName>> = {
  unauthorized: 'wrong_credentials',
  session_over: 'wrong_credentials',
  one_time_link_over: 'wrong_credentials',
  enrollment_code_over: 'wrong_credentials',
  reader_not_enrolled: 'wrong_credentials',
  sign_in_failed: 'wrong_passwords_of_address',
  wrong_password: 'wrong_passwords_of_address',
};

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the route's own `onRequest`, before its handler. */
    caller: Caller;
  }
}

export interface AppParts {
  context: Context;
  /** The handlers over a context: once for all requests, and once for each that has a key. */
  handlersOver(context: Context): Handlers;
  log: Logger;
  /** Absent: plain http. */
  tls?: TlsPair | undefined;
  /** Whose `X-Forwarded-For` counts; absent: nobody's. */
  isProxy?: IsAmong;
}

/** The HTTP application: every route of the table, and what holds for all of them. */
export function createApp(parts: AppParts): FastifyInstance {
  const { isProxy = withinRanges([]), context } = parts;
  const always = { ...answerHeaders, ...transportHeaders(context.publicUrl) };
  const app = fastify({
    bodyLimit: bodyBytesMax,
    ...transport(parts.tls),
    trustProxy: isProxy,
    genReqId: (request) => requestIdOf(request, isProxy, context.random.uuid),
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: pathParameterLengthMax },
    clientErrorHandler: answerParserError,
    frameworkErrors: (_error, request, reply) => {
      reply.headers({ ...always, 'x-request-id': request.id });
      answerError(parts, new PosternError('not_found'), { reply, request });
    },
  });
  app.decorateRequest('caller');
  countUnanswered(app);
  hardenServer(app, {
    isExempt: (address) => isProxy(address) || isOwn(address),
    enabled: context.limits.enabled,
  });
  readBodies(app);
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(always);
    prepareAnswer(request, reply);
    if (!isOwn(request.ip)) context.limits.require('requests_of_address', networkOf(request.ip));
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    noteAnswer(parts, request, reply);
    done();
  });
  app.addHook('onRoute', ({ config, url }) => {
    const operation = config && 'operation' in config ? config.operation : undefined;
    if (typeof operation !== 'string' || !Object.hasOwn(endpoints, operation))
      throw new Error(`${url} is not in the table of endpoints`);
  });
  app.setErrorHandler((error, request, reply) =>
    answerError(parts, toPosternError(parts, error, request), { reply, request }),
  );
  app.setNotFoundHandler((request, reply) => {
    if (request.method === 'OPTIONS' && isCrossOrigin(request))
      return reply.code(204).headers(preflightHeaders).send();
    return answerError(parts, new PosternError('not_found'), { reply, request });
  });
  const routeParts = { ...parts, handlers: parts.handlersOver(context) };
  const operations = Object.keys(endpoints) as Operation[]; // the table's own keys
  for (const operation of operations)
    if (!isOfPage(endpoints[operation])) addRoutes(app, routeParts, operation);
  app.register(async (page) => {
    await page.register(cookie); // nobody else has any
    for (const operation of operations)
      if (isOfPage(endpoints[operation])) addRoutes(page, routeParts, operation);
  });
  return app;
}

type RouteParts = AppParts & { handlers: Handlers };

function addRoutes(app: FastifyInstance, parts: RouteParts, operation: Operation): void {
  const endpoint: Endpoint = endpoints[operation];
  const handle = handlerOf(parts.handlers, operation);
  const takesKey = takesIdempotencyKey(endpoint);
  for (const url of endpoint.paths) {
    app.route({
      method: [...endpoint.methods],
      url,
      config: { operation, endless: endpoint.endless },
      // Before the body is read: a stranger's is never parsed.
      onRequest: async (request) => {
        const { limits } = parts.context;
        // Unlike our secrets a password can be guessed, so from some point on not even a right one is looked at.
        if (endpoint.guessable) limits.requireRoom('wrong_passwords_of_address', networkOf(request.ip));
        request.caller = await authenticate(parts.context, endpoint, request);
        limitCaller(parts.context, request.caller);
      },
      handler: async (request, reply) => {
        const { caller, body, query, headers } = request;
        const params = request.params as Record<string, string>; // path parameters are texts
        const asked = { caller, params, query, body, headers, reply };
        await requireScope(parts.handlers, operation, asked);
        const keyed = takesKey && caller.kind !== 'anyone' ? keyedRequest(request, caller) : null;
        if (keyed) return answerKeyed(parts, keyed, { operation, asked });
        const answer = await handle(asked);
        return answer === undefined ? reply.send() : answer;
      },
    });
  }
}

async function answerKeyed(
  { context, handlersOver }: RouteParts,
  keyed: KeyedRequest,
  { operation, asked }: { operation: Operation; asked: Request },
): Promise<FastifyReply> {
  const { reply } = asked;
  const { status, headers, body } = await answerOnce(context, keyed, {
    onReplay: () => void reply.header('idempotency-replayed', 'true'),
    answer: async (own) => wholeAnswer(reply, await handlerOf(handlersOver(own), operation)(asked)),
  });
  return reply.code(status).headers(headers).send(body);
}

/** Which caller goes with which operation is checked where the handlers are made; the table erases it. */
function handlerOf(handlers: Handlers, operation: Operation): (request: Request) => unknown {
  return handlers[operation] as (request: Request) => unknown;
}

/** Every credential is counted by itself: a busy one takes nothing from the others, whatever address they share. */
function limitCaller({ limits }: Context, caller: Caller): void {
  if (caller.kind === 'login') limits.require('requests_of_login', caller.login_id);
  else if (caller.kind !== 'anyone') limits.require('requests_of_link', caller.link_id);
}

/** This machine: its own programs, or a proxy that does not say for whom it asks. That is everybody, and no attacker. */
function isOwn(address: string | undefined): boolean {
  return address !== undefined && isLoopback(networkOf(address));
}

function prepareAnswer(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', request.id);
  if (isCrossOrigin(request) && readCredential(request.headers.authorization)?.kind === 'link') {
    reply.headers(crossOriginHeaders);
  }
  const hosts = request.raw.rawHeaders.filter(
    (name, index) => index % 2 === 0 && name.toLowerCase() === 'host',
  );
  if (hosts.length !== 1 && (request.raw.httpVersion === '1.1' || hosts.length > 1)) {
    throw new PosternError('malformed_request', { message: 'The request must have one Host header.' });
  }
}

function isCrossOrigin(request: FastifyRequest): boolean {
  return crossOriginPaths.test(request.url.split('?', 1)[0] ?? '');
}

/** What Fastify itself throws, in our words; everything else is ours to mend, and logged whole. */
function toPosternError({ log }: AppParts, error: unknown, { id }: FastifyRequest): PosternError {
  if (error instanceof PosternError) return error;
  const { code, statusCode, message }: Partial<FastifyError> = error instanceof Error ? error : {};
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new PosternError('body_too_large');
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return new PosternError('unsupported_media_type');
  if (statusCode === 400)
    return new PosternError('malformed_request', {
      message: `The body is not valid JSON: ${jsonProblem(message)}`,
    });
  log.error({ err: error, request_id: id }, 'a request failed');
  return new PosternError(isUnavailable(error) ? 'unavailable' : 'internal');
}

/** The parser's sentence without what it quotes of the body, which may be a secret. */
function jsonProblem(message = ''): string {
  const position = /position \d+/.exec(message)?.[0];
  return position ? `there is a mistake at ${position}.` : 'it cannot be read.';
}

function answerError(
  parts: AppParts,
  error: PosternError,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
) {
  const answer = limitedError(parts, error, request) ?? error;
  reply.header('link', helpLink(answer.reason));
  if (answer.retryAfterS !== undefined) reply.header('retry-after', String(answer.retryAfterS));
  if (answer.entry.status === 426) reply.headers({ upgrade: 'websocket', connection: 'upgrade' });
  if (answer.entry.status === 401) reply.header('www-authenticate', 'KISI-LOGIN, Bearer, KISI-GROUP-LINK');
  const { status } = answer.entry;
  // What went wrong on our side is in our log, under this name.
  const body = status >= 500 ? { ...errorBody(answer), request_id: request.id } : errorBody(answer);
  return reply.code(status).type('application/json; charset=utf-8').send(body);
}

function limitedError({ context }: AppParts, { reason }: PosternError, { ip }: FastifyRequest) {
  const limit = wrongCredentials[reason];
  const retryAfterS = limit ? context.limits.count(limit, networkOf(ip)) : null;
  return retryAfterS === null ? null : new PosternError('too_many_requests', { retryAfterS });
}

/**
 * The route's pattern, never the address: an address may hold a secret. Where visitors come from is nobody's
 * business; where wrong credentials come from is.
 */
function noteAnswer({ context, log }: AppParts, request: FastifyRequest, reply: FastifyReply): void {
  const { method, routeOptions, id } = request;
  const { statusCode: status, elapsedTime } = reply;
  const route = routeOptions.url ?? 'none';
  context.metrics.countRequest({ method, route, status }, elapsedTime);
  const fields = {
    request_id: id,
    method,
    route,
    status,
    ms: Math.round(elapsedTime),
    ...(status === 401 || status === 429 ? { address: request.ip } : {}),
  };
  log.info(fields, 'request');
}
