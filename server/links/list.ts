import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { type RawBuilder, sql } from 'kysely';
import type { Static } from 'typebox';
import { invalidField } from '../../domain/errors.ts';
import type { LinkQuery } from '../../domain/schemas/links.ts';
import type { Sight } from '../context.ts';
import type { Connection } from '../database/database.ts';
import { containing, idsOf, oneOf, rangeOf } from '../http/lists.ts';
import { type LinkWithNames, links } from './store.ts';

export type LinkListQuery = Static<typeof LinkQuery>;

export interface WantedLinks {
  sight: Sight;
  query: LinkListQuery;
  at: string;
}

/** Where a link stands in a list. */
interface Place {
  key: string;
  id: number;
}

export interface LinkPage {
  rows: LinkWithNames[];
  /** The value of `X-Collection-Range`; null on a page that a cursor began, which is not counted from the start. */
  range: string | null;
  /** Where the next page begins; null: there is none. */
  cursor: string | null;
}

/**
 * A text is looked for in pieces, with a turn for others between: no index helps with that, and the embedded database
 * lets nobody in meanwhile.
 */
export interface SearchSizes {
  /** In how many links one statement looks. */
  linksPerPiece: number;
  /** Found links that a page is picked from by their ids. Where there are more, it is filled before much is read. */
  idsMax: number;
}

const searchSizes: SearchSizes = { linksPerPiece: 20_000, idsMax: 1_000 };

/** How many characters of a name decide its place in a list: enough for people, and few enough for a cursor. */
const keyLengthMax = 60;
/** What a list is sorted by, as text. What is equal is sorted by id. */
const keys = {
  id: sql<string>`cast(links.id as text)`,
  name: sql<string>`substr(links.folded, 1, ${sql.lit(keyLengthMax)})`,
  group_name: sql<string>`substr(groups.folded, 1, ${sql.lit(keyLengthMax)})`,
  unlock: sql<string>`coalesce(links.last_used_at, '')`,
  valid_until: sql<string>`links.valid_until`,
};

/** A page of links, by offset or by the cursor of the page before. */
export async function selectLinks(
  connection: Connection,
  wanted: WantedLinks,
  sizes = searchSizes,
): Promise<LinkPage> {
  const { limit = 10, offset = 0, cursor, sort = 'id' } = wanted.query;
  const matches = wanted.query.query ? await search(connection, wanted, sizes) : null;
  let rows = sortedLinks(connection, wanted);
  if (matches?.ids) rows = rows.where(isAmong('links.id', oneOf(matches.ids)));
  if (cursor === undefined) {
    const [page, total] = await Promise.all([
      rows.limit(limit).offset(offset).execute(),
      matches?.total ?? countLinks(connection, wanted),
    ]);
    const isLast = offset + page.length >= total;
    const range = rangeOf(page.length, offset, total);
    return { rows: page, range, cursor: isLast ? null : cursorAfter(sort, page.at(-1)) };
  }
  if (offset > 0) throw invalidField('offset', 'must not be given together with cursor');
  const found = await rows
    .where(isBeyond(sort, readCursor(cursor, sort)))
    .limit(limit + 1)
    .execute();
  const page = found.slice(0, limit);
  return { rows: page, range: null, cursor: found.length > limit ? cursorAfter(sort, page.at(-1)) : null };
}

/** How many links have the text, and which; null when they are too many to name. A page after a cursor counts no further. */
async function search(connection: Connection, wanted: WantedLinks, { linksPerPiece, idsMax }: SearchSizes) {
  const isCounted = wanted.query.cursor === undefined;
  const ids: number[] = [];
  let total = 0;
  let after: number | null = 0;
  while (after !== null && (isCounted || ids.length <= idsMax)) {
    const piece = await searchPiece(connection, wanted, { after, count: linksPerPiece });
    total += piece.found.length;
    if (ids.length <= idsMax) ids.push(...piece.found);
    after = piece.last;
    await turnOfTheLoop();
  }
  return { total, ids: ids.length > idsMax ? null : ids };
}

/** What of a link decides whether it is wanted. */
const looked = ['id', 'organization_id', 'group_id', 'folded', 'revoked_at', 'valid_until'] as const;

