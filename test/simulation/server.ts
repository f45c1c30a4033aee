import { generateKeyPairSync } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Endpoint, endpoints, type Operation } from '../../domain/endpoints.ts';
import { errorBody, PosternError } from '../../domain/errors.ts';
import { takesIdempotencyKey } from '../../domain/idempotency.ts';
import { AgentConnection } from '../../server/agents/connection.ts';
import { authenticate } from '../../server/authentication.ts';
import { requireScope } from '../../server/authorization.ts';
import { silentBus } from '../../server/bus/bus.ts';
import { composeContext } from '../../server/composition.ts';
import type { Caller, Context } from '../../server/context.ts';
import { type Database, isUnavailable } from '../../server/database/database.ts';
import { recordEvent } from '../../server/events/events.ts';
import { Housekeeping, housekeepingTasks } from '../../server/housekeeping.ts';
import type { Request } from '../../server/http/handlers.ts';
import { answerOnce } from '../../server/http/idempotency.ts';
import { wholeAnswer } from '../../server/http/keyed-requests.ts';
import { type HostKey, openHostKey } from '../../server/installation.ts';
import { cookieName } from '../../server/links/page-sessions.ts';
import { Reference } from '../../server/reference/reference.ts';
import { createHandlers, type Handlers } from '../../server/routes.ts';
import { Presentations } from '../../server/unlocks/presentations.ts';
import { type Chance, randomOf } from './chance.ts';
import type { End } from './network.ts';
import { Life, type Time } from './time.ts';

/** A request as it arrives. */
export interface Call {
  operation: Operation;
  id?: number;
  query?: Record<string, string>;
  body?: unknown;
  authorization?: string;
  /** The cookie of the page of the link with the id of the path. */
  cookie?: string;
  key?: string;
}

export interface Reply {
  status: number;
  reason: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: phones look into answers of every shape
  body: any;
  /** As it travels. */
  text: string;
  replayed: boolean;
  cookie: string | null;
}

export interface ServerParts {
  database: Database;
  time: Time;
  chance: Chance;
  secretKey: Uint8Array;
  onError(error: unknown): void;
}

const publicUrl = 'https://postern.example';
/** Nobody in a world asks for a page or for the reference. */
const empty = { type: 'text/html', body: Buffer.of(), gzipped: Buffer.of() };
const files = { html: empty, reader: empty, assets: new Map() };
let reference: Reference | undefined;
const housekeepingMs = 60_000;
/** Nobody is enrolled in this world: its agents are from the beginning. */
const noHostKey = generateKeyPairSync('ed25519');

/** The server as one process, without the machine: everything of it but HTTP and the socket is the real thing. */
export class ServerProcess {
  readonly life = new Life();
  readonly context: Context;
  readonly ready: Promise<HostKey>;
  /** Those that wait for an answer, and since when. */
  readonly waiting = new Map<(reply: null) => void, { call: Call; sinceMs: number }>();
  readonly #parts: ServerParts;
  readonly #housekeeping: Housekeeping;
  readonly #handlers: Handlers;
  readonly #presentations: Presentations;

  constructor(parts: ServerParts) {
    this.#parts = parts;
    this.context = contextOf(parts, this.life);
    const { clock, onBackgroundError: onError } = this.context;
    this.#housekeeping = new Housekeeping({ tasks: housekeepingTasks(this.context), clock, onError });
    this.#presentations = new Presentations(this.context);
    this.#handlers = this.#handlersOver(this.context);
    this.ready = openHostKey(this.context);
    this.ready.catch((error: unknown) => this.context.onBackgroundError(error));
    this.#keepHouse();
  }

  /** From now on nothing of it does anything that can be noticed. */
  kill(): void {
    this.life.end();
    for (const lose of [...this.waiting.keys()]) lose(null);
  }

