import type { TSchema } from 'typebox';
import { type Schema, type Side, translateSchema } from './schema.ts';

/** The shapes with a name that a document refers to, found on the way. */
export class Shapes {
  readonly #found = new Map<string, { source: TSchema; schema: Schema }>();

  /** The schema as the document says it: those with a title by reference, and kept under it. */
  translate(schema: TSchema, side: Side, owner = ''): Schema {
    return translateSchema(schema, { side, owner, refer: (title, found) => this.#refer(title, found) });
  }

  /** In the order of their names. */
  all(): Record<string, Schema> {
    const sorted = [...this.#found].sort(([one], [other]) => (one < other ? -1 : 1));
    return Object.fromEntries(sorted.map(([title, { schema }]) => [title, schema]));
  }

  #refer(title: string, source: TSchema): string {
    const known = this.#found.get(title);
    if (known && JSON.stringify(known.source) !== JSON.stringify(source))
      throw new Error(`two shapes are called ${title}`);
    if (!known) {
      const place = { source, schema: {} };
      this.#found.set(title, place); // before its parts: they may refer to it
      place.schema = this.translate(source, 'answer', title);
    }
    return `#/components/schemas/${title}`;
  }
}
