import assert from 'node:assert/strict';
import { afterEach, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'kysely';
import { Client } from 'pg';
import { createDatabase, type TestDatabase, testPostgres } from '../../test/postgres.ts';
import type { Database, Transaction } from './database.ts';
import { openPostgres } from './postgres.ts';

const at = '2026-12-01T09:00:00.000Z';
let made: TestDatabase;
let database: Database;

before(() => {
  testPostgres(); // says what to do when there is none
});
beforeEach(async () => {
  made = await createDatabase(testPostgres());
  database = await openPostgres({ url: made.url, onLost: () => {} });
});
afterEach(async () => {
  await database.close();
  await made.drop();
});

function insertOrganization(tx: Transaction, id: number) {
  const row = { id, name: `Organization ${id}`, domain: `o${id}`, created_at: at, updated_at: at };
  return tx.query.insertInto('organizations').values(row).execute();
}

function insertPlace(tx: Transaction, organization_id: number, name: string) {
  const times = { created_at: at, updated_at: at };
  return tx.query
    .insertInto('places')
    .values({ organization_id, name, folded: name, address: 'x', time_zone: 'UTC', ...times })
    .returning('id')
    .executeTakeFirstOrThrow();
}

function insertEvent(tx: Transaction, organization_id: number, uuid: string) {
  const object = { object_type: 'Place', object_id: 1, object_name: 'p', action: 'create', success: 1 };
  return tx.query
    .insertInto('events')
    .values({
      uuid,
      organization_id,
      type: 'place.create',
      created_at: at,
      recorded_at: at,
      sequence: uuid,
      ...object,
    })
    .execute();
}

async function placeNames(of: Database['everywhere'] = database.everywhere): Promise<string[]> {
  const rows = await of.read.query.selectFrom('places').select('name').orderBy('name').execute();
  return rows.map(({ name }) => name);
}

async function asOwner<T>(work: (owner: Client) => Promise<T>): Promise<T> {
  const owner = new Client({ connectionString: made.ownerUrl });
  await owner.connect();
  try {
    return await work(owner);
  } finally {
    await owner.end();
  }
}

/** Two organizations with a place each. */
async function twoOrganizations(): Promise<void> {
  await database.everywhere.transaction(async (tx) => {
    for (const id of [1, 2]) {
      await insertOrganization(tx, id);
      await insertPlace(tx, id, `place of ${id}`);
    }
  });
}

describe('a transaction on PostgreSQL', () => {
  beforeEach(twoOrganizations);

  it('is there for everybody when it is answered, and for nobody before', async () => {
    const seen: string[][] = [];
    await database.of(1).transaction(async (tx) => {
      await insertPlace(tx, 1, 'new');
      seen.push(await placeNames());
    });
    assert.deepEqual(
      [...seen, await placeNames()],
      [
        ['place of 1', 'place of 2'],
        ['new', 'place of 1', 'place of 2'],
      ],
    );
  });

  it('is taken back whole when it throws, also after an attempt', async () => {
    const failing = database.of(1).transaction(async (tx) => {
      await insertPlace(tx, 1, 'new');
      await tx.attempt(async () => {
        await insertPlace(tx, 1, 'newer');
        throw new Error('inside');
      });
    });
    await assert.rejects(failing, /inside/);
    assert.deepEqual(await placeNames(), ['place of 1', 'place of 2']);
  });

  it('goes on after an attempt that is undone', async () => {
    await database.of(1).transaction(async (tx) => {
      const result = await tx.attempt(async () => {
        await insertPlace(tx, 1, 'undone');
        return { result: 'denied', undo: true };
      });
      await insertPlace(tx, 1, result);
    });
    assert.deepEqual(await placeNames(), ['denied', 'place of 1', 'place of 2']);
  });

  it('does not quietly commit nothing when somebody swallowed a failed statement', async () => {
    const swallowing = database.of(1).transaction(async (tx) => {
      await insertPlace(tx, 1, 'lost');
      await sql`select 1 / 0`.execute(tx.query).catch(() => {});
    });
    await assert.rejects(swallowing, /had failed before its commit/);
  });

  const alreadyThere = [
    'insert into organizations (id, name, domain, created_at, updated_at) values (?, ?, ?, ?, ?)',
    ...[1, 'again', 'again', at, at],
  ] as const;

  it('is rejected with the error of a statement that nobody waited for, and keeps nothing', async () => {
    const failing = database.everywhere.transaction(async (tx) => {
      await insertPlace(tx, 1, 'lost');
      tx.send(...alreadyThere);
    });
    await assert.rejects(failing, { code: '23505' });
    assert.deepEqual(await placeNames(), ['place of 1', 'place of 2']);
  });

  it('says what failed first, not that the next statement came too late', async () => {
    const failing = database.everywhere.transaction(async (tx) => {
      tx.send(...alreadyThere);
      await insertPlace(tx, 1, 'lost');
    });
    await assert.rejects(failing, { code: '23505' });
  });

  it('does not take back with an attempt what failed in it', async () => {
    const failing = database.everywhere.transaction(async (tx) => {
      await insertPlace(tx, 1, 'lost');
      await tx.attempt(async () => {
        tx.send(...alreadyThere);
        return { result: null, undo: true };
      });
    });
    await assert.rejects(failing, { code: '23505' });
    assert.deepEqual(await placeNames(), ['place of 1', 'place of 2']);
  });

  it('leaves its connection seeing what it saw before', async () => {
    const onAll = <T>(work: () => Promise<T>) => Promise.all(Array.from({ length: 20 }, work));
    const both = ['place of 1', 'place of 2'];
    await onAll(() => placeNames());
    for (const id of [1, 2]) {
      await onAll(() =>
        database.of(id).transaction(async (tx) => {
          const seen = await tx.query.selectFrom('places').select('name').execute();
          assert.deepEqual(seen, [{ name: `place of ${id}` }]);
        }),
      );
      for (const seen of await onAll(() => placeNames())) assert.deepEqual(seen, both);
      for (const seen of await onAll(() => placeNames(database.of(3 - id))))
        assert.deepEqual(seen, [`place of ${3 - id}`]);
      await onAll(() => placeNames());
    }
  });

  it('is run again when two stand in each other’s way', async () => {
    let runs = 0;
    const cross = (first: number, second: number) =>
      database.everywhere.transaction(async (tx) => {
        runs += 1;
        for (const id of [first, second]) {
          await tx.query
            .updateTable('organizations')
            .set({ name: `by ${first}` })
            .where('id', '=', id)
            .execute();
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      });
    await Promise.all([cross(1, 2), cross(2, 1)]);
    assert.ok(runs > 2, `${runs} runs`);
  });

  it('waits for whoever holds a row to change it, and lets others in who only want it to stay', async () => {
    const order: string[] = [];
    const { id } = await database.of(1).transaction((tx) => insertPlace(tx, 1, 'held'));
    const hold = (name: string, how: 'to change' | 'as it is', ms: number) =>
      database.of(1).transaction(async (tx) => {
        await tx.lock('places', { organization_id: 1, id }, how);
        order.push(`${name} in`);
        await new Promise((resolve) => setTimeout(resolve, ms));
        order.push(`${name} out`);
      });
    await Promise.all([hold('a', 'as it is', 150), hold('b', 'as it is', 150)]);
    assert.deepEqual(order.slice(0, 2).sort(), ['a in', 'b in']);
    order.length = 0;
    await Promise.all([hold('c', 'to change', 100), hold('d', 'as it is', 0), hold('e', 'to change', 0)]);
    for (const [index, entry] of order.entries()) {
      if (index % 2 === 0) assert.match(entry, / in$/);
      else assert.equal(entry, order[index - 1]?.replace('in', 'out'));
    }
  });

  it('is the only way to write: the connection for reading refuses', async () => {
    const insert = database.of(1).read.prepare("insert into installation (name, value) values ('a', ?)");
    await assert.rejects(async () => insert.run(Buffer.of(1)), /read-only/);
  });
});

describe('an organization on PostgreSQL', () => {
  beforeEach(twoOrganizations);

  it('is shown its own rows only, even by a statement that forgets to ask for them', async () => {
    assert.deepEqual(await placeNames(database.of(1)), ['place of 1']);
    assert.deepEqual(await placeNames(database.of(2)), ['place of 2']);
    assert.deepEqual(await placeNames(database.of(3)), []);
    const names = await database.of(2).read.query.selectFrom('organizations').select('name').execute();
    assert.deepEqual(names, [{ name: 'Organization 2' }]);
  });

  it('changes and removes nothing of another, and puts nothing there', async () => {
    await database.of(1).transaction(async (tx) => {
      await tx.query.updateTable('places').set({ name: 'taken' }).execute();
      await tx.query.deleteFrom('places').where('organization_id', '=', 2).execute();
    });
    assert.deepEqual(await placeNames(), ['place of 2', 'taken']);
    await assert.rejects(
      database.of(1).transaction((tx) => insertPlace(tx, 2, 'planted')),
      /row-level security/,
    );
    await assert.rejects(
      database
        .of(1)
        .transaction((tx) => tx.query.updateTable('places').set({ organization_id: 2 }).execute()),
      /row-level security/,
    );
  });

  it('shares its connections with others and never their sight, many at once', async () => {
    const wanted = Array.from({ length: 200 }, (_, index) => (index % 2) + 1);
    const seen = await Promise.all(wanted.map((id) => placeNames(database.of(id))));
    assert.deepEqual(
      seen,
      wanted.map((id) => [`place of ${id}`]),
    );
  });

  it('cannot be left out: a connection that has not said whose rows it wants sees none', async () => {
    const bare = new Client({ connectionString: made.url });
    await bare.connect();
    const { rows } = await bare.query('select * from places');
    await assert.rejects(bare.query('alter table places disable row level security'), /must be owner/);
    await bare.end();
    assert.deepEqual(rows, []);
  });

  it('has every table of a tenant behind the wall, for the owner too', async () => {
    const { rows } = await asOwner((owner) =>
      owner.query(
        `select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid
         where c.relkind = 'r' and a.attname = 'organization_id' and c.relnamespace = 'public'::regnamespace
           and not (c.relrowsecurity and c.relforcerowsecurity)`,
      ),
    );
    assert.deepEqual(rows, []);
  });
});

describe('the log on PostgreSQL', () => {
  beforeEach(twoOrganizations);

  const refusals = /only ever appended|permission denied/;

  it('is only ever appended to: not by the server’s role, nor by the owner', async () => {
    await database.of(1).transaction((tx) => insertEvent(tx, 1, 'first'));
    await database.settled();
    const tries = [
      "update events set message = 'x'",
      'update events set success = 0 where position = 1',
      'update events set position = position + 100000',
      'delete from events',
      'truncate events cascade',
    ];
    for (const text of tries) {
      await assert.rejects(
        database.of(1).transaction(async (tx) => tx.prepare(text).run()),
        refusals,
        text,
      );
      await assert.rejects(
        asOwner(async (owner) => {
          await owner.query("select set_config('postern.organization', '*', false)");
          await owner.query(text);
        }),
        refusals,
        text,
      );
    }
  });

  it('counts without a gap, whatever is taken back, and a reader by position meets every event once', async () => {
    const writers = Array.from({ length: 40 }, async (_, writer) => {
      for (let turn = 0; turn < 5; turn++) {
        const doomed = (writer + turn) % 4 === 0;
        const written = database.of(1).transaction(async (tx) => {
          await insertEvent(tx, 1, `${writer}-${turn}`);
          if (doomed) throw new Error('taken back');
        });
        await written.catch((error: unknown) => assert.match(String(error), /taken back/));
      }
    });
    const met: string[] = [];
    const positions: number[] = [];
    const readOn = async () => {
      const rows = await database
        .of(1)
        .read.query.selectFrom('events')
        .select(['uuid', 'position'])
        .where('position', '>', positions.at(-1) ?? 0)
        .orderBy('position')
        .execute();
      for (const row of rows) {
        met.push(row.uuid);
        positions.push(row.position);
      }
    };
    let writing = true;
    const reading = (async () => {
      while (writing) await readOn();
    })();
    await Promise.all(writers);
    await database.settled();
    writing = false;
    await reading;
    await readOn();
    assert.equal(met.length, 150);
    assert.equal(new Set(met).size, 150);
    assert.deepEqual(
      positions,
      positions.map((_, index) => index + 1),
    );
  });

  it('gives a position without reading the log for it, also when the planner knows nothing of the table', async () => {
    await asOwner(async (owner) => {
      await owner.query("select set_config('postern.organization', '*', false)");
      const settle = async () => {
        await owner.query('begin');
        await owner.query('select seal_events()');
        const { rows } = await owner.query(
          "select seq_scan::int as scans, idx_tup_fetch::int as fetched from pg_stat_xact_user_tables where relname = 'events'",
        );
        await owner.query('commit');
        return rows[0];
      };
      await settle(); // plans for an empty table
      await database.of(1).transaction(async (tx) => {
        for (let count = 0; count < 300; count++) await insertEvent(tx, 1, `many-${count}`);
      });
      await database.settled();
      await settle();
      await database.of(1).transaction((tx) => insertEvent(tx, 1, 'one more'));
      const { scans, fetched } = await settle();
      assert.equal(scans, 0);
      assert.ok(fetched < 10, `${fetched} rows were fetched for one`);
    });
  });

  it('gives positions to what another process wrote before it died', async () => {
    const dying = new Client({ connectionString: made.url });
    await dying.connect();
    await dying.query("select set_config('postern.organization', '*', false)");
    await dying.query(
      `insert into events (uuid, organization_id, type, created_at, recorded_at, object_type, object_id, object_name, action, success, sequence)
       values ('orphan', 1, 'place.create', '', '', 'Place', 1, 'p', 'create', 1, 'orphan')`,
    );
    await dying.end();
    const deadline = performance.now() + 5_000;
    let position: number | null = null;
    while (position === null && performance.now() < deadline) {
      const row = await database.of(1).read.query.selectFrom('events').select('position').executeTakeFirst();
      position = row?.position ?? null;
    }
    assert.equal(position, 1);
  });
});

describe('a lost connection', () => {
  beforeEach(twoOrganizations);

  it('ends what used it with an error that says so, and the next one works', async () => {
    await placeNames();
    const cut = database.of(1).transaction(async (tx) => {
      await insertPlace(tx, 1, 'cut off');
      await endAllConnections();
      await insertPlace(tx, 1, 'too late');
    });
    await assert.rejects(cut);
    assert.deepEqual(await placeNames(), ['place of 1', 'place of 2']);
  });

  async function endAllConnections(): Promise<void> {
    const admin = new Client({ connectionString: testPostgres() });
    await admin.connect();
    const name = new URL(made.url).pathname.slice(1);
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
    await admin.end();
  }
});
