import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { addMs } from '../../domain/instants.ts';
import { type Answer, startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';

const now = '2026-12-01T09:00:00.000Z';
const dayMs = 24 * 3_600_000;
const wall = new TestClock(now);
/** The agent's heartbeats need the real time. */
const clock = { now: () => wall.now(), monotonicMs: () => performance.now() };

let server: TestServer;
let group_id: number;
let doors: { id: number; name: string }[];

before(async () => {
  server = await startTestServer({ clock, environment: { POSTERN_RATE_LIMITS: 'off' } });
  const place = await server.create('place', { name: 'House', address: 'Gate Lane' });
  group_id = (await server.create('group', { name: 'Visitors' })).id;
  doors = [];
  for (const name of ['Front door', 'Lift']) // one after the other: their ids decide their order
    doors.push(await server.create('lock', { name, place_id: place.id }));
  for (const door of doors) await server.create('group_lock', { group_id, lock_id: door.id });
  await server.connectAgent(doors.map(({ id, name }) => ({ id, name })));
});
after(() => server.close());

const make = (fields: object = {}) =>
  server.create('group_link', { name: 'Robin Guest', group_id, ...fields });
const fromPage = { 'sec-fetch-site': 'same-origin' };
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  server.call('POST', path, { body, headers: { ...fromPage, ...headers } });

interface Page {
  id: number;
  cookie: string;
  view: Answer['body'];
  hold(door_id?: number): Promise<string>;
  unlock(nonce: string, door_id?: number): Promise<Answer>;
  show(): Promise<Answer>;
}

async function openPage(secret: string): Promise<Page> {
  const { status, headers, body } = await post('/page/sessions', { secret });
  assert.equal(status, 200, JSON.stringify(body));
  const cookie = headers.get('set-cookie')?.split(';', 1)[0] ?? '';
  const front = doors[0]?.id;
  return {
    ...{ id: body.id, cookie, view: body },
    hold: async (lock_id = front) =>
      (await post(`/page/links/${body.id}/holds`, { lock_id }, { cookie })).body.nonce,
    unlock: (nonce, lock_id = front) => post(`/page/links/${body.id}/unlock`, { lock_id, nonce }, { cookie }),
    show: () => server.call('GET', `/page/links/${body.id}`, { headers: { cookie } }),
  };
}

/** Everything there is, so that what changes nothing can be seen to. */
async function rows(): Promise<unknown> {
  await server.context.database.settled(); // a position comes a moment after its event on PostgreSQL
  const { query } = server.context.database.everywhere.read;
  const tables = ['links', 'passes', 'events', 'event_outcomes', 'logins', 'installation'] as const;
  return Promise.all(tables.map((table) => query.selectFrom(table).selectAll().execute()));
}

function pulses(): number {
  return readFileSync(join(server.folder, 'agent-1', 'pulses.log'), 'utf8').split('\n').length - 1;
}

describe("the visitor's page", () => {
  it('is the same file for every address, and may load only what is its own', async () => {
    const { secret, id } = await make();
    const answers = await Promise.all(
      [`/l/${id}`, '/l/999999', '/l/x', `/grouplinks/${secret}`, '/grouplinks/x/'].map((path) =>
        server.call('GET', path),
      ),
    );
    for (const { status, headers, body } of answers) {
      assert.equal(status, 200);
      assert.equal(body, answers[0]?.body);
      assert.equal(headers.get('content-type'), 'text/html; charset=utf-8');
      assert.equal(headers.get('cache-control'), 'no-store');
      assert.equal(headers.get('referrer-policy'), 'no-referrer');
      const policy = headers.get('content-security-policy') ?? '';
      for (const rule of [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "form-action 'none'",
      ])
        assert.ok(policy.includes(rule), rule);
      assert.ok(!/unsafe|https?:|\*/.test(policy), policy);
      assert.equal(headers.get('set-cookie'), null);
    }
  });

  it('loads files that may be kept for ever, and there are no others', async () => {
    const { body } = await server.call('GET', '/l/1');
    const assets = [...body.matchAll(/(?:src|href)="(\/page\/assets\/[^"]+)"/g)].map(([, path]) => path);
    assert.ok(assets.length >= 2, body.slice(0, 300));
    for (const path of assets) {
      const { status, headers } = await server.call('GET', path);
      assert.deepEqual([status, headers.get('cache-control')], [200, 'public, max-age=31536000, immutable']);
      assert.match(headers.get('content-type') ?? '', /^text\/(javascript|css); charset=utf-8$/);
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
    }
    for (const name of [
      'nothing.js',
      '..%2fguest.html',
      '%2e%2e%2f%2e%2e%2fpackage.json',
      '__proto__',
      'constructor',
    ]) {
      assert.equal((await server.call('GET', `/page/assets/${name}`)).status, 404, name);
    }
  });
});

describe('POST /page/sessions', () => {
  it('exchanges the secret for a cookie that stays on this host, and writes nothing', async () => {
    const made = await make();
    const before = await rows();
    const { status, headers, body } = await post('/page/sessions', { secret: made.secret });
    assert.equal(status, 200);
    const [pair = '', ...attributes] = (headers.get('set-cookie') ?? '').split('; ');
    assert.ok(pair.startsWith(`__Host-postern-${made.id}=`));
    assert.deepEqual(attributes.sort(), [
      'HttpOnly',
      'Max-Age=34560000',
      'Path=/',
      'SameSite=Strict',
      'Secure',
    ]);
    assert.ok(!pair.includes(made.secret));
    assert.ok(!JSON.stringify(body).includes(made.secret));
    assert.deepEqual([body.id, body.state, body.pass], [made.id, 'active', made.quick_response_code_token]);
    assert.deepEqual(
      body.locks.map(({ name, unlockable }: { name: string; unlockable: boolean }) => [name, unlockable]),
      [
        ['Front door', true],
        ['Lift', true],
      ],
    );
    assert.deepEqual(await rows(), before);
  });

  it('knows no secret but that of a link', async () => {
    const { secret } = await make();
    for (const wrong of [
      '',
      'x',
      secret.toUpperCase(),
      `${secret} `,
      `${secret.slice(1)}a`,
      server.api_key,
      'a'.repeat(200),
    ]) {
      const { status, body, headers } = await post('/page/sessions', { secret: wrong });
      assert.deepEqual([status, body.reason, headers.get('set-cookie')], [401, 'unauthorized', null], wrong);
      assert.doesNotMatch(body.hint, /API|KISI|Authorization/);
    }
    for (const wrong of [null, {}, [secret], true, 'a'.repeat(201)]) {
      const { status, body } = await post('/page/sessions', { secret: wrong });
      assert.deepEqual([status, Object.keys(body.errors)], [422, ['secret']]);
    }
  });
});

describe('a POST of the page', () => {
  const others: readonly [string, Record<string, string>][] = [
    ['without a word of where it comes from', {}],
    ['of another site', { 'sec-fetch-site': 'cross-site' }],
    ['of a sister site', { 'sec-fetch-site': 'same-site' }],
    ['typed by hand', { 'sec-fetch-site': 'none' }],
    ['of another origin, from an old browser', { origin: 'https://evil.example' }],
    ['of an origin that says nothing', { origin: 'null' }],
    ['of another site that claims our origin', { 'sec-fetch-site': 'cross-site', origin: 'self' }],
  ];
  for (const [what, headers] of others) {
    it(`${what} is refused, whatever it carries`, async () => {
      const { secret } = await make();
      const page = await openPage(secret);
      const nonce = await page.hold();
      const before = await rows();
      const origin: Record<string, string> = headers['origin'] === 'self' ? { origin: server.url } : {};
      const lock_id = doors[0]?.id;
      const calls: [string, object][] = [
        ['/page/sessions', { secret }],
        [`/page/links/${page.id}/holds`, { lock_id }],
        [`/page/links/${page.id}/unlock`, { lock_id, nonce }],
      ];
      for (const [path, body] of calls) {
        const answer = await server.call('POST', path, {
          body,
          headers: { ...headers, ...origin, cookie: page.cookie },
        });
        assert.deepEqual([answer.status, answer.body.reason], [403, 'cross_site'], path);
        assert.equal(answer.headers.get('set-cookie'), null);
        assert.equal(answer.headers.get('access-control-allow-origin'), null);
      }
      assert.deepEqual(await rows(), before);
    });
  }

  it('from a browser too old to say is taken when its origin is ours', async () => {
    const { secret } = await make();
    const answer = await server.call('POST', '/page/sessions', {
      body: { secret },
      headers: { origin: server.url },
    });
    assert.equal(answer.status, 200);
  });

  it('is JSON, and nothing that a form could send', async () => {
    const { secret } = await make();
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]) {
      const call = { body: JSON.stringify({ secret }), headers: { ...fromPage, 'content-type': type } };
      assert.equal((await server.call('POST', '/page/sessions', call)).status, 415, type);
    }
  });
});

