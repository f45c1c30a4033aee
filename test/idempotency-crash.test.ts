import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort, freshFolder, type RunningDemo, startDemo } from './demo-process.ts';
import { figure, report } from './figures.ts';
import { randomFrom, seed } from './seed.ts';
import { type Answer, fetchAnswer } from './test-server.ts';

const rounds = figure({ small: 3, large: 50 });
const clients = 8;
const killAfterMsMin = 150;
const killAfterMsMax = 900;

/** A request with a key, and what it was answered, if it was. */
interface Sent {
  link: { id: number; secret: string };
  key: string;
  answer: Answer | null;
}

describe('a server that is killed between doing something and saying so', {
  timeout: figure({ small: 120_000, large: 3_600_000 }),
}, () => {
  it(`does it once all the same when it is asked again (POSTERN_SEED=${seed})`, async (t) => {
    const random = randomFrom(seed);
    const folder = freshFolder();
    t.after(() => folder[Symbol.dispose]());
    const settings = { POSTERN_PORT: String(await freePort()), POSTERN_RATE_LIMITS: 'off' };
    const dataFolder = join(folder.path, 'data');
    let demo = await startDemo(dataFolder, settings);
    t.after(() => demo[Symbol.asyncDispose]());
    let unanswered = 0;
    let requests = 0;
    for (let round = 1; round <= rounds; round++) {
      const created: Sent[] = [];
      const unlocked: Sent[] = [];
      const load = Array.from({ length: clients }, () => client(demo, created, unlocked));
      await pause(killAfterMsMin + random() * (killAfterMsMax - killAfterMsMin));
      await demo.kill('SIGKILL');
      await Promise.all(load);
      demo = await startDemo(dataFolder, settings);
      const again = demo;
      await Promise.all([
        ...created.map((sent) => createdOnce(again, sent)),
        ...unlocked.map((sent) => unlockedOnce(again, sent)),
      ]);
      const lost = [...created, ...unlocked].filter(({ answer }) => answer === null).length;
      t.diagnostic(
        `round ${round}: ${created.length} links, ${unlocked.length} unlocks, ${lost} without an answer`,
      );
      unanswered += lost;
      requests += created.length + unlocked.length;
    }
    report(t, 'kills between commit and answer', {
      kills: rounds,
      requests,
      unanswered,
      'done twice': 0,
      seed,
    });
    assert.ok(unanswered > 0, 'nothing was under way when the server was killed');
  });
});

/** Makes a link and opens a door with it, again and again, each under a key, until nobody answers. */
async function client(demo: RunningDemo, created: Sent[], unlocked: Sent[]): Promise<void> {
  try {
    for (;;) {
      const making: Sent = { link: { id: 0, secret: '' }, key: randomUUID(), answer: null };
      created.push(making);
      making.answer = await create(demo, making);
      assert.equal(making.answer.status, 200);
      const opening: Sent = { link: making.answer.body, key: randomUUID(), answer: null };
      unlocked.push(opening);
      opening.answer = await unlock(demo, opening);
      assert.equal(opening.answer.status, 200);
    }
  } catch (error) {
    // `fetch` rejects with a TypeError when the connection breaks, and with nothing else here.
    if (!(error instanceof TypeError && error.cause !== undefined)) throw error;
  }
}

function create(demo: RunningDemo, { key }: Sent): Promise<Answer> {
  const body = { group_link: { name: key, group_id: demo.demo.group_id } };
  return demo.call('POST', '/group_links', { body, headers: { 'idempotency-key': key } });
}

function unlock({ demo }: RunningDemo, { link, key }: Sent): Promise<Answer> {
  const path = `/locks/${demo.locks[0]?.id}/unlock`;
  const headers = { 'idempotency-key': key };
  return fetchAnswer(demo.url, { method: 'POST', path, secret: link.secret, as: 'link', headers });
}

async function createdOnce(demo: RunningDemo, sent: Sent): Promise<void> {
  const again = await create(demo, sent);
  assert.equal(again.status, 200, JSON.stringify(again.body));
  if (sent.answer) assert.deepEqual(again.body, sent.answer.body);
  const { body } = await demo.call('GET', `/group_links?query=${sent.key}`);
  assert.deepEqual(
    body.map(({ id }: { id: number }) => id),
    [again.body.id],
  );
}

/** What was under way when the server was killed may have an outcome that nobody knows; it is commanded once all the same. */
async function unlockedOnce(demo: RunningDemo, sent: Sent): Promise<void> {
  const again = await unlock(demo, sent);
  if (sent.answer) assert.deepEqual([again.status, again.body], [200, sent.answer.body]);
  else assert.ok(again.status === 200 || again.body.reason === 'outcome_unknown', JSON.stringify(again.body));
  const events = await demo.unlocksBy(sent.link);
  assert.deepEqual(
    events.map(({ success }) => success),
    [true],
  );
  const moved = demo.pulses().filter(({ command_id }) => command_id === events[0]?.uuid);
  assert.ok(moved.length <= 1 && (sent.answer === null || moved.length === 1), `${moved.length} pulses`);
}
