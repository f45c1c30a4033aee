import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { RunningAgent } from '../agent/main.ts';
import { addMs } from '../domain/instants.ts';
import { createApiKey, revokeApiKey } from '../server/logins/logins.ts';
import { figure, report } from './figures.ts';
import { showAt } from './reader-line.ts';
import { randomFrom, seed } from './seed.ts';
import { type Answer, startTestServer, TestClock, type TestServer } from './test-server.ts';

/*
 * The server's clock is set to all kinds of times while links are used in every way. What it says counts, and nothing
 * else: no grant outside a link's window, and what was revoked or used stays so wherever the clock is set.
 */

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const steps = [0, ...[1, second, minute, hour, day].flatMap((ms) => [-ms, ms])];
/** Epochs of other systems, and where 32 bits of seconds end. */
const farAway = [
  ...['1970-01-01T00:00:00.000Z', '1980-01-06T00:00:00.000Z', '1999-12-31T23:59:59.999Z'],
  ...['2038-01-19T03:14:07.999Z', '2038-01-19T03:14:08.000Z', '2106-02-07T06:28:16.000Z'],
];
const doorCount = 10;
const jumps = figure({ small: 300, large: 10_000 });

interface Window {
  valid_from: string;
  valid_until: string;
}

interface Link {
  id: number;
  secret: string;
  quick_response_code_token: string;
}

const now = '2026-12-01T12:00:00.000Z';
const wall = new TestClock(now);
/** The agent's heartbeats need the real time. */
const clock = { now: () => wall.now(), monotonicMs: () => performance.now() };

