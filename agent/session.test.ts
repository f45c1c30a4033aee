import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { agentFrameBytesMax, type ToldOutcome } from '../domain/agent-protocol.ts';
import { realClock } from '../test/test-server.ts';
import { openSimulatedLock } from './locks/simulated.ts';
import { Session, type SessionSettings } from './session.ts';
import { memoryCore } from './stand-in-disk.ts';
import { memoryLog, type Peer, StandInServer } from './stand-in-server.ts';

const front = { id: 3, name: 'Front door' };
const nonce = () => randomBytes(32).toString('base64url');

describe('a session', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postern-session-'));
  });
  after(() => rm(folder, { recursive: true }));

  /** A session, its server's end, and what its one lock did. */
  async function setUp(timeouts: SessionSettings['timeouts'] = {}, core = memoryCore()) {
    const open = new AsyncDisposableStack();
    const server = open.use(await StandInServer.open());
    const clock = { ms: 10_000 };
    const log = memoryLog();
    const pulses: number[] = [];
    const onPulse = (_door: object, pulse_ms: number) => pulses.push(pulse_ms);
    const lock = await openSimulatedLock({
      door: front,
      folder,
      at: () => '2026-01-01T00:00:00.000Z',
      nonce,
      log,
      onReport: () => {},
      onPulse,
    });
    open.defer(() => lock.close());
    const { url, identity } = server;
    const locks = new Map([[front.id, lock]]);
    const readers = [{ name: 'front', door_id: front.id }];
    await core.open();
    const { doorStates, upkeep } = core;
    const now = { monotonicMs: () => clock.ms, nowMs: () => null, after: realClock.after, nonce };
    const settings = { url, identity, readers, locks, doorStates, upkeep, ...now, log, timeouts };
    const session = new Session(settings);
    open.defer(() => session.close());
    const peer = await server.next();
    return {
      server,
      session,
      peer,
      clock,
      log,
      pulses,
      lock,
      doorStates,
      [Symbol.asyncDispose]: () => open.disposeAsync(),
    };
  }

  async function setUpOpen(timeouts: SessionSettings['timeouts'] = {}, core = memoryCore()) {
    const all = await setUp(timeouts, core);
    await all.peer.welcome();
    assert.equal(await all.session.welcomed, true);
    return all;
  }

  async function unlock(
    peer: Peer,
    changes: { sequence?: number; session?: string; deadline_ms?: number; door_id?: number },
  ) {
    const { sequence = 1, session = peer.session, deadline_ms = 12_500, door_id = front.id } = changes;
    const commands = [{ command_id: `command ${sequence}`, door_id, pulse_ms: 3_000, deadline_ms }];
    peer.send({ type: 'unlock', session, sequence, commands });
    const { outcomes } = await peer.read('outcomes');
    assert.equal(outcomes.length, 1);
    return outcomes[0] as ToldOutcome; // the line above has counted
  }

  describe('handshake', () => {
    it('introduces the agent, proves it, and believes a server that proves itself', async () => {
      await using all = await setUp();
      const hello = await all.peer.welcome();
      assert.equal(await all.session.welcomed, true);
      assert.deepEqual(hello.door_ids, [front.id]);
      assert.deepEqual(hello.readers, [{ name: 'front', door_id: front.id }]);
      assert.match(hello.nonce, /^[\w-]{43}$/);
    });

    const lies = {
      'another key': { private_key: generateKeyPairSync('ed25519').privateKey },
      'another public URL': { public_url: 'https://elsewhere.example' },
      "another session's nonce": { agent_nonce: nonce() },
      "the agent's own role": { role: 'agent' as const },
    };
    for (const [name, lie] of Object.entries(lies)) {
      it(`does not believe a server that signs with ${name}`, async () => {
        await using all = await setUp();
        await all.peer.welcome(lie);
        // Sent with the welcome: nothing of it may count.
        const commands = [{ command_id: 'c', door_id: front.id, pulse_ms: 1, deadline_ms: 12_000 }];
        all.peer.send({ type: 'unlock', session: all.peer.session, sequence: 1, commands });
        assert.equal(await all.session.welcomed, false);
        assert.match(
          await all.session.ended,
          /could not prove that it is the one this agent was enrolled with/,
        );
        assert.deepEqual(all.pulses, []);
      });
    }

    it('obeys nothing before the welcome', async () => {
      await using all = await setUp();
      await all.peer.read('hello');
      const commands = [{ command_id: 'c', door_id: front.id, pulse_ms: 1, deadline_ms: 12_000 }];
      all.peer.send({ type: 'unlock', session: all.peer.session, sequence: 1, commands });
      assert.match(await all.session.ended, /broke the order of the handshake/);
      assert.deepEqual(all.pulses, []);
    });

    it('takes no welcome before it has proved itself', async () => {
      await using all = await setUp();
      await all.peer.read('hello');
      all.peer.send({ type: 'welcome', signature: 'A'.repeat(86) });
      assert.match(await all.session.ended, /broke the order of the handshake/);
    });

    it('gives up on a server that stays silent', async () => {
      await using all = await setUp({ handshake_ms: 30 });
      assert.match(await all.session.ended, /did not complete the handshake in time/);
    });
  });

  describe('commands', () => {
    it('moves the lock and says so', async () => {
      await using all = await setUpOpen();
      const outcome = await unlock(all.peer, {});
      assert.deepEqual(outcome, { command_id: 'command 1', outcome: 'done' });
      assert.deepEqual(all.pulses, [3_000]);
    });

    it('carries out all commands of one message, each with its own outcome', async () => {
      await using all = await setUpOpen();
      const command = { door_id: front.id, pulse_ms: 1, deadline_ms: 12_500 };
      const commands = [1, 2, 3].map((n) => ({ ...command, command_id: `c${n}`, pulse_ms: n }));
      all.peer.send({ type: 'unlock', session: all.peer.session, sequence: 1, commands });
      const { outcomes } = await all.peer.read('outcomes');
      assert.deepEqual(outcomes.map(({ command_id }) => command_id).sort(), ['c1', 'c2', 'c3']);
      assert.deepEqual(all.pulses.sort(), [1, 2, 3]);
    });

    it('does not move the lock twice for a replayed command', async () => {
      await using all = await setUpOpen();
      await unlock(all.peer, { sequence: 1 });
      const replayed = await unlock(all.peer, { sequence: 1 });
      assert.equal(replayed.outcome, 'not_done');
      assert.match(replayed.message ?? '', /not the next/);
      assert.deepEqual(all.pulses, [3_000]);
    });

    it('refuses an old sequence and goes on with the next', async () => {
      await using all = await setUpOpen();
      for (const sequence of [1, 2]) assert.equal((await unlock(all.peer, { sequence })).outcome, 'done');
      assert.equal((await unlock(all.peer, { sequence: 1 })).outcome, 'not_done');
      assert.equal((await unlock(all.peer, { sequence: 3 })).outcome, 'done');
      assert.equal(all.pulses.length, 3);
    });

    it('refuses a sequence that leaves one out, and begins anew', async () => {
      await using all = await setUpOpen();
      assert.equal((await unlock(all.peer, { sequence: 2 })).outcome, 'not_done');
      assert.match(await all.session.ended, /was lost/);
      assert.deepEqual(all.pulses, []);
    });

    it('refuses a command of another session, which spends no sequence', async () => {
      await using all = await setUpOpen();
      const foreign = await unlock(all.peer, { session: nonce() });
      assert.match(foreign.message ?? '', /another session/);
      assert.equal((await unlock(all.peer, {})).outcome, 'done');
      assert.equal(all.pulses.length, 1);
    });

    it('obeys up to the deadline and not a moment later', async () => {
      await using all = await setUpOpen();
      all.clock.ms = 12_500;
      assert.equal((await unlock(all.peer, { sequence: 1, deadline_ms: 12_500 })).outcome, 'done');
      const late = await unlock(all.peer, { sequence: 2, deadline_ms: 12_499.99 });
      assert.match(late.message ?? '', /after its deadline/);
      assert.equal(all.pulses.length, 1);
    });

    it('refuses a deadline further away than any command lives', async () => {
      await using all = await setUpOpen();
      const outcome = await unlock(all.peer, { deadline_ms: all.clock.ms + 5_001 });
      assert.match(outcome.message ?? '', /further away/);
      assert.deepEqual(all.pulses, []);
    });

    it('refuses a door that is not its own', async () => {
      await using all = await setUpOpen();
      assert.match((await unlock(all.peer, { door_id: 4 })).message ?? '', /no such door/);
    });

    it('says that the lock did not move when its driver says so', async () => {
      await using all = await setUpOpen();
      await all.lock.close();
      const outcome = await unlock(all.peer, {});
      assert.equal(outcome.outcome, 'not_done');
      assert.match(outcome.message ?? '', /closed/);
    });
  });

  describe('door states', () => {
    const told = (revision: number, locked_down: boolean) => ({ door_id: front.id, revision, locked_down });
    async function tell(peer: Peer, message_id: number, ...doors: ReturnType<typeof told>[]) {
      peer.send({ type: 'door_states', message_id, doors });
      assert.deepEqual(await peer.read('door_states_kept'), { type: 'door_states_kept', message_id });
    }

    it('opens no door that is locked down, until it hears otherwise', async () => {
      await using all = await setUpOpen();
      await tell(all.peer, 1, told(4, true));
      const refused = await unlock(all.peer, { sequence: 1 });
      assert.match(refused.message ?? '', /locked down/);
      await tell(all.peer, 2, told(5, false));
      assert.equal((await unlock(all.peer, { sequence: 2 })).outcome, 'done');
      assert.deepEqual(all.pulses, [3_000]);
    });

    it('drops news that are older than what it knows', async () => {
      await using all = await setUpOpen();
      await tell(all.peer, 1, told(6, true));
      await tell(all.peer, 2, told(5, false));
      assert.equal((await unlock(all.peer, { sequence: 1 })).outcome, 'not_done');
      await tell(all.peer, 3, told(7, false));
    });

    it('keeps them over a session, and believes the next one whatever it counts from', async () => {
      const core = memoryCore();
      const { doorStates } = await (async () => {
        await using all = await setUpOpen({}, core);
        await tell(all.peer, 1, told(9, true));
        return all;
      })();
      assert.equal(doorStates.isLockedDown(front.id), true);
      await using next = await setUpOpen({}, core);
      assert.equal((await unlock(next.peer, { sequence: 1 })).outcome, 'not_done');
      await tell(next.peer, 1, told(1, false));
      assert.equal((await unlock(next.peer, { sequence: 2 })).outcome, 'done');
    });
  });

  describe('conversation', () => {
    it("answers a heartbeat with the agent's clock", async () => {
      await using all = await setUpOpen();
      all.clock.ms = 123_456.5;
      all.peer.send({ type: 'heartbeat', sequence: 9 });
      assert.deepEqual(await all.peer.read('heartbeat'), {
        type: 'heartbeat',
        sequence: 9,
        monotonic_ms: 123_456.5,
        now_ms: null,
      });
    });

    it('ends when no heartbeat comes', async () => {
      await using all = await setUpOpen({ heartbeat_ms: 30 });
      assert.match(await all.session.ended, /silent for too long/);
    });

    it('goes on as long as heartbeats come', async () => {
      await using all = await setUpOpen({ heartbeat_ms: 300 });
      for (let sequence = 1; sequence <= 3; sequence++) {
        // Silence is what is tested: it can only be waited for.
        await pause(120);
        all.peer.send({ type: 'heartbeat', sequence });
        await all.peer.read('heartbeat');
      }
      assert.equal((await unlock(all.peer, {})).outcome, 'done');
    });

    it('passes a presentation on and its own decision back', async () => {
      await using all = await setUpOpen();
      const asked = [1, 2].map((n) =>
        all.session.ask({ door_id: front.id, reader: 'front', text: `text ${n}` }),
      );
      const first = await all.peer.read('presentation');
      const second = await all.peer.read('presentation');
      assert.deepEqual([first.text, second.text], ['text 1', 'text 2']);
      const answer = { type: 'decision' as const, granted: false };
      all.peer.send({ ...answer, presentation_id: second.presentation_id, reason: 'second' });
      all.peer.send({ ...answer, presentation_id: first.presentation_id, reason: 'first' });
      assert.deepEqual(
        (await Promise.all(asked)).map((each) => each?.reason),
        ['first', 'second'],
      );
    });

    it('has no answer when the decision comes too late, when the session ends, and after it', async () => {
      await using all = await setUpOpen({ decision_ms: 20 });
      const presentation = { door_id: front.id, reader: 'front', text: 'A' };
      assert.equal(await all.session.ask(presentation), null);
      all.peer.send({ type: 'decision', presentation_id: 0, granted: true, reason: null });
      const cut = all.session.ask(presentation);
      all.peer.terminate();
      assert.equal(await cut, null);
      await all.session.ended;
      assert.equal(await all.session.ask(presentation), null);
    });

    const garbage: Record<string, string | Uint8Array> = {
      'no JSON': '{',
      'another type': '{"type":"open_sesame"}',
      'a field of another type': '{"type":"heartbeat","sequence":"1"}',
      'a command without its deadline': JSON.stringify({
        ...{ type: 'unlock', session: 'A'.repeat(43), sequence: 1 },
        commands: [{ command_id: 'c', door_id: 3, pulse_ms: 1 }],
      }),
      'a pulse of an hour': JSON.stringify({
        ...{ type: 'unlock', session: 'A'.repeat(43), sequence: 1 },
        commands: [{ command_id: 'c', door_id: 3, pulse_ms: 3_600_000, deadline_ms: 12_000 }],
      }),
      'a binary frame': Buffer.from('{"type":"heartbeat","sequence":1}'),
      'a second challenge': JSON.stringify({ type: 'challenge', nonce: 'A'.repeat(43) }),
      'a frame that is too long': `${' '.repeat(agentFrameBytesMax)}{"type":"heartbeat","sequence":1}`,
    };
    for (const [name, frame] of Object.entries(garbage)) {
      it(`ends at ${name}`, async () => {
        await using all = await setUpOpen();
        all.peer.sendRaw(frame);
        assert.match(await all.session.ended, /no message of the protocol|second handshake|Max payload/);
        await all.peer.closed;
        assert.deepEqual(all.pulses, []);
      });
    }

    it('logs refusals, and no text that was presented', async () => {
      await using all = await setUpOpen();
      const asked = all.session.ask({ door_id: front.id, reader: 'front', text: 'PSN1:SECRET' });
      await all.peer.read('presentation');
      await unlock(all.peer, { door_id: 4 });
      await all.session.close();
      await asked;
      assert.match(all.log.lines.join(), /no such door/);
      assert.doesNotMatch(all.log.lines.join(), /SECRET/);
    });
  });
});
