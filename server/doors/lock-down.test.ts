import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { RunningAgent } from '../../agent/main.ts';
import { startTestServer, type TestServer } from '../../test/test-server.ts';

let server: TestServer;
let place_id: number;
let group_id: number;
let door: { id: number; name: string };
let agent: RunningAgent;
let link: { id: number; secret: string; quick_response_code_token: string };
/** One a test, each with a folder of its own. */
let agents = 0;

before(async () => {
  server = await startTestServer();
});
after(() => server.close());
beforeEach(async () => {
  place_id = (await server.create('place', { name: 'House', address: 'x' })).id;
  group_id = (await server.create('group', { name: 'Visitors' })).id;
  door = await makeDoor('Front door');
  agent = await connectAgent();
  link = await server.create('group_link', { name: 'Robin Guest', group_id });
});

async function makeDoor(name: string) {
  const made = await server.create('lock', { name, place_id });
  await server.create('group_lock', { group_id, lock_id: made.id });
  return made;
}

async function connectAgent(): Promise<RunningAgent> {
  agents += 1;
  return server.connectAgent([{ id: door.id, name: door.name }]);
}

const call = (method: string, path: string, body?: unknown) =>
  server.call(method, path, { secret: server.api_key, ...(body === undefined ? {} : { body }) });
const lockDown = (id = door.id) => call('POST', `/locks/${id}/lock_down`);
const cancel = (id = door.id) => call('POST', `/locks/${id}/cancel_lockdown`);
const show = async (id = door.id) => (await call('GET', `/locks/${id}`)).body;
const withLink = (id = door.id) =>
  server.call('POST', `/locks/${id}/unlock`, { secret: link.secret, as: 'link' });

/** What comes of an unlock with the link and with a login: `granted`, or why not. */
async function results(id = door.id): Promise<string[]> {
  const answers = [await withLink(id), await call('POST', `/locks/${id}/unlock`)];
  return answers.map(({ status, body }) => (status === 200 ? 'granted' : body.reason));
}

async function eventsOf(type: string, id: number): Promise<string[]> {
  const query = `event_object_type=${type}&event_object_id=${id}&limit=50`;
  return (await call('GET', `/events?${query}`)).body.map((event: { type: string }) => event.type).reverse();
}

async function doorRow(): Promise<{ agent_id: number }> {
  const row = await server.context.database.everywhere.read.query
    .selectFrom('doors')
    .select('agent_id')
    .where('id', '=', door.id)
    .executeTakeFirstOrThrow();
  return { agent_id: row.agent_id ?? 0 };
}

/** The agent's own memory, of which doors are locked down. */
function keptByAgent(): unknown {
  const file = join(server.folder, `agent-${agents}`, 'door-states.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
}

/** One text shown at the agent's reader, and its one line. */
async function scan(text: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: agent.readers()[0]?.port ?? 0 });
  socket.setEncoding('utf8').end(`${text}\n`);
  let line = '';
  for await (const part of socket) line += part;
  return line.trim();
}

describe('a door that is locked down', () => {
  it('opens for nobody from then on, and again once that is cancelled', async () => {
    assert.deepEqual(await results(), ['granted', 'granted']);
    const { status, body } = await lockDown();
    assert.equal(status, 200);
    const { locked_down_since, ...rest } = body;
    assert.deepEqual(rest, {
      ...{ message: 'The door is locked down.', reached: true },
      ...{ id: door.id, name: 'Front door', locked_down: true },
    });
    const shown = await show();
    assert.deepEqual([shown.locked_down, shown.locked_down_since], [true, locked_down_since]);
    assert.deepEqual(await results(), ['door_locked_down', 'door_locked_down']);
    assert.equal(await scan(link.quick_response_code_token), 'denied door_locked_down');
    const cancelled = await cancel();
    assert.equal(cancelled.status, 200);
    assert.deepEqual(
      [cancelled.body.locked_down, cancelled.body.locked_down_since, cancelled.body.reached],
      [false, null, true],
    );
    assert.deepEqual(await results(), ['granted', 'granted']);
  });

  it('is so once: again changes nothing and leaves no event', async () => {
    const first = (await lockDown()).body;
    assert.deepEqual((await lockDown()).body, first);
    await cancel();
    await cancel();
    const types = ['lock.create', 'lock.lock_down', 'lock.cancel_lockdown'];
    assert.deepEqual(await eventsOf('Lock', door.id), types);
  });

  it('is among those that are listed as locked down, for logins and for the link', async () => {
    await lockDown();
    const other = await makeDoor('Back door');
    const listed = async (query: string) =>
      (await call('GET', `/locks?place_id=${place_id}&${query}`)).body.map(({ id }: { id: number }) => id);
    assert.deepEqual(await listed('locked_down=true'), [door.id]);
    assert.deepEqual(await listed('locked_down=false'), [other.id]);
    const { body } = await server.call('GET', '/locks', { secret: link.secret, as: 'link' });
    assert.deepEqual(
      body.map(({ locked_down, unlockable, reason }: Record<string, unknown>) => [
        locked_down,
        unlockable,
        reason,
      ]),
      [
        [true, false, 'door_locked_down'],
        [false, false, 'door_unreachable'],
      ],
    );
  });

  it('says so when its agent cannot be told, or it has none', async () => {
    const { agent_id } = await doorRow();
    await agent.close();
    while (server.context.agents.isReachable(agent_id)) await new Promise(setImmediate);
    const { body } = await lockDown();
    assert.deepEqual([body.reached, body.locked_down], [false, true]);
    assert.match(body.message, /^The door is locked down\. .* when it connects again\.$/);
    const lonely = await makeDoor('Back door');
    assert.match((await lockDown(lonely.id)).body.message, /No agent drives it\.$/);
  });

  it('is nothing for who may not see it, and for the link', async () => {
    assert.equal((await lockDown(999_999)).status, 404);
    const { status } = await server.call('POST', `/locks/${door.id}/lock_down`, {
      secret: link.secret,
      as: 'link',
    });
    assert.equal(status, 403);
    assert.equal((await show()).locked_down, false);
  });
});