describe(`a clock that is set (POSTERN_SEED=${seed})`, {
  timeout: figure({ small: 120_000, large: 1_800_000 }),
}, () => {
  let server: TestServer;
  let agent: RunningAgent;
  let group_id: number;
  let door_id: number;
  /** How often each pass was shown: every time at another reader, for which it is a presentation of its own. */
  const shown = new Map<string, number>();

  before(async () => {
    server = await startTestServer({ clock, environment: { POSTERN_RATE_LIMITS: 'off' } });
    // The agent is told nothing, so its readers ask the server, whose clock this is about. The agent's own is tested beside it.
    server.context.agentNews.close();
    const place_id = (await server.create('place', { name: 'House', address: 'Gate Lane' })).id;
    group_id = (await server.create('group', { name: 'Visitors' })).id;
    const doors: { id: number; name: string }[] = [];
    for (let number = 1; number <= doorCount; number++) {
      const door = await server.create('lock', { name: `Door ${number}`, place_id });
      await server.create('group_lock', { group_id, lock_id: door.id });
      doors.push(door);
    }
    door_id = doors[0]?.id ?? 0;
    agent = await server.connectAgent(doors);
  });
  after(() => server?.close());

  const windows: Record<string, Window> = {
    'in an ordinary year': {
      valid_from: '2026-12-02T10:00:00.000Z',
      valid_until: '2026-12-04T11:00:00.000Z',
    },
    'where 32 bits of seconds end': {
      valid_from: '2038-01-19T03:14:00.000Z',
      valid_until: '2038-01-19T03:14:16.000Z',
    },
  };
  for (const [name, window] of Object.entries(windows)) {
    it(`opens within a link's window and not outside of it, however it is used: ${name}`, async (t) => {
      const instants = [...instantsAround(window), ...farAway];
      let granted = 0;
      for (const at of instants) {
        wall.set(addMs(window.valid_from, -2 * day));
        const link = await make(window);
        const cookie = await openPage(link);
        const results = {
          page: await press(link, cookie, at),
          api: wordOf(await unlock(link, at)),
          reader: await show(link, at),
        };
        const expected = isWithin(window, at);
        if (expected) granted += 3;
        for (const [way, result] of Object.entries(results))
          assert.equal(result === 'granted', expected, `${way} at ${at}: ${result}`);
      }
      const figures = {
        instants: instants.length,
        uses: instants.length * 3,
        granted,
        'outside the window': 0,
      };
      report(t, `the clock set around a window ${name}`, figures);
    });
  }

  it('may jump as it likes: each use is judged by what it says then', async (t) => {
    const random = randomFrom(seed);
    const window = windows['in an ordinary year'] as Window; // as above
    wall.set(now);
    const link = await make(window);
    const instants = [...instantsAround(window), ...farAway];
    let granted = 0;
    for (let jump = 0; jump < jumps; jump++) {
      const near = instants[Math.floor(random() * instants.length)] ?? now;
      const at = addMs(near, Math.floor((random() - 0.5) * 2 * second));
      const result = wordOf(await unlock(link, at));
      assert.equal(result === 'granted', isWithin(window, at), `POSTERN_SEED=${seed}, at ${at}: ${result}`);
      if (result === 'granted') granted += 1;
    }
    report(t, 'jumps of the clock', { jumps, granted, 'outside the window': 0, seed });
  });

  it('revives nothing that was revoked, used, narrowed or shut, wherever it is set', async (t) => {
    wall.set(now);
    const ended = await endEverything();
    const times = [-second, -minute, -hour, -day, -30 * day, second, day].map((ms) => addMs(now, ms));
    for (const at of [...times, '1970-01-01T00:00:00.000Z']) {
      for (const [what, use] of Object.entries(ended)) {
        wall.set(at);
        const result = await use();
        assert.notEqual(result, 'granted', `${what}, with the clock at ${at}`);
      }
    }
    const figures = { things: Object.keys(ended).length, times: times.length + 1, revived: 0 };
    report(t, 'what had ended, with the clock set back', figures);
    wall.set(now);
    await post(`/locks/${door_id}/cancel_lockdown`);
    assert.equal(wordOf(await unlock(await make({}), now)), 'granted');
  });

  it('moves no lock again for a request that is repeated, and takes no press twice', async () => {
    wall.set(now);
    const link = await make({ max_uses: 1 });
    const headers = { 'idempotency-key': 'once' };
    const ask = () =>
      server.call('POST', `/locks/${door_id}/unlock`, { secret: link.secret, as: 'link', headers });
    assert.equal(wordOf(await ask()), 'granted');
    const other = await make({});
    const cookie = await openPage(other);
    const nonce = await hold(other, cookie, now);
    const release = () => fromPage(`/page/links/${other.id}/unlock`, { lock_id: door_id, nonce }, cookie);
    wall.set(addMs(now, second));
    assert.equal(wordOf(await release()), 'granted');
    for (const at of [addMs(now, -day), addMs(now, -second), addMs(now, second)]) {
      wall.set(at);
      assert.equal((await ask()).headers.get('idempotency-replayed'), 'true', at);
      assert.notEqual(wordOf(await release()), 'granted', at);
    }
    for (const { id, expected } of [
      { id: link.id, expected: 1 },
      { id: other.id, expected: 1 },
    ])
      assert.equal((await grantsOf(id)).length, expected);
  });

  /** Everything that ends at `now`, and how to try it again: answers `granted`, or why not. */
  async function endEverything(): Promise<Record<string, () => Promise<string>>> {
    wall.set(addMs(now, -2 * hour)); // so that the clock can be set back to when they were good
    const links = {
      revoked: await make({}),
      used: await make({ max_uses: 1 }),
      suspended: await make({}),
      narrowed: await make({}),
      moved: await make({}),
    };
    const cookie = await openPage(links.revoked);
    wall.set(now);
    assert.equal(wordOf(await unlock(links.used, now)), 'granted');
    await patch(links.suspended, { suspended: true });
    const narrowed = await patch(links.narrowed, { valid_until: addMs(now, hour) });
    assert.notEqual(narrowed.body.quick_response_code_token, links.narrowed.quick_response_code_token);
    const { id: elsewhere } = await server.create('group', { name: 'Elsewhere' });
    await patch(links.moved, { group_id: elsewhere });
    const { status } = await server.call('DELETE', `/group_links/${links.revoked.id}`, {
      secret: server.api_key,
    });
    assert.equal(status, 204);
    const { context, organization_id } = server;
    const key = await createApiKey(context, { organization_id, name: 'Revoked' });
    await revokeApiKey(context, key.id);
    const shut = await make({});
    const byKey = async () => wordOf(await post(`/locks/${door_id}/unlock`, key.secret));
    const at = () => wall.now();
    const tries: Record<string, () => Promise<string>> = {
      'a revoked link on its page': () => press(links.revoked, cookie, at()),
      'the pass of a link before it was narrowed': () => show(links.narrowed, at()),
      'a revoked API key': byKey,
    };
    for (const [name, link] of Object.entries(links)) {
      if (name === 'narrowed') continue;
      tries[`a link that was ${name}, over the API`] = async () => wordOf(await unlock(link, at()));
      tries[`a link that was ${name}, at a reader`] = () => show(link, at());
    }
    for (const [what, use] of Object.entries(tries)) assert.notEqual(await use(), 'granted', what);
    assert.equal((await post(`/locks/${door_id}/lock_down`)).status, 200);
    tries['a door that was locked down'] = async () => wordOf(await unlock(shut, at()));
    return tries;
  }

  const make = (fields: object): Promise<Link> =>
    server.create('group_link', { name: 'Robin Guest', group_id, ...fields });
  const post = (path: string, secret = server.api_key) => server.call('POST', path, { secret });
  const patch = (link: Link, fields: object) =>
    server.call('PATCH', `/group_links/${link.id}`, { secret: server.api_key, body: { group_link: fields } });
  const fromPage = (path: string, body: object, cookie = '') =>
    server.call('POST', path, { body, headers: { 'sec-fetch-site': 'same-origin', cookie } });

  async function unlock({ secret }: Link, at: string): Promise<Answer> {
    wall.set(at);
    return server.call('POST', `/locks/${door_id}/unlock`, { secret, as: 'link' });
  }

  async function openPage({ secret }: Link): Promise<string> {
    const { headers } = await fromPage('/page/sessions', { secret });
    return headers.get('set-cookie')?.split(';', 1)[0] ?? '';
  }

  /** A nonce, or '' where no press may begin. */
  async function hold({ id }: Link, cookie: string, at: string): Promise<string> {
    wall.set(at);
    return (await fromPage(`/page/links/${id}/holds`, { lock_id: door_id }, cookie)).body.nonce ?? '';
  }

  /** Presses a second before, and lets go at this time. */
  async function press(link: Link, cookie: string, at: string): Promise<string> {
    const nonce = await hold(link, cookie, addMs(at, -second));
    wall.set(at);
    return wordOf(await fromPage(`/page/links/${link.id}/unlock`, { lock_id: door_id, nonce }, cookie));
  }

  async function show(link: Link, at: string): Promise<string> {
    wall.set(at);
    const pass = link.quick_response_code_token;
    const times = shown.get(pass) ?? 0;
    shown.set(pass, times + 1);
    const line = await showAt(agent.readers()[times]?.port ?? 0, pass);
    assert.match(line, /^(granted|denied )/);
    return line;
  }

  async function grantsOf(id: number): Promise<unknown[]> {
    const query = `event_type=lock.unlock&event_actor_type=GroupLink&event_actor_id=${id}&limit=250`;
    const { body } = await server.call('GET', `/events?${query}`, { secret: server.api_key });
    return body.filter(({ success }: { success: boolean }) => success);
  }
});

function instantsAround({ valid_from, valid_until }: Window): string[] {
  return [valid_from, valid_until].flatMap((edge) => steps.map((ms) => addMs(edge, ms)));
}

function isWithin({ valid_from, valid_until }: Window, at: string): boolean {
  return valid_from <= at && at < valid_until;
}

function wordOf({ status, body }: Answer): string {
  return status === 200 ? 'granted' : String(body.reason ?? status);
}
