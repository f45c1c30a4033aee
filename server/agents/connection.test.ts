import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import {
  agentPath,
  agentProtocolVersion,
  agentSubprotocol,
  type HandshakeTranscript,
  handshakeBytes,
  type ServerMessage,
} from '../../domain/agent-protocol.ts';
import { startTestServer, type TestServer } from '../../test/test-server.ts';
import { rawPublicKey } from '../organizations/keys.ts';
import { unlockWithLink } from '../unlocks/unlocks.ts';
import { insertAgent } from './store.ts';

let server: TestServer;
let place_id: number;
let group_id: number;

before(async () => {
  server = await startTestServer();
  place_id = (await server.create('place', { name: 'House', address: 'Gate Lane' })).id;
  group_id = (await server.create('group', { name: 'Visitors' })).id;
});
after(() => server.close());

type Of<Type extends ServerMessage['type']> = Extract<ServerMessage, { type: Type }>;

/** What an agent says of itself; a dishonest one changes a part of it. */
interface Claims {
  agent_id?: number;
  private_key?: KeyObject;
  role?: 'agent' | 'server';
  transcript?: Partial<HandshakeTranscript>;
  version?: number;
  nonce?: string;
}

/** The agent's end of the protocol: honest unless told otherwise, and in charge of when it answers. */
class FakeAgent {
  readonly closed: Promise<unknown>;
  readonly unlocks: Of<'unlock'>[] = [];
  /** What it does with each command; nothing: it never says what became of it. */
  onCommand: (command_id: string) => void = () => {};
  nonce = randomBytes(32).toString('base64url');
  session = '';
  readonly #socket: WebSocket;
  readonly #inbox: ServerMessage[] = [];
  #awaited: (() => void) | null = null;

