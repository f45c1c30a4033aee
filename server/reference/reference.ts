import { readFileSync } from 'node:fs';
import { entryOf } from '../../domain/openapi/failures.ts';
import { openApiDocument } from '../../domain/openapi.ts';
import { reasons } from '../../domain/schemas/answers/errors.ts';
import type { Context } from '../context.ts';
import { type ServedFile, servedFile } from '../http/files.ts';
import { errorPage, errorsPage } from './error-pages.ts';
import { referencePage } from './reference-page.ts';

const html = 'text/html; charset=utf-8';
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

/** The reference in all its forms, each made when it is first asked for and kept. */
export class Reference {
  readonly #context: Context;
  readonly #made = new Map<string, ServedFile>();
  /** The style sheet of all its pages, under a name that changes with it. */
  readonly style = readStyle();

  constructor(context: Context) {
    this.#context = context;
  }

  document(): ServedFile {
    return this.#once('document', () =>
      servedFile('application/json; charset=utf-8', JSON.stringify(this.#open())),
    );
  }

  page(): ServedFile {
    return this.#once('page', () =>
      servedFile(
        html,
        referencePage(this.#open(), { publicUrl: this.#context.publicUrl, style: this.style.path }),
      ),
    );
  }

  errors(): ServedFile {
    return this.#once('errors', () => servedFile(html, errorsPage(this.style.path)));
  }

  /** Of the error with this reason or code; null: there is none. */
  error(name: string): ServedFile | null {
    const reason = reasons.find((each) => each === name || entryOf(each).code === name);
    if (!reason) return null;
    return this.#once(`error ${reason}`, () => servedFile(html, errorPage(reason, this.style.path)));
  }

  #open() {
    return openApiDocument({ publicUrl: this.#context.publicUrl, version });
  }

  #once(name: string, make: () => ServedFile): ServedFile {
    const made = this.#made.get(name) ?? make();
    this.#made.set(name, made);
    return made;
  }
}

function readStyle() {
  const file = servedFile(
    'text/css; charset=utf-8',
    readFileSync(new URL('reference.css', import.meta.url), 'utf8'),
  );
  const name = `reference.${file.etag.replace(/[^\w]/g, '').slice(1)}.css`;
  return { name, file, path: `/docs/assets/${name}` };
}