describe('the agent of a door that is locked down', () => {
  it('has written it down by the time the answer is there', async () => {
    await lockDown();
    assert.deepEqual(keptByAgent(), [door.id]);
    await cancel();
    assert.deepEqual(keptByAgent(), []);
  });

  it('refuses a command for it, whatever the server thinks', async () => {
    await lockDown();
    // As if an unlock had been committed just before: the command is on its way.
    const { agent_id } = await doorRow();
    const command = { command_id: 'late', door_id: door.id, pulse_ms: 1_000 };
    assert.equal(await server.context.agents.unlock(agent_id, command), 'not_done');
    await cancel();
    assert.equal(await server.context.agents.unlock(agent_id, { ...command, command_id: 'next' }), 'done');
  });

  it('says at the reader that the door is locked down while it has no line to the server', async () => {
    await lockDown();
    await server.context.agents.end((await doorRow()).agent_id, 'a test');
    const { quick_response_code_token: text } = await server.create('group_link', {
      name: 'Robin',
      group_id,
    });
    assert.equal(await scan(text), 'denied door_locked_down');
  });

  it('learns of it when it connects', async () => {
    const { agent_id } = await doorRow();
    await server.context.agents.end(agent_id, 'a test');
    while (server.context.agents.isReachable(agent_id)) await new Promise(setImmediate);
    await lockDown();
    while (JSON.stringify(keptByAgent()) !== `[${door.id}]`) await new Promise(setImmediate);
    assert.equal((await cancel()).body.reached, true);
  });
});

describe('a place that is locked down', () => {
  const placeCall = (action: string) => call('POST', `/places/${place_id}/${action}`);

  it('opens no door for anybody, also none that is added later', async () => {
    const back = await makeDoor('Back door');
    const { status, body } = await placeCall('lock_down');
    assert.equal(status, 200);
    assert.deepEqual([body.locked_down, body.reached], [true, false]);
    assert.deepEqual(body.unreached_locks, [{ id: back.id, name: 'Back door' }]);
    assert.deepEqual(keptByAgent(), [door.id]);
    assert.deepEqual(await results(), ['door_locked_down', 'door_locked_down']);
    const late = await makeDoor('Side door');
    assert.deepEqual(await results(late.id), ['door_locked_down', 'door_locked_down']);
    const shown = (await call('GET', `/places/${place_id}`)).body;
    assert.deepEqual([shown.locked_down, shown.locked_down_since], [true, body.locked_down_since]);
    assert.deepEqual([(await show()).locked_down_since], [body.locked_down_since]);
    const cancelled = (await placeCall('cancel_lockdown')).body;
    assert.deepEqual([cancelled.locked_down, cancelled.locked_down_since], [false, null]);
    assert.deepEqual(await results(), ['granted', 'granted']);
    assert.deepEqual(keptByAgent(), []);
  });

  it('is so once, and is one event', async () => {
    await placeCall('lock_down');
    await placeCall('lock_down');
    await placeCall('cancel_lockdown');
    await placeCall('cancel_lockdown');
    const types = ['place.create', 'place.lock_down', 'place.cancel_lockdown'];
    assert.deepEqual(await eventsOf('Place', place_id), types);
    assert.deepEqual(await eventsOf('Lock', door.id), ['lock.create']);
  });

  it('is one thing, and a door of it another: each is cancelled by itself', async () => {
    await lockDown();
    await placeCall('lock_down');
    const cancelled = (await cancel()).body;
    assert.equal(cancelled.locked_down, true);
    assert.match(cancelled.message, /its place is still locked down/);
    assert.deepEqual(await results(), ['door_locked_down', 'door_locked_down']);
    await lockDown();
    await placeCall('cancel_lockdown');
    assert.deepEqual(await results(), ['door_locked_down', 'door_locked_down']);
    assert.deepEqual(keptByAgent(), [door.id]);
    await cancel();
    assert.deepEqual(await results(), ['granted', 'granted']);
  });
});