  constructor(protocols: string[] = [agentSubprotocol]) {
    this.#socket = new WebSocket(server.url.replace('http', 'ws') + agentPath, protocols);
    this.closed = once(this.#socket, 'close');
    this.closed.catch(() => {});
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => this.#awaited?.());
    this.#socket.on('message', (data) => this.#receive(JSON.parse(String(data))));
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  async opened(): Promise<void> {
    if (!this.isOpen) await once(this.#socket, 'open');
  }

  say(message: object | string | Uint8Array): void {
    this.#socket.send(
      typeof message === 'string' || message instanceof Uint8Array ? message : JSON.stringify(message),
    );
  }

  hello(
    known: KnownAgent,
    { agent_id, version = agentProtocolVersion, nonce = this.nonce }: Claims = {},
  ): void {
    this.say({
      type: 'hello',
      version,
      agent_id: agent_id ?? known.id,
      nonce,
      door_ids: [known.door_id],
      readers: [],
    });
  }

  async prove(known: KnownAgent, claims: Claims = {}): Promise<void> {
    this.session = (await this.read('challenge')).nonce;
    const honest = {
      agent_id: claims.agent_id ?? known.id,
      agent_nonce: this.nonce,
      server_nonce: this.session,
      public_url: server.context.publicUrl,
    };
    const bytes = handshakeBytes(claims.role ?? 'agent', { ...honest, ...claims.transcript });
    this.say({
      type: 'proof',
      signature: sign(null, bytes, claims.private_key ?? known.private_key).toString('base64url'),
    });
  }

  /** The next message of that type; rejects when the session ends without one. */
  async read<Type extends ServerMessage['type']>(type: Type): Promise<Of<Type>> {
    for (;;) {
      const at = this.#inbox.findIndex((message) => message.type === type);
      // The line above has compared the type.
      if (at >= 0) return this.#inbox.splice(at, 1)[0] as Of<Type>;
      if (this.#socket.readyState === WebSocket.CLOSED) throw new Error(`the session ended without ${type}`);
      await new Promise<void>((resolve) => {
        this.#awaited = resolve;
      });
    }
  }

  beat(sequence: number): void {
    this.say({ type: 'heartbeat', sequence, monotonic_ms: performance.now() });
  }

  report(command_id: string, outcome: 'done' | 'not_done', message?: string): void {
    this.say({ type: 'outcomes', outcomes: [{ command_id, outcome, ...(message ? { message } : {}) }] });
  }

  end(): void {
    this.#socket.terminate();
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.closed;
  }

  #receive(message: ServerMessage): void {
    if (message.type === 'unlock') {
      this.unlocks.push(message);
      for (const { command_id } of message.commands) this.onCommand(command_id);
    }
    this.#inbox.push(message);
    this.#awaited?.();
  }
}

interface KnownAgent {
  id: number;
  private_key: KeyObject;
  door_id: number;
}

/** A door with an agent that the server knows and nobody has connected yet. */
async function enroll(name = 'Front door'): Promise<KnownAgent> {
  const door_id = (await server.create('lock', { name, place_id })).id;
  await server.create('group_lock', { group_id, lock_id: door_id });
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const id = await server.context.database.everywhere.transaction(async (tx) => {
    const row = {
      organization_id: server.organization_id,
      name: 'Fake agent',
      created_at: new Date().toISOString(),
    };
    const agent_id = await insertAgent(tx, { ...row, public_key: rawPublicKey(publicKey) });
    await tx.query.updateTable('doors').set({ agent_id }).where('id', '=', door_id).execute();
    return agent_id;
  });
  return { id, private_key: privateKey, door_id };
}

const shown = { type: 'presentation', presentation_id: 7, reader: 'x' } as const;
/** Up to the welcome: it has proved itself, and has not answered a heartbeat. */
async function welcomed(known: KnownAgent): Promise<FakeAgent> {
  const agent = new FakeAgent();
  await agent.opened();
  agent.hello(known);
  await agent.prove(known);
  await agent.read('welcome');
  return agent;
}

/** Up to its first heartbeat, after which the server gives it commands. */
async function connected(known: KnownAgent): Promise<FakeAgent> {
  const agent = await welcomed(known);
  agent.beat((await agent.read('heartbeat')).sequence);
  await reachable(known, agent);
  return agent;
}

async function reachable(known: KnownAgent, agent: FakeAgent): Promise<void> {
  while (!server.context.agents.isReachable(known.id)) {
    assert.ok(agent.isOpen, 'its session goes on');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const make = (fields: object = {}) =>
  server.create('group_link', { name: 'Robin Guest', group_id, ...fields });
const unlock = (secret: string, door_id: number) =>
  server.call('POST', `/locks/${door_id}/unlock`, { secret, as: 'link' });
const events = async (query: string) =>
  (await server.call('GET', `/events?limit=50&${query}`, { secret: server.api_key })).body;

describe('the handshake of an agent', () => {
  it('welcomes an agent that proves itself, and commands it from its first heartbeat on', async () => {
    const known = await enroll();
    const { secret } = await make();
    const agent = await welcomed(known);
    assert.equal((await unlock(secret, known.door_id)).body.reason, 'door_unreachable');
    agent.beat((await agent.read('heartbeat')).sequence);
    await reachable(known, agent);
    agent.onCommand = (command_id) => agent.report(command_id, 'done');
    assert.equal((await unlock(secret, known.door_id)).status, 200);
    await agent.close();
    assert.equal((await unlock(secret, known.door_id)).body.reason, 'door_unreachable');
  });

  const other = generateKeyPairSync('ed25519').privateKey;
  const lies: readonly [string, Claims][] = [
    ['another key', { private_key: other }],
    ['an agent that does not exist', { agent_id: 999_999 }],
    ['another address of the server', { transcript: { public_url: 'https://evil.example' } }],
    ['another nonce of its own', { transcript: { agent_nonce: randomBytes(32).toString('base64url') } }],
    ['another nonce of the server', { transcript: { server_nonce: randomBytes(32).toString('base64url') } }],
    ['another agent in what it signs', { transcript: { agent_id: 999_999 } }],
    ['the part of the server', { role: 'server' }],
  ];
  for (const [what, claims] of lies) {
    it(`is refused with ${what}`, async () => {
      const known = await enroll();
      const agent = new FakeAgent();
      await agent.opened();
      agent.hello(known, claims);
      await agent.prove(known, claims);
      await agent.closed;
      await assert.rejects(agent.read('welcome'), /ended without welcome/);
      assert.ok(!server.context.agents.isReachable(known.id));
    });
  }

  it('does not take the proof of another session', async () => {
    const known = await enroll();
    const honest = await welcomed(known);
    const agent = new FakeAgent();
    await agent.opened();
    agent.nonce = honest.nonce;
    agent.hello(known);
    await agent.prove(known, { transcript: { server_nonce: honest.session } });
    await agent.closed;
    await honest.close();
  });

  const garbage: readonly [string, (agent: FakeAgent, known: KnownAgent) => unknown][] = [
    ['no JSON', (agent) => agent.say('hello')],
    ['no message', (agent) => agent.say({ type: 'unlock', door_id: 1 })],
    ['bytes', (agent) => agent.say(randomBytes(40))],
    ['a frame too large', (agent) => agent.say('x'.repeat(70_000))],
    ['deep nesting', (agent) => agent.say('['.repeat(30_000))],
    ['the proof first', (agent) => agent.say({ type: 'proof', signature: 'A'.repeat(86) })],
    ['a heartbeat first', (agent) => agent.beat(1)],
    ['an outcome first', (agent) => agent.report('x', 'done')],
    ['hello twice', (agent, known) => [1, 2].map(() => agent.hello(known))],
    ['another version', (agent, known) => agent.hello(known, { version: 2 })],
    [
      'an agent that is no number',
      (agent) =>
        agent.say({
          type: 'hello',
          version: 1,
          agent_id: '1',
          nonce: 'A'.repeat(43),
          door_ids: [],
          readers: [],
        }),
    ],
    ['a nonce too short', (agent, known) => agent.hello(known, { nonce: 'AAAA' })],
  ];
  for (const [what, act] of garbage) {
    it(`ends with ${what}`, async () => {
      const known = await enroll();
      const agent = new FakeAgent();
      await agent.opened();
      act(agent, known);
      await agent.closed;
      assert.ok(!server.context.agents.isReachable(known.id));
    });
  }

  it('is refused to whoever does not name the subprotocol', async () => {
    const agent = new FakeAgent([]);
    const outcome = await agent.opened().then(
      () => 'opened',
      () => 'refused',
    );
    agent.end();
    assert.equal(outcome, 'refused');
  });
});

describe('a session of an agent', () => {
  it('ends when it answers a heartbeat that was never sent', async () => {
    const known = await enroll();
    const agent = await welcomed(known);
    await agent.read('heartbeat');
    agent.beat(99);
    await assert.rejects(agent.read('heartbeat'), /ended without heartbeat/);
    assert.ok(!server.context.agents.isReachable(known.id));
  });

  it('ends with the beginning of a second one, which raises an alarm and takes over', async () => {
    const known = await enroll();
    const { secret } = await make();
    const [first, second] = [await connected(known), await connected(known)];
    await first.closed;
    second.onCommand = (command_id) => second.report(command_id, 'done');
    assert.equal((await unlock(secret, known.door_id)).status, 200);
    const alarms = await events(`event_type=agent.alarm&event_object_id=${known.id}`);
    assert.deepEqual(
      alarms.map((event: { object_type: string }) => event.object_type),
      ['Agent'],
    );
    await second.close();
  });

  it('that was ended is ended: what it says after that counts for nothing', async () => {
    const known = await enroll();
    const [good, bad] = [await connected(known), await welcomed(known)];
    const { sequence } = await bad.read('heartbeat');
    bad.say(randomBytes(8));
    bad.beat(sequence);
    await bad.closed;
    assert.ok(server.context.agents.isReachable(known.id), 'the good session lives on');
    assert.ok(good.isOpen);
    assert.deepEqual(await events(`event_type=agent.alarm&event_object_id=${known.id}`), []);
    await good.close();
  });

  it('hears that the server cannot decide while its database is not to be had', async () => {
    const known = await enroll();
    const agent = await connected(known);
    const { keys } = server.context;
    const full = Object.assign(new Error('database or disk is full'), { errcode: 13 });
    server.context.keys = Object.assign(Object.create(keys), { verifier: () => Promise.reject(full) });
    agent.say({ ...shown, monotonic_ms: performance.now(), door_id: known.door_id, text: 'x' });
    assert.partialDeepStrictEqual(await agent.read('decision'), { granted: false, reason: 'unavailable' });
    server.context.keys = keys;
    await agent.close();
  });

  it('asks for no door but its own', async () => {
    const [known, other] = [await enroll(), await enroll()];
    const agent = await connected(known);
    const { quick_response_code_token: text } = await make();
    agent.say({ ...shown, monotonic_ms: performance.now(), door_id: other.door_id, text });
    const { presentation_id, granted, reason } = await agent.read('decision');
    assert.deepEqual([presentation_id, granted, reason], [7, false, 'not_found']);
    await agent.close();
  });
});

describe('commands', { concurrency: true }, () => {
  it('of one commit travel in one message, and every one belongs to its own event', async () => {
    const known = await enroll();
    const { id } = await make();
    const agent = await connected(known);
    agent.onCommand = (command_id) => agent.report(command_id, 'done');
    const link = { organization_id: server.organization_id, link_id: id };
    const askedMs = server.context.clock.monotonicMs();
    const request = { link, door_id: known.door_id, askedMs, method: 'api' } as const;
    // On PostgreSQL each waits for the link's row, which is one commit after the other.
    const length = server.ownerUrl === null ? 300 : 40;
    const asked = Array.from({ length }, () => unlockWithLink(server.context, request));
    const results = await Promise.all(asked);
    const counts = agent.unlocks.map(({ commands, sequence }) => [commands.length, sequence]);
    // They arrived in one turn of the event loop: a commit of the one writer takes 256, the next the rest. On
    // PostgreSQL each has its own commit.
    if (server.ownerUrl === null)
      assert.deepEqual(counts, [
        [256, 1],
        [44, 2],
      ]);
    assert.deepEqual(
      counts.map(([, sequence]) => sequence),
      counts.map((_, index) => index + 1),
    );
    assert.ok(agent.unlocks.every(({ session }) => session === agent.session));
    const uuids = results.map((result) => (result.opened ? result.event_uuid : result.reason));
    assert.deepEqual(
      agent.unlocks.flatMap(({ commands }) => commands.map(({ command_id }) => command_id)).sort(),
      uuids.sort(),
    );
    await agent.close();
  });

  it('of many requests at once all arrive, in messages that count without a gap', async () => {
    const known = await enroll();
    const { secret } = await make();
    const agent = await connected(known);
    agent.onCommand = (command_id) => agent.report(command_id, 'done');
    const answers = await Promise.all(Array.from({ length: 32 }, () => unlock(secret, known.door_id)));
    assert.ok(answers.every(({ status }) => status === 200));
    assert.equal(agent.unlocks.flatMap(({ commands }) => commands).length, 32);
    assert.deepEqual(
      agent.unlocks.map(({ sequence }) => sequence),
      agent.unlocks.map((_, at) => at + 1),
    );
    await agent.close();
  });

  it('name a door, a pulse, and a moment on the clock of the agent after which no lock may move', async () => {
    const known = await enroll();
    const { secret } = await make();
    const agent = await connected(known);
    const arrivals: number[] = [];
    agent.onCommand = (command_id) => {
      arrivals.push(performance.now());
      agent.report(command_id, 'done');
    };
    await unlock(secret, known.door_id);
    const [command] = agent.unlocks[0]?.commands ?? [];
    assert.deepEqual([command?.door_id, command?.pulse_ms], [known.door_id, 5_000]);
    const lives = (command?.deadline_ms ?? 0) - (arrivals[0] ?? 0);
    assert.ok(lives > 0 && lives <= 2_500, `${lives} ms`);
    await agent.close();
  });

  it('that the lock did not obey are 503 lock_failed, at once; the use stays taken', async () => {
    const known = await enroll();
    const made = await make({ max_uses: 5 });
    const agent = await connected(known);
    agent.onCommand = (command_id) => agent.report(command_id, 'not_done', 'The relay is stuck.');
    const { status, body, headers } = await unlock(made.secret, known.door_id);
    assert.deepEqual(
      [status, body.code, body.reason, headers.get('retry-after')],
      [503, 'a93c60', 'lock_failed', '2'],
    );
    await assertFailure(made.id, 'not_done', 'lock_failed');
    await agent.close();
  });

  it('that nobody answers are 503 outcome_unknown after 3 s; a late answer changes nothing, nor does one for another', async () => {
    const known = await enroll();
    const made = await make({ max_uses: 5 });
    const agent = await connected(known);
    const commands: string[] = [];
    agent.onCommand = (command_id) => {
      commands.push(command_id);
      agent.report(`${command_id}x`, 'done');
    };
    const began = performance.now();
    const { status, body, headers } = await unlock(made.secret, known.door_id);
    const waited = performance.now() - began;
    assert.deepEqual(
      [status, body.code, body.reason, headers.get('retry-after')],
      [503, '17e4d8', 'outcome_unknown', '2'],
    );
    assert.ok(waited >= 2_900 && waited < 5_000, `${waited} ms`);
    agent.report(commands[0] ?? '', 'done');
    await assertFailure(made.id, 'unknown', 'outcome_unknown');
    assert.ok(agent.isOpen);
    await agent.close();
  });

  it('are reported by the agent that was given them, and by no other', async () => {
    const [known, other] = [await enroll(), await enroll()];
    const { secret } = await make();
    const [agent, stranger] = [await connected(known), await connected(other)];
    agent.onCommand = (command_id) => stranger.report(command_id, 'done');
    const { status, body } = await unlock(secret, known.door_id);
    assert.deepEqual([status, body.reason], [503, 'outcome_unknown']);
    await Promise.all([agent.close(), stranger.close()]);
  });

  it('are answered when the agent goes before it says what became of them', async () => {
    const known = await enroll();
    const { secret } = await make();
    const agent = await connected(known);
    agent.onCommand = () => void agent.close();
    const { status, body } = await unlock(secret, known.door_id);
    assert.deepEqual([status, body.reason], [503, 'outcome_unknown']);
  });

  /** One granted event with its outcome, one that says it failed, in the same sequence; one use taken. */
  async function assertFailure(link_id: number, outcome: string, reason: string): Promise<void> {
    const [granted, ...more] = await events(
      `event_type=lock.unlock&event_actor_type=GroupLink&event_actor_id=${link_id}`,
    );
    assert.deepEqual(more, []);
    assert.deepEqual([granted.success, granted.details.outcome], [true, outcome]);
    const failures = await events(`event_type=lock.unlock_failed&event_sequence=${granted.sequence}`);
    assert.equal(failures.length, 1);
    const [failed] = failures;
    assert.deepEqual(
      [failed.success, failed.details.reason, failed.object_id],
      [false, reason, granted.object_id],
    );
    assert.equal(failed.place_id, place_id);
    const { body } = await server.call('GET', `/group_links/${link_id}`, { secret: server.api_key });
    assert.equal(body.uses, 1);
  }
});
