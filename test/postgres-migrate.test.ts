import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { Client } from 'pg';
import { migrationNames } from '../server/database/postgres-schema.ts';
import { type Finished, freePort, runPostern, type Settings } from './demo-process.ts';
import {
  createDatabase,
  prepareTemplate,
  startPostgres,
  type TestDatabase,
  testPostgres,
} from './postgres.ts';
import { startServe } from './serve-process.ts';

const newest = migrationNames().length;
const atOnce = 5;

/** Runs the command with these addresses; whatever it prints, no password is in it. */
async function postern(command: string, settings: Settings): Promise<Finished> {
  const finished = await runPostern([command], {
    POSTERN_SECRET_KEY: randomBytes(32).toString('base64'),
    POSTERN_PORT: '0',
    ...settings,
  });
  for (const address of Object.values(settings)) {
    const { password } = new URL(address);
    const said = finished.stdout + finished.stderr;
    assert.ok(!said.includes(`:${password}@`) && !said.includes(address), `it tells the password: ${said}`);
  }
  return finished;
}

function addresses({ url, ownerUrl }: TestDatabase): Settings {
  return { POSTERN_DATABASE_URL: url, POSTERN_MIGRATE_DATABASE_URL: ownerUrl };
}

/** The same address with something else in it. */
function changed(
  address: string,
  part: Partial<Pick<URL, 'username' | 'password' | 'pathname' | 'port'>>,
): string {
  return Object.assign(new URL(address), part).href;
}

async function as<T>(address: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: address });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** One sentence that says what to do, and nothing else. */
function assertRefused({ code, stdout, stderr }: Finished, sentence: RegExp): void {
  assert.equal(code, 1, stdout);
  assert.equal(stdout, '');
  assert.match(stderr, /^postern: [^\n]+\.\n$/);
  assert.match(stderr, sentence);
}

describe('`postern migrate`', { timeout: 120_000 }, () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createDatabase(testPostgres(), { empty: true });
  });
  afterEach(() => database.drop());

  it('brings an empty database up to date and says so, and the second time that there is nothing to do', async () => {
    const first = await postern('migrate', addresses(database));
    assert.deepEqual(
      [first.code, first.stdout, first.stderr],
      [0, `Applied ${migrationNames().join(', ')}. The schema is at ${newest}.\n`, ''],
    );
    const second = await postern('migrate', addresses(database));
    assert.deepEqual(
      [second.code, second.stdout, second.stderr],
      [0, `The schema is up to date (${newest}).\n`, ''],
    );
    await using serve = await startServe({
      POSTERN_DATABASE_URL: database.url,
      POSTERN_SECRET_KEY: randomBytes(32).toString('base64'),
      POSTERN_PORT: '0',
    });
    assert.match(serve.url, /^http/);
  });

  it('is done by one when several are started at once, and the others wait for it', async () => {
    const all = await Promise.all(
      Array.from({ length: atOnce }, () => postern('migrate', addresses(database))),
    );
    assert.deepEqual(
      all.map(({ code, stderr }) => [code, stderr]),
      all.map(() => [0, '']),
    );
    const applied = all.filter(({ stdout }) => stdout.startsWith('Applied'));
    const idle = all.filter(({ stdout }) => stdout === `The schema is up to date (${newest}).\n`);
    assert.deepEqual([applied.length, idle.length], [1, atOnce - 1]);
    const { rows } = await as(database.ownerUrl, (owner) =>
      owner.query('select number::int, name from schema_migrations order by number'),
    );
    assert.deepEqual(
      rows,
      migrationNames().map((name, index) => ({ number: index + 1, name })),
    );
  });

  it('leaves a schema alone that a newer version made', async () => {
    await postern('migrate', addresses(database));
    await as(database.ownerUrl, (owner) =>
      owner.query("insert into schema_migrations (number, name) values ($1, 'later')", [newest + 1]),
    );
    assertRefused(await postern('migrate', addresses(database)), /newer version of Postern/);
  });

  it('asks for both addresses', async () => {
    assertRefused(await postern('migrate', {}), /POSTERN_MIGRATE_DATABASE_URL/);
  });

  it('changes nothing for a role that is not there, or is the wrong one', async () => {
    const { url, ownerUrl } = database;
    const strangers = changed(url, { username: 'nobody_at_all' });
    const wrong: [server: string, owner: string, sentence: RegExp][] = [
      [strangers, ownerUrl, /no role nobody_at_all/],
      [ownerUrl, ownerUrl, /same role/],
      [ownerUrl, url, /role in POSTERN_MIGRATE_DATABASE_URL may not .*permission denied/],
      [url, changed(ownerUrl, { password: 'quite-wrong' }), /POSTERN_MIGRATE_DATABASE_URL cannot be opened/],
    ];
    for (const [server, owner, sentence] of wrong) {
      const settings = { POSTERN_DATABASE_URL: server, POSTERN_MIGRATE_DATABASE_URL: owner };
      assertRefused(await postern('migrate', settings), sentence);
    }
    const { rows } = await as(ownerUrl, (client) => client.query("select to_regclass('links') as links"));
    assert.deepEqual(rows, [{ links: null }]);
  });
});

