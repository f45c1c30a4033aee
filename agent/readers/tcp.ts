import { once } from 'node:events';
import { type AddressInfo, BlockList, createServer, isIP, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { type Static, Type } from 'typebox';
import { answers, type OnText } from './answers.ts';
import type { Reader, ReaderParts } from './reader.ts';

/** This driver lends whoever reaches its port the eyes of a reader: so it listens to its own machine, unless told otherwise. */
export const tcpReaderHost = '127.0.0.1';
export const tcpConnectionsMax = 32;
export const tcpIdleTimeoutMs = 60_000;

const Port = Type.Integer({
  minimum: 0,
  maximum: 65_535,
  description: 'a port from 0 (any free one) to 65535',
});

export const SimulatedReaderConfig = Type.Object({
  driver: Type.Literal('simulated'),
  port: Type.Optional(Port),
});

export const TcpReaderConfig = Type.Object({
  driver: Type.Literal('tcp'),
  port: Port,
  host: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'the address of this machine to listen on; 127.0.0.1, for its own programs only, if absent',
    }),
  ),
  allow: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      minItems: 1,
      maxItems: 64,
      description:
        'who may connect besides this machine: addresses and ranges such as ["192.168.1.30", "10.0.5.0/24"]; needed with any other host',
    }),
  ),
});
export type TcpReaderConfig = Static<typeof TcpReaderConfig>;

export interface TcpReaderSettings extends ReaderParts {
  /** 0: any free one. */
  port: number;
  host?: string | undefined;
  allow?: string[] | undefined;
  idle_timeout_ms?: number;
}

/**
 * The line driver: a client sends a text as one line and gets one line back: `granted`, `denied <reason>`,
 * `repeated` or `unreadable`. It is also the simulated reader. A client that does not read its answers is not
 * read from either: what waits is one portion of the socket and no more.
 */
export class TcpReader implements Reader {
  readonly #settings: TcpReaderSettings;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #host: string;
  readonly #allowed: BlockList;

  constructor(settings: TcpReaderSettings) {
    this.#settings = settings;
    this.#host = settings.host ?? tcpReaderHost;
    this.#allowed = allowed(settings);
    // Half-open: a client may end its side after the line and still wait for the answer.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true });
    this.#server.maxConnections = tcpConnectionsMax;
  }

  async start(onText: OnText): Promise<void> {
    const { name, port, log } = this.#settings;
    this.#server.on('connection', (socket) => this.#serve(socket, onText));
    this.#server.listen(port, this.#host);
    try {
      await once(this.#server, 'listening');
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`The reader "${name}" cannot listen on ${this.#host}, port ${port}: ${reason}`);
    }
    this.#server.on('error', (error) =>
      log.warn({ reader: name, error: error.message }, 'A reader has trouble.'),
    );
  }

  /** The port it listens on. */
  port(): number {
    // A server that listens on TCP has an AddressInfo for an address; only pipes have a string.
    return (this.#server.address() as AddressInfo).port;
  }

  listensAt() {
    return this.#server.listening ? { host: fromHere(this.#host), port: this.port() } : null;
  }

  async check(): Promise<string> {
    if (!this.#server.listening) throw new Error('It is not listening.');
    const others = this.#settings.allow;
    const who = others === undefined ? '' : `, from this machine and ${others.join(', ')}`;
    return `lines of text on ${this.#host}, port ${this.port()}${who}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket, onText: OnText): void {
    const { remoteAddress: from = '' } = socket;
    if (!this.#allowed.check(withoutMapping(from), isIP(withoutMapping(from)) === 6 ? 'ipv6' : 'ipv4')) {
      this.#settings.log.warn({ reader: this.#settings.name, from }, 'A reader turned away a stranger.');
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.setTimeout(this.#settings.idle_timeout_ms ?? tcpIdleTimeoutMs, () => socket.destroy());
    // A reset, an idle or a destroyed connection concerns nobody but its client.
    pipeline(socket, (portions: AsyncIterable<Buffer>) => answers(portions, onText), socket).catch(() => {});
  }
}

/** Whoever may hold texts before this reader. Throws a sentence when that would be everybody, or when it names nobody. */
function allowed({ name, host = tcpReaderHost, allow }: TcpReaderSettings): BlockList {
  const list = new BlockList();
  list.addSubnet('127.0.0.0', 8, 'ipv4');
  list.addAddress('::1', 'ipv6');
  if (allow === undefined && !isLoopback(host, list))
    throw new Error(
      `The reader "${name}" would read for everybody who reaches ${host}: say in "allow" which addresses may connect.`,
    );
  for (const entry of allow ?? []) add(entry, list, name);
  return list;
}

function add(entry: string, list: BlockList, name: string): void {
  const [address = '', bits, ...rest] = entry.split('/');
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  const bitsMax = family === 'ipv6' ? 128 : 32;
  const length = bits === undefined ? bitsMax : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  if (isIP(address) === 0 || rest.length > 0 || !(length >= 1 && length <= bitsMax))
    throw new Error(
      `The reader "${name}" cannot allow "${entry}": it takes addresses such as 192.168.1.30 and ranges such as 10.0.5.0/24.`,
    );
  list.addSubnet(address, length, family);
}

function isLoopback(host: string, own: BlockList): boolean {
  return host === 'localhost' || (isIP(host) !== 0 && own.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4'));
}

/** An IPv4 address as a socket of both kinds shows it. */
function withoutMapping(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, '');
}

/** Where a program on this machine reaches a listener on all addresses. */
function fromHere(host: string): string {
  return host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
}
