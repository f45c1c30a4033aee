import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { heldOpenMs, openingGraceMs } from './contacts.ts';
import { memoryCore } from './stand-in-disk.ts';

/** A door's contact, a clock that the test moves, and what the agent reports of it. */
async function setUp() {
  const clock = { ms: 0, due: null as { atMs: number; work: () => void } | null };
  const after = (ms: number, work: () => void) => {
    const due = { atMs: clock.ms + ms, work };
    clock.due = due;
    return () => {
      if (clock.due === due) clock.due = null;
    };
  };
  const core = memoryCore({ monotonicMs: () => clock.ms, after });
  await core.open();
  const lock = core.contacts.watch(3, {
    pulse: async () => 'done',
    check: async () => '',
    close: async () => {},
  });
  return {
    says: (open: boolean) => core.contacts.report(3, { open }),
    unlock: () => lock.pulse({ command_id: 'a', pulse_ms: 5_000 }),
    pass(ms: number) {
      clock.ms += ms;
      const { due } = clock;
      if (due === null || due.atMs > clock.ms) return;
      clock.due = null;
      due.work();
    },
    async reported() {
      await core.outbox.close();
      return core.outbox.next(0).map((report) => (report.kind === 'door' ? report.what : report.kind));
    },
    said: () => core.contacts.all(),
  };
}

describe('a contact at a door', () => {
  it('raises an alarm when the door opens and nothing had unlocked it, and says when it is closed again', async () => {
    const door = await setUp();
    door.says(false);
    door.says(true);
    door.says(true);
    door.says(false);
    assert.deepEqual(await door.reported(), ['forced_open', 'closed']);
  });

  it('is quiet about a door that was unlocked, also a moment after the pulse', async () => {
    const door = await setUp();
    door.says(false);
    await door.unlock();
    door.pass(5_000 + openingGraceMs);
    door.says(true);
    door.says(false);
    assert.deepEqual(await door.reported(), []);
    door.pass(1);
    door.says(true);
    assert.deepEqual(await door.reported(), ['forced_open']);
  });

  it('raises an alarm when the door stays open, and none when it was closed in time', async () => {
    const door = await setUp();
    door.says(false);
    await door.unlock();
    door.says(true);
    door.pass(heldOpenMs - 1);
    door.says(false);
    door.pass(heldOpenMs);
    assert.deepEqual(await door.reported(), []);
    await door.unlock();
    door.says(true);
    door.pass(heldOpenMs);
    door.says(false);
    assert.deepEqual(await door.reported(), ['held_open', 'closed']);
  });

  it('forced nothing that stood open when the agent began to listen', async () => {
    const door = await setUp();
    door.says(true);
    assert.deepEqual(await door.reported(), []);
    assert.deepEqual(door.said(), [{ door_id: 3, open: true }]);
  });
});
