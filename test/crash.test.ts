import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort, freshFolder, type RunningDemo, startDemo } from './demo-process.ts';
import { figure, report } from './figures.ts';
import { randomFrom, seed } from './seed.ts';
import { fetchAnswer } from './test-server.ts';

const rounds = figure({ small: 10, large: 200 });
const clients = 16;
const readyMsMax = 5_000;
const killAfterMsMin = 40;
const killAfterMsMax = 1_200;

/** What the clients know of a link: what they asked for, and what they were told. */
interface Known {
  id: number;
  secret: string;
  max_uses: number | null;
  tries: number;
  /** Tries that were answered, and those of them that opened. */
  answered: number;
  opened: number;
  revoke: 'not_tried' | 'tried' | 'acknowledged';
}

describe('a server that is killed at any moment', {
  timeout: figure({ small: 180_000, large: 3_600_000 }),
}, () => {
  it(`has kept all that it acknowledged, and nothing twice (POSTERN_SEED=${seed})`, async (t) => {
    const random = randomFrom(seed);
    const folder = freshFolder();
    t.after(() => folder[Symbol.dispose]());
    const dataFolder = join(folder.path, 'data');
    const settings = { POSTERN_PORT: String(await freePort()), POSTERN_RATE_LIMITS: 'off' };
    const known: Known[] = [];
    let slowestMs = 0;
    let demo = await startDemo(dataFolder, settings);
    t.after(() => demo[Symbol.asyncDispose]());
    for (let round = 1; round <= rounds; round++) {
      const killAfterMs = killAfterMsMin + random() * (killAfterMsMax - killAfterMsMin);
      const begun = known.length;
      const load = Array.from({ length: clients }, () => client(demo, known, randomFrom(random() * 2 ** 32)));
      await pause(killAfterMs);
      await demo.kill('SIGKILL');
      await Promise.all(load);

      demo = await startDemo(dataFolder, settings);
      const made = known.slice(begun);
      t.diagnostic(
        `round ${round}: killed after ${Math.round(killAfterMs)} ms, ${made.length} links, ` +
          `${made.reduce((sum, { opened }) => sum + opened, 0)} unlocks, ready in ${Math.round(demo.readyMs)} ms`,
      );
      slowestMs = Math.max(slowestMs, demo.readyMs);
      assert.ok(demo.readyMs <= readyMsMax, `ready again in ${demo.readyMs} ms`);
      await checkOverApi(demo, made);
      checkRecords(demo, known);
    }
    report(t, 'kills of the server', {
      ...{ kills: rounds, links: known.length, unlocks: known.reduce((sum, { opened }) => sum + opened, 0) },
      ...{ lost: 0, duplicates: 0, 'ready again in at most ms': Math.round(slowestMs), seed },
    });
    assert.ok(known.length > 50, `${known.length} links are no load`);
    assert.ok(
      known.some(({ opened }) => opened > 1) && known.some(({ revoke }) => revoke === 'acknowledged'),
    );
  });
});

/** Makes links, opens doors with them and revokes some, one request after the other, until nobody answers. */
async function client(demo: RunningDemo, known: Known[], random: () => number): Promise<void> {
  const lock = demo.demo.locks[Math.floor(random() * 2)]?.id ?? 1;
  try {
    for (;;) {
      const max_uses = random() < 0.5 ? 1 : null;
      const { id, secret } = await demo.createLink({ max_uses });
      const link: Known = { id, secret, max_uses, tries: 0, answered: 0, opened: 0, revoke: 'not_tried' };
      known.push(link);
      const together = random() < 0.3;
      for (let left = 1 + Math.floor(random() * 3); left > 0; left--) {
        await Promise.all(Array.from({ length: together ? 2 : 1 }, () => unlock(demo, link, lock)));
      }
      if (random() < 0.3) await revoke(demo, link);
    }
  } catch (error) {
    if (!isHangUp(error)) throw error;
  }
}

