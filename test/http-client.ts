import { type IncomingHttpHeaders, type RequestOptions, request } from 'node:http';
import { request as secureRequest } from 'node:https';

/** What `fetch` cannot: an authority of one's own, and the address that a request comes from. */
export interface Sent extends Pick<RequestOptions, 'method' | 'headers' | 'localAddress' | 'agent'> {
  /** PEM; the only authority that is trusted. */
  ca?: string;
  body?: unknown;
}

export interface Received {
  status: number;
  headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  body: any;
}

const answerDeadlineMs = 15_000;

/** One request on a connection of its own, and its answer, parsed where it is JSON. Rejects where the certificate is not one to trust. */
export function send(url: string, { body, headers = {}, ...options }: Sent = {}): Promise<Received> {
  const { promise, resolve, reject } = Promise.withResolvers<Received>();
  const start = url.startsWith('https:') ? secureRequest : request;
  const json = body === undefined ? {} : { 'content-type': 'application/json' };
  const signal = AbortSignal.timeout(answerDeadlineMs);
  const asked = start(
    url,
    { agent: false, ...options, signal, headers: { ...json, ...headers } },
    (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      answer.on('error', reject);
      answer.on('end', () => {
        const isJson = answer.headers['content-type']?.startsWith('application/json') && text !== '';
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          body: isJson ? JSON.parse(text) : text,
        });
      });
    },
  );
  asked.on('error', reject);
  asked.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  return promise;
}
