import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { CreatedLink } from './demo-process.ts';
import { randomFrom } from './seed.ts';
import type { Answer } from './test-server.ts';

/** What the clients know of a link: what they asked for, and what they were told. */
export interface KnownLink {
  id: number;
  secret: string;
  max_uses: number | null;
  tries: number;
  /** Tries that were answered with what became of them, and those of them that opened. */
  answered: number;
  opened: number;
  revoke: 'not_tried' | 'tried' | 'acknowledged';
}

/** How the clients reach what they load. */
export interface Target {
  createLink(fields: object): Promise<Answer>;
  unlock(link: { secret: string }, door: number): Promise<Answer>;
  revoke(link: { id: number }): Promise<Answer>;
}

/** Answers that leave open what became of the request, by their reason. */
export type Refusals = Map<string, number>;

export interface Load {
  known: KnownLink[];
  refusals: Refusals;
  /** Answers when every client has come to its end. */
  stop(): Promise<void>;
}

interface Client {
  target: Target;
  load: Load;
  random: () => number;
  isOver(): boolean;
}

/** How long a client waits that was refused for now, whatever it was told: so that many are there all the time. */
const retryMs = 20;
const doorCount = 2;

/**
 * Clients that make links, open doors with them and revoke some, each one request after the other, until they are
 * stopped or nobody answers any more.
 */
export function startLoad(target: Target, clients: number, random: () => number): Load {
  let over = false;
  const load: Load = { known: [], refusals: new Map(), stop: () => Promise.resolve() };
  const running = Promise.all(
    Array.from({ length: clients }, () =>
      work({ target, load, random: randomFrom(random() * 2 ** 32), isOver: () => over }),
    ),
  );
  running.catch(() => {}); // told to whoever stops it
  load.stop = async () => {
    over = true;
    await running;
  };
  return load;
}

async function work(client: Client): Promise<void> {
  try {
    while (!client.isOver()) await oneLink(client);
  } catch (error) {
    if (!isHangUp(error)) throw error;
  }
}

async function oneLink(client: Client): Promise<void> {
  const { target, load, random } = client;
  const max_uses = random() < 0.5 ? 1 : null;
  const created = await target.createLink({ max_uses });
  if (await isRefused(client, created)) return;
  assert.equal(created.status, 200, JSON.stringify(created.body));
  const { id, secret }: CreatedLink = created.body;
  const link: KnownLink = { id, secret, max_uses, tries: 0, answered: 0, opened: 0, revoke: 'not_tried' };
  load.known.push(link);
  const together = random() < 0.3;
  for (let left = 1 + Math.floor(random() * 3); left > 0; left--) {
    await Promise.all(Array.from({ length: together ? 2 : 1 }, () => unlock(client, link)));
  }
  if (random() < 0.3) await revoke(client, link);
}

async function unlock(client: Client, link: KnownLink): Promise<void> {
  link.tries += 1;
  const answer = await client.target.unlock(link, Math.floor(client.random() * doorCount));
  if (await isRefused(client, answer)) return;
  link.answered += 1;
  if (answer.status === 200) link.opened += 1;
  else assert.deepEqual([answer.status, answer.body.reason, link.max_uses], [403, 'use_limit_reached', 1]);
}

async function revoke(client: Client, link: KnownLink): Promise<void> {
  link.revoke = 'tried';
  const answer = await client.target.revoke(link);
  if (await isRefused(client, answer)) return;
  // The first try may have done it, and nobody was told.
  assert.equal(answer.status, 204, JSON.stringify(answer.body));
  link.revoke = 'acknowledged';
}

/** Whether nobody knows what became of the request: 503, which says when to come again. Counts and waits. */
async function isRefused({ load }: Client, { status, headers, body }: Answer): Promise<boolean> {
  if (status !== 503) return false;
  assert.ok(Number(headers.get('retry-after')) > 0, `a 503 without Retry-After: ${JSON.stringify(body)}`);
  load.refusals.set(body.reason, (load.refusals.get(body.reason) ?? 0) + 1);
  await pause(retryMs);
  return true;
}

/** `fetch` rejects with a TypeError when the connection breaks, and with nothing else here. */
function isHangUp(error: unknown): boolean {
  return error instanceof TypeError && error.cause !== undefined;
}
