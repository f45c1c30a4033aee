import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { realClock } from '../../test/test-server.ts';
import type { Database, Scope, Transaction } from '../database/database.ts';
import { type KeyedTransactionParts, KeyedTransactions } from './keyed-transactions.ts';

/** A database that only runs what it is given and says what happened: who has the key is for the test to say. */
function start(parts: Partial<KeyedTransactionParts> = {}) {
  const happened: string[] = [];
  const scope = (name: string): Scope => ({
    read: {} as Scope['read'], // nothing here reads
    async transaction(work) {
      happened.push(`begin ${name}`);
      try {
        const result = await work({} as Transaction); // nothing here asks it for anything
        happened.push('commit');
        return result;
      } catch (error) {
        happened.push('rollback');
        throw error;
      }
    },
  });
  const database: Database = {
    of: (organization_id) => scope(String(organization_id)),
    everywhere: scope('*'),
    settled: async () => {},
    close: async () => {},
  };
  const transactions = new KeyedTransactions({
    organization_id: 1,
    done: null,
    clock: realClock,
    waitMsMax: 20,
    take: async () => {
      happened.push('take');
      return true;
    },
    keep: async (_tx, result) => void happened.push(`keep ${JSON.stringify(result)}`),
    ...parts,
  });
  const own = transactions.over(database);
  const act = (what: string, into: Scope = own.of(1)) =>
    into.transaction(async () => {
      happened.push(what);
      return what;
    });
  return { happened, transactions, own, act };
}

describe("a keyed request's transactions", () => {
  it('take the key before the first one does anything, and keep what it answers; the others are as always', async () => {
    const { act, happened, transactions } = start();
    assert.equal(await act('first'), 'first');
    assert.equal(transactions.state, 'committed');
    await act('second');
    assert.deepEqual(happened, [
      ...['begin 1', 'take', 'first', 'keep "first"', 'commit'],
      ...['begin 1', 'second', 'commit'],
    ]);
  });

  it('are keyed whatever scope the first one has, but for another organization', async () => {
    for (const [into, keyed] of [
      ['everywhere', true],
      ['of(1)', true],
      ['of(2)', false],
    ] as const) {
      const { act, own, happened } = start();
      await act('work', into === 'everywhere' ? own.everywhere : own.of(into === 'of(1)' ? 1 : 2));
      assert.equal(happened.includes('take'), keyed, into);
    }
  });

  it('do nothing when somebody else has the key, and nothing after that', async () => {
    const { act, happened, transactions } = start({ take: async () => false });
    await assert.rejects(act('first'));
    assert.equal(transactions.state, 'taken');
    await assert.rejects(act('second'));
    assert.deepEqual(happened, ['begin 1', 'rollback']);
  });

  it('do nothing when the key is to be had only after nobody waits any more', async () => {
    const key = Promise.withResolvers<boolean>();
    const { act, happened, transactions } = start({ take: () => key.promise });
    const working = act('first');
    await assert.rejects(transactions.unlessLate(working));
    assert.equal(transactions.state, 'late');
    key.resolve(true);
    await assert.rejects(working);
    assert.deepEqual(happened, ['begin 1', 'rollback']);
  });

  it('are not run a second time, but answer what was answered then; what came after is run', async () => {
    const { act, happened } = start({ done: { result: 'then' } });
    assert.equal(await act('first'), 'then');
    await act('second');
    assert.deepEqual(happened, ['begin 1', 'second', 'commit']);
  });

  it('are not run beside a first one that may find the key taken', async () => {
    const key = Promise.withResolvers<boolean>();
    const { act, happened } = start({ take: () => key.promise, waitMsMax: 1_000 });
    const both = Promise.allSettled([act('first'), act('second')]);
    key.resolve(false);
    assert.deepEqual(
      (await both).map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    assert.deepEqual(happened, ['begin 1', 'rollback']);
  });

  it('still take the key after a first one that failed by itself', async () => {
    const { act, own, happened } = start();
    await assert.rejects(own.of(1).transaction(() => Promise.reject(new Error('its own'))));
    await act('second');
    assert.deepEqual(happened, [
      'begin 1',
      'take',
      'rollback',
      'begin 1',
      'take',
      'second',
      'keep "second"',
      'commit',
    ]);
  });
});