describe("a page's session", () => {
  it('shows its link and its doors, as often as it is asked, and changes nothing', async () => {
    const page = await openPage((await make()).secret);
    const before = await rows();
    const { status, body } = await page.show();
    assert.equal(status, 200);
    assert.deepEqual({ ...body, server_time: '' }, { ...page.view, server_time: '' });
    await page.show();
    assert.deepEqual(await rows(), before);
  });

  it('is over without its cookie, with any part of it changed, and for any other link', async () => {
    const [one, other] = await Promise.all([
      openPage((await make()).secret),
      openPage((await make()).secret),
    ]);
    const value = one.cookie.slice(one.cookie.indexOf('=') + 1);
    const foreign = other.cookie.slice(other.cookie.indexOf('=') + 1);
    const name = `__Host-postern-${one.id}`;
    const cookies = [
      '',
      `${name}=`,
      `${name}=${foreign}`,
      other.cookie,
      `${name}=${value.slice(0, -4)}`,
      `${name}=${value}AAAA`,
      `${name}=%00`,
      `x${one.cookie}`,
    ];
    for (let at = 0; at < value.length; at += 11) {
      const letter = value[at] === 'A' ? 'B' : 'A';
      cookies.push(`${name}=${value.slice(0, at)}${letter}${value.slice(at + 1)}`);
    }
    for (const cookie of cookies) {
      const { status, body } = await server.call('GET', `/page/links/${one.id}`, { headers: { cookie } });
      assert.deepEqual([status, body.reason], [401, 'session_over'], cookie);
    }
    assert.equal(
      (
        await server.call('GET', `/page/links/${one.id}`, {
          headers: { cookie: `${other.cookie}; ${one.cookie}` },
        })
      ).status,
      200,
    );
    assert.equal(
      (await server.call('GET', '/page/links/x', { headers: { cookie: one.cookie } })).status,
      404,
    );
  });

  it('is over once the secret it was opened with is no longer that of the link', async () => {
    const page = await openPage((await make()).secret);
    await server.context.database.everywhere.transaction(async (tx) => {
      const secret_hash = Buffer.alloc(32, page.id);
      await tx.query.updateTable('links').set({ secret_hash }).where('id', '=', page.id).execute();
    });
    assert.equal((await page.show()).body.reason, 'session_over');
    assert.equal((await page.unlock('x')).body.reason, 'session_over');
  });

  it('shows that the link is over, and opens nothing: at once, and for 30 days', async () => {
    const page = await openPage((await make()).secret);
    const nonce = await page.hold();
    await server.call('DELETE', `/group_links/${page.id}`, { secret: server.api_key });
    const { body } = await page.show();
    assert.deepEqual([body.state, body.pass, body.locks], ['revoked', null, []]);
    const before = pulses();
    wall.advance(700);
    const { status, body: denied } = await page.unlock(nonce);
    assert.deepEqual([status, denied.reason], [403, 'credential_revoked']);
    assert.equal(pulses(), before);
    wall.set(addMs(now, 30 * dayMs + 1));
    assert.equal((await page.show()).status, 401);
    wall.set(now);
  });
});

