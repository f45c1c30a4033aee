import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { gzipSync } from 'node:zlib';
import { SettingError } from '../config.ts';

/** One file that browsers ask for, as it is and compressed (RFC 9110 §8.4.1.3). */
export interface PageFile {
  type: string;
  body: Buffer;
  gzipped: Buffer;
}

/** The visitor's page as `pages/build.ts` wrote it, kept in memory: one HTML file and what it loads. */
export interface PageFiles {
  html: PageFile;
  assets: ReadonlyMap<string, PageFile>;
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

/** Throws a sentence when the page was not built. */
export function readPageFiles(): PageFiles {
  const folder = new URL('../../pages/dist/', import.meta.url);
  try {
    const names = readdirSync(new URL('assets/', folder)).filter((name) => extname(name) in types);
    return {
      html: readPageFile(new URL('guest.html', folder)),
      assets: new Map(names.map((name) => [name, readPageFile(new URL(`assets/${name}`, folder))])),
    };
  } catch {
    throw new SettingError(
      "The visitor's page is not built yet: run `npm run pages` once, then start again.",
    );
  }
}

function readPageFile(file: URL): PageFile {
  const body = readFileSync(file);
  return { type: types[extname(file.pathname)] ?? '', body, gzipped: gzipSync(body) };
}
