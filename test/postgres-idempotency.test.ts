import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { RunningAgent } from '../agent/main.ts';
import { freshFolder, pulsesIn } from './demo-process.ts';
import { createDatabase, type TestDatabase, testPostgres } from './postgres.ts';
import {
  buildHouse,
  type House,
  runAgent,
  type Serve,
  serveSettings,
  startServe,
  until,
} from './serve-process.ts';
import type { Answer } from './test-server.ts';

const rounds = 15;
const atOnce = 32;

describe('a request that reaches two server processes under one key', { timeout: 120_000 }, () => {
  const folder = freshFolder();
  let database: TestDatabase;
  let house: House;
  let serves: [Serve, Serve];
  let agent: RunningAgent;

  before(async () => {
    database = await createDatabase(testPostgres());
    const settings = serveSettings(database);
    serves = await Promise.all([startServe(settings), startServe(settings)]);
    house = await buildHouse(serves[0], settings, database);
    agent = runAgent(house, { server_url: serves[0].url, folder: folder.path });
    await agent.connected();
    await until('the agent is known to both', async () => {
      const { body } = await house.call(serves[1], 'GET', '/locks');
      return body.every(({ online }: { online: boolean }) => online);
    });
  });
  after(async () => {
    await agent?.close();
    for (const serve of serves ?? []) await serve[Symbol.asyncDispose]();
    await database?.drop();
    folder[Symbol.dispose]();
  });

  /** To both in turn, all at once. */
  function toBoth(send: (at: Serve) => Promise<Answer>): Promise<Answer[]> {
    return Promise.all(Array.from({ length: atOnce }, (_, number) => send(serves[number % 2] ?? serves[0])));
  }

  it(`is done once and answered alike, ${atOnce} times at once in ${rounds} rounds`, async () => {
    for (let round = 0; round < rounds; round++) {
      const key = randomUUID();
      const body = { group_link: { name: key, group_id: house.group_id } };
      const headers = { 'idempotency-key': key };
      const answers = await toBoth((at) => house.call(at, 'POST', '/group_links', { body, headers }));
      for (const answer of answers) assert.deepEqual([answer.status, answer.body], [200, answers[0]?.body]);
      const found = (await house.call(serves[0], 'GET', `/group_links?query=${key}`)).body;
      assert.equal(found.length, 1);
    }
  });

  it('moves the lock once', async () => {
    const pulses = () => pulsesIn(join(folder.path, 'agent')).length;
    for (let round = 0; round < rounds; round++) {
      const { secret } = await house.createLink(serves[0], { max_uses: 1 });
      const headers = { 'idempotency-key': randomUUID() };
      const path = `/locks/${house.locks[0]?.id}/unlock`;
      const before = pulses();
      const answers = await toBoth((at) => house.call(at, 'POST', path, { secret, as: 'link', headers }));
      for (const { status, body } of answers)
        assert.deepEqual([status, body], [200, { message: 'Unlocked!' }]);
      assert.equal(pulses(), before + 1);
    }
  });
});