describe('`postern serve` on a PostgreSQL that it must not use', { timeout: 180_000 }, () => {
  let database: TestDatabase;
  before(async () => {
    database = await createDatabase(testPostgres());
  });
  after(() => database?.drop());

  const serve = (url: string) => postern('serve', { POSTERN_DATABASE_URL: url });

  async function onSchema(change: string, sentence: RegExp): Promise<void> {
    const other = await createDatabase(testPostgres());
    try {
      await as(other.ownerUrl, (owner) => owner.query(change));
      assertRefused(await serve(other.url), sentence);
    } finally {
      await other.drop();
    }
  }

  it('has no tables', async () => {
    const empty = await createDatabase(testPostgres(), { empty: true });
    assertRefused(await serve(empty.url), /no tables of Postern.*postern migrate/);
    await empty.drop();
  });

  it('has an older schema', () =>
    onSchema(
      `delete from schema_migrations where number = ${newest}`,
      new RegExp(`older schema \\(${newest - 1} of ${newest}\\).*postern migrate`),
    ));

  it('has a newer schema', () =>
    onSchema(
      `insert into schema_migrations (number, name) values (${newest + 1}, 'later')`,
      /newer version of Postern/,
    ));

  it('would be used as the role that owns the tables', async () => {
    assertRefused(await serve(database.ownerUrl), /role postern_owner owns Postern's tables/);
  });

  it('would be used as a role that `migrate` has never heard of', async () => {
    const username = `stranger_${randomBytes(6).toString('hex')}`;
    await as(testPostgres(), (admin) => admin.query(`create role ${username} login password 'postern'`));
    try {
      const refused = await serve(changed(database.url, { username }));
      assertRefused(refused, /role in POSTERN_DATABASE_URL may not .*permission denied/);
    } finally {
      await as(testPostgres(), (admin) => admin.query(`drop role ${username}`));
    }
  });

  it('would be used as a superuser', async () => {
    const { pathname } = new URL(database.url);
    assertRefused(await serve(changed(testPostgres(), { pathname })), /role postgres is a superuser/);
  });

  it('would forget what it acknowledged to this role', async () => {
    await onSchemaOfRole('synchronous_commit = off', /synchronous_commit/);
  });

  async function onSchemaOfRole(setting: string, sentence: RegExp): Promise<void> {
    const other = await createDatabase(testPostgres());
    try {
      const name = new URL(other.url).pathname.slice(1);
      await as(testPostgres(), (admin) =>
        admin.query(`alter role postern in database ${name} set ${setting}`),
      );
      assertRefused(await serve(other.url), sentence);
    } finally {
      await other.drop();
    }
  }

  it('would lose its data in a power cut', async () => {
    const careless = await startPostgres(['-c', 'fsync=off']);
    try {
      await prepareTemplate(careless.adminUrl);
      const { url } = await createDatabase(careless.adminUrl);
      assertRefused(await serve(url), /fsync=off/);
    } finally {
      await careless.stop();
    }
  });

  it('does not know the password', async () => {
    const refused = await serve(changed(database.url, { password: 'quite-wrong' }));
    assertRefused(refused, /POSTERN_DATABASE_URL cannot be opened: .*password/);
    assert.doesNotMatch(refused.stderr, /quite-wrong/);
  });

  it('is no such database', async () => {
    assertRefused(await serve(changed(database.url, { pathname: '/nowhere' })), /"nowhere" does not exist/);
  });

  it('is not there', async () => {
    const port = String(await freePort());
    assertRefused(
      await serve(changed(database.url, { port })),
      /POSTERN_DATABASE_URL cannot be opened: .*ECONNREFUSED/,
    );
  });

  it('goes with another secret key', async () => {
    const settings = { POSTERN_DATABASE_URL: database.url };
    await using _ = await startServe({
      ...settings,
      POSTERN_SECRET_KEY: randomBytes(32).toString('base64'),
      POSTERN_PORT: '0',
    });
    assertRefused(await postern('serve', settings), /secret key is not the one/);
  });
});
