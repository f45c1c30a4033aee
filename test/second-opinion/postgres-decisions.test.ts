import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { Client } from 'pg';
import { type Decision, type DecisionRequest, decide, denialReasons } from '../../domain/decide.ts';
import { figure, report } from '../figures.ts';
import { createDatabase, type TestDatabase, testPostgres } from '../postgres.ts';
import { randomFrom, seed } from '../seed.ts';
import { drawCase } from './cases.ts';

const caseCount = figure({ small: 100_000, large: 2_000_000 });
const casesAtOnce = 2_500;
const batchesAtOnce = 2;
/** Of the cases, at least so many in a hundred end in each answer. */
const percentMin = 1;

const sql = readFileSync(new URL('decide.sql', import.meta.url), 'utf8');
const { vectors }: { vectors: { name: string; request: DecisionRequest; decision: Decision }[] } = JSON.parse(
  readFileSync(new URL('../../domain/testdata/decisions.json', import.meta.url), 'utf8'),
);

describe('a second opinion on decisions, in SQL', () => {
  let database: TestDatabase;
  let clients: Client[] = [];
  before(async () => {
    database = await createDatabase(testPostgres(), { empty: true });
    clients = Array.from(
      { length: batchesAtOnce },
      () => new Client({ connectionString: database.ownerUrl }),
    );
    for (const client of clients) await client.connect();
    await clients[0]?.query(sql);
  });
  after(async () => {
    for (const client of clients) await client.end();
    await database?.drop();
  });

  it('is the expected one for every vector', async () => {
    const [client] = clients;
    assert.ok(client);
    const opinions = await secondOpinions(
      client,
      vectors.map(({ request }) => request),
    );
    for (const [index, { name, decision }] of vectors.entries())
      assert.equal(opinions[index], answerOf(decision), name);
  });

  it('is the first one, in every case that is drawn', async (context) => {
    const random = randomFrom(seed);
    const counts = new Map<string, number>();
    for (let done = 0; done < caseCount; ) {
      const batches = clients.map(() => Array.from({ length: casesAtOnce }, () => drawCase(random)));
      const opinions = await Promise.all(
        clients.map((client, index) => secondOpinions(client, batches[index] ?? [])),
      );
      compare(batches.flat(), { opinions: opinions.flat(), done, counts });
      done += casesAtOnce * batchesAtOnce;
    }
    report(context, 'second opinions', { cases: caseCount, ...Object.fromEntries(counts), seed });
    for (const answer of ['granted', ...denialReasons])
      assert.ok(
        (counts.get(answer) ?? 0) >= (caseCount * percentMin) / 100,
        `too few cases end in ${answer}`,
      );
  });
});

async function secondOpinions(client: Client, requests: readonly DecisionRequest[]): Promise<string[]> {
  const questions = JSON.stringify(requests.map((request, n) => ({ n, ...request })));
  const { rows } = await client.query<{ answer: string }>(
    'select answer from second_opinion($1) order by n',
    [questions],
  );
  return rows.map(({ answer }) => answer);
}

/** Counts the answers; fails at the first question on which the two differ, and shows it whole. */
function compare(
  requests: readonly DecisionRequest[],
  { opinions, done, counts }: { opinions: readonly string[]; done: number; counts: Map<string, number> },
): void {
  for (const [index, request] of requests.entries()) {
    const answer = answerOf(decide(request));
    counts.set(answer, (counts.get(answer) ?? 0) + 1);
    if (answer === opinions[index]) continue;
    const differ = `decide() says ${answer}, the SQL says ${opinions[index]}`;
    assert.fail(`seed ${seed}, case ${done + index}: ${differ}: ${JSON.stringify(request)}`);
  }
}

function answerOf(decision: Decision): string {
  return decision.granted ? 'granted' : decision.reason;
}