/** The wanted ones among the next `count` links. `last`: where these ended; null: there are no more. */
async function searchPiece(
  connection: Connection,
  wanted: WantedLinks,
  { after, count }: { after: number; count: number },
): Promise<{ found: number[]; last: number | null }> {
  const next = connection.query
    .selectFrom('links')
    .where('organization_id', '=', wanted.sight.organization_id)
    .where('id', '>', after)
    .orderBy('id');
  const [found, last] = await Promise.all([
    connection.query
      // The limit keeps the database from looking for them by anything but their ids.
      .selectFrom(next.select(looked).limit(count).as('links'))
      .where(isWanted(wanted))
      .select('links.id')
      .execute(),
    next
      .select('id')
      .limit(1)
      .offset(count - 1)
      .executeTakeFirst(),
  ]);
  return { found: found.map(({ id }) => id), last: last?.id ?? null };
}

function sortedLinks(connection: Connection, wanted: WantedLinks) {
  const { sort = 'id' } = wanted.query;
  const direction = sort.startsWith('-') ? 'desc' : 'asc';
  const rows = links(connection).where(isWanted(wanted)).select(keyOf(sort).as('sort_key'));
  return sort === 'id'
    ? rows.orderBy('links.id')
    : rows.orderBy(keyOf(sort), direction).orderBy('links.id', direction);
}

/** Whether a link comes after a place in the list. */
function isBeyond(sort: string, { key, id }: Place) {
  if (sort === 'id') return sql<boolean>`links.id > ${id}`;
  const beyond = sql.raw(sort.startsWith('-') ? '<' : '>');
  return sql<boolean>`(${keyOf(sort)}, links.id) ${beyond} (${key}, ${id})`;
}

function keyOf(sort: string) {
  return keys[sort.replace('-', '') as keyof typeof keys]; // the schema allows no other
}

/** How many they are on all pages. Nothing but the links is read: without a search not even those, but their index. */
async function countLinks(connection: Connection, wanted: WantedLinks): Promise<number> {
  const counted = await connection.query
    .selectFrom('links')
    .where(isWanted(wanted))
    .select(sql<number>`count(*)`.as('total'))
    .executeTakeFirst();
  return counted?.total ?? 0;
}

function isWanted({ sight, query, at }: WantedLinks): RawBuilder<boolean> {
  const { organization_id, group_ids } = sight;
  const conditions = [sql<boolean>`links.organization_id = ${organization_id}`];
  if (group_ids !== null) conditions.push(isAmong('links.group_id', oneOf(group_ids)));
  if (query.state !== 'ended') conditions.push(sql`links.revoked_at is null`);
  if (query.state === 'active') conditions.push(sql`links.valid_until > ${at}`);
  if (query.state === 'ended')
    conditions.push(sql`(links.revoked_at is not null or links.valid_until <= ${at})`);
  if (query.ids) conditions.push(isAmong('links.id', idsOf(query.ids)));
  if (query.group_id) conditions.push(sql`links.group_id = ${query.group_id}`);
  if (query.query) {
    const pattern = containing(query.query);
    const groups = sql`select id from groups
      where organization_id = ${organization_id} and folded like ${pattern} escape '\\'`;
    conditions.push(sql`(links.folded like ${pattern} escape '\\' or links.group_id in (${groups}))`);
  }
  return sql<boolean>`${sql.join(conditions, sql` and `)}`;
}

function isAmong(column: string, ids: readonly number[]): RawBuilder<boolean> {
  return sql`${sql.ref(column)} in (${sql.join(ids)})`;
}

/** The row's place in the list, as text: how it is sorted, by what, and its id. Whoever reads it learns nothing new. */
function cursorAfter(sort: string, row: { id: number; sort_key: string } | undefined): string | null {
  if (!row) return null;
  return Buffer.from(JSON.stringify([sort, row.sort_key, row.id])).toString('base64url');
}

function readCursor(text: string, sort: string): Place {
  const parts = parseJson(Buffer.from(text, 'base64url').toString());
  const [sorted, key, id]: unknown[] = Array.isArray(parts) ? parts : [];
  const valid = sorted === sort && typeof key === 'string' && !key.includes('\0') && Number.isSafeInteger(id);
  if (valid) return { key, id: Number(id) };
  throw invalidField('cursor', 'must be the cursor of an earlier answer that was sorted alike');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