  async accept(end: End): Promise<void> {
    const { context } = this;
    const hostKey = await this.ready.catch(() => null);
    if (this.life.ended || !hostKey) return;
    new AgentConnection(end, {
      context,
      hostKey,
      log: { info: () => {}, warn: (fields) => this.#warned(fields) },
      present: (presentation) => this.#presentations.decide(presentation),
      onSecondSession: (agent) => noteSecondSession(context, agent),
    });
  }

  /** Null: the process was killed before it could answer. */
  handle(call: Call): Promise<Reply | null> {
    return new Promise((resolve) => {
      this.waiting.set(resolve, { call, sinceMs: this.#parts.time.nowMs });
      void this.#answer(call).then((reply) => {
        this.waiting.delete(resolve);
        if (!this.life.ended) resolve(reply);
      });
    });
  }

  async #answer(call: Call): Promise<Reply> {
    const reply = new PlainReply(this.#parts.time);
    const fastifyReply = reply as unknown as FastifyReply; // what handlers use of it is there
    const endpoint: Endpoint = endpoints[call.operation];
    try {
      const request = requestOf(call, endpoint);
      const caller = await authenticate(this.context, endpoint, request);
      const { id, query = {}, body } = call;
      const params = { id: String(id ?? '') };
      const asked: Request = { caller, params, query, body, headers: request.headers, reply: fastifyReply };
      await requireScope(this.#handlers, call.operation, asked);
      const keyed = call.key !== undefined && takesIdempotencyKey(endpoint) && caller.kind !== 'anyone';
      const answer = keyed
        ? await this.#answerOnce(call, asked, caller)
        : await this.#handlerOf(this.#handlers, call)(asked);
      return reply.with(typeof answer === 'string' ? answer : JSON.stringify(answer ?? null));
    } catch (error) {
      const known = this.#knownError(error);
      reply.statusCode = known.entry.status;
      return reply.with(JSON.stringify(errorBody(known)));
    }
  }

  async #answerOnce(
    call: Call,
    asked: Request,
    caller: Exclude<Caller, { kind: 'anyone' }>,
  ): Promise<string> {
    const { reply } = asked;
    const keyed = {
      organization_id: caller.organization_id,
      credential: caller.kind === 'login' ? `login ${caller.login_id}` : `link ${caller.link_id}`,
      key: call.key ?? '',
      method: 'POST',
      path: `${call.operation} ${call.id}`,
      content: [call.query, call.body],
    };
    const { status, body } = await answerOnce(this.context, keyed, {
      onReplay: () => void reply.header('idempotency-replayed', 'true'),
      answer: async (own) => wholeAnswer(reply, await this.#handlerOf(this.#handlersOver(own), call)(asked)),
    });
    reply.code(status);
    return String(body ?? 'null');
  }

  /** Which caller goes with which operation is checked where the handlers are made; the table erases it. */
  #handlerOf(handlers: Handlers, { operation }: Call): (request: Request) => unknown {
    return handlers[operation] as (request: Request) => unknown;
  }

  #knownError(error: unknown): PosternError {
    if (error instanceof PosternError) return error;
    if (isUnavailable(error)) return new PosternError('unavailable');
    if (!this.life.ended) this.#parts.onError(error);
    return new PosternError('internal');
  }

  #warned(fields: object): void {
    if ('err' in fields && !isUnavailable(fields.err) && !this.life.ended) this.#parts.onError(fields.err);
  }

  #keepHouse(): void {
    this.context.clock.after(housekeepingMs, () => {
      void this.#housekeeping.run();
      this.#keepHouse();
    });
  }

  #handlersOver(context: Context): Handlers {
    reference ??= new Reference(context);
    const [presentations, housekeeping] = [this.#presentations, this.#housekeeping];
    return createHandlers({ context, files, presentations, reference, housekeeping, hostKey: noHostKey });
  }
}

function contextOf({ database, time, chance, secretKey, onError }: ServerParts, life: Life): Context {
  const random = randomOf(chance, () => time.wallMs);
  return composeContext({
    database,
    bus: silentBus(random.uuid()),
    clock: time.clockOf(life),
    random,
    secretKey,
    publicUrl,
    rateLimits: true,
    onBackgroundError: (error) => {
      if (!life.ended && !isUnavailable(error)) onError(error);
    },
  });
}

/** As much of a request as recognising its sender takes. */
function requestOf({ id, authorization, cookie }: Call, endpoint: Endpoint): FastifyRequest {
  const headers = {
    ...(authorization === undefined ? {} : { authorization }),
    'sec-fetch-site': 'same-origin',
  };
  const cookies = cookie === undefined || id === undefined ? {} : { [cookieName(id)]: cookie };
  const request = { method: endpoint.methods[0], headers, cookies, params: { id: String(id ?? '') } };
  return request as unknown as FastifyRequest; // nothing else of it is looked at
}

/** As much of Fastify's reply as handlers use. */
class PlainReply {
  statusCode = 200;
  readonly #headers = new Map<string, string>();
  readonly #time: Time;
  readonly #arrivedMs: number;
  #cookie: string | null = null;

  constructor(time: Time) {
    this.#time = time;
    this.#arrivedMs = time.nowMs;
  }

  get elapsedTime(): number {
    return this.#time.nowMs - this.#arrivedMs;
  }

  code(status: number): this {
    this.statusCode = status;
    return this;
  }

  header(name: string, value: string): this {
    this.#headers.set(name, value);
    return this;
  }

  type(value: string): this {
    return this.header('content-type', value);
  }

  getHeader(name: string): string | undefined {
    return this.#headers.get(name);
  }

  setCookie(_name: string, value: string): this {
    this.#cookie = value;
    return this;
  }

  with(text: string): Reply {
    const isPicture = this.#headers.get('content-type')?.startsWith('image/') ?? false;
    const body = isPicture ? null : JSON.parse(text);
    const reason = typeof body?.reason === 'string' ? body.reason : null;
    const replayed = this.#headers.has('idempotency-replayed');
    return { status: this.statusCode, reason, body, text, replayed, cookie: this.#cookie };
  }
}

async function noteSecondSession(
  context: Context,
  { organization_id, agent_id, name }: { organization_id: number; agent_id: number; name: string },
): Promise<void> {
  await context.database.of(organization_id).transaction(async (tx) => {
    const object = { type: 'Agent', id: agent_id, name } as const;
    const by = { actor: null, authenticated_by: null, message: `${name} connected a second time` };
    const at = context.clock.now();
    await recordEvent(context, tx, { organization_id, type: 'agent.alarm', at, object, ...by });
  });
}
