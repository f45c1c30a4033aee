import { type TSchema, Type } from 'typebox';
import Format from 'typebox/format';
import { parseInstant, timeZoneName } from '../instants.ts';

/*
 * The kinds of field that requests are made of. Every one has a description that says what is expected: it is
 * what the caller reads when the field is wrong.
 */

Format.Set('date-time', (text) => parseInstant(text) !== null);
Format.Set('time-zone', (name) => timeZoneName(name) !== null);

/** Control characters, bidirectional overrides and lone surrogates: nothing that a person would write in a name. */
const hidden =
  '\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff';
const line = `^(?=.*\\S)[^${hidden}]+$`;

export const Id = Type.Integer({
  minimum: 1,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'a whole number from 1 to 9007199254740991',
});

/** For text that is looked for as it was typed: any, but the one character that PostgreSQL cannot keep. */
export const anyText = '^[^\\u0000]*$';

export const Name = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: line,
  description: '1 to 200 characters on one line, without control or direction-changing characters',
});

export const Description = Type.String({
  maxLength: 2000,
  pattern: `^[^${hidden.replace('\\u0000-\\u001f', '\\u0000-\\u0008\\u000b-\\u001f')}]*$`,
  description: 'up to 2000 characters, without control or direction-changing characters',
});

export const Address = Type.String({
  minLength: 1,
  maxLength: 500,
  pattern: `^[^${hidden.replace('\\u0000-\\u001f', '\\u0000-\\u0009\\u000b-\\u001f')}]*$`,
  description: '1 to 500 characters, without control or direction-changing characters',
});

export const Email = Type.String({
  maxLength: 254,
  pattern:
    '^[^\\s@<>"(),:;\\\\\\[\\]\\u0000-\\u001f\\u007f-\\u009f]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$',
  description: 'an e-mail address such as ada@example.org',
});

export const Phone = Type.String({
  pattern: '^\\+[1-9]\\d{6,14}$',
  description: 'a phone number in international form (E.164), such as +4930123456',
});

export const Instant = Type.String({
  format: 'date-time',
  description: 'an ISO 8601 date and time with its zone, such as 2026-12-01T09:00:00Z',
});

export const TimeZone = Type.String({
  format: 'time-zone',
  description: 'the name of an IANA time zone, such as Europe/London',
});

export const Latitude = Type.Number({ minimum: -90, maximum: 90, description: 'degrees from -90 to 90' });
export const Longitude = Type.Number({
  minimum: -180,
  maximum: 180,
  description: 'degrees from -180 to 180',
});

export function Choice<const Word extends string>(words: readonly Word[]) {
  const description = `one of ${words.join(', ')}`;
  return Type.Unsafe<Word>({ type: 'string', enum: [...words], description });
}

export const Flag = Type.Boolean({ description: 'true or false' });

/** A field that may be null. `""` is taken for null too: programs send it for "none". */
export function Nullable<Schema extends TSchema & { description?: string }>(schema: Schema) {
  return described(Type.Union([schema, Type.Null()]), `${schema.description ?? 'a value'}, or null`);
}

/** A field that Kisi's description knows and that has no meaning here: accepted and ignored. */
export const Ignored = Type.Unknown({ description: 'anything', ignored: true });

function described<Schema extends TSchema>(
  schema: Schema,
  description: string,
): Schema & { description: string } {
  return { ...schema, description };
}
