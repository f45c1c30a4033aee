import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { RunningAgent } from '../agent/main.ts';
import { rateLimits } from '../server/http/rate-limits.ts';
import { createOrganization } from '../server/organizations/organizations.ts';
import { linkSecretFrom } from '../server/secrets/tokens.ts';
import { holdMsMin } from '../server/unlocks/holds.ts';
import { figure, report } from './figures.ts';
import { type Received, type Sent, send } from './http-client.ts';
import { type Answer, type Call, startTestServer, type TestServer } from './test-server.ts';

const guesses = figure({ small: 1_500, large: 1_000_000 });
/** Links of others that are used meanwhile. */
const usedMeanwhile = figure({ small: 20, large: 5_000 });
const guessesAtOnce = 25;
/** After so many the attacker goes on from another address: more at once from one are not let through at all. */
const guessesPerAddress = 2_500;
const visitors = 50;
const wrongCodes = figure({ small: 200, large: 2_000 });
const patienceMsMax = 2_000;
const attacker = '198.51.100.66';
const office = '203.0.113.5';
/** Of a range that belongs to nobody (RFC 2544). */
const attackerAt = (number: number) => `198.18.${number >> 8}.${number & 255}`;

interface Link {
  id: number;
  secret: string;
  quick_response_code_token: string;
}

