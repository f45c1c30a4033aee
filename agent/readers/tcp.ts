import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { readerTextLengthMax } from '../../domain/agent-protocol.ts';
import { LineSplitter } from './lines.ts';
import type { Reader, ReaderParts, Shown } from './reader.ts';

/** This driver lends whoever reaches its port the eyes of a reader: so it listens to its own machine only. */
export const tcpReaderHost = '127.0.0.1';
export const tcpConnectionsMax = 32;
export const tcpIdleTimeoutMs = 60_000;
/** A UTF-16 unit takes at most three bytes of UTF-8; one more for a CR. */
const lineBytesMax = readerTextLengthMax * 3 + 1;

export interface TcpReaderSettings extends ReaderParts {
  /** 0: any free one. */
  port: number;
  idle_timeout_ms?: number;
}

type OnText = (text: string) => Promise<Shown>;

/**
 * The line driver: a client sends a text as one line and gets one line back: `granted`, `denied <reason>`,
 * `repeated` or `unreadable`. It is also the simulated reader. A client that does not read its answers is not
 * read from either: what waits is one portion of the socket and no more.
 */
export class TcpReader implements Reader {
  readonly #settings: TcpReaderSettings;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(settings: TcpReaderSettings) {
    this.#settings = settings;
    // Half-open: a client may end its side after the line and still wait for the answer.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true });
    this.#server.maxConnections = tcpConnectionsMax;
  }

  async start(onText: OnText): Promise<void> {
    const { name, port, log } = this.#settings;
    this.#server.on('connection', (socket) => this.#serve(socket, onText));
    this.#server.listen(port, tcpReaderHost);
    try {
      await once(this.#server, 'listening');
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`The reader "${name}" cannot listen on ${tcpReaderHost}, port ${port}: ${reason}`);
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
    return this.#server.listening ? { host: tcpReaderHost, port: this.port() } : null;
  }

  async check(): Promise<string> {
    if (!this.#server.listening) throw new Error('It is not listening.');
    return `lines of text on ${tcpReaderHost}, port ${this.port()}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket, onText: OnText): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.setTimeout(this.#settings.idle_timeout_ms ?? tcpIdleTimeoutMs, () => socket.destroy());
    // A reset, an idle or a destroyed connection concerns nobody but its client.
    pipeline(socket, (portions: AsyncIterable<Buffer>) => answers(portions, onText), socket).catch(() => {});
  }
}

async function* answers(portions: AsyncIterable<Buffer>, onText: OnText): AsyncGenerator<string> {
  const lines = new LineSplitter(lineBytesMax);
  for await (const portion of portions) {
    for (const line of lines.push(portion)) yield `${words(await show(line, onText))}\n`;
  }
}

async function show(line: Uint8Array | null, onText: OnText): Promise<Shown> {
  if (line === null) return { shown: 'unreadable' };
  const text = decoded(line);
  if (text.length === 0 || text.length > readerTextLengthMax) return { shown: 'unreadable' };
  try {
    return await onText(text);
  } catch {
    return { shown: 'unreadable' };
  }
}

/** UTF-8 where it is, else Latin-1: every sequence of bytes is a text. */
function decoded(line: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(line);
  } catch {
    return Buffer.from(line).toString('latin1');
  }
}

function words(shown: Shown): string {
  return shown.shown === 'denied' ? `denied ${shown.reason}` : shown.shown;
}
