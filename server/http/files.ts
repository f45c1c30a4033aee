import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { AnyoneRequest } from './handlers.ts';

/** Something that is the same for everybody, as it is and compressed (RFC 9110 §8.4.1.3), with the name of its content. */
export interface ServedFile {
  type: string;
  body: Buffer;
  gzipped: Buffer;
  /** RFC 9110 §8.8.3, weak: compressed or not it is the same. */
  etag: string;
}

export function servedFile(type: string, content: string): ServedFile {
  const body = Buffer.from(content);
  const hash = createHash('sha256').update(body).digest('base64url').slice(0, 16);
  return { type, body, gzipped: gzipSync(body), etag: `W/"${hash}"` };
}

/** The file, or 304 when the caller has it already. `caching` is the whole `Cache-Control`. */
export function sendServedFile(
  file: ServedFile,
  request: AnyoneRequest,
  caching: string,
): Buffer | undefined {
  const { headers, reply } = request;
  reply.headers({ 'cache-control': caching, etag: file.etag, vary: 'accept-encoding' });
  if (headers['if-none-match']?.split(',').some((tag) => tag.trim() === file.etag)) {
    reply.code(304);
    return undefined;
  }
  reply.type(file.type);
  if (!/\bgzip\b/.test(headers['accept-encoding'] ?? '')) return file.body;
  reply.header('content-encoding', 'gzip');
  return file.gzipped;
}
