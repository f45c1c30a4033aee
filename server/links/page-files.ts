import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';

/** The visitor's page as `pages/build.ts` wrote it, kept in memory: one HTML file and what it loads. */
export interface PageFiles {
  html: Buffer;
  assets: ReadonlyMap<string, { type: string; body: Buffer }>;
}

const types: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

/** Throws a sentence when the page was not built. */
export function readPageFiles(): PageFiles {
  const folder = new URL('../../pages/dist/', import.meta.url);
  try {
    const names = readdirSync(new URL('assets/', folder)).filter((name) => extname(name) in types);
    const asset = (name: string) => ({
      type: types[extname(name)] ?? '',
      body: readFileSync(new URL(`assets/${name}`, folder)),
    });
    return {
      html: readFileSync(new URL('guest.html', folder)),
      assets: new Map(names.map((name) => [name, asset(name)])),
    };
  } catch {
    throw new Error("The visitor's page is not built yet: run `npm run pages` once, then start again.");
  }
}
