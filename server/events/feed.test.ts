import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { PosternError } from '../../domain/errors.ts';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import type { Database } from '../database/database.ts';
import { EventFeed, type Follower, streamsPerOrganizationMax } from './feed.ts';

let server: TestServer;

before(async () => {
  server = await startTestServer({ clock: new TestClock('2026-12-01T09:00:00.000Z') });
});
after(() => server.close());

const lastPosition = async (): Promise<number> => {
  await server.context.database.settled();
  const { query } = server.context.database.everywhere.read;
  const [last] = await query.selectFrom('events').select('position').orderBy('position', 'desc').execute();
  return last?.position ?? 0;
};
/** A feed of its own: no commit is announced to it. */
const newFeed = (database: Database = server.context.database, errors: unknown[] = []) =>
  new EventFeed({ database, onError: (error) => errors.push(error) });

/** Remembers what it was told, and lets a test wait for it. */
class Listener implements Follower {
  readonly organization_id: number;
  readonly positions: number[] = [];
  ended = false;

  constructor(organization_id: number = server.organization_id) {
    this.organization_id = organization_id;
  }

  wake(position: number | null): void {
    if (position !== null) this.positions.push(position);
  }

  end(): void {
    this.ended = true;
  }

  async hears(position: number): Promise<void> {
    while (!this.positions.includes(position)) await pause(5);
  }
}

describe('the feed', { timeout: 30_000 }, () => {
  it('tells of what was written even when nobody says so', async () => {
    const [feed, listener] = [newFeed(), new Listener()];
    feed.follow(listener);
    await server.create('group', { name: 'Unannounced' });
    await listener.hears(await lastPosition());
    feed.leave(listener);
  });

  it('tells those of the organization only, once it has told everybody where the log ends', async () => {
    const [feed, ours, theirs] = [newFeed(), new Listener(), new Listener(999)];
    feed.follow(ours);
    feed.follow(theirs);
    feed.notify();
    const start = await lastPosition();
    await theirs.hears(start);
    await server.create('group', { name: 'Ours' });
    feed.notify();
    await ours.hears(await lastPosition());
    assert.deepEqual(theirs.positions, [start]);
    for (const listener of [ours, theirs]) feed.leave(listener);
  });

  it('hears of every commit to the database that announces to it', async () => {
    const listener = new Listener();
    server.context.feed.follow(listener);
    for (let times = 0; times < 3; times++) {
      await server.create('group', { name: 'Announced' });
      await listener.hears(await lastPosition());
    }
    server.context.feed.leave(listener);
  });

  it('goes on when the database could not be read, and says so once', async () => {
    const errors: unknown[] = [];
    let failures = 0;
    const database: Database = {
      ...server.context.database,
      get everywhere() {
        if (failures++ < 3) throw new Error('the line is down');
        return server.context.database.everywhere;
      },
    };
    const [feed, listener] = [newFeed(database, errors), new Listener()];
    feed.follow(listener);
    for (let times = 0; times < 3; times++) feed.notify();
    await listener.hears(await lastPosition());
    assert.deepEqual(errors.map(String), ['Error: the line is down']);
    feed.leave(listener);
  });

  it('takes 20 of an organization, whatever others have, and another when one has left', () => {
    const feed = newFeed();
    const listeners = Array.from({ length: streamsPerOrganizationMax }, () => new Listener());
    for (const listener of listeners) feed.follow(listener);
    const refused = (error: unknown) => error instanceof PosternError && error.reason === 'limit_reached';
    assert.throws(() => feed.follow(new Listener()), refused);
    const other = new Listener(999);
    feed.follow(other);
    feed.leave(listeners[0] ?? other);
    feed.follow(new Listener());
    assert.throws(() => feed.follow(new Listener()), refused);
    assert.equal(feed.size, streamsPerOrganizationMax + 1);
  });

  it('ends everybody, and waits until they have left', async () => {
    const [feed, listeners] = [newFeed(), [new Listener(), new Listener(999)]];
    for (const listener of listeners) feed.follow(listener);
    let over = false;
    const ending = feed.end().then(() => {
      over = true;
    });
    assert.ok(listeners.every(({ ended }) => ended));
    await pause(0);
    assert.equal(over, false);
    for (const listener of listeners) feed.leave(listener);
    await ending;
    await feed.end(); // nobody is left
  });
});