describe('a press on the page', () => {
  it('that is held opens the door, once', async () => {
    const page = await openPage((await make({ max_uses: 5 })).secret);
    const before = pulses();
    const nonce = await page.hold();
    wall.advance(700);
    const { status, body } = await page.unlock(nonce);
    assert.deepEqual(
      [status, body],
      [200, { message: 'Unlocked!', unlocked_until: addMs(wall.now(), 5_000) }],
    );
    assert.equal(pulses(), before + 1);
    const again = await page.unlock(nonce);
    assert.deepEqual([again.status, again.body.reason], [409, 'hold_used']);
    assert.equal(pulses(), before + 1);
    const { body: shown } = await page.show();
    assert.equal(shown.uses, 1);
    const [event] = (
      await server.call('GET', '/events?event_type=lock.unlock&limit=1', { secret: server.api_key })
    ).body;
    assert.deepEqual(
      [event.actor_type, event.actor_id, event.success, event.details.method],
      ['GroupLink', page.id, true, 'web'],
    );
  });

  it('that is not held, or was begun for another door or with another link, opens nothing and spends nothing', async () => {
    const [page, other] = await Promise.all([
      openPage((await make({ max_uses: 5 })).secret),
      openPage((await make()).secret),
    ]);
    const before = await rows();
    const short = await page.unlock(await page.hold());
    const [wrongDoor, wrongLink] = [await page.hold(doors[1]?.id), await other.hold()];
    wall.advance(700);
    const answers = [
      short,
      await page.unlock(wrongDoor),
      await page.unlock(wrongLink),
      await page.unlock('nobody'),
    ];
    assert.deepEqual(
      answers.map(({ status, body }) => `${status} ${body.reason}`),
      ['409 hold_too_short', '409 hold_expired', '409 hold_expired', '409 hold_expired'],
    );
    assert.deepEqual(await rows(), before);
  });

  it('names the field that is wrong', async () => {
    const page = await openPage((await make()).secret);
    const wrong: [string, unknown, string[]][] = [
      ['holds', {}, ['lock_id']],
      ['holds', { lock_id: 'x' }, ['lock_id']],
      ['holds', { lock_id: 1, more: 1 }, ['more']],
      ['unlock', { lock_id: 1 }, ['nonce']],
      ['unlock', { lock_id: 1, nonce: 7.5, extra: null }, ['extra']],
      ['unlock', [], ['body']],
    ];
    for (const [action, body, fields] of wrong) {
      const answer = await post(`/page/links/${page.id}/${action}`, body, { cookie: page.cookie });
      assert.deepEqual([answer.status, Object.keys(answer.body.errors)], [422, fields], JSON.stringify(body));
    }
  });
});
