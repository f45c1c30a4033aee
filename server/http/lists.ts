import { type SelectQueryBuilder, sql } from 'kysely';
import { fold } from '../../domain/fold.ts';
import type { Tables } from '../database/tables.ts';

/** What every list takes. `ids`: numbers with commas between them. */
export interface ListQuery {
  limit?: number;
  offset?: number;
  ids?: string;
  query?: string;
}

export interface Page<Row> {
  rows: Row[];
  /** The value of `X-Collection-Range`: `start-end/total`, or `*` for the range when the page is empty. */
  range: string;
}

/** The filters that every list shares, then one page of it and the number of all entries. */
export async function listPage<Table extends keyof Tables, Row>(
  query: SelectQueryBuilder<Tables, Table, Row>,
  { limit = 10, offset = 0 }: ListQuery,
): Promise<Page<Row> & { total: number }> {
  const count = query.clearSelect().clearOrderBy().select(sql<number>`count(*)`.as('total'));
  const [rows, counted] = await Promise.all([
    query.limit(limit).offset(offset).execute(),
    count.executeTakeFirst(),
  ]);
  const total = counted?.total ?? 0;
  return { rows, range: rangeOf(rows.length, offset, total), total };
}

/** `X-Collection-Range` of a page that begins at `offset`. */
export function rangeOf(count: number, offset: number, total: number): string {
  return `${count === 0 ? '*' : `${offset}-${offset + count - 1}`}/${total}`;
}

export function idsOf(text: string): number[] {
  return oneOf(text.split(',').map(Number).filter(Number.isSafeInteger));
}

/** Ids for `in (…)`: nothing has the id 0, and PostgreSQL takes no empty list. */
export function oneOf(ids: readonly number[]): number[] {
  return ids.length === 0 ? [0] : [...ids];
}

/** A pattern for `like … escape '\'` that matches the text anywhere in a folded column, whatever is in it. */
export function containing(text: string): string {
  return `%${fold(text).replace(/[\\%_]/g, '\\$&')}%`;
}
