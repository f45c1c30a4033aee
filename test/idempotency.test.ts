import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Outcome } from '../domain/event.ts';
import { addMs } from '../domain/instants.ts';
import { recordOutcomes } from '../server/events/events.ts';
import { Housekeeping, housekeepingTasks } from '../server/housekeeping.ts';
import { answersKeptMs } from '../server/http/idempotency.ts';
import { createApiKey } from '../server/logins/logins.ts';
import { pulsesIn } from './demo-process.ts';
import { figure, report } from './figures.ts';
import { mendFailure, plantFailure } from './planted-failure.ts';
import { type Answer, realClock, startTestServer, TestClock, type TestServer } from './test-server.ts';

const rounds = figure({ small: 50, large: 1_000 });
const roundsOfUnlocks = figure({ small: 5, large: 100 });
/** With and without a trace in the table of keys; so many wait together for an answer that does not come. */
const lossesOfEachKind = figure({ small: 25, large: 500 });
const lossesAtOnce = 25;
const atOnce = 32;
const now = '2026-12-01T09:00:00.000Z';
const wall = new TestClock(now);
/** The agent's heartbeats need the real time. */
const clock = { ...realClock, now: () => wall.now() };

let server: TestServer;
let group_id: number;
let place_id: number;
let door: { id: number; name: string };

before(async () => {
  server = await startTestServer({ clock });
  place_id = (await server.create('place', { name: 'House', address: 'Gate Lane' })).id;
  group_id = (await server.create('group', { name: 'Visitors' })).id;
  door = await server.create('lock', { name: 'Front door', place_id });
  await server.create('group_lock', { group_id, lock_id: door.id });
  await server.connectAgent([door]);
});
after(() => server?.close());

interface Keyed {
  key?: string;
  body?: unknown;
  secret?: string;
  as?: 'login' | 'link';
}

function post(path: string, { key, ...call }: Keyed = {}): Promise<Answer> {
  const headers: Record<string, string> = key === undefined ? {} : { 'idempotency-key': key };
  return server.call('POST', path, { secret: server.api_key, headers, ...call });
}

const linkBody = (name: string) => ({ group_link: { name, group_id } });
const postLink = (key: string, name = 'Robin Guest') => post('/group_links', { key, body: linkBody(name) });
const makeLink = (fields: object = {}) =>
  server.create('group_link', { name: 'Robin Guest', group_id, ...fields });
const unlock = (key: string, link: { secret: string }, door_id = door.id) =>
  post(`/locks/${door_id}/unlock`, { key, secret: link.secret, as: 'link' });
const pulses = () => pulsesIn(join(server.folder, 'agent-1')).length;
const wasReplayed = ({ headers }: Answer) => headers.get('idempotency-replayed') === 'true';

const stored = () => server.context.database.everywhere.read.query;
const storedKeys = () => stored().selectFrom('idempotency_keys').selectAll().execute();
const linksNamed = (name: string) =>
  stored().selectFrom('links').selectAll().where('name', '=', name).execute();
const placesNamed = (name: string) =>
  stored().selectFrom('places').selectAll().where('name', '=', name).execute();

async function unlocksBy({ id }: { id: number }) {
  const query = `event_actor_type=GroupLink&event_actor_id=${id}&limit=250`;
  return (await server.call('GET', `/events?${query}`, { secret: server.api_key })).body;
}

/** Every lock answers like this meanwhile. Answers which commands there were. */
async function withDoor(outcome: Outcome, work: () => Promise<void>): Promise<string[]> {
  const { agents } = server.context;
  const original = agents.unlock;
  const commands: string[] = [];
  agents.unlock = async (_agent, { command_id }) => {
    commands.push(command_id);
    return outcome;
  };
  await work().finally(() => {
    agents.unlock = original;
  });
  return commands;
}

/** As if the process had ended after the commit and before the answers: nobody is left to give them. */
async function loseAnswers(
  requests: readonly (() => Promise<Answer>)[],
  leaves: 'a trace' | 'none',
): Promise<void> {
  await plantFailure(server, 'update of answer on idempotency_keys');
  for (const request of requests) assert.ok((await request()).status >= 500);
  await mendFailure(server);
  await server.context.database.everywhere.transaction(async (tx) => {
    if (leaves === 'none')
      await tx.query
        .updateTable('idempotency_keys')
        .set({ under_way: 1 })
        .where('answer', 'is', null)
        .execute();
  });
}

