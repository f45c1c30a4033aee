import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { RunningAgent } from '../../agent/main.ts';
import { addMs } from '../../domain/instants.ts';
import { readPass, signPass } from '../../domain/pass.ts';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import { createApiKey } from '../logins/logins.ts';
import { createOrganization } from '../organizations/organizations.ts';
import { Presentations } from './presentations.ts';

const now = '2026-12-01T09:00:00.000Z';
const inDays = (days: number, ms = 0) => addMs(now, days * 24 * 3_600_000 + ms);
const wall = new TestClock(now);
const clock = { now: () => wall.now(), monotonicMs: () => performance.now() };

/** A reader takes the same text for one presentation within 3 s; with several doors a pass can be shown again. */
const doorCount = 6;
let server: TestServer;
let agent: RunningAgent;
let group_id: number;
let place_id: number;
const doors: { id: number; name: string }[] = [];

const call = (method: string, path: string, body?: unknown) =>
  server.call(method, path, { secret: server.api_key, ...(body === undefined ? {} : { body }) });
const make = (fields: object = {}) =>
  server.create('group_link', { name: 'Robin Guest', group_id, ...fields });
const change = (id: number, fields: object) => call('PATCH', `/group_links/${id}`, { group_link: fields });

before(async () => {
  server = await startTestServer({ clock });
  place_id = (await server.create('place', { name: 'House', address: 'Gate Lane' })).id;
  group_id = (await server.create('group', { name: 'Visitors' })).id;
  for (let number = 1; number <= doorCount; number++) {
    const { id, name } = await server.create('lock', { name: `Door ${number}`, place_id });
    await server.create('group_lock', { group_id, lock_id: id });
    doors.push({ id, name });
  }
  const { id, name } = await server.create('lock', { name: 'Cellar', place_id });
  doors.push({ id, name });
  agent = await server.connectAgent(doors);
});
after(() => server.close());

/** Asks the server about a text as a reader without any knowledge does, and answers in the words of a reader. */
async function show(text: string, door = 0): Promise<string> {
  const { organization_id, context } = server;
  const at = {
    organization_id,
    agent_id: 1,
    door_id: doors[door]?.id ?? 0,
    reader: `Door ${door + 1} reader`,
  };
  const { granted, reason } = await new Presentations(context).decide({ ...at, text });
  return granted ? 'granted' : `denied ${reason}`;
}

/** Shows a text at the reader of a door's agent and answers what the reader says. */
async function showAtReader(text: string, door = 0): Promise<string> {
  const reader = agent.readers().find(({ door_id }) => door_id === doors[door]?.id);
  const socket = connect(reader?.port ?? 0, '127.0.0.1');
  socket.end(`${text}\n`);
  const [answer] = await once(socket, 'data');
  socket.destroy();
  return String(answer).trim();
}

function pulses(): { door_id: number }[] {
  const text = readFileSync(join(server.folder, 'agent-1', 'pulses.log'), 'utf8');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line)); // written by the lock, one object a line
}

async function eventsOf(link_id: number) {
  const { body } = await call(
    'GET',
    `/events?event_type=lock.unlock&event_actor_type=GroupLink&event_actor_id=${link_id}&limit=50`,
  );
  return body
    .map((event: { success: boolean; details: { reason: string; method: string; reader: string } }) => event)
    .reverse();
}

