import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import type { Database, Transaction } from './database.ts';
import { openSqlite } from './sqlite.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-sqlite-'));
after(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
let file: string;
let database: Database;

beforeEach(() => {
  files += 1;
  file = join(folder, `${files}.db`);
  database = openSqlite(file);
});
afterEach(() => database.close());

/** A table without any rule of its own: names that were written. */
function write(tx: Transaction, name: string) {
  return tx.prepare('insert into installation (name, value) values (?, ?)').run(name, Buffer.from(name));
}

async function names(): Promise<string[]> {
  const rows = await database.everywhere.read.query
    .selectFrom('installation')
    .select('name')
    .orderBy('name')
    .execute();
  return rows.map(({ name }) => name);
}

/** What another process finds in the file: only what was committed. */
function namesOnDisk(): string[] {
  const other = new DatabaseSync(file, { readOnly: true });
  try {
    return other
      .prepare('select name from installation order by name')
      .all()
      .map(({ name }) => String(name));
  } finally {
    other.close();
  }
}

describe('a transaction', () => {
  it('answers when what it wrote is in the file, and not before', async () => {
    const seen: string[][] = [];
    const answer = await database.everywhere.transaction(async (tx) => {
      await write(tx, 'a');
      seen.push(await names(), namesOnDisk());
      return 'done';
    });
    assert.equal(answer, 'done');
    assert.deepEqual([...seen, await names(), namesOnDisk()], [[], [], ['a'], ['a']]);
  });

  it('sees what it wrote itself', async () => {
    await database.everywhere.transaction(async (tx) => {
      await write(tx, 'a');
      const rows = await tx.query.selectFrom('installation').select('name').execute();
      assert.deepEqual(
        rows.map(({ name }) => name),
        ['a'],
      );
    });
  });

  it('takes back all of a unit that throws, and nothing of its neighbours in the same commit', async () => {
    const results = await Promise.allSettled(
      ['a', 'b', 'c'].map((name) =>
        database.everywhere.transaction(async (tx) => {
          await write(tx, name);
          await write(tx, `${name}2`);
          if (name === 'b') throw new Error('b changed its mind');
          return name;
        }),
      ),
    );
    assert.deepEqual(
      results.map((result) => (result.status === 'fulfilled' ? result.value : String(result.reason))),
      ['a', 'Error: b changed its mind', 'c'],
    );
    assert.deepEqual(namesOnDisk(), ['a', 'a2', 'c', 'c2']);
  });

  it('takes back all of a unit whose statement fails', async () => {
    await database.everywhere.transaction((tx) => Promise.resolve(write(tx, 'a')));
    const failing = database.everywhere.transaction(async (tx) => {
      await write(tx, 'b');
      await write(tx, 'a');
    });
    await assert.rejects(failing, /UNIQUE/);
    assert.deepEqual(namesOnDisk(), ['a']);
  });

  it('runs the units of one commit one after the other, in the order in which they came', async () => {
    let running = 0;
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 20 }, (_, number) =>
        database.everywhere.transaction(async () => {
          running += 1;
          await new Promise((resolve) => setImmediate(resolve));
          assert.equal(running, 1);
          running -= 1;
          order.push(number);
        }),
      ),
    );
    assert.deepEqual(
      order,
      order.toSorted((one, other) => one - other),
    );
  });

  it('carries 300 units in more than one commit, and answers each with its own result', async () => {
    const ended: number[] = [];
    const results = await Promise.all(
      Array.from({ length: 300 }, async (_, number) => {
        const result = await database.everywhere.transaction(async (tx) => {
          await write(tx, String(number).padStart(3, '0'));
          return number;
        });
        ended.push(namesOnDisk().length);
        return result;
      }),
    );
    assert.deepEqual(
      results,
      results.map((_, number) => number),
    );
    // Whoever is answered finds a whole commit on disk: 256 units, then the rest.
    assert.deepEqual([...new Set(ended)], [256, 300]);
  });

  it('may begin from within the answer to another', async () => {
    await database.everywhere.transaction((tx) => Promise.resolve(write(tx, 'a')));
    await database.everywhere.transaction((tx) => Promise.resolve(write(tx, 'b')));
    assert.deepEqual(namesOnDisk(), ['a', 'b']);
  });

  it('is refused once the database is closed, and what was begun is finished first', async () => {
    const begun = database.everywhere.transaction((tx) => Promise.resolve(write(tx, 'a')));
    await database.close();
    await begun;
    assert.deepEqual(namesOnDisk(), ['a']);
    await assert.rejects(
      database.everywhere.transaction(async () => {}),
      /closed/,
    );
    database = openSqlite(file);
  });
});

describe('a commit that fails', () => {
  it('is told to everyone in it, and leaves nothing behind', async () => {
    await database.everywhere.transaction(async (tx) => {
      await tx.prepare('create table parents (id integer primary key) strict').run();
      const child = 'parent integer references parents (id) deferrable initially deferred';
      await tx.prepare(`create table children (${child}) strict`).run();
    });
    const units = [
      database.everywhere.transaction((tx) => Promise.resolve(write(tx, 'a'))),
      // A deferred constraint is looked at by the commit itself.
      database.everywhere.transaction(async (tx) => tx.prepare('insert into children values (1)').run()),
      database.everywhere.transaction((tx) => Promise.resolve(write(tx, 'c'))),
    ];
    const results = await Promise.allSettled(units);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
    );
    assert.deepEqual(namesOnDisk(), []);
    await database.everywhere.transaction((tx) => Promise.resolve(write(tx, 'later')));
    assert.deepEqual(namesOnDisk(), ['later']);
  });

  it('because the disk is full takes nothing down with it', async () => {
    await database.everywhere.transaction(async (tx) => {
      const row = await tx.prepare<{ page_count: number }>('pragma page_count').get();
      await tx.prepare(`pragma max_page_count = ${row?.page_count ?? 0}`).get();
    });
    const full = await Promise.allSettled(
      ['a', 'b', 'c'].map((name) =>
        database.everywhere.transaction(async (tx) => {
          for (let part = 0; part < 10; part++) await write(tx, `${name}${part}${'x'.repeat(3000)}`);
        }),
      ),
    );
    assert.ok(full.every(({ status }) => status === 'rejected'));
    assert.deepEqual(namesOnDisk(), []);
    await database.everywhere.transaction(async (tx) => {
      await tx.prepare('pragma max_page_count = 100000').get();
    });
    await database.everywhere.transaction((tx) => Promise.resolve(write(tx, 'room again')));
    assert.deepEqual(namesOnDisk(), ['room again']);
  });
});