async function unlock(demo: RunningDemo, link: Known, lock: number): Promise<void> {
  link.tries += 1;
  const { status, body } = await demo.call('POST', `/locks/${lock}/unlock`, {
    secret: link.secret,
    as: 'link',
  });
  link.answered += 1;
  if (status === 200) link.opened += 1;
  else assert.deepEqual([status, body.reason, link.max_uses], [403, 'use_limit_reached', 1]);
}

async function revoke(demo: RunningDemo, link: Known): Promise<void> {
  link.revoke = 'tried';
  assert.equal((await demo.call('DELETE', `/group_links/${link.id}`)).status, 204);
  link.revoke = 'acknowledged';
}

/** `fetch` rejects with a TypeError when the connection breaks, and with nothing else here. */
function isHangUp(error: unknown): boolean {
  return error instanceof TypeError && error.cause !== undefined;
}

/** What this round's clients were told is still so. */
async function checkOverApi(demo: RunningDemo, made: readonly Known[]): Promise<void> {
  for (let start = 0; start < made.length; start += clients) {
    await Promise.all(made.slice(start, start + clients).map((link) => checkLink(demo, link)));
  }
}

async function checkLink(demo: RunningDemo, { id, secret, revoke }: Known): Promise<void> {
  const { status, body } = await demo.call('GET', `/group_links/${id}`);
  if (revoke === 'not_tried') assert.deepEqual([status, body.id], [200, id], `link ${id} is there`);
  if (revoke !== 'acknowledged') return;
  assert.equal(status, 404, `link ${id} is revoked`);
  const refused = await fetchAnswer(demo.demo.url, {
    method: 'POST',
    path: '/locks/1/unlock',
    secret,
    as: 'link',
  });
  assert.deepEqual(
    [refused.status, refused.body.reason],
    [403, 'credential_revoked'],
    `link ${id} opens nothing`,
  );
}

/** What is on the disk agrees with itself, and with everything that was ever acknowledged. */
function checkRecords({ dataFolder, pulses }: RunningDemo, known: readonly Known[]): void {
  using database = new DatabaseSync(join(dataFolder, 'postern.db'), { readOnly: true });
  assert.deepEqual({ ...database.prepare('pragma integrity_check').get() }, { integrity_check: 'ok' });
  assert.deepEqual(database.prepare('pragma foreign_key_check').all(), []);
  const uses = countsById(database, 'select id, uses as count from links');
  const granted = countsById(
    database,
    `select actor_id as id, count(*) as count from events
     where type = 'lock.unlock' and success = 1 and actor_type = 'GroupLink' group by actor_id`,
  );
  for (const { id, max_uses, tries, answered, opened } of known) {
    const events = granted.get(id) ?? 0;
    const told = `link ${id}: ${tries} tries, ${opened} acknowledged, ${events} events, ${uses.get(id)} uses`;
    assert.equal(uses.get(id), events, told);
    assert.ok(events >= opened && events <= opened + tries - answered, told);
    assert.ok(events <= (max_uses ?? tries), told);
  }
  const grants = database.prepare(`select uuid from events where type = 'lock.unlock' and success = 1`).all();
  const uuids = new Set(grants.map(({ uuid }) => uuid));
  const moved = pulses().map(({ command_id }) => command_id);
  assert.deepEqual(
    moved.filter((uuid) => !uuids.has(uuid)),
    [],
    'no pulse without its event',
  );
  assert.equal(new Set(moved).size, moved.length, 'no command moved a lock twice');
  const opened = known.reduce((sum, link) => sum + link.opened, 0);
  assert.ok(moved.length >= opened, `${moved.length} pulses for ${opened} acknowledged unlocks`);
}

function countsById(database: DatabaseSync, sql: string): Map<number, number> {
  return new Map(
    database
      .prepare(sql)
      .all()
      .map(({ id, count }) => [Number(id), Number(count)]),
  );
}
