import { createHash } from 'node:crypto';
import { deserialize, serialize } from 'node:v8';
import { denials, errorBody, PosternError } from '../../domain/errors.ts';
import { addMs } from '../../domain/instants.ts';
import type { Context } from '../context.ts';
import { helpLink } from './headers.ts';
import { deleteKey, insertKey, type KeyIdentity, selectKey, updateKey } from './idempotency-store.ts';
import { KeyedTransactions } from './keyed-transactions.ts';

/** How long an answer is kept to be given again. */
export const answersKeptMs = 24 * 3_600_000;
/** How long a repetition waits for the request it repeats. */
export const repetitionWaitMsMax = 3_000;
const lookMs = 25;
export const jsonType = 'application/json; charset=utf-8';
/** Refusals that will be the same tomorrow. Others may succeed when they are repeated. */
const keptRefusals = [403, 404, 422];

/** A request that has a name, so that it can be sent again without being done again. */
export interface KeyedRequest {
  organization_id: number;
  /** Whose name for it it is, such as `login 3`. */
  credential: string;
  key: string;
  method: string;
  path: string;
  /** What else was asked for: a repetition asks for the same. */
  content: unknown;
}

/** An answer as it leaves. */
export interface WholeAnswer {
  status: number;
  headers: Record<string, string>;
  /** Undefined: none. */
  body: string | Uint8Array | undefined;
}

export interface Answering {
  /** Answers the request over the context that it is given. */
  answer(context: Context): Promise<WholeAnswer>;
  /** Called before an answer to what was done earlier. */
  onReplay(): void;
}

/**
 * Answers a request with an Idempotency-Key (IETF draft "The Idempotency-Key HTTP Header Field"): what it does is done
 * once, however often and wherever it arrives. The key is a row that the request's own transaction writes, together
 * with what that transaction answered; the whole answer follows before anybody hears it. Whoever finds a row without
 * an answer waits for it, and when nobody is left to give it works it out again from what was committed.
 */
export async function answerOnce(
  context: Context,
  request: KeyedRequest,
  answering: Answering,
): Promise<WholeAnswer> {
  const parts = { context, identity: identityOf(request), answering };
  const { read } = context.database.of(request.organization_id);
  const patience = new AbortController();
  context.clock.after(repetitionWaitMsMax, () => patience.abort());
  for (;;) {
    const known = await selectKey(read, parts.identity, expiry(context));
    if (known && Buffer.compare(known.request_hash, parts.identity.request_hash) !== 0) {
      throw new PosternError('idempotency_key_reused');
    }
    const isLate = patience.signal.aborted;
    if (known && (known.answer || known.under_way === 0 || isLate)) answering.onReplay();
    if (known?.answer) return opened<WholeAnswer>(parts, 'answer', known.answer);
    if (!known || known.under_way === 0 || isLate) {
      const answer = await answerNow(parts, known?.effect ?? null);
      if (answer) return answer;
    }
    if (isLate) throw inUse();
    await new Promise<void>((resolve) => void context.clock.after(lookMs, resolve));
  }
}

interface Parts {
  context: Context;
  identity: KeyIdentity;
  answering: Answering;
}

/** Null: somebody else has the key. `effect`: what the transaction answered that was committed earlier. */
async function answerNow(parts: Parts, effect: Uint8Array | null): Promise<WholeAnswer | null> {
  const { context, identity, answering } = parts;
  const transactions = new KeyedTransactions({
    organization_id: identity.organization_id,
    done: effect && opened<{ result: unknown }>(parts, 'effect', effect),
    clock: context.clock,
    waitMsMax: repetitionWaitMsMax,
    take: (tx) => insertKey(tx, { ...identity, created_at: context.clock.now() }, expiry(context)),
    keep: (tx, result) => updateKey(tx, identity, { effect: sealed(parts, 'effect', { result }) }),
  });
  const database = transactions.over(context.database);
  try {
    const own = { ...context, database, isRepetition: effect !== null };
    return await keep(parts, transactions, await transactions.unlessLate(answering.answer(own)));
  } catch (error) {
    if (transactions.state === 'taken') return null;
    if (transactions.state === 'late') throw inUse();
    if (error instanceof PosternError && keptRefusals.includes(error.entry.status)) {
      return keep(parts, transactions, refusal(error));
    }
    if (transactions.state === 'committed') await giveUp(parts, error);
    throw error;
  }
}

/** The answer is kept before it is given. Answers what was kept, should somebody else have been first. */
async function keep(
  parts: Parts,
  transactions: KeyedTransactions,
  answer: WholeAnswer,
): Promise<WholeAnswer> {
  const { context, identity } = parts;
  const content = sealed(parts, 'answer', answer);
  const kept = await context.database.of(identity.organization_id).transaction(async (tx) => {
    const end = { answer: content, under_way: 0 };
    if (transactions.state === 'committed') await updateKey(tx, identity, end);
    else await insertKey(tx, { ...identity, ...end, created_at: context.clock.now() }, expiry(context));
    return selectKey(tx, identity, expiry(context));
  });
  return kept?.answer ? opened<WholeAnswer>(parts, 'answer', kept.answer) : answer;
}

/**
 * There is no answer to keep, such as when the door did not say whether it opened. What was committed stays under its
 * key; only a denial for a passing reason, which did nothing, leaves the key to the next try.
 */
async function giveUp({ context, identity }: Parts, error: unknown): Promise<void> {
  const isDenial = error instanceof PosternError && error.reason in denials;
  await context.database.of(identity.organization_id).transaction(async (tx) => {
    if (isDenial) await deleteKey(tx, identity);
    else await updateKey(tx, identity, { under_way: 0 });
  });
}

function refusal(error: PosternError): WholeAnswer {
  const headers = { 'content-type': jsonType, link: helpLink(error.reason) };
  return { status: error.entry.status, headers, body: JSON.stringify(errorBody(error)) };
}

function identityOf(request: KeyedRequest): KeyIdentity {
  const { organization_id, credential, method, path, key, content } = request;
  return {
    organization_id,
    key_hash: hashOf([credential, method, path, key]),
    request_hash: hashOf(content),
  };
}

/** Names may come in any order: it is the same request. */
function hashOf(value: unknown): Uint8Array {
  return createHash('sha256').update(canonical(value)).digest();
}

function canonical(value: unknown): string {
  try {
    const text = JSON.stringify(value, (_name, inner: unknown) => {
      const isRecord = typeof inner === 'object' && inner !== null && !Array.isArray(inner);
      return isRecord
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner;
    });
    return text ?? '';
  } catch (error) {
    // Deeper than the stack: nothing that an operation here takes.
    if (error instanceof RangeError)
      throw new PosternError('invalid', { message: 'The body is nested too deeply.' });
    throw error;
  }
}

/** What was written then or earlier is forgotten. */
function expiry({ clock }: Context): string {
  return addMs(clock.now(), -answersKeptMs);
}

type Column = 'effect' | 'answer';

function sealed({ context, identity }: Parts, column: Column, value: unknown): Uint8Array {
  return context.sealer.seal(serialize(value), sealedPlace(identity, column));
}

function opened<T>({ context, identity }: Parts, column: Column, value: Uint8Array): T {
  return deserialize(context.sealer.open(value, sealedPlace(identity, column))) as T; // `sealed` wrote it
}

function sealedPlace({ organization_id, key_hash }: KeyIdentity, column: Column) {
  return {
    table: 'idempotency_keys',
    column,
    organization_id,
    row_id: Buffer.from(key_hash).toString('hex'),
  };
}

function inUse(): PosternError {
  return new PosternError('idempotency_key_in_use', { retryAfterS: 1 });
}
