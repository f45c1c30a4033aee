import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { gzipSync } from 'node:zlib';
import { SettingError } from '../config.ts';
import type { AnyoneRequest } from './handlers.ts';

/** One file that browsers ask for, as it is and compressed (RFC 9110 §8.4.1.3). */
export interface PageFile {
  type: string;
  body: Buffer;
  gzipped: Buffer;
}

/** The pages as `pages/build.ts` wrote them, kept in memory: an HTML file each, and what they load. */
export interface PageFiles {
  /** The visitor's. */
  html: PageFile;
  /** That of a tablet as a reader. */
  reader: PageFile;
  assets: ReadonlyMap<string, PageFile>;
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

/** Throws a sentence when the pages were not built. */
export function readPageFiles(): PageFiles {
  const folder = new URL('../../pages/dist/', import.meta.url);
  try {
    const names = readdirSync(new URL('assets/', folder)).filter((name) => extname(name) in types);
    return {
      html: readPageFile(new URL('guest.html', folder)),
      reader: readPageFile(new URL('reader.html', folder)),
      assets: new Map(names.map((name) => [name, readPageFile(new URL(`assets/${name}`, folder))])),
    };
  } catch {
    throw new SettingError('The pages are not built yet: run `npm run pages` once, then start again.');
  }
}

function readPageFile(file: URL): PageFile {
  const body = readFileSync(file);
  return { type: types[extname(file.pathname)] ?? '', body, gzipped: gzipSync(body) };
}

/** Answers with the file, compressed where the browser takes it. */
export function sendFile(file: PageFile, { headers, reply }: AnyoneRequest): Buffer {
  reply.type(file.type).header('vary', 'accept-encoding');
  if (!/\bgzip\b/.test(headers['accept-encoding'] ?? '')) return file.body;
  reply.header('content-encoding', 'gzip');
  return file.gzipped;
}
