import { type TSchema, Type } from 'typebox';

/*
 * The kinds of field that answers are made of. Each carries an example: the examples of the reference are put
 * together from them. What a field means stands in `domain/field-meanings.ts`.
 */

export function text(example: string) {
  return Type.String({ examples: [example] });
}

/** One of a few words that may become more: read an unknown one as none of them. */
export function word<const Word extends string>(words: readonly Word[]) {
  return Type.Unsafe<Word>({ type: 'string', enum: [...words] });
}

export function id(example: number) {
  return Type.Integer({ minimum: 1, examples: [example] });
}

export function count(example = 0) {
  return Type.Integer({ minimum: 0, examples: [example] });
}

export function degrees(example: number) {
  return Type.Number({ examples: [example] });
}

export function flag(example = false) {
  return Type.Boolean({ examples: [example] });
}

/** ISO 8601, in UTC with milliseconds. */
export function instant(example = '2026-12-01T09:00:00.000Z') {
  return Type.String({
    format: 'date-time',
    pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$',
    examples: [example],
  });
}

export function orNull<Schema extends TSchema>(schema: Schema) {
  return Type.Union([schema, Type.Null()]);
}

/** As `orNull`, where null is what is usual. */
export function oftenNull<Schema extends TSchema>(schema: Schema) {
  return Type.Union([schema, Type.Null()], { examples: [null] });
}

/** A field that Kisi's clients read and that means nothing here: always this value. */
export function neutral(schema: TSchema, value: boolean | number | string | null) {
  return { ...schema, examples: [value], neutral: true };
}

export const alwaysFalse = neutral(Type.Boolean(), false);
export const alwaysTrue = neutral(Type.Boolean(), true);
export const alwaysZero = neutral(Type.Integer(), 0);

/** Null here; `kind` is what Kisi's description allows beside it. */
export function alwaysNull(kind: TSchema) {
  return neutral(Type.Union([kind, Type.Null()]), null);
}

/** The word that says what kind of record it is. */
export function resourceType<const Word extends string>(type: Word) {
  return Type.Literal(type);
}

/** The record that another belongs to, as far as Kisi's clients read it. */
export function briefly<const Word extends string>(type: Word, name: string) {
  return Type.Object({ id: id(1), resource_type: resourceType(type), name: text(name) });
}

/** What nouns have in common that are kept: when they were made and changed. */
export const dates = { created_at: instant(), updated_at: instant() };
