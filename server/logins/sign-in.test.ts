import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import Kisi from 'kisi-client';
import { type Answer, startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import { createOrganization } from '../organizations/organizations.ts';

const clock = new TestClock('2026-12-01T09:00:00.000Z');
const password = 'correct horse battery';
const dayMs = 24 * 3_600_000;
let server: TestServer;

before(async () => {
  server = await startTestServer({ clock });
  for (const domain of ['harbour', 'canal']) {
    await createOrganization(server.context, {
      name: `The ${domain}`,
      domain,
      owner: { email: 'Both@example.org', password: `${password} ${domain}` },
    });
  }
  await createOrganization(server.context, {
    name: 'The dock',
    domain: 'dock',
    owner: { email: 'ada@example.org', password },
  });
});
after(() => server.close());

const signIn = (user: object, login: object = { type: 'device' }): Promise<Answer> =>
  server.call('POST', '/logins', { body: { login, user } });
const ada = { domain: 'dock', email: 'ada@example.org', password };

describe("Kisi's JavaScript client", () => {
  it('signs in, reads, signs out, and says what was wrong', async () => {
    const kisi = new Kisi({ baseURL: server.url });
    const login = await kisi.signIn(ada);
    assert.match(login.secret, /^psts_[a-z2-7]{39}$/);
    assert.deepEqual([login.type, login.user.email], ['device', 'ada@example.org']);
    assert.deepEqual((await kisi.get('user')).organization.domain, 'dock');
    const places = await kisi.get('places');
    assert.deepEqual([places.data, places.pagination.count], [[], 0]);
    await kisi.signOut();
    await assert.rejects(kisi.get('places'), { status: 401 });
    await assert.rejects(kisi.signIn({ ...ada, password: 'wrong' }), {
      status: 401,
      code: 'afc516',
      reason: 'Wrong e-mail address, password or domain.',
    });
  });
});

describe('signing in', () => {
  it('answers the same to a wrong address, password or domain, and to a member without a password', async () => {
    const admin = (await signIn(ada)).body.secret;
    const invited = { member: { email: 'invited@example.org' } };
    assert.equal((await server.call('POST', '/members', { secret: admin, body: invited })).status, 200);
    const wrong = [
      { ...ada, email: 'nobody@example.org' },
      { ...ada, email: 'no address' },
      { ...ada, password: 'wrong' },
      { ...ada, password: `${password} ` },
      { ...ada, domain: 'nowhere' },
      { ...ada, domain: 'harbour' },
      { ...ada, email: 'invited@example.org' },
      { ...ada, email: 'api@dock.invalid' },
      { email: 'nobody@example.org', password },
      { email: 'Both@example.org', password: 'wrong' },
    ];
    const answers = await Promise.all(wrong.map((user) => signIn(user)));
    for (const [at, { status, body, headers }] of answers.entries()) {
      assert.deepEqual([status, body.reason], [401, 'sign_in_failed'], JSON.stringify(wrong[at]));
      assert.deepEqual(body, answers[0]?.body);
      assert.equal(headers.get('set-cookie'), null);
    }
  });

  it('takes the address in any case, and needs no domain where one organization alone knows it', async () => {
    for (const email of ['ada@example.org', 'ADA@Example.ORG', ' ada@example.org '])
      for (const domain of [undefined, null, '', 'dock', 'DOCK']) {
        const { status } = await signIn({ email, password, ...(domain === undefined ? {} : { domain }) });
        assert.equal(status, 200, `${email} ${domain}`);
      }
  });

  it('asks for the domain of an address with several organizations, once the password is right', async () => {
    const email = 'both@example.org';
    const answer = await signIn({ email, password: `${password} harbour` });
    assert.deepEqual([answer.status, Object.keys(answer.body.errors)], [422, ['domain']]);
    for (const domain of ['harbour', 'canal']) {
      assert.equal((await signIn({ email, domain, password: `${password} ${domain}` })).status, 200);
      assert.equal((await signIn({ email, domain, password: `${password} x` })).status, 401);
    }
    assert.equal((await signIn({ email, domain: 'canal', password: `${password} harbour` })).status, 401);
  });

  it('names what is missing, and is nothing without either', async () => {
    const missing = async (user: object) => Object.keys((await signIn(user)).body.errors ?? {});
    assert.deepEqual(await missing({ email: 'ada@example.org' }), ['password']);
    assert.deepEqual(await missing({ password }), ['email']);
    for (const body of [undefined, {}, { login: { type: 'device' } }, { login: {}, user: {} }]) {
      const { status } = await server.call('POST', '/logins', body === undefined ? {} : { body });
      assert.equal(status, 401, JSON.stringify(body));
    }
    assert.equal((await signIn(ada, { type: 'device', scopes: ['links:read'] })).status, 422);
  });

  it('names a text that no database can keep, wherever one signs in or asks for a new password', async () => {
    for (const field of ['email', 'domain', 'password'] as const) {
      const { status, body } = await signIn({ ...ada, [field]: 'a\0b' });
      assert.deepEqual([status, Object.keys(body.errors)], [422, [field]]);
    }
    for (const user of [{ email: 'a\0b' }, { email: 'ada@example.org', domain: 'a\0b' }]) {
      const { status } = await server.call('POST', '/users/password', { body: { user } });
      assert.equal(status, 422);
    }
  });

  it('takes what phones send along, and no login for somebody else', async () => {
    const phone = { device_brand: 'x', os_name: 'y', push_token: 'z', expire: false, device_uid: null };
    assert.equal((await signIn({ ...ada, otp_attempt: '123456' }, { type: 'device', ...phone })).status, 200);
    const other = await signIn(ada, { type: 'device', email: 'both@example.org' });
    assert.deepEqual([other.status, Object.keys(other.body.errors)], [422, ['email']]);
  });

  it('works for whoever sends along a login that is over, or of somebody else', async () => {
    const over = 'psts_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaxxxxxxx';
    for (const secret of [over, server.api_key]) {
      const answer = await server.call('POST', '/logins', { secret, body: { user: ada } });
      assert.deepEqual([answer.status, answer.body.user.email], [200, 'ada@example.org']);
    }
  });

  it('leaves an event with who it was, and nowhere the secret or the password', async () => {
    const { body } = await signIn(ada, { type: 'device', name: 'Reception' });
    const [event] = (await server.call('GET', '/events', { secret: body.secret })).body;
    assert.deepEqual(
      [event.type, event.actor_email, event.object_name, event.authenticated_by_id],
      ['login.create', 'ada@example.org', 'Reception', body.id],
    );
    for (const path of ['/events', '/logins', '/login', '/user']) {
      const text = JSON.stringify((await server.call('GET', path, { secret: body.secret })).body);
      assert.ok(!text.includes(body.secret.slice(5)) && !text.includes(password), path);
    }
  });
});

describe('a session', () => {
  it('does what its member may, and ends with DELETE /login', async () => {
    const { secret } = (await signIn(ada)).body;
    const status = async () => (await server.call('GET', '/places', { secret })).status;
    assert.equal(await status(), 200);
    assert.equal((await server.call('DELETE', '/login', { secret })).status, 204);
    assert.equal(await status(), 401);
    assert.equal((await server.call('DELETE', '/login', { secret })).status, 401);
  });

  it('is good for 30 days, to the instant', async () => {
    const { secret, expires_at } = (await signIn(ada)).body;
    assert.equal(Date.parse(expires_at) - Date.parse(clock.now()), 30 * dayMs);
    clock.advance(30 * dayMs - 1);
    assert.equal((await server.call('GET', '/user', { secret })).status, 200);
    clock.advance(1);
    assert.equal((await server.call('GET', '/user', { secret })).status, 401);
  });

  it('of which a member has 40 at most: the oldest ends for the next', async () => {
    const [first, second] = [(await signIn(ada)).body, (await signIn(ada)).body];
    for (let more = 0; more < 39; more++) assert.equal((await signIn(ada)).status, 200);
    assert.equal((await server.call('GET', '/user', { secret: first.secret })).status, 401);
    assert.equal((await server.call('GET', '/user', { secret: second.secret })).status, 200);
    const list = await server.call('GET', '/logins?user_id=me&limit=250', { secret: second.secret });
    assert.equal(list.headers.get('x-collection-range'), '0-39/40');
  });

  it('ends elsewhere at a word, and lives on here; keys stay', async () => {
    const [here, there] = [(await signIn(ada)).body, (await signIn(ada)).body];
    const key = { login: { type: 'api', name: 'Stays' } };
    const made = await server.call('POST', '/logins', { secret: here.secret, body: key });
    assert.equal((await server.call('DELETE', '/login/elsewhere', { secret: here.secret })).status, 204);
    const statuses = await Promise.all(
      [here, there, made.body].map(
        async ({ secret }) => (await server.call('GET', '/login', { secret })).status,
      ),
    );
    assert.deepEqual(statuses, [200, 401, 200]);
  });

  it('shows its member their own and the keys, and nobody else anything of it', async () => {
    const mine = (await signIn(ada)).body;
    const theirs = (
      await signIn({ email: 'both@example.org', domain: 'canal', password: `${password} canal` })
    ).body;
    const path = `/logins/${mine.id}`;
    assert.equal((await server.call('GET', path, { secret: mine.secret })).body.name, 'Sign-in');
    assert.equal((await server.call('GET', path, { secret: theirs.secret })).status, 404);
    assert.equal((await server.call('DELETE', path, { secret: theirs.secret })).status, 404);
    assert.equal((await server.call('GET', '/user', { secret: mine.secret })).status, 200);
    const list = (await server.call('GET', '/logins?limit=250', { secret: theirs.secret })).body;
    assert.deepEqual(
      list.map(({ id }: { id: number }) => id),
      [theirs.id],
    );
  });

  it('is given a name of its own', async () => {
    const { secret } = (await signIn(ada)).body;
    const body = { login: { name: 'The laptop', push_token: 'x' } };
    assert.equal((await server.call('PUT', '/login', { secret, body })).status, 204);
    assert.equal((await server.call('GET', '/login', { secret })).body.name, 'The laptop');
  });
});

describe('guessing passwords', () => {
  it('is over for an address after 60 wrong ones in a minute, even with the right one; others sign in', async () => {
    await using limited = await startTestServer({
      clock,
      environment: { POSTERN_TRUST_PROXY: '127.0.0.1', POSTERN_PUBLIC_URL: 'http://localhost' },
    });
    await createOrganization(limited.context, { name: 'D', domain: 'dock', owner: ada });
    const from = (address: string, user: object) =>
      limited.call('POST', '/logins', { body: { user }, headers: { 'x-forwarded-for': address } });
    for (let times = 0; times < 60; times++)
      assert.equal((await from('192.0.2.7', { ...ada, password: `guess ${times}` })).status, 401);
    const refused = await from('192.0.2.7', ada);
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '60']);
    assert.equal((await from('192.0.2.8', ada)).status, 200);
    clock.advance(60_000);
    assert.equal((await from('192.0.2.7', ada)).status, 200);
  });

  it('all at once is answered, mostly with 503 and when to come back, and never 500', async () => {
    await using limited = await startTestServer({ clock, environment: { POSTERN_RATE_LIMITS: 'off' } });
    const answers = await Promise.all(
      Array.from({ length: 80 }, () => limited.call('POST', '/logins', { body: { user: ada } })),
    );
    const busy = answers.filter(({ status }) => status === 503);
    assert.ok(busy.length > 0 && answers.every(({ status }) => status === 401 || status === 503));
    for (const { headers, body } of busy)
      assert.deepEqual([headers.get('retry-after'), body.reason], ['2', 'busy']);
  });
});