describe('an attacker without a credential', {
  timeout: figure({ small: 120_000, large: 3_600_000 }),
}, () => {
  let server: TestServer;
  let agent: RunningAgent;
  let group_id: number;
  const doors: { id: number; name: string }[] = [];

  before(async () => {
    // This machine is the proxy in front, so that the tests may come from anywhere.
    const environment = { POSTERN_TRUST_PROXY: '127.0.0.1', POSTERN_PUBLIC_URL: 'http://localhost' };
    server = await startTestServer({ environment });
    const place_id = (await server.create('place', { name: 'House', address: 'Gate Lane' })).id;
    group_id = (await server.create('group', { name: 'Visitors' })).id;
    for (let number = 1; number <= 5; number++) {
      const door = await server.create('lock', { name: `Door ${number}`, place_id });
      await server.create('group_lock', { group_id, lock_id: door.id });
      doors.push(door);
    }
    agent = await server.connectAgent(doors);
  });
  after(() => server?.close());

  const make = (fields: object = {}): Promise<Link> =>
    server.create('group_link', { name: 'Robin Guest', group_id, ...fields });
  const from = (address: string, method: string, path: string, call: Call = {}) =>
    server.call(method, path, { ...call, headers: { ...call.headers, 'x-forwarded-for': address } });
  const unlock = (address: string, { secret }: Link, door = doors[0]) =>
    from(address, 'POST', `/locks/${door?.id}/unlock`, { secret, as: 'link' });
  const fromPage = (address: string, path: string, body: object, cookie = '') =>
    from(address, 'POST', path, { body, headers: { 'sec-fetch-site': 'same-origin', cookie } });

  /** Guesses in every way there is; answers how often each status came back. */
  async function guess(address: string, times: number): Promise<Map<number, number>> {
    const statuses = new Map<number, number>();
    const agent = new Agent({ keepAlive: true, maxSockets: guessesAtOnce });
    const ask = (path: string, { headers, ...options }: Sent) =>
      send(server.url + path, { agent, headers: { ...headers, 'x-forwarded-for': address }, ...options });
    const ways: ((number: number) => Promise<Received>)[] = [
      () => ask('/group_link', { headers: { authorization: `KISI-LINK ${linkSecretFrom(randomBytes)}` } }),
      () => {
        const headers = { 'sec-fetch-site': 'same-origin' };
        return ask('/page/sessions', {
          method: 'POST',
          headers,
          body: { secret: linkSecretFrom(randomBytes) },
        });
      },
      (number) => {
        const cookie = `__Host-postern-${number}=${randomBytes(90).toString('base64url')}`;
        return ask(`/page/links/${number}`, { headers: { cookie } });
      },
    ];
    for (let number = 1; number <= times; number += guessesAtOnce) {
      const answers = Array.from({ length: guessesAtOnce }, (_, more) =>
        ways[(number + more) % ways.length]?.(number + more),
      );
      for (const answer of await Promise.all(answers)) {
        const status = answer?.status ?? 0;
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    }
    agent.destroy();
    return statuses;
  }

  /** Opens the page, holds, and opens the door. */
  async function visit(address: string, { secret, id }: Link, door = doors[0]): Promise<Answer> {
    const session = await fromPage(address, '/page/sessions', { secret });
    const cookie = session.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
    const lock_id = door?.id;
    const { nonce } = (await fromPage(address, `/page/links/${id}/holds`, { lock_id }, cookie)).body;
    await pause(holdMsMin + 20);
    return fromPage(address, `/page/links/${id}/unlock`, { lock_id, nonce }, cookie);
  }

  it(`guesses ${guesses} links and finds none, and nobody else notices, not even at the same address`, async (t) => {
    const links = await Promise.all(Array.from({ length: 20 }, () => make()));
    const statuses = new Map<number, number>();
    let address = attacker;
    const guessing = (async () => {
      for (let done = 0; done < guesses; done += guessesPerAddress) {
        if (done > 0) address = attackerAt(done / guessesPerAddress);
        const began = performance.now();
        const counts = await guess(address, Math.min(guessesPerAddress, guesses - done));
        for (const [status, count] of counts) statuses.set(status, (statuses.get(status) ?? 0) + count);
        const { max, windowMs } = rateLimits.wrong_credentials;
        const wrong = counts.get(401) ?? 0;
        const windows = Math.ceil((performance.now() - began) / windowMs);
        assert.ok(wrong >= max && wrong <= windows * max, `${wrong} wrong secrets were looked at`);
      }
    })();
    let slowestMs = 0;
    let used = 0;
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    guessing.then(over, over); // what went wrong is told below
    for (; used < usedMeanwhile && !(isOver && used >= links.length); used++) {
      const began = performance.now();
      const answer = await unlock(used % 2 ? address : office, links[used % links.length] as Link);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      slowestMs = Math.max(slowestMs, performance.now() - began);
      assert.ok(slowestMs <= patienceMsMax);
      if (usedMeanwhile > links.length) await pause(100);
    }
    await guessing;
    report(t, 'guessed links', {
      ...{ guesses, hits: 0, 'looked at': statuses.get(401) ?? 0, refused: statuses.get(429) ?? 0 },
      ...{ 'unlocks of others meanwhile': used, 'the slowest ms': Math.round(slowestMs) },
    });
    assert.deepEqual([...statuses.keys()].sort(), [401, 429]);
  });

  it(`keeps none of ${visitors} visitors behind one address from opening, even from that address`, async () => {
    const links = await Promise.all(Array.from({ length: visitors }, () => make({ max_uses: 1 })));
    const guessing = guess(office, 100);
    const answers = await Promise.all(links.map((link, index) => visit(office, link, doors[index % 5])));
    assert.deepEqual(
      answers.filter(({ status }) => status !== 200).map(({ body }) => body),
      [],
    );
    await guessing;
  });

  it(`shows ${wrongCodes} wrong codes at a reader, and a right one is let in meanwhile`, async (t) => {
    const port = agent.readers()[0]?.port ?? 0;
    const link = await make();
    let shown = 0;
    const showing = (async () => {
      for (; shown < wrongCodes; shown++)
        assert.match(await show(port, `PSN1:${randomBytes(60).toString('hex').toUpperCase()}`), /^denied /);
    })();
    while (shown < wrongCodes / 4) await pause(5);
    const began = performance.now();
    assert.equal(await show(port, link.quick_response_code_token), 'granted');
    const waitedMs = performance.now() - began;
    assert.ok(waitedMs <= patienceMsMax);
    assert.ok(shown < wrongCodes, 'there were wrong ones meanwhile');
    await showing;
    report(t, 'wrong codes at a reader', {
      codes: wrongCodes,
      'a right one waited ms': Math.round(waitedMs),
    });
  });

  it('who guesses the password of a victim shuts out himself, and the victim signs in', async () => {
    const owner = { email: 'ada@quay.invalid', password: 'a wholly proper password' };
    await createOrganization(server.context, { name: 'Quay', domain: 'quay', owner });
    const signIn = (address: string, password: string) =>
      from(address, 'POST', '/logins', { body: { user: { ...owner, domain: 'quay', password } } });
    const own = '198.51.100.67';
    const statuses = new Set<number>();
    for (let time = 0; time < rateLimits.wrong_passwords_of_address.max + 5; time++)
      statuses.add((await signIn(own, `guess ${time}`)).status);
    assert.deepEqual([...statuses], [401, 429]);
    assert.equal((await signIn(own, owner.password)).status, 429);
    assert.equal((await signIn(office, owner.password)).status, 200);
  });

  it('who has a link may try it so often, and takes nothing from other links', async () => {
    const [busy, calm] = [await make(), await make()];
    const body = { group_link: { suspended: true } };
    await server.call('PATCH', `/group_links/${busy.id}`, { secret: server.api_key, body });
    const { max } = rateLimits.unlocks_of_link;
    const tries = await Promise.all(Array.from({ length: max + 10 }, () => unlock(attacker, busy)));
    const count = (wanted: number) => tries.filter(({ status }) => status === wanted).length;
    assert.deepEqual([count(403), count(429)], [max, 10]);
    const refused = tries.find(({ status }) => status === 429);
    assert.equal(refused?.body.reason, 'too_many_requests');
    assert.match(refused?.headers.get('retry-after') ?? '', /^([1-9]|[1-5]\d|60)$/);
    const query = `event_type=lock.unlock&event_actor_type=GroupLink&event_actor_id=${busy.id}&limit=250`;
    const events = await server.call('GET', `/events?${query}`, { secret: server.api_key });
    assert.equal(events.body.length, max, 'what was refused leaves no event');
    assert.equal((await unlock(attacker, calm)).status, 200);
  });

  /** Shows a text at the reader and answers its one line. */
  async function show(port: number, text: string): Promise<string> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    socket.setEncoding('utf8').end(`${text}\n`);
    let line = '';
    for await (const part of socket) line += part;
    return line.trim();
  }
});
