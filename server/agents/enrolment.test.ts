import assert from 'node:assert/strict';
import { generateKeyPairSync, hash, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { agentUrl } from '../../agent/main.ts';
import { Session } from '../../agent/session.ts';
import { memoryCore } from '../../agent/stand-in-disk.ts';
import type { DoorsMessage } from '../../domain/agent-protocol.ts';
import {
  agentEnrolmentBytes,
  enrolmentCodeValidMs,
  isOfServer,
  parseEnrolmentCode,
  serverEnrolmentBytes,
} from '../../domain/enrolment-code.ts';
import { realClock, startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import { openHostKey } from '../installation.ts';
import { publicKeyOf, rawPublicKey } from '../organizations/keys.ts';
import { enrollAgent } from './enrolment.ts';

const racers = 32;
/** Stands still but for what a test moves it. */
const clock = new TestClock('2026-03-01T09:00:00.000Z');
let server: TestServer;
let place_id: number;

before(async () => {
  server = await startTestServer({ clock });
  place_id = (await server.create('place', { name: 'House', address: 'x' })).id;
});
after(() => server.close());

const call = (method: string, path: string, body?: unknown) =>
  server.call(method, path, { secret: server.api_key, ...(body === undefined ? {} : { body }) });
const makeDoor = async (name: string): Promise<number> =>
  (await server.create('lock', { name, place_id })).id;
const makeAgent = async (name = 'Gatehouse') => (await call('POST', '/agents', { agent: { name } })).body;
const enroll = (body: object) => server.call('POST', '/agents/enroll', { body });
const show = async (id: number) => (await call('GET', `/agents/${id}`)).body;

interface Keys {
  private_key: KeyObject;
  public_key: string;
}

function newKeys(): Keys {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { private_key: privateKey, public_key: Buffer.from(rawPublicKey(publicKey)).toString('base64url') };
}

function request(typed: string, { private_key, public_key }: Keys) {
  const code = parseEnrolmentCode(typed)?.code ?? typed;
  const proof = sign(null, agentEnrolmentBytes({ code, public_key }), private_key).toString('base64url');
  return { code: typed, public_key, proof, version: 1 as const };
}

/** An agent that was made and enrolled, as its own side knows it. */
async function enrolled(name?: string) {
  const { id, enrollment_code } = await makeAgent(name);
  const keys = newKeys();
  const { status, body } = await enroll(request(enrollment_code, keys));
  assert.equal(status, 200);
  return { id, keys, server_key: body.server_public_key as string };
}

type Agent = Awaited<ReturnType<typeof enrolled>>;

/** One session that names these doors; answers what the server said of them. Null: it was not welcome. */
async function connect(agent: Agent, door_ids: readonly number[]) {
  const told = Promise.withResolvers<DoorsMessage | null>();
  const lock = { pulse: async () => 'done' as const, check: async () => '', close: async () => {} };
  const core = memoryCore();
  await core.open();
  const session = new Session({
    url: agentUrl(server.url),
    identity: {
      agent_id: agent.id,
      private_key: agent.keys.private_key,
      server_public_key: publicKeyOf(Buffer.from(agent.server_key, 'base64url')),
      public_url: server.context.publicUrl,
    },
    readers: [],
    locks: new Map(door_ids.map((id) => [id, lock])),
    ...core,
    nowMs: () => null,
    ...realClock,
    nonce: () => randomBytes(32).toString('base64url'),
    log: { info: () => {}, warn: () => {} },
    onDoors: told.resolve,
  });
  if (!(await session.welcomed)) told.resolve(null);
  const doors = await told.promise;
  return { doors, session, close: () => session.close() };
}

async function once(agent: Agent, door_ids: readonly number[]) {
  const { doors, close } = await connect(agent, door_ids);
  await close();
  return doors && { driven: doors.doors.map(({ door_id }) => door_id), refused: doors.refused };
}

async function eventsOf(id: number): Promise<[string, string][]> {
  const { body } = await call('GET', `/events?event_object_type=Agent&event_object_id=${id}`);
  return body.map((event: { type: string; message: string }) => [event.type, event.message]);
}

const drives = async (id: number) => (await show(id)).locks.map((door: { id: number }) => door.id);

describe('enrolling an agent', () => {
  it('is made with a code that is shown once, and is enrolled by it', async () => {
    const { enrollment_code, enrollment_code_expires_at, ...made } = await makeAgent('North side');
    assert.deepEqual([made.name, made.enrolled_at, made.online], ['North side', null, false]);
    assert.equal(enrollment_code_expires_at, '2026-03-01T09:10:00.000Z');
    assert.deepEqual(await show(made.id), made);
    const keys = newKeys();
    const { status, body } = await enroll(request(enrollment_code.toLowerCase(), keys));
    assert.equal(status, 200);
    assert.deepEqual([body.agent_id, body.organization.name], [made.id, 'Test House']);
    const { agent_id, public_url, server_public_key } = body;
    const code = parseEnrolmentCode(enrollment_code);
    assert.ok(code);
    const raw = Buffer.from(server_public_key, 'base64url');
    assert.ok(isOfServer(code, hash('sha256', raw, 'buffer')));
    const signed = serverEnrolmentBytes({
      code: code.code,
      public_key: keys.public_key,
      agent_id,
      public_url,
    });
    assert.ok(verify(null, signed, publicKeyOf(raw), Buffer.from(body.signature, 'base64url')));
    assert.equal((await show(made.id)).enrolled_at, clock.now());
    assert.deepEqual(await eventsOf(made.id), [
      ['agent.enroll', 'The agent North side was enrolled'],
      ['agent.create', 'Test House API created the agent North side'],
    ]);
  });

  it('keeps no code that could be read, and gives none again', async () => {
    const { id, enrollment_code } = await makeAgent();
    const rows = await server.context.database.everywhere.read.query
      .selectFrom('agents')
      .selectAll()
      .execute();
    const all = JSON.stringify([rows, await show(id), (await call('GET', '/agents')).body]);
    for (const spelling of [enrollment_code, enrollment_code.replaceAll('-', '')])
      assert.equal(all.includes(spelling), false);
  });

  it('takes a code once, however many try at once', async () => {
    const { id, enrollment_code } = await makeAgent();
    const all = Array.from({ length: racers }, newKeys);
    const hostKey = await openHostKey(server.context);
    // At the operation itself: over HTTP one may be over before the next has arrived.
    const tries = all.map((keys) => enrollAgent(server.context, hostKey, request(enrollment_code, keys)));
    const answers = await Promise.allSettled(tries);
    const winners = answers.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
    assert.equal(winners.length, 1);
    const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason.reason] : []));
    assert.deepEqual(new Set(refused), new Set(['enrollment_code_over']));
    const [row] = await server.context.database.everywhere.read.query
      .selectFrom('agents')
      .select('public_key')
      .where('id', '=', id)
      .execute();
    assert.deepEqual(
      row?.public_key && Buffer.from(row.public_key).toString('base64url'),
      all[winners[0] ?? 0]?.public_key,
    );
    assert.equal((await eventsOf(id)).filter(([type]) => type === 'agent.enroll').length, 1);
  });

  it('says the same of a code that is wrong, used, replaced, over, or of a removed agent', async () => {
    const used = await makeAgent();
    assert.equal((await enroll(request(used.enrollment_code, newKeys()))).status, 200);
    const replaced = await makeAgent();
    const fresh = (await call('POST', `/agents/${replaced.id}/enrollment_code`)).body.enrollment_code;
    const removed = await makeAgent();
    await call('DELETE', `/agents/${removed.id}`);
    const over = await makeAgent();
    clock.advance(enrolmentCodeValidMs);
    const codes = [used, replaced, removed, over].map(({ enrollment_code }) => enrollment_code);
    const bodies = [];
    for (const code of [...codes, 'ABCD', '0'.repeat(24), fresh]) {
      const { status, body } = await enroll(request(code, newKeys()));
      assert.equal(status, 401, code);
      bodies.push(JSON.stringify(body));
    }
    assert.equal(new Set(bodies).size, 1);
  });

  it('takes a code until the millisecond before its end', async () => {
    const { enrollment_code } = await makeAgent();
    clock.advance(enrolmentCodeValidMs - 1);
    assert.equal((await enroll(request(enrollment_code, newKeys()))).status, 200);
  });

  it('wants the key to sign, and leaves the code as it is', async () => {
    const { enrollment_code } = await makeAgent();
    const keys = newKeys();
    const stolen = { ...request(enrollment_code, newKeys()), public_key: keys.public_key };
    const { status, body } = await enroll(stolen);
    assert.deepEqual([status, Object.keys(body.errors)], [422, ['proof']]);
    const other = await enroll({ ...request(enrollment_code, keys), version: 2 });
    assert.deepEqual([other.status, Object.keys(other.body.errors)], [422, ['version']]);
    assert.equal((await enroll(request(enrollment_code, keys))).status, 200);
  });

  it('replaces the key when it is enrolled again, and ends the session with the earlier one', async () => {
    const agent = await enrolled();
    const { session, doors } = await connect(agent, []);
    assert.ok(doors);
    while (!server.context.agents.isReachable(agent.id)) await new Promise(setImmediate);
    const { enrollment_code } = (await call('POST', `/agents/${agent.id}/enrollment_code`)).body;
    assert.equal(server.context.agents.isReachable(agent.id), true);
    const keys = newKeys();
    assert.equal((await enroll(request(enrollment_code, keys))).status, 200);
    assert.equal(server.context.agents.isReachable(agent.id), false);
    await session.ended;
    assert.equal(await once(agent, []), null);
    assert.deepEqual(await once({ ...agent, keys }, []), { driven: [], refused: [] });
    assert.deepEqual((await eventsOf(agent.id)).slice(0, 2), [
      ['agent.enroll', 'The agent Gatehouse was enrolled again: its earlier key is good no more'],
      ['agent.update', 'Test House API made a new enrolment code for the agent Gatehouse'],
    ]);
  });
});

