import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { GroupCommit } from './group-commit.ts';

/** SQLITE_IOERR_FSYNC. */
const fsyncFailed = 1034;

/** A database whose disk fails the first fsync, and says after that that all is well: as disks do. */
function onFailingDisk() {
  const real = new DatabaseSync(':memory:');
  real.exec('create table names (name text) strict');
  const tries: string[] = [];
  const commit = () => {
    tries.push('commit');
    if (tries.length > 1) return real.exec('commit');
    throw Object.assign(new Error('disk I/O error'), { errcode: fsyncFailed });
  };
  const database = new Proxy(real, {
    get(target, name) {
      if (name === 'exec') return (sql: string) => (sql === 'commit' ? commit() : target.exec(sql));
      if (name === 'prepare')
        return (sql: string) => (sql === 'commit' ? { run: commit } : target.prepare(sql));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const names = () => real.prepare('select name from names').all().length;
  return {
    database,
    tries,
    names,
    write: async (name: string) => real.exec(`insert into names values ('${name}')`),
  };
}

describe('a commit that the disk did not take', () => {
  it('is told to everyone in it, leaves nothing behind, and is not tried again', async () => {
    const { database, tries, names, write } = onFailingDisk();
    const commits = new GroupCommit(database);
    const units = ['a', 'b'].map((name) => commits.run(() => write(name)));
    const results = await Promise.allSettled(units);
    assert.deepEqual(
      results.map((result) => result.status === 'rejected' && result.reason.message),
      ['disk I/O error', 'disk I/O error'],
    );
    assert.deepEqual([tries.length, names()], [1, 0]);
  });

  it('is the last one: nobody knows what the disk lost, so later work is refused', async () => {
    const { database, tries, names, write } = onFailingDisk();
    const commits = new GroupCommit(database);
    await assert.rejects(
      commits.run(() => write('first')),
      /disk I\/O error/,
    );
    await assert.rejects(
      commits.run(() => write('later')),
      /disk I\/O error/,
    );
    assert.deepEqual([tries.length, names()], [1, 0]);
  });
});
