import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { text as allOf } from 'node:stream/consumers';
import { Problem } from './problem.ts';
import { onlyTrusting, trusting } from './socket.ts';

export const postTimeoutMs = 10_000;
const answerBytesMax = 64 * 1024;

/** Whom to believe that it is the server, beside the system's authorities. */
export interface Trust {
  /** Certificates of authorities, PEM. */
  authority?: string | undefined;
  /** The one certificate to trust, whatever names it has, PEM: for an agent on the server's own machine. */
  certificate?: string | undefined;
}

/** Sends JSON and reads JSON; `json` is undefined when the answer is none. Throws a Problem when there is no answer. */
export async function postJson(
  url: URL,
  body: object,
  { authority, certificate }: Trust,
): Promise<{ status: number; json: unknown }> {
  const signal = AbortSignal.timeout(postTimeoutMs);
  try {
    const { promise, resolve, reject } = Promise.withResolvers<import('node:http').IncomingMessage>();
    const headers = { 'content-type': 'application/json', accept: 'application/json' };
    const options = { method: 'POST', headers, signal, ...trusting(authority), ...onlyTrusting(certificate) };
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, options, resolve);
    request.on('error', reject);
    request.end(JSON.stringify(body));
    const response = await promise;
    response.on('data', () => response.socket.bytesRead > answerBytesMax && request.destroy());
    return { status: response.statusCode ?? 0, json: parsed(await allOf(response)) };
  } catch (error) {
    throw new Problem(trouble(error, signal.aborted, url.origin));
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function trouble(error: unknown, isLate: boolean, origin: string): string {
  if (isLate) return `${origin} did not answer within ${postTimeoutMs / 1000} seconds.`;
  const { code = '', message }: Partial<NodeJS.ErrnoException> =
    error instanceof AggregateError ? error.errors[0] : Object(error);
  const words = connectionWords[code];
  if (words !== undefined) return `${origin} cannot be reached: ${words}`;
  if (/CERT|SELF_SIGNED|SIGNATURE|ISSUER|ALTNAME/.test(code))
    return `${origin} showed a certificate that this machine does not trust (${code}). If it is one of your own, name its authority: --authority <file>.`;
  return `${origin} cannot be reached: ${message ?? String(error)}`;
}

const connectionWords: Record<string, string> = {
  ECONNREFUSED: 'nobody listens there. Is the server running, and is the port right?',
  ENOTFOUND: 'there is no host of that name.',
  EAI_AGAIN: 'the name cannot be looked up just now. Is this machine connected?',
  EHOSTUNREACH: 'there is no way to that host. Is this machine connected?',
  ENETUNREACH: 'there is no network.',
  ECONNRESET: 'it hung up.',
};