describe('attempt', () => {
  it('keeps what it wrote when it says so', async () => {
    const result = await database.everywhere.transaction((tx) =>
      tx.attempt(async () => {
        await write(tx, 'a');
        return { result: 7, undo: false };
      }),
    );
    assert.equal(result, 7);
    assert.deepEqual(namesOnDisk(), ['a']);
  });

  it('takes back what it wrote and nothing else, and the transaction goes on', async () => {
    await database.everywhere.transaction(async (tx) => {
      await write(tx, 'before');
      const denied = await tx.attempt(async () => {
        await write(tx, 'taken back');
        return { result: 'denied', undo: true };
      });
      await write(tx, `after ${denied}`);
    });
    assert.deepEqual(namesOnDisk(), ['after denied', 'before']);
  });

  it('that throws takes the whole unit back, and the next unit finds no trace of it', async () => {
    const failing = database.everywhere.transaction(async (tx) => {
      await write(tx, 'before');
      await tx.attempt(async () => {
        await write(tx, 'inside');
        throw new Error('inside');
      });
    });
    const next = database.everywhere.transaction((tx) => Promise.resolve(write(tx, 'next')));
    await assert.rejects(failing, /inside/);
    await next;
    assert.deepEqual(namesOnDisk(), ['next']);
  });
});

describe('the connection for reading', () => {
  it('cannot write', async () => {
    const insert = database.everywhere.read.query
      .insertInto('installation')
      .values({ name: 'a', value: Buffer.of(1) });
    await assert.rejects(insert.execute(), /readonly|read-only/);
    assert.throws(
      () => database.everywhere.read.prepare('delete from installation').run(),
      /readonly|read-only/,
    );
  });

  it('keeps no old picture: it sees the last commit every time', async () => {
    for (const name of ['a', 'b', 'c']) {
      await database.everywhere.transaction((tx) => Promise.resolve(write(tx, name)));
      assert.equal((await names()).at(-1), name);
    }
  });
});

describe('openSqlite', () => {
  it('finds everything again after it was closed', async () => {
    await database.everywhere.transaction((tx) => Promise.resolve(write(tx, 'a')));
    await database.close();
    database = openSqlite(file);
    assert.deepEqual(await names(), ['a']);
  });

  it('keeps what is durable durable: write-ahead log, full synchronisation, foreign keys', async () => {
    assert.ok(existsSync(`${file}-wal`));
    await database.everywhere.transaction(async (tx) => {
      const synchronous = await tx.prepare<{ synchronous: number }>('pragma synchronous').get();
      const foreignKeys = await tx.prepare<{ foreign_keys: number }>('pragma foreign_keys').get();
      assert.deepEqual([synchronous?.synchronous, foreignKeys?.foreign_keys], [2, 1]);
    });
  });

  it('refuses a file that a newer version wrote, in a sentence, and leaves it as it is', async () => {
    await database.close();
    const newer = new DatabaseSync(file);
    const version = Number(newer.prepare('pragma user_version').get()?.['user_version']);
    newer.exec('pragma user_version = 999');
    assert.throws(() => openSqlite(file), /newer version of Postern/);
    assert.deepEqual({ ...newer.prepare('pragma user_version').get() }, { user_version: 999 });
    newer.exec(`pragma user_version = ${version}`);
    newer.close();
    database = openSqlite(file);
  });

  it('makes no table twice', async () => {
    await database.close();
    for (let times = 0; times < 3; times++) await openSqlite(file).close();
    database = openSqlite(file);
    assert.deepEqual(await names(), []);
  });
});

describe('the tables', () => {
  it('let no row point into another organization', async () => {
    const insertPlace = (tx: Transaction, organization_id: number) =>
      tx
        .prepare(
          `insert into places (organization_id, name, address, time_zone, created_at, updated_at)
           values (?, 'p', 'a', 'UTC', '', '')`,
        )
        .run(organization_id);
    const insertDoor = (tx: Transaction, organization_id: number, place_id: number) =>
      tx
        .prepare(
          `insert into doors (organization_id, place_id, name, created_at, updated_at) values (?, ?, 'd', '', '')`,
        )
        .run(organization_id, place_id);
    await database.everywhere.transaction(async (tx) => {
      for (const domain of ['one', 'two']) {
        const sql = `insert into organizations (name, domain, created_at, updated_at) values ('o', ?, '', '')`;
        await tx.prepare(sql).run(domain);
      }
      await insertPlace(tx, 1);
      await insertDoor(tx, 1, 1);
    });
    const crossing = database.everywhere.transaction(async (tx) => insertDoor(tx, 2, 1));
    await assert.rejects(crossing, /FOREIGN KEY/);
  });
});
