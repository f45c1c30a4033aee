import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Identity } from '../../agent/handshake.ts';
import { agentUrl } from '../../agent/main.ts';
import { Session } from '../../agent/session.ts';
import { memoryCore } from '../../agent/stand-in-disk.ts';
import { realClock, startTestServer, type TestServer } from '../../test/test-server.ts';
import { openHostKey } from '../installation.ts';
import { rawPublicKey } from '../organizations/keys.ts';
import { insertAgent } from './store.ts';

let server: TestServer;
let place_id: number;

before(async () => {
  server = await startTestServer();
  place_id = (await server.create('place', { name: 'House', address: 'x' })).id;
});
after(() => server.close());

const call = (method: string, path: string, body?: unknown) =>
  server.call(method, path, { secret: server.api_key, ...(body === undefined ? {} : { body }) });
const makeDoor = (name: string) => server.create('lock', { name, place_id });
const show = async (id: number) => (await call('GET', `/agents/${id}`)).body;

function makeAgent(name: string, public_key: Uint8Array = Buffer.alloc(32)): Promise<number> {
  const { organization_id, context } = server;
  const row = { organization_id, name, public_key, created_at: context.clock.now() };
  return context.database.of(organization_id).transaction((tx) => insertAgent(tx, row));
}

async function agentOf(door_id: number): Promise<number> {
  const { body } = await call('GET', '/agents?limit=250');
  const found = body.find(({ locks }: { locks: { id: number }[] }) => locks.some(({ id }) => id === door_id));
  return found?.id;
}

async function untilAway(agent_id: number): Promise<void> {
  while (server.context.agents.isReachable(agent_id)) await new Promise(setImmediate);
}

describe('an agent', () => {
  it('shows its doors, whether it is connected, and since when it is not', async () => {
    const [front, back] = [await makeDoor('Front door'), await makeDoor('Back door')];
    const running = await server.connectAgent([front, back].map(({ id, name }) => ({ id, name })));
    const id = await agentOf(front.id);
    while ((await show(id)).status === null) await new Promise(setImmediate);
    const { created_at, updated_at, last_seen_at, enrolled_at, status, ...rest } = await show(id);
    const locks = [
      { id: front.id, name: 'Front door' },
      { id: back.id, name: 'Back door' },
    ];
    assert.deepEqual(rest, {
      ...{ id, resource_type: 'Agent', name: 'Test agent', online: true, locks_count: 2, locks },
      presence: 'online',
    });
    assert.deepEqual(
      [status.version, status.outbox_waiting, status.outbox_waiting_max],
      ['0.1.0', 0, 100_000],
    );
    assert.ok(created_at === updated_at && last_seen_at >= created_at && enrolled_at === created_at);
    await running.close();
    await untilAway(id);
    while ((await show(id)).last_seen_at < last_seen_at) await new Promise(setImmediate);
    const away = await show(id);
    assert.deepEqual([away.online, away.presence], [false, 'lost']);
    assert.equal((await show(id)).last_seen_at, away.last_seen_at);
  });

  it('was never seen when it never connected', async () => {
    const shown = await show(await makeAgent('New'));
    assert.deepEqual([shown.online, shown.last_seen_at, shown.locks], [false, null, []]);
    assert.deepEqual([shown.presence, shown.status], ['never_seen', null]);
  });

  it('gets another name, and leaves an event', async () => {
    const id = await makeAgent('Old name');
    assert.equal((await call('PATCH', `/agents/${id}`, { agent: { name: 'Gatehouse' } })).status, 204);
    assert.equal((await show(id)).name, 'Gatehouse');
    assert.deepEqual(
      (await call('PATCH', `/agents/${id}`, { agent: { name: '' } })).body.errors.name.length,
      1,
    );
    assert.deepEqual(await eventsOf(id), [['agent.update', 'Gatehouse']]);
  });

  it('goes when it is removed: its session ends, it is recognised no more, its doors have none', async () => {
    const door = await makeDoor('Side door');
    const running = await server.connectAgent([{ id: door.id, name: door.name }]);
    const id = await agentOf(door.id);
    assert.equal((await call('DELETE', `/agents/${id}`)).status, 204);
    await untilAway(id);
    const shown = (await call('GET', `/locks/${door.id}`)).body;
    assert.deepEqual([shown.configured, shown.online], [false, false]);
    assert.equal((await call('POST', `/locks/${door.id}/unlock`)).body.reason, 'door_unreachable');
    for (const method of ['GET', 'DELETE']) assert.equal((await call(method, `/agents/${id}`)).status, 404);
    assert.equal((await call('PATCH', `/agents/${id}`, { agent: { name: 'x' } })).status, 404);
    assert.deepEqual(await eventsOf(id), [['agent.destroy', 'Test agent']]);
    await running.close();
  });

  it('is believed no more with the key that was good', async () => {
    const { publicKey, privateKey } = server.context.random.keyPair();
    const id = await makeAgent('Short-lived', rawPublicKey(publicKey));
    const { publicKey: server_public_key } = await openHostKey(server.context);
    const { publicUrl: public_url } = server.context;
    const identity = { agent_id: id, private_key: privateKey, server_public_key, public_url };
    assert.equal(await isWelcome(identity), true);
    await call('DELETE', `/agents/${id}`);
    assert.equal(await isWelcome(identity), false);
  });

  async function isWelcome(identity: Identity): Promise<boolean> {
    const { doorStates, upkeep } = memoryCore();
    const session = new Session({
      url: agentUrl(server.url),
      identity,
      readers: [],
      locks: new Map(),
      doorStates,
      upkeep,
      nowMs: () => null,
      ...realClock,
      nonce: () => randomBytes(32).toString('base64url'),
      log: { info: () => {}, warn: () => {} },
    });
    const welcomed = await session.welcomed;
    await session.close();
    return welcomed;
  }

  async function eventsOf(id: number) {
    const { body } = await call('GET', `/events?event_object_type=Agent&event_object_id=${id}`);
    return body.map((event: { type: string; object_name: string }) => [event.type, event.object_name]);
  }
});

describe('GET /agents', () => {
  it('is by name, filtered and sorted', async () => {
    const made = [await makeAgent('zebra'), await makeAgent('Ärmel'), await makeAgent('ANTE')];
    const ids = async (query: string) =>
      (await call('GET', `/agents?ids=${made.join(',')}${query}`)).body.map(({ id }: { id: number }) => id);
    const [zebra, sleeve, ante] = made;
    assert.deepEqual(await ids(''), [ante, zebra, sleeve]);
    assert.deepEqual(await ids('&sort=-name'), [sleeve, zebra, ante]);
    assert.deepEqual(await ids('&query=ä'), [sleeve]);
    assert.deepEqual(await ids('&online=true'), []);
    assert.deepEqual(await ids('&online=false&limit=1&offset=1'), [zebra]);
    const page = await call('GET', `/agents?ids=${made.join(',')}&limit=2`);
    assert.equal(page.headers.get('x-collection-range'), '0-1/3');
  });
});
