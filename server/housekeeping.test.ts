import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { startTestServer, TestClock, type TestServer } from '../test/test-server.ts';
import { Housekeeping, type HousekeepingTask, housekeepingTasks } from './housekeeping.ts';
import { insertUsedPress } from './unlocks/store.ts';

const clock = new TestClock('2026-12-01T09:00:00.000Z');

function start(tasks: readonly HousekeepingTask[]) {
  const errors: unknown[] = [];
  return { errors, housekeeping: new Housekeeping({ tasks, clock, onError: (error) => errors.push(error) }) };
}

/** A task with so many pieces of work. */
function taskOf(pieces: number) {
  const task = {
    name: 'pieces',
    left: pieces,
    batches: [] as number[],
    async run(countMax: number) {
      const done = Math.min(countMax, task.left);
      task.left -= done;
      task.batches.push(done);
      return done;
    },
  };
  return task;
}

describe('housekeeping', () => {
  it('does a bounded piece at a time, until nothing is left', async () => {
    const task = taskOf(1_200);
    const { housekeeping } = start([task]);
    await housekeeping.run();
    assert.deepEqual(task.batches, [500, 500, 200]);
    assert.equal(housekeeping.lastAt, clock.now());
  });

  it('leaves to the next round what is too much for one', async () => {
    const task = taskOf(25_000);
    const { housekeeping } = start([task]);
    await housekeeping.run();
    assert.equal(task.left, 15_000);
    await housekeeping.run();
    await housekeeping.run();
    assert.equal(task.left, 0);
  });

  it('goes on when a task fails, and does not call that a round', async () => {
    const task = taskOf(3);
    const failing = { name: 'fails', run: () => Promise.reject(new Error('planted')) };
    const { housekeeping, errors } = start([failing, task]);
    await housekeeping.run();
    assert.equal(task.left, 0);
    assert.deepEqual([errors.length, housekeeping.lastAt], [1, null]);
  });

  it('does one round at a time', async () => {
    const task = taskOf(3);
    const { housekeeping } = start([task]);
    await Promise.all([housekeeping.run(), housekeeping.run()]);
    assert.deepEqual(task.batches, [3]);
    await housekeeping.stop();
  });
});

describe('what housekeeping clears away', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer({ clock });
  });
  after(() => server?.close());

  it('are presses that nobody could try again, and no others', async () => {
    const { context, organization_id } = server;
    const use = () =>
      context.database
        .of(organization_id)
        .transaction((tx) =>
          insertUsedPress(tx, { organization_id, press_id: randomBytes(16), used_at: clock.now() }),
        );
    for (let number = 0; number < 3; number++) await use();
    clock.advance(3_599_999);
    await use();
    const { housekeeping } = start(housekeepingTasks(context));
    const left = async () =>
      (await context.database.everywhere.read.query.selectFrom('used_presses').selectAll().execute()).length;
    await housekeeping.run();
    assert.equal(await left(), 4);
    clock.advance(1);
    await housekeeping.run();
    assert.equal(await left(), 1);
  });
});
