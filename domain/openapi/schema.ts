import type { TSchema } from 'typebox';
import { meaningOf } from '../field-meanings.ts';

/** A schema object of OpenAPI 3.1: JSON Schema of 2020-12, as far as our own go. */
export interface Schema {
  $ref?: string;
  title?: string;
  description?: string;
  type?: string | string[];
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  maxProperties?: number;
  contentEncoding?: string;
  const?: unknown;
  enum?: unknown[];
  default?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: Schema[];
  examples?: unknown[];
}

/** What our own schemas say beyond that. `time-zone` is a format of ours besides. */
type OurSchema = Omit<Schema, 'properties' | 'items' | 'anyOf' | 'additionalProperties'> & {
  properties?: Record<string, OurSchema>;
  items?: OurSchema;
  anyOf?: OurSchema[];
  additionalProperties?: boolean | OurSchema;
  ignored?: boolean;
  neutral?: boolean;
};

/**
 * Which side of the wire a schema describes. A request names what is expected in its descriptions, and refuses fields
 * that it does not know; an answer may grow.
 */
export type Side = 'request' | 'answer';

export interface Translation {
  side: Side;
  /** The record that the fields belong to: the first half of `Lock.name` in the table of meanings. */
  owner: string;
  /** Takes a schema with a title for a component of its own, and answers the reference to it. */
  refer(title: string, schema: TSchema): string;
}

/** One of our schemas as legal JSON Schema, every field with what it means. */
export function translateSchema(schema: TSchema, to: Translation): Schema {
  return translate(schema as OurSchema, to); // TypeBox types say less than its schemas hold
}

function translate(schema: OurSchema, to: Translation): Schema {
  if (schema.title !== undefined && schema.title !== to.owner)
    return { $ref: to.refer(schema.title, schema as TSchema) };
  const { ignored: _, neutral: __, properties, items, anyOf, additionalProperties, ...own } = schema;
  const plain: Schema = own.format === 'time-zone' ? { ...without(own), examples: ['Europe/London'] } : own;
  if (anyOf) return union(plain, anyOf, to);
  if (items) return { ...plain, items: translate(items, to) };
  if (typeof additionalProperties === 'object')
    return { ...plain, additionalProperties: translate(additionalProperties, to) };
  if (!properties) return plain;
  const entries = Object.entries(properties).map(([name, field]) => [name, describedField(name, field, to)]);
  const closed = to.side === 'request' ? { additionalProperties: false } : {};
  return { ...plain, properties: Object.fromEntries(entries), ...closed };
}

function without({ format: _, ...rest }: OurSchema): Schema {
  return rest as Schema; // nothing of ours is left in it
}

/** "This or null" becomes one schema of two types, which is what readers of a reference understand. */
function union(own: Schema, alternatives: OurSchema[], to: Translation): Schema {
  const [first, second] = alternatives.map((each) => translate(each, to));
  const isNullable = alternatives.length === 2 && second?.type === 'null' && typeof first?.type === 'string';
  if (!isNullable) return { ...own, anyOf: alternatives.map((each) => translate(each, to)) };
  const words = first.enum ?? (first.const === undefined ? undefined : [first.const]);
  const { const: _, ...rest } = first;
  return {
    ...rest,
    ...own,
    type: [String(first.type), 'null'],
    ...(words ? { enum: [...words, null] } : {}),
  };
}

function describedField(name: string, field: OurSchema, to: Translation): Schema {
  const { description: _, ...schema } = translate(field, to);
  const description = [meaningOf(to.owner, name), expectation(field, to.side)].filter(Boolean).join(' ');
  return description === '' ? schema : { ...schema, description };
}

function expectation(field: OurSchema, side: Side): string | undefined {
  const { ignored, neutral, description, examples, anyOf: [kind] = [field] } = field;
  if (ignored) return "Kisi's field: accepted, and of no effect here.";
  if (neutral) return `Kisi's field: here always \`${JSON.stringify(examples?.[0] ?? {})}\`.`;
  // The type says as much.
  const isPlain = kind?.enum || kind?.type === 'boolean' || kind?.maximum === Number.MAX_SAFE_INTEGER;
  if (side === 'answer' || isPlain || description === undefined) return undefined;
  return `${description[0]?.toUpperCase()}${description.slice(1)}.`;
}

/** A value that the schema allows, put together from the examples of its parts. */
export function exampleOf(schema: TSchema): unknown {
  return example(schema as OurSchema); // as above
}

function example(schema: OurSchema): unknown {
  if (schema.examples) return schema.examples[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (schema.anyOf?.[0]) return example(schema.anyOf[0]);
  if (schema.items) return [example(schema.items)];
  if (schema.type === 'object') {
    const fields = Object.entries(schema.properties ?? {});
    return Object.fromEntries(fields.map(([name, field]) => [name, example(field)]));
  }
  if (schema.type === 'integer' || schema.type === 'number') return schema.minimum ?? 0;
  return schema.type === 'boolean' ? false : null;
}