describe('a pass at a reader', () => {
  it('moves the lock of its door, and is one event that names the reader and the recipient', async () => {
    const made = await make();
    const before = pulses().length;
    assert.equal(await show(made.quick_response_code_token), 'granted');
    assert.deepEqual(
      pulses()
        .slice(before)
        .map(({ door_id }) => door_id),
      [doors[0]?.id],
    );
    const [event, ...more] = await eventsOf(made.id);
    assert.deepEqual(more, []);
    assert.deepEqual(
      [event.success, event.actor_name, event.object_id, event.place_id],
      [true, 'Robin Guest', doors[0]?.id, place_id],
    );
    const { method, reader, outcome, reason } = event.details;
    assert.deepEqual([method, reader, outcome, reason], ['qr', 'Door 1 reader', 'done', null]);
  });

  it('shown again and again by a scanner is one presentation', async () => {
    const made = await make({ max_uses: 5 });
    const text = made.quick_response_code_token;
    const answers = [await showAtReader(text), await showAtReader(text)];
    assert.deepEqual(answers, ['granted', 'repeated']);
    assert.equal((await eventsOf(made.id)).length, 1);
  });

  it('opens for a visitor whose link has no web page', async () => {
    const made = await make({ link_enabled: false });
    assert.equal(await show(made.quick_response_code_token), 'granted');
  });

  interface Case {
    answer: string;
    what: string;
    link?: object;
    arrange?: (id: number) => Promise<unknown>;
    door?: number;
  }
  const cases: readonly Case[] = [
    {
      answer: 'denied credential_revoked',
      what: 'a revoked link',
      arrange: (id) => call('DELETE', `/group_links/${id}`),
    },
    {
      answer: 'denied credential_suspended',
      what: 'a suspended link',
      arrange: (id) => change(id, { suspended: true }),
    },
    {
      answer: 'denied credential_revoked',
      what: 'a pass that a shorter one replaced',
      arrange: (id) => change(id, { valid_until: inDays(1) }),
    },
    {
      answer: 'denied credential_revoked',
      what: 'a link that moved to another group',
      arrange: (id) => moveAway(id),
    },
    {
      answer: 'denied credential_revoked',
      what: 'a link that has no QR code any more',
      arrange: (id) => change(id, { quick_response_code_type: null }),
    },
    {
      answer: 'denied credential_not_active',
      what: 'a link that has not begun',
      link: { valid_from: inDays(0, 1) },
    },
    { answer: 'denied door_not_included', what: 'a door of another group', door: doorCount },
    {
      answer: 'denied use_limit_reached',
      what: 'a link that is used up',
      link: { max_uses: 1 },
      arrange: (id) => useUp(id),
    },
  ];
  for (const { answer, what, link, arrange, door = 0 } of cases) {
    it(`of ${what} is ${answer}, one event, and moves nothing`, async () => {
      const made = await make(link);
      await arrange?.(made.id);
      const [before, earlier] = [pulses().length, (await eventsOf(made.id)).length];
      assert.equal(await show(made.quick_response_code_token, door), answer);
      const events = (await eventsOf(made.id)).slice(earlier);
      assert.deepEqual(
        events.map(
          ({ success, details }: { success: boolean; details: { reason: string; method: string } }) => [
            success,
            details.reason,
            details.method,
          ],
        ),
        [[false, answer.split(' ')[1], 'qr']],
      );
      assert.equal(pulses().length, before);
    });
  }

  async function moveAway(id: number) {
    const other = await server.create('group', { name: 'Elsewhere' });
    await server.create('group_lock', { group_id: other.id, lock_id: doors[0]?.id });
    return change(id, { group_id: other.id });
  }

  async function useUp(id: number): Promise<void> {
    await server.context.database.everywhere.transaction(async (tx) => {
      await tx.query.updateTable('links').set({ uses: 1 }).where('id', '=', id).execute();
    });
  }

  it('ends with the window it was signed for, when the link was extended after', async () => {
    const made = await make({ valid_until: inDays(1) });
    await change(made.id, { valid_until: inDays(3) });
    assert.equal(await show(made.quick_response_code_token, 0), 'granted');
    wall.set(inDays(2));
    const late = await show(made.quick_response_code_token, 1);
    wall.set(now);
    assert.equal(late, 'denied credential_expired');
  });

  it('ends at its last second, to the millisecond, and so does its link', async () => {
    const made = await make({ valid_until: inDays(1) });
    wall.set(inDays(1, -1));
    const last = await show(made.quick_response_code_token, 0);
    wall.set(inDays(1));
    const over = await show(made.quick_response_code_token, 1);
    wall.set(now);
    assert.deepEqual([last, over], ['granted', 'denied credential_expired']);
  });

  it('that was replaced says suspended while the link is, and revoked once it is resumed', async () => {
    const made = await make();
    await change(made.id, { suspended: true });
    assert.equal(await show(made.quick_response_code_token, 0), 'denied credential_suspended');
    await change(made.id, { suspended: false });
    assert.equal(await show(made.quick_response_code_token, 1), 'denied credential_revoked');
  });

  it('that was widened still opens, and so does the new one', async () => {
    const made = await make({ quick_response_code_type: 'online' });
    await change(made.id, { quick_response_code_type: 'offline', valid_until: inDays(20) });
    assert.equal(await show(made.quick_response_code_token, 0), 'granted');
  });

  it('spends the uses that page and API spend too', async () => {
    const made = await make({ max_uses: 3 });
    const api = () =>
      server.call('POST', `/locks/${doors[0]?.id}/unlock`, { secret: made.secret, as: 'link' });
    assert.equal(await show(made.quick_response_code_token, 0), 'granted');
    assert.equal((await api()).status, 200);
    assert.equal(await show(made.quick_response_code_token, 1), 'granted');
    assert.equal((await api()).status, 403);
    assert.equal(await showAtReader(made.quick_response_code_token, 2), 'denied use_limit_reached');
    const { body } = await call('GET', `/group_links/${made.id}`);
    assert.equal(body.uses, 3);
  });

  it('opens once for a single use, however many readers see it at once', async () => {
    const made = await make({ max_uses: 1 });
    const before = pulses().length;
    const shown = Array.from({ length: doorCount }, (_, door) =>
      showAtReader(made.quick_response_code_token, door),
    );
    const answers = (await Promise.all(shown)).sort();
    assert.deepEqual(answers, [...Array(doorCount - 1).fill('denied use_limit_reached'), 'granted']);
    assert.equal(pulses().length, before + 1);
  });

  it('is refused at a door that was deleted, in a word that says so', async () => {
    const doomed = await server.create('lock', { name: 'Doomed', place_id });
    await server.create('group_lock', { group_id, lock_id: doomed.id });
    const own = await server.connectAgent([{ id: doomed.id, name: 'Doomed' }]);
    const made = await make({ quick_response_code_type: 'online' });
    await call('DELETE', `/locks/${doomed.id}`);
    const socket = connect(own.readers()[0]?.port ?? 0, '127.0.0.1');
    socket.end(`${made.quick_response_code_token}\n`);
    const [answer] = await once(socket, 'data');
    assert.equal(String(answer).trim(), 'denied not_found');
    await own.close();
  });
});

