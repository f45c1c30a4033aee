import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as allOf } from 'node:stream/consumers';

/** What a device made of a request; null: it says nothing, ever. */
interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

type Handle = (request: IncomingMessage, body: string, device: StandInDevice) => Reply | null;

/** A device on the network that is commanded over HTTP. */
export class StandInDevice {
  released = false;
  /** For every release: what the device was told of it. */
  readonly moved: { command_id?: string; pulse_ms?: number }[] = [];
  readonly requests: string[] = [];
  handle: Handle;

  readonly #server: Server;
  #waiting: { wanted: () => boolean; found: () => void }[] = [];
  #timer: NodeJS.Timeout | undefined;

  private constructor(handle: Handle) {
    this.handle = handle;
    this.#server = createServer(async (request, response) => {
      const body = await allOf(request);
      this.requests.push(`${request.method} ${request.url} ${body}`);
      const reply = this.handle(request, body, this);
      if (reply !== null) response.writeHead(reply.status, reply.headers).end(reply.body ?? '');
      this.#waiting = this.#waiting.filter(({ wanted, found }) => !wanted() || found());
    });
  }

  static async start(handle: Handle): Promise<StandInDevice> {
    const device = new StandInDevice(handle);
    device.#server.listen(0, '127.0.0.1');
    await once(device.#server, 'listening');
    return device;
  }

  get url(): string {
    // A server that listens on TCP has an AddressInfo for an address.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  release(what: { command_id?: string; pulse_ms?: number }): void {
    this.released = true;
    this.moved.push(what);
  }

  /** The device's own timer. */
  relockAfter(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.released = false;
    }, ms);
  }

  /** Looks at each request, until this is so. */
  async until(wanted: () => boolean): Promise<void> {
    if (wanted()) return;
    const found = Promise.withResolvers<void>();
    this.#waiting.push({ wanted, found: found.resolve });
    await found.promise;
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#server.closeAllConnections();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** Any relay: `/open?ms=…&command=…` releases, `/shut` locks, `/state` looks. */
export const plainRelay: Handle = (request, _body, device) => {
  const url = new URL(request.url ?? '', 'http://device');
  if (url.pathname === '/state')
    return { status: 200, body: JSON.stringify({ relay: { on: device.released } }) };
  if (url.pathname === '/shut') {
    device.released = false;
    return { status: 200 };
  }
  if (url.pathname !== '/open') return { status: 404 };
  const command_id = url.searchParams.get('command') ?? '';
  device.release({ command_id, pulse_ms: Number(url.searchParams.get('ms')) });
  return { status: 200, body: 'OK' };
};

/**
 * What a Shelly of the second generation does with `Switch.Set` and `Switch.GetStatus`, after its documentation: parameters in
 * the query or as JSON, digest authentication with nonces of one use, status 500 with a code for a bad call.
 */
export function shelly(password: string | null = null): Handle {
  const nonces = new Set<string>();
  return (request, body, device) => {
    if (password !== null && !authorized(request, password, nonces)) {
      const nonce = randomBytes(8).toString('hex');
      nonces.add(nonce);
      const challenge = `Digest qop="auth", realm="${realm}", nonce="${nonce}", algorithm=SHA-256`;
      return { status: 401, headers: { 'www-authenticate': challenge } };
    }
    const url = new URL(request.url ?? '', 'http://device');
    const said = body === '' ? fromQuery(url) : JSON.parse(body);
    if (said.id !== 0)
      return reply(500, { code: -105, message: `Argument 'id', value ${said.id} not found!` });
    if (url.pathname === '/rpc/Switch.GetStatus') return reply(200, { id: 0, output: device.released });
    if (url.pathname !== '/rpc/Switch.Set') return reply(404, { code: 404, message: 'No handler' });
    if (typeof said.on !== 'boolean' || typeof said.toggle_after !== 'number')
      return reply(500, { code: -103, message: 'Invalid argument' });
    const was_on = device.released;
    device.release({ pulse_ms: said.toggle_after * 1_000 });
    device.relockAfter(said.toggle_after * 1_000);
    return reply(200, { was_on });
  };
}

/** Home Assistant's REST API, with one lock, one switch and one button. */
export function homeAssistant(token: string): Handle {
  const moves: Record<string, boolean> = {
    'lock/unlock': true,
    'lock/lock': false,
    'switch/turn_on': true,
    'switch/turn_off': false,
    'button/press': true,
  };
  return (request, body, device) => {
    if (request.headers.authorization !== `Bearer ${token}`)
      return { status: 401, body: '401: Unauthorized' };
    const [, entity] = /^\/api\/states\/((?:lock|switch|button)\.front_door)$/.exec(request.url ?? '') ?? [];
    if (entity !== undefined)
      return reply(200, { entity_id: entity, state: device.released ? 'unlocked' : 'locked' });
    const service = /^\/api\/services\/(.*)$/.exec(request.url ?? '')?.[1] ?? '';
    const releases = moves[service];
    if (releases === undefined || request.method !== 'POST') return { status: 400, body: '400: Bad Request' };
    if (JSON.parse(body).entity_id !== `${service.split('/')[0]}.front_door`) return reply(200, []);
    if (releases) device.release({});
    else device.released = false;
    return reply(200, [{ entity_id: JSON.parse(body).entity_id }]);
  };
}

const realm = 'shellyplus1-a8032ab12345';

function reply(status: number, value: unknown): Reply {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}

function fromQuery(url: URL): Record<string, unknown> {
  return Object.fromEntries([...url.searchParams].map(([name, value]) => [name, JSON.parse(value)]));
}

function authorized(request: IncomingMessage, password: string, nonces: Set<string>): boolean {
  const given = request.headers.authorization ?? '';
  const field = (name: string) => new RegExp(`${name}="?([^",]*)`).exec(given)?.[1] ?? '';
  if (!given.startsWith('Digest ') || !nonces.delete(field(' nonce'))) return false;
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const ha1 = hash(`admin:${realm}:${password}`);
  const ha2 = hash(`${request.method}:${request.url}`);
  const expected = hash(`${ha1}:${field(' nonce')}:${field('nc')}:${field('cnonce')}:auth:${ha2}`);
  return field('uri') === request.url && field('cnonce').length > 8 && field('response') === expected;
}
