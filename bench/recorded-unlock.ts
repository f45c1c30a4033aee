import { Client } from 'pg';
import type { Context } from '../server/context.ts';
import { authenticateLink } from '../server/links/page-sessions.ts';
import { unlockWithLink } from '../server/unlocks/unlocks.ts';
import type { House } from './house.ts';

/** A statement as the server gave it to `pg`. */
export interface RecordedStatement {
  name?: string;
  text: string;
  values: RecordedValue[];
}

/** What differs from unlock to unlock is named; everything else is as it was. Bytes are base64. */
export type RecordedValue = { is: 'link' | 'uuid' } | { bytes: string } | { is: 'same'; value: unknown };

/**
 * The statements of one unlock over the API, in their order: who calls, then the transaction. Not among them: what
 * became of the command, which is written for many unlocks together.
 */
export async function recordUnlock(context: Context, house: House): Promise<RecordedStatement[]> {
  const link = house.links.at(-1); // whose id is that of nothing else
  if (!link) throw new Error('The house has no link.');
  const agents = { isReachable: () => true, unlock: () => Promise.resolve('done') };
  const outcomes = { add() {}, written: () => Promise.resolve() };
  const own = { ...context, agents, outcomes } as unknown as Context; // what an unlock asks of them
  const request = { link: { ...house, link_id: link.id }, door_id: house.door.id, method: 'api' } as const;
  const unlock = async () => {
    await authenticateLink(own, link.secret);
    await unlockWithLink(own, { ...request, askedMs: own.clock.monotonicMs() });
  };
  await unlock(); // connections are made and told whom they are for
  const sent: { client: Client; statement: RecordedStatement }[] = [];
  const { query } = Client.prototype;
  Client.prototype.query = function record(this: Client, ...given: unknown[]) {
    sent.push({ client: this, statement: asRecorded(given[0], link.id) });
    return query.apply(this, given as Parameters<typeof query>);
  } as typeof query;
  try {
    await unlock();
  } finally {
    Client.prototype.query = query;
  }
  const whoCalls = sent.filter(({ statement }) => statement.text.includes('where secret_hash'));
  const { client } = sent.find(({ statement }) => /update links/.test(statement.text)) ?? {};
  // What the server does beside it, such as giving events their positions, is on other connections.
  return [...whoCalls, ...transactionOf(sent.filter((each) => each.client === client))].map(
    ({ statement }) => statement,
  );
}

/** From the `begin` before the link's use is taken to the `commit` after it. */
function transactionOf<Sent extends { statement: RecordedStatement }>(sent: readonly Sent[]): Sent[] {
  const taken = sent.findIndex(({ statement }) => /update links/.test(statement.text));
  const begun = sent.findLastIndex(({ statement }, at) => at < taken && statement.text.startsWith('begin'));
  const over = sent.findIndex(({ statement }, at) => at > taken && statement.text === 'commit');
  return sent.slice(begun, over + 1);
}

function asRecorded(given: unknown, link_id: number): RecordedStatement {
  if (typeof given === 'string') return { text: given, values: [] };
  const { name, text, values } = given as { name: string; text: string; values: unknown[] }; // as `pg` takes it
  return { name, text, values: values.map((value) => recorded(value, link_id)) };
}

function recorded(value: unknown, link_id: number): RecordedValue {
  if (value === link_id) return { is: 'link' };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('base64') };
  if (typeof value === 'string' && /^[0-9a-f-]{36}$/.test(value)) return { is: 'uuid' };
  return { is: 'same', value };
}
