import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import { createApiKey } from '../logins/logins.ts';

const wall = new TestClock('2026-12-01T09:00:00.000Z');
/** The agent's heartbeats need the real time. */
const clock = { now: () => wall.now(), monotonicMs: () => performance.now() };
let server: TestServer;
let link: { id: number; secret: string };
let door: { id: number; name: string };

before(async () => {
  server = await startTestServer({ clock });
  const place_id = (await server.create('place', { name: 'House', address: 'Gate Lane' })).id;
  const group_id = (await server.create('group', { name: 'Visitors' })).id;
  door = await server.create('lock', { name: 'Front door', place_id });
  await server.create('group_lock', { group_id, lock_id: door.id });
  link = await server.create('group_link', { name: 'Robin Guest', group_id, max_uses: 1 });
  await server.connectAgent([door]);
});
after(() => server?.close());

const key = () => ({ secret: server.api_key });
async function keyWithout(): Promise<{ secret: string }> {
  const { organization_id } = server;
  return createApiKey(server.context, { organization_id, name: 'Reads links', scopes: ['links:read'] });
}

/** The database answers what is prepared, such as whose key this is, and nothing else. */
async function withoutDatabase<T>(work: () => Promise<T>): Promise<T> {
  const { database } = server.context;
  const { everywhere } = database;
  const query = new Proxy(everywhere.read.query, {
    get() {
      throw new Error('planted');
    },
  });
  server.context.database = {
    ...database,
    everywhere: { ...everywhere, read: { ...everywhere.read, query } },
  };
  return work().finally(() => {
    server.context.database = database;
  });
}

describe('GET /health', () => {
  it('says that the process answers, whatever else is broken', async () => {
    const { status, body } = await withoutDatabase(() => server.call('GET', '/health'));
    assert.deepEqual([status, body], [200, { status: 'ok' }]);
  });
});

describe('GET /ready', () => {
  it('says to anybody that requests can come, and no more', async () => {
    for (const caller of [{}, { secret: 'wrong' }, await keyWithout()]) {
      const { status, body } = await server.call('GET', '/ready', caller);
      assert.deepEqual([status, body], [200, { status: 'ready' }]);
    }
  });

  it('says more to whoever may read the installation', async () => {
    wall.advance(1_000);
    await server.create('group', { name: 'Written now' });
    const { status, body } = await server.call('GET', '/ready', key());
    assert.deepEqual(
      [status, body],
      [
        200,
        {
          status: 'ready',
          last_commit_at: wall.now(),
          last_housekeeping_at: null,
          agents_connected: 1,
        },
      ],
    );
  });

  it('is 503 as long as the database does not answer', async () => {
    await withoutDatabase(async () => {
      for (const caller of [{}, key()]) {
        const { status, body, headers } = await server.call('GET', '/ready', caller);
        assert.deepEqual([status, body.reason, headers.get('retry-after')], [503, 'unavailable', '2']);
      }
    });
    assert.equal((await server.call('GET', '/ready')).status, 200);
  });
});

describe('GET /metrics', () => {
  const metrics = async () => {
    const { status, headers, body } = await server.call('GET', '/metrics', key());
    assert.equal(status, 200);
    assert.match(headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    return String(body);
  };
  /** The value of one line, by its name with its labels. */
  const valueIn = (text: string, name: string): number => {
    const line = text.split('\n').find((each) => each.startsWith(`${name} `));
    return line === undefined ? 0 : Number(line.slice(name.length + 1));
  };

  it('is for whoever may read the installation', async () => {
    assert.equal((await server.call('GET', '/metrics')).status, 401);
    assert.equal((await server.call('GET', '/metrics', { secret: link.secret, as: 'link' })).status, 403);
    const { status, body } = await server.call('GET', '/metrics', await keyWithout());
    assert.deepEqual([status, body.reason], [403, 'missing_scope']);
  });

  it('counts unlocks by what became of them, and why', async () => {
    const unlock = () => server.call('POST', `/locks/${door.id}/unlock`, { secret: link.secret, as: 'link' });
    assert.deepEqual([(await unlock()).status, (await unlock()).status], [200, 403]);
    const { agents } = server.context;
    const original = agents.unlock;
    agents.unlock = async () => 'not_done';
    await server.call('POST', `/locks/${door.id}/unlock`, key()).finally(() => {
      agents.unlock = original;
    });
    const text = await metrics();
    assert.equal(valueIn(text, 'postern_unlocks_total{outcome="opened",reason=""}'), 1);
    assert.equal(valueIn(text, 'postern_unlocks_total{outcome="denied",reason="use_limit_reached"}'), 1);
    assert.equal(valueIn(text, 'postern_unlocks_total{outcome="failed",reason="lock_failed"}'), 1);
  });

  it('counts requests by the pattern of their route and their status, and how long they took', async () => {
    await server.call('GET', `/grouplinks/${link.secret}`);
    await server.call('GET', `/${link.secret}`);
    const text = await metrics();
    const count = (labels: string) => valueIn(text, `postern_http_request_duration_seconds_count{${labels}}`);
    assert.equal(count('method="GET",route="/grouplinks/:secret",status="200"'), 1);
    assert.equal(count('method="GET",route="none",status="404"'), 1);
    assert.ok(text.includes('postern_http_request_duration_seconds_bucket{le="0.25",'));
  });

  it('tells of agents, the database and the process', async () => {
    const text = await metrics();
    assert.equal(valueIn(text, 'postern_agents_connected'), 1);
    assert.ok(valueIn(text, 'postern_database_commit_duration_seconds_count') > 5);
    for (const name of ['process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds'])
      assert.match(text, new RegExp(`^${name} `, 'm'));
  });

  it('names nobody and holds no secret', async () => {
    const text = await metrics();
    for (const word of ['Robin', 'Front door', 'Test House', 'owner@', link.secret, server.api_key])
      assert.ok(!text.includes(word), word);
  });

  it('counts what was refused because there was too much of it', async () => {
    await using limited = await startTestServer({ clock });
    for (let time = 0; time < 62; time++) await limited.call('GET', '/places', { secret: 'wrong' });
    const { body } = await limited.call('GET', '/metrics', { secret: limited.api_key });
    assert.equal(valueIn(body, 'postern_rate_limited_total{limit="wrong_credentials"}'), 2);
  });
});
