import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** `reset`: both ends hear of it at once. `stall`: nothing goes through, nobody hears of it, and nothing is lost. */
export type Cut = 'reset' | 'stall';

/** The line between a server and what connects to it, which can be cut and healed. */
export class CutLine implements AsyncDisposable {
  /** What connects here reaches the server while the line is whole. */
  readonly url: string;

  readonly #server: Server;
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #cut: Cut | null = null;
  /** Connections that were begun while nothing went through. */
  #waiting: Socket[] = [];

  private constructor(server: Server, to: URL) {
    this.#server = server;
    this.#port = Number(to.port);
    // It listens on TCP, so it has an AddressInfo for an address.
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (socket) => this.#accept(socket));
  }

  static async open(to: { url: string }): Promise<CutLine> {
    const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new CutLine(server, new URL(to.url));
  }

  cut(how: Cut): void {
    this.#cut = how;
    for (const socket of this.#sockets) {
      if (how === 'reset') socket.resetAndDestroy();
      else socket.pause();
    }
  }

  heal(): void {
    this.#cut = null;
    for (const socket of this.#sockets) socket.resume();
    for (const socket of this.#waiting.splice(0)) this.#join(socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of [...this.#sockets, ...this.#waiting]) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(socket: Socket): void {
    socket.on('error', () => {}); // a line that breaks is what this is for
    if (this.#cut === 'reset') socket.resetAndDestroy();
    else if (this.#cut === 'stall') this.#waiting.push(socket);
    else this.#join(socket);
  }

  #join(socket: Socket): void {
    if (socket.destroyed) return;
    const upstream = connect(this.#port, '127.0.0.1');
    upstream.on('error', () => {});
    this.#pass(socket, upstream);
    this.#pass(upstream, socket);
  }

  #pass(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on('data', (portion) => void to.write(portion));
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    if (this.#cut === null) from.resume();
    else from.pause();
  }
}
