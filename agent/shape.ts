import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';

/** As JSON Schema has it, of which TypeBox makes its schemas. */
interface Schema {
  type?: string;
  const?: unknown;
  description?: string;
  anyOf?: readonly Schema[];
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  items?: Schema;
}

/**
 * Everything that is wrong with a value that a person wrote, a sentence each: where it is, and what was expected. A union
 * of objects is told apart by `driver`, so that a mistake is named where it is, not as "none of these".
 */
export function mistakes(schema: TSchema, value: unknown, path: string): string[] {
  const found = [...walk(schema, value, path)];
  if (found.length === 0 && !Compile(schema).Check(value))
    return [`${path || 'The file'} is not as described.`];
  return found;
}

function* walk(schema: Schema, value: unknown, path: string): Generator<string> {
  if (schema.anyOf) yield* walkUnion(schema, schema.anyOf, { value, path });
  else if (schema.properties) yield* walkObject(schema, schema.properties, { value, path });
  else if (schema.type === 'array') yield* walkList(schema, value, path);
  else if (!holds(schema, value)) yield `${path} must be ${expected(schema)}.`;
}

interface Found {
  value: unknown;
  path: string;
}

function* walkUnion(schema: Schema, variants: readonly Schema[], { value, path }: Found): Generator<string> {
  const drivers = variants.map(driverOf);
  if (drivers.some((driver) => driver === undefined)) {
    if (!variants.some((variant) => walk(variant, value, path).next().done))
      yield `${path} must be ${schema.description ?? variants.map(expected).join(' or ')}.`;
    return;
  }
  const names = drivers.map(String).join(', ');
  if (!isObject(value)) yield `${path} must be an object with a "driver": one of ${names}.`;
  else if (value['driver'] === undefined) yield `${path}.driver is missing: one of ${names}.`;
  else {
    const chosen = variants[drivers.indexOf(value['driver'])];
    if (chosen) yield* walk(chosen, value, path);
    else
      yield `${path}.driver is ${JSON.stringify(value['driver'])}, which there is none of. The drivers are: ${names}.`;
  }
}

function* walkObject(
  { required = [], description }: Schema,
  fields: Readonly<Record<string, Schema>>,
  { value, path }: Found,
): Generator<string> {
  if (!isObject(value)) {
    yield `${path || 'The file'} must be ${description ?? 'an object'}.`;
    return;
  }
  const at = (name: string) => (path === '' ? name : `${path}.${name}`);
  for (const [name, field] of Object.entries(fields)) {
    if (value[name] !== undefined) yield* walk(field, value[name], at(name));
    else if (required.includes(name)) yield `${at(name)} is missing: ${expected(field)}.`;
  }
  for (const name of Object.keys(value))
    if (!Object.hasOwn(fields, name))
      yield `${at(name)} is not known here. The fields are: ${Object.keys(fields).join(', ')}.`;
}

function* walkList(schema: Schema, value: unknown, path: string): Generator<string> {
  if (!Array.isArray(value)) {
    yield `${path} must be ${schema.description ?? 'a list'}.`;
    return;
  }
  const { items } = schema;
  if (items) for (const [index, each] of value.entries()) yield* walk(items, each, `${path}[${index}]`);
  const { items: _, ...alone } = schema;
  if (!holds(alone, value)) yield `${path} must be ${schema.description ?? 'a list of another length'}.`;
}

function holds(schema: Schema, value: unknown): boolean {
  return Compile(schema as TSchema).Check(value); // a part of a schema of TypeBox is one
}

function driverOf({ properties }: Schema): unknown {
  return properties?.['driver']?.const;
}

function expected({ const: only, description, type, anyOf }: Schema): string {
  if (anyOf?.every((variant) => driverOf(variant) !== undefined)) return 'an object with a "driver"';
  if (only !== undefined) return JSON.stringify(only);
  return description ?? words[type ?? ''] ?? 'as the reference describes it';
}

const words: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
};

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
