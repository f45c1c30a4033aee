import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { RunningAgent } from '../agent/main.ts';
import { type KnownLink, type Load, startLoad } from './crash-load.ts';
import { freePort, freshFolder, pulsesIn } from './demo-process.ts';
import { figure, report } from './figures.ts';
import {
  createDatabase,
  prepareTemplate,
  startPostgres,
  type TestDatabase,
  type TestPostgres,
} from './postgres.ts';
import { randomFrom, seed } from './seed.ts';
import {
  buildHouse,
  type House,
  runAgent,
  type Serve,
  serveSettings,
  startServe,
  until,
  withOwner,
} from './serve-process.ts';

const rounds = figure({ small: 3, large: 50 });
const clients = 16;
const killAfterMsMin = 300;
const killAfterMsMax = 1_500;
/** How long the database stays away: long enough that everybody notices. */
const awayMs = 700;
const backMsMax = 5_000;
/** Longer than anybody waits at a door. */
const stillMs = 5_500;

describe(`PostgreSQL behind a server that works (POSTERN_SEED=${seed})`, {
  timeout: figure({ small: 240_000, large: 3_600_000 }),
}, () => {
  const folder = freshFolder();
  const random = randomFrom(seed);
  /** Of every round. */
  const known: KnownLink[] = [];
  let postgres: TestPostgres;
  let database: TestDatabase;
  let house: House;
  let serve: Serve;
  let agent: RunningAgent;

  before(async () => {
    postgres = await startPostgres();
    await prepareTemplate(postgres.adminUrl);
    database = await createDatabase(postgres.adminUrl);
    const settings = { ...serveSettings(database), POSTERN_PORT: String(await freePort()) };
    serve = await startServe(settings);
    house = await buildHouse(serve, settings, database);
    agent = runAgent(house, { server_url: serve.url, folder: folder.path });
    await agent.connected();
    await opens();
  });
  after(async () => {
    await agent?.close();
    await serve?.[Symbol.asyncDispose]();
    await postgres?.stop();
    folder[Symbol.dispose]();
  });

  it('loses nothing that was acknowledged when it is killed, and the server answers 503 until it is back', async (t) => {
    for (let round = 1; round <= rounds; round++) {
      const load = begin();
      await pause(killAfterMs());
      await postgres.kill();
      await until('its absence is noticed', () => (load.refusals.get('unavailable') ?? 0) > clients);
      await pause(awayMs);
      await postgres.start();
      const { ms } = await opens();
      const withoutDatabase = await refusalsThenNone(load);
      await load.stop();
      known.push(...load.known);
      t.diagnostic(
        `round ${round}: ${figures(load)}, 503 ${withoutDatabase}, opens ${Math.round(ms)} ms after it is back`,
      );
      assert.ok(ms <= backMsMax, `opens ${ms} ms after the database is back`);
      await checkAnswers(load.known);
      await checkRecords();
    }
    reportSoFar(t, 'kills of PostgreSQL');
    const { rows } = await withOwner(database.ownerUrl, (owner) =>
      owner.query("select 1 from events where type = 'agent.alarm'"),
    );
    assert.deepEqual(rows, [], 'the agent kept its session all the time');
  });

  it('opens nothing for those who asked before it stood still, and takes no use', async (t) => {
    const links = await Promise.all(
      Array.from({ length: clients }, () => house.createLink(serve, { max_uses: 1 })),
    );
    const before = pulses().length;
    postgres.pause();
    const askedAt = Date.now();
    const asked = links.map((link) => house.unlock(serve, link));
    await pause(stillMs);
    postgres.goOn();
    const answers = await Promise.all(asked);
    for (const { status, body, headers } of answers) {
      assert.deepEqual([status, body.reason], [503, 'unavailable']);
      assert.ok(Number(headers.get('retry-after')) > 0);
    }
    await opens();
    const late = pulses().slice(before, -1);
    t.diagnostic(`answered ${Date.now() - askedAt} ms after they asked: ${late.length} opened`);
    assert.deepEqual(late, []);
    const again = await Promise.all(links.map((link) => house.unlock(serve, link)));
    assert.deepEqual(
      again.map(({ status }) => status),
      links.map(() => 200),
    );
  });

  it('has kept all that the server acknowledged before it was killed itself', async (t) => {
    for (let round = 1; round <= rounds; round++) {
      const load = begin();
      await pause(killAfterMs());
      await serve.kill('SIGKILL');
      await load.stop();
      known.push(...load.known);
      serve = await startServe(house.settings);
      const { ms } = await opens();
      t.diagnostic(
        `round ${round}: ${figures(load)}, listens after ${Math.round(serve.readyMs)} ms, opens ${Math.round(ms)} ms later`,
      );
      assert.ok(serve.readyMs <= backMsMax, `listens after ${serve.readyMs} ms`);
      await checkAnswers(load.known);
      await checkRecords();
    }
    reportSoFar(t, 'kills of the server on PostgreSQL');
  });

  function reportSoFar(t: TestContext, what: string): void {
    const unlocks = known.reduce((sum, { opened }) => sum + opened, 0);
    report(t, what, { kills: rounds, links: known.length, unlocks, lost: 0, duplicates: 0, seed });
  }

  it('was a load: links that opened more than once, and some that were revoked', () => {
    assert.ok(known.length > 50, `${known.length} links`);
    assert.ok(known.some(({ opened }) => opened > 1));
    assert.ok(known.some(({ revoke }) => revoke === 'acknowledged'));
  });

  const pulses = () => pulsesIn(join(folder.path, 'agent'));
  const killAfterMs = () => killAfterMsMin + random() * (killAfterMsMax - killAfterMsMin);

  function begin(): Load {
    const target = {
      createLink: (fields: object) =>
        house.call(serve, 'POST', '/group_links', {
          body: { group_link: { name: 'Robin Guest', group_id: house.group_id, ...fields } },
        }),
      unlock: (link: { secret: string }, door: number) => house.unlock(serve, link, house.locks[door]?.id),
      revoke: ({ id }: { id: number }) => house.call(serve, 'DELETE', `/group_links/${id}`),
    };
    return startLoad(target, clients, random);
  }

  /** Waits until a link can be made and opens a door: the agent is there, and so is the database. */
  function opens(): Promise<{ ms: number }> {
    return until(
      'a door opens',
      async () => {
        const body = { group_link: { name: 'Robin Guest', group_id: house.group_id } };
        const made = await house.call(serve, 'POST', '/group_links', { body });
        if (made.status !== 200) return false;
        return (await house.unlock(serve, made.body)).status === 200;
      },
      30_000,
    );
  }

  /** How often it was refused for which reason by the time that it is not any more. */
  async function refusalsThenNone({ refusals, known: links }: Load): Promise<string> {
    const already = links.length;
    await until('the clients go on', () => links.length > already + clients);
    return [...refusals].map(([reason, count]) => `${reason} × ${count}`).join(', ');
  }

  /** What this round's clients were told is still so. */
  async function checkAnswers(made: readonly KnownLink[]): Promise<void> {
    for (let start = 0; start < made.length; start += clients) {
      await Promise.all(made.slice(start, start + clients).map((link) => checkLink(link)));
    }
  }

  async function checkLink({ id, secret, revoke }: KnownLink): Promise<void> {
    const { status, body } = await house.call(serve, 'GET', `/group_links/${id}`);
    if (revoke === 'not_tried') assert.deepEqual([status, body.id], [200, id], `link ${id} is there`);
    if (revoke !== 'acknowledged') return;
    assert.equal(status, 404, `link ${id} is revoked`);
    const refused = await house.unlock(serve, { secret });
    assert.deepEqual([refused.status, refused.body.reason], [403, 'credential_revoked'], `link ${id}`);
  }

  /** What the database holds agrees with itself, with the lock, and with everything that was ever acknowledged. */
  async function checkRecords(): Promise<void> {
    await withOwner(database.ownerUrl, async (owner) => {
      const byId = async (text: string) => {
        const { rows } = await owner.query<{ id: string; count: string }>(text);
        return new Map(rows.map(({ id, count }) => [Number(id), Number(count)]));
      };
      const uses = await byId('select id, uses as count from links');
      const granted = await byId(
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
      await until('every event has its place', async () => {
        const { rows } = await owner.query('select 1 from events where position is null limit 1');
        return rows.length === 0;
      });
      const { rows: ends } = await owner.query(
        'select count(*)::int as events, max(position)::int as last from events',
      );
      assert.equal(ends[0].last, ends[0].events, 'the log has no gap');
      const { rows } = await owner.query<{ uuid: string }>(
        "select uuid from events where type = 'lock.unlock' and success = 1",
      );
      checkPulses(new Set(rows.map(({ uuid }) => uuid)));
    });
  }

  function checkPulses(grants: ReadonlySet<string>): void {
    const moved = pulses().map(({ command_id }) => command_id);
    assert.deepEqual(
      moved.filter((uuid) => !grants.has(uuid)),
      [],
      'no pulse without its event',
    );
    assert.equal(new Set(moved).size, moved.length, 'no command moved a lock twice');
    const opened = known.reduce((sum, link) => sum + link.opened, 0);
    assert.ok(moved.length >= opened, `${moved.length} pulses for ${opened} acknowledged unlocks`);
  }
});

function figures({ known }: Load): string {
  return `${known.length} links, ${known.reduce((sum, { opened }) => sum + opened, 0)} unlocks`;
}
