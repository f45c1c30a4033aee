import type { Static, TObject, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { invalidField, invalidFields, PosternError } from '../../domain/errors.ts';
import { parseInstant, timeZoneName } from '../../domain/instants.ts';

type Field = TSchema & {
  type?: string;
  format?: string;
  description?: string;
  ignored?: boolean;
  anyOf?: Field[];
};

/** Reads an unknown value into what the schema describes, or throws `invalid` naming every field that is wrong. */
export type Parser<T> = (raw: unknown) => T;

/** For bodies `{ "<noun>": { … } }`. A field inside is named without the noun, as Kisi does. */
export function bodyParser<Schema extends TObject>(noun: string, schema: Schema): Parser<Static<Schema>> {
  const parse = objectParser(schema);
  return (raw) => {
    if (!isObject(raw)) throw invalidField(noun, `is required: send { "${noun}": { … } } as JSON`);
    for (const name of Object.keys(raw)) {
      if (name !== noun) throw invalidField(name, `is not expected here: put the fields inside "${noun}"`);
    }
    const inner = raw[noun];
    if (!isObject(inner)) throw invalidField(noun, 'is required: an object with the fields inside');
    return parse(inner);
  };
}

/** For query strings: an empty value is no filter, since programs send their empty fields along. */
export function queryParser<Schema extends TObject>(schema: Schema): Parser<Static<Schema>> {
  const parse = objectParser(schema);
  return (raw) => {
    const given: Record<string, unknown> = Object.create(null); // a parameter may have any name
    for (const [name, value] of Object.entries(raw ?? {})) if (value !== '') given[name] = value;
    return parse(withIds(given));
  };
}

/** Programs spell a list of ids in three ways: `ids=1,2`, `ids[]=1&ids[]=2` and `ids=1&ids=2`. */
function withIds({ 'ids[]': bracketed, ...given }: Record<string, unknown>): Record<string, unknown> {
  const ids = given['ids'] ?? bracketed;
  return ids === undefined ? given : { ...given, ids: Array.isArray(ids) ? ids.join(',') : ids };
}

/** For bodies without a noun around them. A missing body counts as an empty one. */
export function objectParser<Schema extends TObject>(schema: Schema): Parser<Static<Schema>> {
  const required = new Set(schema.required ?? []);
  const fields = Object.entries(schema.properties).map(([name, field]) =>
    fieldParser(name, field, required.has(name)),
  );
  const known = new Set(fields.map(({ name }) => name));
  return (raw) => {
    if (raw !== undefined && raw !== null && !isObject(raw))
      throw invalidField('body', 'must be a JSON object');
    const given = raw ?? {};
    const problems: Record<string, string[]> = Object.create(null); // a field may have any name
    const parsed: Record<string, unknown> = {};
    for (const field of fields) field.read(given, parsed, problems);
    for (const name of Object.keys(given)) {
      if (!known.has(name))
        problems[name] = [`is not a field here. The fields are: ${[...known].join(', ')}`];
    }
    if (Object.keys(problems).length > 0) throw invalidFields(problems);
    return parsed as Static<Schema>; // every field was checked against its schema above
  };
}

/** An id in a path. Anything that cannot be one is nothing we have. */
export function parseId(text: string): number {
  if (!/^[1-9]\d{0,15}$/.test(text) || !Number.isSafeInteger(Number(text)))
    throw new PosternError('not_found');
  return Number(text);
}

function fieldParser(name: string, field: Field, required: boolean) {
  const validator = Compile(field);
  const expected = `must be ${field.description ?? 'as described in the reference'}`;
  return {
    name,
    read(
      given: Record<string, unknown>,
      parsed: Record<string, unknown>,
      problems: Record<string, string[]>,
    ): void {
      const value = coerce(given[name], field);
      if (value === undefined || (value === null && !required && !allowsNull(field) && given[name] === '')) {
        if (required) problems[name] = [`is required: ${field.description ?? 'a value'}`];
      } else if (!validator.Check(value)) {
        problems[name] = [expected];
      } else if (!field.ignored) {
        parsed[name] = value;
      }
    },
  };
}

/** What programs send for a value where nothing is lost by reading it: "7" for 7, 4930 for "4930", "" for none. */
function coerce(value: unknown, field: Field): unknown {
  const types = (field.anyOf ?? [field]).map(({ type }) => type);
  if (value === '' && (types.includes('null') || !types.includes('string'))) return null;
  if (typeof value === 'string') {
    if (hasFormat(field, 'date-time')) return parseInstant(value) ?? value;
    if (hasFormat(field, 'time-zone')) return timeZoneName(value) ?? value;
    if (types.includes('string')) return value.replaceAll('\r\n', '\n').normalize('NFC');
    if (types.includes('integer') && /^-?\d{1,16}$/.test(value)) return Number(value);
    if (types.includes('number') && /^-?\d{1,16}(\.\d{1,16})?$/.test(value)) return Number(value);
    if (types.includes('boolean') && (value === 'true' || value === 'false')) return value === 'true';
  }
  if (typeof value === 'number' && types.includes('string') && Number.isFinite(value)) return String(value);
  return value;
}

function hasFormat(field: Field, wanted: string): boolean {
  return (field.anyOf ?? [field]).some(({ format }) => format === wanted);
}

function allowsNull(field: Field): boolean {
  return (field.anyOf ?? [field]).some(({ type }) => type === 'null');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
