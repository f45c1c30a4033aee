import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { type Address, dial, type Line } from './dial.ts';
import { answerChallenge } from './digest.ts';

/** No answer says more than this to us. */
export const answerBytesMax = 65_536;

/** What may be shown of an address: the rest of it may hold a secret. */
const shown = (url: URL) => url.origin;

export interface Outgoing {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body: string | undefined;
}

export interface Answer {
  status: number;
  challenge: string | undefined;
  text: string;
  /** False: the text was too long, or broke off. */
  complete: boolean;
}

/** The request may have left, and nobody answered. */
export class NoAnswer extends Error {}

export interface Credentials {
  user: string;
  password: string;
  nonce: () => string;
}

export interface Trust {
  /** Whose certificates count (PEM), for https. */
  ca: string[];
  /** For whoever asks for digest authentication. */
  credentials: Credentials | null;
}

/**
 * One request, and a second one when the first was answered with a challenge and there are credentials. Redirects are answers
 * like others. Rejects with NoAnswer when the request may have arrived, and with another error when it cannot have.
 */
export async function exchange(
  outgoing: Outgoing,
  { ca, credentials }: Trust,
  signal: AbortSignal,
): Promise<Answer> {
  const first = await askOnce(outgoing, ca, signal);
  if (first.status !== 401 || first.challenge === undefined || credentials === null) return first;
  const { user, password, nonce } = credentials;
  const uri = outgoing.url.pathname + outgoing.url.search;
  const asked = { method: outgoing.method, uri, user, password, cnonce: nonce() };
  const authorization = answerChallenge(first.challenge, asked);
  return askOnce({ ...outgoing, headers: { ...outgoing.headers, authorization } }, ca, signal);
}

async function askOnce(outgoing: Outgoing, ca: string[], signal: AbortSignal): Promise<Answer> {
  const line = await reach(outgoing.url, ca, signal);
  // Not the request's own signal: it would end the line in the ordinary way, with what is still to be sent.
  signal.addEventListener('abort', line.reset);
  try {
    return await ask(line, outgoing, signal);
  } catch {
    line.reset();
    throw new NoAnswer(`${shown(outgoing.url)} was asked and did not answer.`);
  } finally {
    signal.removeEventListener('abort', line.reset);
    line.stream.destroy();
  }
}

async function reach(url: URL, ca: string[], signal: AbortSignal): Promise<Line> {
  try {
    return await dial(addressOf(url, ca), signal);
  } catch (error) {
    throw new Error(`${shown(url)} cannot be reached: ${reasonOf(error, signal)}.`);
  }
}

function addressOf(url: URL, ca: string[]): Address {
  const tls = url.protocol === 'https:' ? { ca } : null;
  const port = url.port === '' ? (tls === null ? 80 : 443) : Number(url.port);
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port, tls };
}

/** An aggregate of the errors of several addresses has no message of its own. */
export function reasonOf(error: unknown, signal: AbortSignal | null): string {
  if (signal?.aborted === true) return 'no answer in time';
  if (error instanceof AggregateError) return reasonOf(error.errors[0], signal);
  return error instanceof Error ? error.message.replace(/[.\s]+$/, '') : String(error);
}

async function ask(line: Line, outgoing: Outgoing, signal: AbortSignal): Promise<Answer> {
  const { method, url, headers, body } = outgoing;
  const sent = request({
    createConnection: () => line.stream,
    method,
    path: url.pathname + url.search,
    headers: { host: url.host, connection: 'close', ...headers, ...lengthOf(body) },
  });
  sent.on('error', () => {});
  sent.end(body);
  // The event 'response' has this one argument.
  const [answer] = (await once(sent, 'response', { signal })) as [IncomingMessage];
  return {
    status: answer.statusCode ?? 0,
    challenge: answer.headers['www-authenticate'],
    ...(await textOf(answer)),
  };
}

function lengthOf(body: string | undefined): Record<string, number> {
  return body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
}

/** What came of it until it ended, grew too long or broke off: the status has said already what became of the command. */
async function textOf(answer: IncomingMessage): Promise<{ text: string; complete: boolean }> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of answer) {
      // Without an encoding set, a message consists of Buffers.
      const portion: Buffer = part;
      parts.push(portion);
      bytes += portion.length;
      if (bytes > answerBytesMax) break;
    }
  } catch {
    // An answer that is cut off is judged by what there is of it.
  }
  const complete = answer.complete && bytes <= answerBytesMax;
  return { text: Buffer.concat(parts).subarray(0, answerBytesMax).toString('utf8'), complete };
}