describe('what is no pass of this organization', () => {
  const presentations = () => new Presentations({ ...server.context, clock: junkClock });
  const junkClock = new TestClock(now);

  async function foreignPass(): Promise<string> {
    const { id } = await createOrganization(server.context, {
      name: 'Other',
      domain: `other-${Math.floor(performance.now() * 1000)}`,
      owner: { email: 'owner@other.invalid', password: 'correct horse battery' },
    });
    const { secret } = await createApiKey(server.context, { organization_id: id, name: 'Key' });
    const group = await server.call('POST', '/groups', { secret, body: { group: { name: 'Theirs' } } });
    const link = { name: 'Their guest', group_id: group.body.id };
    const { body } = await server.call('POST', '/group_links', { secret, body: { group_link: link } });
    return body.quick_response_code_token;
  }

  const unreadable = async () => (await call('GET', '/events?event_type=reader.unreadable&limit=50')).body;

  it('is unknown at the reader, and moves nothing', async () => {
    const before = pulses().length;
    const made = await make();
    const own: string = made.quick_response_code_token;
    const texts = [
      await foreignPass(),
      'https://example.org',
      'PSN1:',
      'PSN1:AAAA',
      `${own}A`,
      own.slice(0, -1),
      own.toLowerCase(),
      "'; drop table links; --",
      'ünïcödé 😀',
    ];
    for (const text of texts) assert.equal(await show(text), 'denied credential_unknown', text);
    assert.equal(pulses().length, before);
    assert.deepEqual(await eventsOf(made.id), []);
  });

  it('is also what names another organization, whoever signed it', async () => {
    const { id, quick_response_code_token: text } = await make();
    const reading = readPass(text, await server.context.keys.verifier(server.organization_id));
    assert.ok(reading.ok);
    const signer = await server.context.keys.signer(server.organization_id);
    const claims = { ...reading.claims, organization_id: server.organization_id + 1 };
    const before = pulses().length;
    assert.equal(await show(signPass(claims, signer)), 'denied credential_unknown');
    assert.equal(
      await show(signPass({ ...reading.claims, index: 999_999 }, signer)),
      'denied credential_unknown',
    );
    assert.equal(pulses().length, before);
    assert.ok((await eventsOf(id)).every(({ success }: { success: boolean }) => !success));
  });

  it('is one event a minute at each door, and none of any link', async () => {
    const position = (await unreadable()).length;
    const decide = presentations();
    const { organization_id } = server;
    const junk = (reader: string, text: string) =>
      decide.decide({ organization_id, agent_id: 1, door_id: doors[0]?.id ?? 0, reader, text });
    for (let time = 0; time < 5; time++)
      assert.deepEqual(await junk('left', `junk ${time}`), { granted: false, reason: 'credential_unknown' });
    await junk('right', await foreignPass());
    assert.equal((await unreadable()).length - position, 1);
    junkClock.advance(59_999);
    await junk('left', 'junk');
    assert.equal((await unreadable()).length - position, 1);
    junkClock.advance(1);
    await junk('left', 'junk');
    const events = (await unreadable()).slice(0, 2);
    assert.equal((await unreadable()).length - position, 2);
    for (const event of events) {
      assert.deepEqual(
        [event.success, event.actor_type, event.object_type, event.object_id],
        [false, null, 'Agent', 1],
      );
      assert.ok(['left', 'right'].includes(event.details.reader));
    }
    assert.ok(!JSON.stringify(events).includes('junk '));
  });

  it('is noted once when it comes from several hands at the same moment', async () => {
    const before = (await unreadable()).length;
    const decide = presentations();
    const { organization_id } = server;
    const at = { organization_id, agent_id: 1, door_id: doors[0]?.id ?? 0, reader: 'busy' };
    await Promise.all(
      Array.from({ length: 20 }, (_, time) => decide.decide({ ...at, text: `junk ${time}` })),
    );
    assert.equal((await unreadable()).length, before + 1);
  });
});