async function inThrongs(work: (leaves: 'a trace' | 'none', numbers: number[]) => Promise<void>) {
  for (const leaves of ['a trace', 'none'] as const) {
    for (let done = 0; done < lossesOfEachKind; done += lossesAtOnce)
      await work(
        leaves,
        Array.from({ length: lossesAtOnce }, (_, index) => done + index),
      );
  }
}

describe('a request with an Idempotency-Key', {
  timeout: figure({ small: 120_000, large: 3_600_000 }),
}, () => {
  it(`that is sent ${atOnce} times at once is done once, and answered alike, in ${rounds} rounds`, async (t) => {
    for (let round = 0; round < rounds; round++) {
      const key = randomUUID();
      const name = `Guest ${round}`;
      const answers = await Promise.all(Array.from({ length: atOnce }, () => postLink(key, name)));
      const [first] = answers;
      assert.equal(first?.status, 200, JSON.stringify(first?.body));
      for (const { status, body } of answers) assert.deepEqual([status, body], [200, first.body]);
      assert.equal(answers.filter(wasReplayed).length, atOnce - 1);
      assert.equal((await linksNamed(name)).length, 1);
    }
    report(t, 'the same key at once', { rounds, times: atOnce, 'effects each': 1 });
  });

  it('moves a lock once, and takes one use, however often it is sent', async (t) => {
    for (let round = 0; round < roundsOfUnlocks; round++) {
      const link = await makeLink({ max_uses: 2 });
      const [key, before] = [randomUUID(), pulses()];
      const answers = await Promise.all(Array.from({ length: atOnce }, () => unlock(key, link)));
      for (const { status, body } of answers)
        assert.deepEqual([status, body], [200, { message: 'Unlocked!' }]);
      assert.equal(pulses(), before + 1);
      assert.equal((await unlocksBy(link)).length, 1);
      assert.equal((await unlock(randomUUID(), link)).status, 200);
      assert.equal(pulses(), before + 2);
    }
    report(t, 'unlocks with the same key at once', {
      rounds: roundsOfUnlocks,
      times: atOnce,
      'pulses each': 1,
    });
  });

  it('is answered from what it committed when nobody was left to answer it, at once or after a while', async (t) => {
    await inThrongs(async (leaves, numbers) => {
      const lost = numbers.map((number) => ({ key: randomUUID(), name: `Lost ${number} ${leaves}` }));
      await loseAnswers(
        lost.map(
          ({ key, name }) =>
            () =>
              postLink(key, name),
        ),
        leaves,
      );
      await Promise.all(
        lost.map(async ({ key, name }) => {
          const answers = await Promise.all(Array.from({ length: 8 }, () => postLink(key, name)));
          const made = await linksNamed(name);
          assert.equal(made.length, 1);
          for (const answer of answers) {
            assert.deepEqual([answer.status, wasReplayed(answer)], [200, true]);
            assert.deepEqual(answer.body, answers[0]?.body);
          }
          const { id, secret } = answers[0]?.body ?? {};
          assert.equal(id, made[0]?.id);
          assert.equal((await server.call('GET', '/group_link', { secret, as: 'link' })).status, 200);
        }),
      );
    });
    report(t, 'answers lost after the commit', { links: lossesOfEachKind * 2, 'effects each': 1 });
  });

  it('that moved a lock and was never answered moves it no second time', async (t) => {
    await inThrongs(async (leaves, numbers) => {
      const before = pulses();
      const lost = await Promise.all(
        numbers.map(async () => ({ key: randomUUID(), link: await makeLink({ max_uses: 1 }) })),
      );
      await loseAnswers(
        lost.map(
          ({ key, link }) =>
            () =>
              unlock(key, link),
        ),
        leaves,
      );
      await Promise.all(
        lost.map(async ({ key, link }) => {
          const answer = await unlock(key, link);
          assert.deepEqual([answer.status, answer.body], [200, { message: 'Unlocked!' }]);
          assert.equal((await unlocksBy(link)).length, 1);
        }),
      );
      assert.equal(pulses(), before + lost.length);
    });
    report(t, 'answers lost after the commit', { unlocks: lossesOfEachKind * 2, 'pulses each': 1 });
  });

  it('whose door did not say whether it opened hears so, and commands nothing more', async () => {
    const link = await makeLink();
    const commands = await withDoor('unknown', async () => {
      const key = randomUUID();
      const answers = [await unlock(key, link), await unlock(key, link)];
      for (const { status, body, headers } of answers)
        assert.deepEqual([status, body.reason, headers.get('retry-after')], [503, 'outcome_unknown', '2']);
      assert.deepEqual(answers.map(wasReplayed), [false, true]);
    });
    assert.equal(commands.length, 1);
    const types = (await unlocksBy(link)).map(({ type }: { type: string }) => type);
    assert.deepEqual(types, ['lock.unlock']);
  });

  it('hears what became of its command once somebody has said so', async () => {
    const { organization_id } = server;
    const link = await makeLink();
    const key = randomUUID();
    await plantFailure(server, 'insert on event_outcomes');
    const [event_uuid = ''] = await withDoor('not_done', async () => {
      assert.ok((await unlock(key, link)).status >= 500);
      const { status, body } = await unlock(key, link);
      assert.deepEqual([status, body.reason], [503, 'outcome_unknown']);
    });
    await mendFailure(server);
    await server.context.database.of(organization_id).transaction(async (tx) => {
      recordOutcomes(tx, [{ event_uuid, organization_id, outcome: 'done', recorded_at: now }]);
    });
    const answers = [await unlock(key, link), await unlock(key, link)];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200],
    );
  });

  it('keeps refusals that will be the same tomorrow, with one event', async () => {
    const link = await makeLink();
    await server.call('PATCH', `/group_links/${link.id}`, {
      secret: server.api_key,
      body: { group_link: { suspended: true } },
    });
    const key = randomUUID();
    const denied = [await unlock(key, link), await unlock(key, link)];
    for (const { status, body } of denied)
      assert.deepEqual([status, body.reason], [403, 'credential_suspended']);
    assert.deepEqual(denied[0]?.body, denied[1]?.body);
    assert.equal(denied[0]?.headers.get('link'), denied[1]?.headers.get('link'));
    assert.equal((await unlocksBy(link)).length, 1);
    for (const [path, body, status] of [
      ['/locks/999999/unlock', {}, 404],
      ['/group_links', { group_link: { name: 'x', group_id: 999_999 } }, 422],
      ['/group_links', { group_link: {} }, 422],
    ] as const) {
      const own = randomUUID();
      const answers = [await post(path, { key: own, body }), await post(path, { key: own, body })];
      assert.deepEqual(
        answers.map((answer) => [answer.status, wasReplayed(answer)]),
        [
          [status, false],
          [status, true],
        ],
      );
      assert.deepEqual(answers[0]?.body, answers[1]?.body);
    }
  });

  it('that was refused for a passing reason is done when it is sent again', async () => {
    const away = await server.create('lock', { name: 'Away', place_id });
    await server.create('group_lock', { group_id, lock_id: away.id });
    const link = await makeLink({ max_uses: 1 });
    const key = randomUUID();
    for (let time = 0; time < 2; time++) {
      const { status, body } = await unlock(key, link, away.id);
      assert.deepEqual([status, body.reason], [503, 'door_unreachable']);
    }
    await server.context.database.everywhere.transaction(async (tx) => {
      await tx.query.updateTable('doors').set({ agent_id: 1 }).where('id', '=', away.id).execute();
    });
    await withDoor('done', async () => {
      const opened = await unlock(key, link, away.id);
      assert.deepEqual([opened.status, wasReplayed(opened)], [200, false]);
    });
  });

  it('with another body is refused, but the order of its fields is no matter', async () => {
    const key = randomUUID();
    const body = { group_link: { name: 'Robin Guest', group_id, metadata: { a: '1', b: '2' } } };
    const first = await post('/group_links', { key, body });
    const reordered = { group_link: { metadata: { b: '2', a: '1' }, group_id, name: 'Robin Guest' } };
    assert.deepEqual((await post('/group_links', { key, body: reordered })).body, first.body);
    for (const other of [
      linkBody('Robin Guest'),
      { group_link: { ...body.group_link, metadata: { a: '2', b: '1' } } },
    ]) {
      const { status, body: refused } = await post('/group_links', { key, body: other });
      assert.deepEqual([status, refused.reason], [422, 'idempotency_key_reused']);
    }
    assert.equal((await post('/group_links?x=1', { key, body })).status, 422);
  });

  it('with a body that is nested without end is refused as it is without a key', async () => {
    const body = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    assert.equal((await post('/group_links', { key: randomUUID(), body })).status, 422);
  });

  it('is nothing to other credentials, paths and organizations that use the same key', async () => {
    const key = randomUUID();
    const { organization_id } = server;
    const other = await createApiKey(server.context, { organization_id, name: 'Other' });
    const [one, two] = [await makeLink(), await makeLink()];
    const before = pulses();
    for (const link of [one, two]) assert.equal(wasReplayed(await unlock(key, link)), false);
    const path = `/locks/${door.id}/access`;
    assert.equal(wasReplayed(await post(path, { key, secret: one.secret, as: 'link' })), false);
    assert.equal(pulses(), before + 3);
    const ids = [
      await postLink(key),
      await post('/group_links', { key, secret: other.secret, body: linkBody('Robin Guest') }),
    ];
    assert.notEqual(ids[0]?.body.id, ids[1]?.body.id);
  });

  it('is authorized first: what was answered before is not for whoever may not ask any more', async () => {
    const { organization_id } = server;
    const other = await createApiKey(server.context, { organization_id, name: 'Ends' });
    const key = randomUUID();
    const ask = () => post('/group_links', { key, secret: other.secret, body: linkBody('Robin Guest') });
    assert.equal((await ask()).status, 200);
    await server.context.database.everywhere.transaction(async (tx) => {
      await tx.query.updateTable('logins').set({ revoked_at: now }).where('id', '=', other.id).execute();
    });
    assert.equal((await ask()).status, 401);
  });

  it('may have any printable key of 1 to 255 characters, quoted or not', async () => {
    for (const key of ['', 'é', 'tab\there', 'x'.repeat(256), '""']) {
      const { status, body } = await postLink(key);
      assert.deepEqual(
        [status, Object.keys(body.errors ?? {})],
        [422, ['Idempotency-Key']],
        JSON.stringify(key),
      );
    }
    const longest = 'x'.repeat(255);
    const first = await postLink(longest);
    assert.equal(first.status, 200);
    assert.deepEqual((await postLink(`"${longest}"`)).body, first.body);
  });

  it('may have one key only', async () => {
    const body = JSON.stringify({ place: { name: 'Two keys', address: 'x' } });
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.write(
      `POST /places HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer ${server.api_key}\r\n` +
        `idempotency-key: one\r\nidempotency-key: two\r\ncontent-type: application/json\r\n` +
        `content-length: ${body.length}\r\n\r\n${body}`,
    );
    let answer = '';
    for await (const portion of socket) answer += portion;
    assert.match(answer, /^HTTP\/1\.1 422 /);
    assert.deepEqual(await placesNamed('Two keys'), []);
  });

  it('is kept for a day, sealed, and then forgotten', async () => {
    const key = randomUUID();
    const first = await postLink(key, 'Kept');
    const dump = JSON.stringify(
      (await storedKeys()).map((row) =>
        Object.values(row).map((value) =>
          value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
        ),
      ),
    );
    for (const text of [first.body.secret, 'Kept', key]) assert.ok(!dump.includes(text), text);
    wall.set(addMs(now, answersKeptMs - 1));
    assert.deepEqual((await postLink(key, 'Kept')).body, first.body);
    wall.set(addMs(now, answersKeptMs));
    const again = await postLink(key, 'Kept');
    assert.deepEqual([again.status, wasReplayed(again)], [200, false]);
    assert.notEqual(again.body.id, first.body.id);
    assert.deepEqual((await postLink(key, 'Kept')).body, again.body);
    const housekeeping = new Housekeeping({
      tasks: housekeepingTasks(server.context),
      clock,
      onError: assert.ifError,
    });
    await housekeeping.run();
    const left = await storedKeys();
    assert.ok(left.length > 0 && left.every(({ created_at }) => created_at > now));
    wall.set(now);
  });

  it('of which nothing was committed leaves nothing behind', async () => {
    const key = randomUUID();
    await plantFailure(server, 'insert on events');
    const before = await storedKeys();
    assert.ok(
      (await post('/places', { key, body: { place: { name: 'Broken', address: 'x' } } })).status >= 500,
    );
    assert.deepEqual(await storedKeys(), before);
    await mendFailure(server);
    const again = await post('/places', { key, body: { place: { name: 'Broken', address: 'x' } } });
    assert.deepEqual([again.status, wasReplayed(again)], [200, false]);
    assert.equal((await placesNamed('Broken')).length, 1);
  });

  it('whose key cannot be written does nothing', async () => {
    await plantFailure(server, 'insert on idempotency_keys');
    const answer = await post('/places', {
      key: randomUUID(),
      body: { place: { name: 'Unkeyed', address: 'x' } },
    });
    await mendFailure(server);
    assert.ok(answer.status >= 500);
    assert.equal((await placesNamed('Unkeyed')).length, 0);
  });
});
