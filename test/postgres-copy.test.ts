import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { readIdentity } from '../agent/identity.ts';
import type { RunningAgent } from '../agent/main.ts';
import {
  type Finished,
  freePort,
  freshFolder,
  runPostern,
  type Settings,
  startPostern,
} from './demo-process.ts';
import { addEvents, type FurnishedDemo, furnishDemo, readFurnished } from './furnished-demo.ts';
import { createDatabase, type TestDatabase, testPostgres } from './postgres.ts';
import { runAgent, type Serve, startServe, until, withOwner } from './serve-process.ts';
import { type Answer, fetchAnswer } from './test-server.ts';
import type { Reading } from './whole-reading.ts';

const eventsMany = 3_000;
/** The event of those at whose row a copy is stopped: in the middle of the table, and of what is sent at once. */
const stopAtPosition = 1_700;
const lockNumber = 4_711;

describe('`postern copy`', { timeout: 240_000 }, () => {
  const folders = freshFolder();
  let original: FurnishedDemo;
  /** What the API showed of it. */
  let reading: Reading;
  let database: TestDatabase;
  /** Of the original folder's double, which is this test's alone. */
  let settings: Settings;
  /** Of the server on PostgreSQL afterwards. */
  let target: Settings;

  before(async () => {
    original = await furnishDemo(join(folders.path, 'original'));
    await using serve = await startServe({ ...original.settings, POSTERN_DATA: original.folder });
    reading = await readFurnished(serve, original);
    await serve.kill('SIGTERM');
  });
  after(() => folders[Symbol.dispose]());
  beforeEach(async () => {
    database = await createDatabase(testPostgres());
    const folder = join(folders.path, randomBytes(4).toString('hex'));
    cpSync(original.folder, folder, { recursive: true });
    settings = { ...original.settings, POSTERN_DATA: folder };
    target = { ...original.settings, POSTERN_DATABASE_URL: database.url, POSTERN_DATA: folders.path };
  });
  afterEach(() => database.drop());

  const copy = (to = database.url) => runPostern(['copy', '--to', to], settings);

  it('brings everything over: what the API shows, what opens a door, and what does not', async () => {
    const { code, stdout, stderr } = await copy();
    assert.deepEqual([code, stderr], [0, '']);
    const lines = stdout.trimEnd().split('\n');
    for (const step of ['Copying', 'Comparing'])
      assert.ok(
        lines.some((line) => new RegExp(`^${step} links: (\\d+) of \\1$`).test(line)),
        stdout,
      );
    assert.match(lines.at(-1) ?? '', /^Copied and compared \d+ rows of \d+ tables\. Now start the server /);
    assert.ok(!stdout.includes(database.url) && !stdout.includes(settings['POSTERN_SECRET_KEY'] ?? '-'));

    await using serve = await startServe(target);
    assertSame(await readFurnished(serve, original), reading);
    await using agent = await connectAgent(serve);
    await opensWhatItOpened(serve, agent.readers()[0]?.port ?? 0);
    await givesNewIds(serve);
  });

  it('leaves a folder that serves nobody any more, and is not copied twice', async () => {
    await copy();
    for (const command of ['serve', 'demo']) {
      const refused = await runPostern([command], settings);
      assertRefused(refused, /was copied to PostgreSQL: set POSTERN_DATABASE_URL/);
    }
    await using serve = await startServe(target);
    const { links } = original;
    assert.equal((await ask(serve, 'DELETE', `/group_links/${links.open.id}`)).status, 204);
    assertRefused(await copy(), /copied before/);
    const other = await createDatabase(testPostgres());
    assertRefused(await copy(other.url), /copied before/);
    await other.drop();
    assert.equal((await ask(serve, 'GET', `/group_links/${links.open.id}`)).status, 404, 'it stays revoked');
  });

  it('goes on where it was killed; until it is whole, nobody serves what is there', async () => {
    await cutShort();
    const copied = await count('events');
    assert.ok(copied > 0 && copied < eventsMany, `${copied} events`);
    assertRefused(await runPostern(['serve'], target), /never finished.*postern copy/);
    assertRefused(await runPostern(['api-keys', 'list'], target), /never finished/);
    const again = await copy();
    assert.deepEqual([again.code, again.stderr], [0, '']);
    assert.ok((await count('events')) >= eventsMany);
    await using serve = await startServe(target);
    const { status } = await unlock(serve, original.links.revoked);
    assert.equal(status, 403);
  });

  it('brings up to date what was changed after it was killed', async () => {
    await cutShort();
    let changed: Reading;
    {
      await using serve = await startServe(settings);
      await ask(serve, 'DELETE', `/group_links/${original.links.open.id}`);
      await ask(serve, 'PATCH', `/group_links/${original.links.online.id}`, {
        group_link: { name: 'Changed' },
      });
      const late = { name: 'After the first half', group_id: original.demo.group_id };
      await ask(serve, 'POST', '/group_links', { group_link: late });
      changed = await readFurnished(serve, original);
      await serve.kill('SIGTERM');
    }
    const again = await copy();
    assert.deepEqual([again.code, again.stderr], [0, '']);
    await using serve = await startServe(target);
    assertSame(await readFurnished(serve, original), changed);
    assert.equal((await unlock(serve, original.links.open)).body.reason, 'credential_revoked');
  });

  it('says so when what was removed meanwhile is over there already, and leaves the folder in use', async () => {
    await cutShort('schedules', 'true');
    {
      await using serve = await startServe(settings);
      const { body } = await ask(serve, 'GET', '/group_locks?limit=250');
      // The last one: every row that is still there has its double over there.
      assert.equal((await ask(serve, 'DELETE', `/group_locks/${body.at(-1).id}`)).status, 204);
      await serve.kill('SIGTERM');
    }
    assertRefused(await copy(), /not what the source has .*Make an empty database and copy again/);
    assertRefused(await runPostern(['serve'], target), /never finished/);
    await using serve = await startServe(settings);
    assert.equal((await ask(serve, 'GET', '/group_locks')).status, 200);
  });

  it('touches no database that holds something else', async () => {
    const others = { ...target, POSTERN_SECRET_KEY: randomBytes(32).toString('base64') };
    assert.equal((await runPostern(['setup', '--name', 'Others'], others)).code, 0);
    const before = [await count('organizations'), await count('installation'), await count('events')];
    assertRefused(await copy(), /holds another installation.*empty one/);
    assert.deepEqual(
      [await count('organizations'), await count('installation'), await count('events')],
      before,
    );
    assert.ok(!existsSync(join(settings['POSTERN_DATA'] ?? '', 'moved-to-postgresql')));
  });

  it('waits for no server: it refuses the folder of one that runs', async () => {
    await using _ = await startServe(settings);
    assertRefused(await copy(), /Another server runs on the data/);
  });

  it('says in a sentence what is wrong with where it shall go, and never the password', async () => {
    const secret = 'hunter2-and-more';
    const to = (part: Partial<Pick<URL, 'password' | 'pathname' | 'port' | 'protocol'>>) =>
      Object.assign(new URL(database.url), { password: secret, ...part }).href;
    const empty = await createDatabase(testPostgres(), { empty: true });
    const wrong: [address: string, sentence: RegExp][] = [
      [to({}), /--to cannot be opened: .*password/],
      [to({ password: 'postern', pathname: '/nowhere' }), /"nowhere" does not exist/],
      [to({ port: String(await freePort()) }), /--to cannot be opened: .*ECONNREFUSED/],
      [`mysql://postern:${secret}@127.0.0.1/postern`, /--to must be the address of a database/],
      [`postgres:/postern:${secret}@:x/`, /--to must be the address of a database/],
      [empty.url, /no tables of Postern.*postern migrate/],
      [database.ownerUrl, /owns Postern's tables/],
    ];
    for (const [address, sentence] of wrong) {
      const refused = await copy(address);
      assertRefused(refused, sentence);
      assert.ok(!refused.stderr.includes(secret), refused.stderr);
    }
    await empty.drop();
    const nothing = await runPostern(['copy', '--to', database.url], {
      ...settings,
      POSTERN_DATA: folders.path,
    });
    assertRefused(nothing, /no postern\.db/);
    assert.equal(await count('installation'), 0);
  });

  /** A copy of many events that is killed at a row: unless another is named, in the middle of them. */
  async function cutShort(table = 'events', row = `new.position = ${stopAtPosition}`): Promise<void> {
    addEvents(join(settings['POSTERN_DATA'] ?? '', 'postern.db'), eventsMany);
    await withOwner(database.ownerUrl, async (owner) => {
      await owner.query(`
        create function wait_here() returns trigger language plpgsql as $$ begin
          if ${row} then perform pg_advisory_xact_lock(${lockNumber}); end if;
          return new;
        end $$;
        create trigger wait_here before insert on ${table} for each row execute function wait_here();
        grant execute on function wait_here to postern;
        select pg_advisory_lock(${lockNumber})`);
      await using running = startPostern(['copy', '--to', database.url], settings);
      await until('it has come to the row', async () => {
        const { rows } = await owner.query(
          "select 1 from pg_locks where locktype = 'advisory' and objid = $1 and not granted",
          [lockNumber],
        );
        return rows.length > 0;
      });
      assert.match(running.stdout(), /^Copying \w+: \d+ of \d+$/m);
      await running.kill('SIGKILL');
      await withOwner(testPostgres(), (admin) =>
        admin.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = $1 and usename = 'postern' and wait_event_type = 'Lock'`,
          [new URL(database.url).pathname.slice(1)],
        ),
      );
      await owner.query(`drop trigger wait_here on ${table}`);
    });
  }

  async function count(table: string): Promise<number> {
    return withOwner(database.ownerUrl, async (owner) => {
      const { rows } = await owner.query<{ count: string }>(`select count(*) from ${table}`);
      return Number(rows[0]?.count);
    });
  }

  /** The demo's agent, which knows the servers by their key and has never heard of the move. */
  async function connectAgent(at: Serve): Promise<RunningAgent> {
    const identity = await readIdentity(join(original.folder, 'agent'));
    assert.ok(identity);
    const { agent_id: id, private_key, server_public_key } = identity;
    const agent = { id, private_key, server_public_key };
    const house = { settings: target, agent, locks: original.demo.locks };
    const running = runAgent(house, { server_url: at.url, folder: settings['POSTERN_DATA'] ?? '' });
    await running.connected();
    const [door] = original.demo.locks;
    await until('it is known', async () => (await ask(at, 'GET', `/locks/${door?.id}`)).body.online === true);
    return running;
  }

  async function opensWhatItOpened(at: Serve, readerPort: number): Promise<void> {
    const { open, online, usedUp, revoked, suspended } = original.links;
    assert.equal((await unlock(at, open)).status, 200);
    for (const link of [open, online])
      assert.equal(await show(link.quick_response_code_token, readerPort), 'granted');
    const refused = [
      [usedUp, 'use_limit_reached'],
      [revoked, 'credential_revoked'],
      [suspended, 'credential_suspended'],
    ] as const;
    for (const [link, reason] of refused) {
      assert.equal((await unlock(at, link)).body.reason, reason);
      // To a reader a code is good or not: that its link is only paused is not on its list.
      const said = link === suspended ? 'credential_revoked' : reason;
      assert.equal(await show(link.quick_response_code_token, readerPort), `denied ${said}`);
    }
    const { body } = await ask(at, 'POST', `/group_links/${open.id}/reveal`);
    const { secret, url, quick_response_code_token } = open;
    assert.deepEqual(
      { secret: body.secret, url: body.url, pass: body.quick_response_code_token },
      { secret, url, pass: quick_response_code_token },
    );
  }

  /** What is made now stands beside what came over. */
  async function givesNewIds(at: Serve): Promise<void> {
    const { group_id } = original.demo;
    const fields = {
      place: { address: '3 Gate Lane' },
      group: {},
      member: { email: 'late@example.org', role: 'viewer' },
      group_link: { group_id },
    };
    for (const [noun, own] of Object.entries(fields)) {
      const { status, body } = await ask(at, 'POST', `/${noun}s`, { [noun]: { name: 'Newcomer', ...own } });
      assert.equal(status, 200, JSON.stringify(body));
      const known = [`/${noun}s`, `/${noun}s?state=ended`].flatMap((path) => reading.get(path) ?? []);
      const last = Math.max(...known.map((row) => (row as { id: number }).id)); // as every list's rows have
      assert.ok(body.id > last, `${noun} ${body.id} after ${last}`);
    }
  }

  function ask(at: Serve, method: string, path: string, body?: object): Promise<Answer> {
    return fetchAnswer(at.url, { method, path, secret: original.owner, ...(body ? { body } : {}) });
  }

  function unlock(at: Serve, { secret }: { secret: string }): Promise<Answer> {
    const path = `/locks/${original.demo.locks[0]?.id}/unlock`;
    return fetchAnswer(at.url, { method: 'POST', path, secret, as: 'link' });
  }
});

/** Shows a text to a reader; answers what it says. */
async function show(text: string, port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, signal: AbortSignal.timeout(10_000) });
  await once(socket, 'connect');
  socket.setEncoding('utf8').end(`${text}\n`);
  let line = '';
  for await (const part of socket) line += part;
  return line.trim();
}

function assertSame(found: Reading, wanted: Reading): void {
  assert.deepEqual([...found.keys()], [...wanted.keys()]);
  for (const [path, shown] of wanted) assert.deepEqual(found.get(path), shown, path);
}

/** One sentence that says what to do, and nothing else on stderr. */
function assertRefused({ code, stdout, stderr }: Finished, sentence: RegExp): void {
  assert.equal(code, 1, stdout);
  assert.match(stderr, /^postern: [^\n]+\.\n$/);
  assert.match(stderr, sentence);
}
