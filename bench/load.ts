import { Agent, type RequestOptions, request } from 'node:http';
import { connect, type Socket } from 'node:net';

/** What a load came to. Latencies are in milliseconds, one a request. */
export interface LoadResult {
  perSecond: number;
  latenciesMs: number[];
}

export interface Load {
  port: number;
  connections: number;
  durationMs: number;
  /** The bytes of the next request, head and body. */
  next(): Buffer;
}

const headEnd = Buffer.from('\r\n\r\n');

/**
 * Keeps every connection busy with one request after the other. It speaks HTTP/1.1 (RFC 9112) over plain sockets and
 * looks at nothing but status and length, so that the servers are measured and not the client: a general HTTP client
 * would cost more than the bare server does. Throws at any status but 200.
 */
export async function runLoad({ port, connections, durationMs, next }: Load): Promise<LoadResult> {
  const latenciesMs: number[] = [];
  const began = performance.now();
  const until = began + durationMs;
  const one = async () => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const answers = answersOf(socket);
    try {
      while (performance.now() < until) {
        const asked = performance.now();
        socket.write(next());
        await answers();
        latenciesMs.push(performance.now() - asked);
      }
    } finally {
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
  return { perSecond: (latenciesMs.length * 1000) / (performance.now() - began), latenciesMs };
}

export interface OrdinaryLoad extends Omit<Load, 'next'> {
  /** What the next request asks. */
  next(): { method: string; path: string; headers: Record<string, string> };
}

/** The same with the client that programs on Node have: `node:http`, its connections kept. Throws at any status but 200. */
export async function runOrdinaryLoad(load: OrdinaryLoad): Promise<LoadResult> {
  const { port, connections, durationMs, next } = load;
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const latenciesMs: number[] = [];
  const began = performance.now();
  const until = began + durationMs;
  const one = async () => {
    while (performance.now() < until) {
      const asked = performance.now();
      await askOrdinarily({ ...next(), agent, port, host: '127.0.0.1' });
      latenciesMs.push(performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: connections }, one)).finally(() => agent.destroy());
  return { perSecond: (latenciesMs.length * 1000) / (performance.now() - began), latenciesMs };
}

function askOrdinarily(options: RequestOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request(options, (answer) => {
      answer.resume();
      answer.on('end', resolve);
      if (answer.statusCode !== 200) reject(new Error(`The server answered ${answer.statusCode}.`));
    });
    asked.on('error', reject).end();
  });
}

/** One answer, as its bytes. */
export async function askOnce(port: number, request: Buffer): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.write(request);
  try {
    return await answersOf(socket)();
  } finally {
    socket.destroy();
  }
}

/** Call it once for each request: it resolves with the whole answer. */
function answersOf(socket: Socket): () => Promise<Buffer> {
  let received: Buffer = Buffer.alloc(0);
  let settle: { resolve(answer: Buffer): void; reject(error: Error): void } | null = null;
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const length = wholeLength(received);
    if (length === null || received.length < length) return;
    const answer = received.subarray(0, length);
    received = received.subarray(length);
    const { resolve, reject } = settle ?? { resolve() {}, reject() {} };
    if (answer.toString('latin1', 9, 12) === '200') resolve(answer);
    else reject(new Error(`The server answered:\n${answer.toString()}`));
  });
  socket.on('error', (error) => settle?.reject(error));
  socket.on('close', () => settle?.reject(new Error('The server closed the connection.')));
  return () =>
    new Promise((resolve, reject) => {
      settle = { resolve, reject };
    });
}

function wholeLength(received: Buffer): number | null {
  const end = received.indexOf(headEnd);
  if (end < 0) return null;
  const length = /\r\ncontent-length: *(\d+)/i.exec(received.toString('latin1', 0, end))?.[1];
  if (length === undefined) throw new Error('An answer without Content-Length is not one of ours.');
  return end + headEnd.length + Number(length);
}