describe('the doors of an agent', () => {
  it('are those that it names, and are let go when it names them no more', async () => {
    const [front, back] = [await makeDoor('Front'), await makeDoor('Back')];
    const agent = await enrolled('Doors');
    const { doors, close } = await connect(agent, [front, back]);
    await close();
    assert.deepEqual(doors?.doors, [
      { door_id: front, name: 'Front' },
      { door_id: back, name: 'Back' },
    ]);
    assert.deepEqual(await drives(agent.id), [front, back]);
    assert.deepEqual(await once(agent, [back]), { driven: [back], refused: [] });
    assert.deepEqual(await drives(agent.id), [back]);
    const written = (await eventsOf(agent.id)).length;
    assert.deepEqual(await once(agent, [back]), { driven: [back], refused: [] });
    assert.equal((await eventsOf(agent.id)).length, written);
  });

  it('are refused when there is no such door here', async () => {
    const gone = await makeDoor('Gone');
    await call('DELETE', `/locks/${gone}`);
    const agent = await enrolled();
    assert.deepEqual(await once(agent, [gone, 999_999]), {
      driven: [],
      refused: [
        { door_id: gone, why: 'unknown' },
        { door_id: 999_999, why: 'unknown' },
      ],
    });
  });

  it('are refused when another agent drives them, which raises one alarm a minute', async () => {
    const door = await makeDoor('Side');
    const [first, second] = [await enrolled('First'), await enrolled('Second')];
    assert.deepEqual((await once(first, [door]))?.driven, [door]);
    const alarms = async () => (await eventsOf(second.id)).filter(([type]) => type === 'agent.alarm');
    const refused = { driven: [], refused: [{ door_id: door, why: 'driven_by_another' }] };
    for (let time = 0; time < 3; time++) assert.deepEqual(await once(second, [door]), refused);
    assert.deepEqual(await alarms(), [
      ['agent.alarm', 'The agent Second names doors that another agent drives: Side'],
    ]);
    clock.advance(60_000);
    assert.deepEqual(await once(second, [door]), refused);
    assert.equal((await alarms()).length, 2);
    assert.deepEqual(await drives(first.id), [door]);
    await call('DELETE', `/agents/${first.id}`);
    assert.deepEqual(await once(second, [door]), { driven: [door], refused: [] });
  });

  it('have one agent, however many claim them at once', async () => {
    const doors: number[] = [];
    for (const name of ['One', 'Two', 'Three']) doors.push(await makeDoor(name));
    const agents = [];
    for (let count = 0; count < 8; count++) agents.push(await enrolled(`Racer ${count}`));
    const claims = await Promise.all(
      agents.map((agent, index) => once(agent, index % 2 === 0 ? doors : doors.toReversed())),
    );
    const driven = claims.flatMap((claim) => claim?.driven ?? []);
    assert.deepEqual(
      driven.toSorted((one, other) => one - other),
      doors,
    );
    assert.equal(claims.filter((claim) => claim?.driven.length === doors.length).length, 1);
  });
});
