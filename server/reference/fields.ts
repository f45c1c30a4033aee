import type { Schema } from '../../domain/openapi/schema.ts';
import { type Markup, markup, phrase } from './markup.ts';

/** The fields of an object as a list that reads well on a phone: name and type, then what it means. */
export function fieldList({ properties = {}, required = [] }: Schema): Markup {
  const entries = Object.entries(properties).map(([name, schema]) => fieldEntry(name, schema, required));
  return markup`<dl class="fields">${entries}</dl>`;
}

function fieldEntry(name: string, schema: Schema, required: readonly string[]): Markup {
  const { description, properties } = schema;
  const inner = properties ?? schema.items?.properties;
  const word = required.includes(name) ? false : markup` <i>optional</i>`;
  return markup`<div><dt><code>${name}</code> <span>${typeOf(schema)}${word}</span></dt>
<dd>${description && phrase(description)}${inner && fieldList(schema.items ?? schema)}</dd></div>\n`;
}

/** A type in words, with the words it may be. */
function typeOf(schema: Schema): Markup {
  const name = shapeName(schema);
  if (name && schema.type !== 'array') return name;
  if (schema.type === 'array') return markup`array of ${schema.items ? typeOf(schema.items) : 'anything'}`;
  if (schema.const !== undefined) return markup`<code>${JSON.stringify(schema.const)}</code>`;
  if (schema.enum)
    return joined(
      schema.enum.map((each) => markup`<code>${String(each)}</code>`),
      ' | ',
    );
  const types = [schema.type ?? 'anything'].flat();
  const words = types.map((type) => markup`${type === 'string' && schema.format ? schema.format : type}`);
  return joined(words, ' or ');
}

/** A link to the shape that a schema names, or to each of them; undefined: it names none. */
export function shapeName(schema: Schema): Markup | undefined {
  const name = schema.$ref?.split('/').at(-1);
  if (name) return markup`<a href="#shape-${name}">${name}</a>`;
  if (schema.type === 'array' && schema.items) return shapeName(schema.items);
  const found = schema.anyOf?.map(shapeName).filter((each) => each !== undefined) ?? [];
  return found.length > 0 ? joined(found, ' or ') : undefined;
}

function joined(parts: readonly Markup[], by: string): Markup {
  return markup`${parts.map((part, at) => markup`${at > 0 && by}${part}`)}`;
}
