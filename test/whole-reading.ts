import { type Endpoint, endpoints } from '../domain/endpoints.ts';
import type { Answer } from './test-server.ts';

/** Asks with a login that may see everything. */
type Get = (path: string) => Promise<Answer>;

/** What a server process says of itself, not of what it keeps. */
const ofTheProcess = ['/ready', '/metrics'];

/** By its path, every object that the API shows and every row of every list, page after page. */
export type Reading = Map<string, unknown>;

/**
 * Everything that a login can read. `more`: paths besides, with a query or with an id that no list names. An operation
 * that cannot be read this way is named by an error: none is left out in silence.
 */
export async function readWhole(get: Get, more: readonly string[]): Promise<Reading> {
  const readable = Object.values<Endpoint>(endpoints).filter(
    ({ methods, callers, endless }) => methods.includes('GET') && callers.includes('login') && !endless,
  );
  const paths = readable.flatMap(({ paths }) => paths).filter((path) => !ofTheProcess.includes(path));
  const reading: Reading = new Map();
  for (const path of [...paths.filter((path) => !path.includes(':')), ...more]) {
    reading.set(path, await readPath(get, path));
  }
  for (const path of paths.filter((one) => one.includes(':'))) {
    const shown = idsFor(path, reading).map((id) => path.replace(':id', String(id)));
    const isRead = shown.length > 0 || more.some((one) => one.startsWith(path.replace(':id', '')));
    if (!isRead) throw new Error(`nothing is there to read ${path} with`);
    for (const one of shown) reading.set(one, await readPath(get, one));
  }
  return reading;
}

/** What the list beside it names. */
function idsFor(path: string, reading: Reading): number[] {
  const list = reading.get(path.replace(/\/:id$/, ''));
  return Array.isArray(list) ? list.map(({ id }) => id) : [];
}

async function readPath(get: Get, path: string): Promise<unknown> {
  const with_ = (parameter: string) => `${path}${path.includes('?') ? '&' : '?'}${parameter}`;
  const first = await read(get, path);
  if (!Array.isArray(first.body)) return readSet(get, { with_, first: first.body });
  const rows = [...first.body];
  for (let next = nextOf(first, rows.length); next !== null; ) {
    const page = await read(get, with_(next));
    rows.push(...page.body);
    next = nextOf(page, rows.length);
  }
  return rows;
}

/** An object may hold the first page of its events. */
async function readSet(
  get: Get,
  { with_, first }: { with_(parameter: string): string; first: Answer['body'] },
): Promise<unknown> {
  if (typeof first !== 'object' || first === null || !('cursor' in first)) return first;
  const events = [...first.events];
  for (let { cursor } = first; cursor !== null; ) {
    const { body } = await read(get, with_(`cursor=${cursor}`));
    events.push(...body.events);
    cursor = body.cursor;
  }
  return { ...first, events };
}

/** The query of the page after `done` rows; null: there is none. */
function nextOf({ headers }: Answer, done: number): string | null {
  const total = /\/(\d+)$/.exec(headers.get('x-collection-range') ?? '')?.[1];
  if (total !== undefined) return done < Number(total) ? `offset=${done}` : null;
  const cursor = headers.get('x-next-cursor');
  return cursor === null ? null : `cursor=${cursor}`;
}

async function read(get: Get, path: string): Promise<Answer> {
  const answer = await get(path);
  if (answer.status !== 200)
    throw new Error(`GET ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer;
}
