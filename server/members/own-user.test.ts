import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Answer, startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import { checkSignIn, openSession } from '../logins/sessions.ts';
import { createOrganization } from '../organizations/organizations.ts';

const clock = new TestClock('2026-12-01T09:00:00.000Z');
const first = 'correct horse battery';
let server: TestServer;
let organizations = 0;

before(async () => {
  server = await startTestServer({ clock, environment: { POSTERN_RATE_LIMITS: 'off' } });
});
after(() => server.close());

/** Somebody with a password, in an organization of their own. */
async function makePerson() {
  organizations += 1;
  const domain = `quay-side-${organizations}`;
  const email = `ada@${domain}.invalid`;
  await createOrganization(server.context, {
    name: `Quay Side ${organizations}`,
    domain,
    owner: { email, password: first },
  });
  const signIn = (password: string): Promise<Answer> =>
    server.call('POST', '/logins', { body: { user: { domain, email, password } } });
  return { domain, email, signIn, secret: (await signIn(first)).body.secret as string };
}

const change = (secret: string, user: object): Promise<Answer> =>
  server.call('PATCH', '/user', { secret, body: { user } });
const isOpen = async (secret: string) => (await server.call('GET', '/user', { secret })).status === 200;

describe('oneself', () => {
  it('is shown with the organization and what one may do', async () => {
    const { secret, email, domain } = await makePerson();
    const { body } = await server.call('GET', '/user', { secret });
    assert.deepEqual(
      [body.resource_type, body.email, body.organization.domain, body.role, body.group_ids],
      ['User', email, domain, 'owner', null],
    );
    assert.ok(body.scopes.includes('members:write'));
    assert.ok(!JSON.stringify(body).includes('argon2'));
  });

  it('is, for an API key, the service member; and nothing that a key could change', async () => {
    const { body } = await server.call('GET', '/user', { secret: server.api_key });
    assert.deepEqual([body.email, body.role], ['api@test.invalid', 'admin']);
    for (const user of [{ name: 'x' }, { current_password: 'x', password: 'another horse battery' }]) {
      const answer = await change(server.api_key, user);
      assert.deepEqual([answer.status, answer.body.reason], [403, 'not_permitted']);
    }
  });

  it('is called what one says, and takes what apps send along', async () => {
    const { secret } = await makePerson();
    const more = { locale: 'de', image: null, last_read_at: {}, announcements_last_seen_at: null };
    assert.equal((await change(secret, { name: 'Ada L', ...more })).status, 204);
    assert.equal((await server.call('GET', '/user', { secret })).body.name, 'Ada L');
    assert.equal((await change(secret, { name: 'a\u202eb' })).status, 422);
    assert.equal((await change(secret, { role: 'owner' })).status, 422);
    assert.equal((await change(secret, { email: 'x@y.invalid' })).status, 422);
  });
});

describe("one's own password", () => {
  it('changes with the present one, and ends every other session', async () => {
    const { secret, signIn } = await makePerson();
    const elsewhere = (await signIn(first)).body.secret;
    const key = (
      await server.call('POST', '/logins', { secret, body: { login: { type: 'api', name: 'Stays' } } })
    ).body;
    const next = { current_password: first, password: 'another horse battery' };
    assert.equal((await change(secret, { ...next, password_confirmation: next.password })).status, 204);
    assert.deepEqual(
      [await isOpen(secret), await isOpen(elsewhere), await isOpen(key.secret)],
      [true, false, true],
    );
    assert.deepEqual([(await signIn(first)).status, (await signIn(next.password)).status], [401, 200]);
    const [event] = (await server.call('GET', '/events?event_type=user.password_change', { secret })).body;
    assert.equal(event.success, true);
    assert.ok(!JSON.stringify(event).includes('horse'));
  });

  it('stays as it is when anything is wrong, and the field is named', async () => {
    const { secret, signIn, email, domain } = await makePerson();
    const password = 'another horse battery';
    const fields = async (user: object) => {
      const { status, body } = await change(secret, user);
      assert.equal(status, 422);
      return Object.keys(body.errors);
    };
    assert.deepEqual(await fields({ password }), ['current_password']);
    assert.deepEqual(await fields({ password, current_password: '' }), ['current_password']);
    assert.deepEqual(await fields({ password, current_password: 'wrong' }), ['current_password']);
    assert.deepEqual(await fields({ password, current_password: first, password_confirmation: 'x' }), [
      'password_confirmation',
    ]);
    for (const bad of [
      'too short',
      'x'.repeat(201),
      email,
      domain,
      `QUAY SIDE ${organizations}`,
      '\ud800'.repeat(10),
    ])
      assert.deepEqual(await fields({ password: bad, current_password: first }), ['password'], bad);
    assert.equal((await signIn(first)).status, 200);
  });

  it('is the same however its letters are put together', async () => {
    const { secret, signIn } = await makePerson();
    const apart = 'Zoe\u0308 am Ende des Kais';
    assert.equal((await change(secret, { current_password: first, password: apart })).status, 204);
    assert.equal((await signIn(apart.normalize('NFC'))).status, 200);
    assert.equal((await signIn(apart)).status, 200);
  });

  it('that was guessed wrong counts against the address, like any other', async () => {
    await using limited = await startTestServer({ clock });
    await createOrganization(limited.context, {
      name: 'Quay',
      domain: 'quay',
      owner: { email: 'a@quay.invalid', password: first },
    });
    const user = { email: 'a@quay.invalid', password: first, domain: 'quay' };
    const { secret } = (await limited.call('POST', '/logins', { body: { user } })).body;
    const guess = (current_password: string) =>
      limited.call('PATCH', '/user', {
        secret,
        body: { user: { current_password, password: 'another horse' } },
      });
    for (let times = 0; times < 60; times++) assert.equal((await guess(`guess ${times}`)).status, 422);
    assert.equal((await guess(first)).status, 429);
    assert.equal((await limited.call('GET', '/user', { secret })).status, 200, 'the session goes on');
  });

  it('that was changed while it was being checked opens no session', async () => {
    const { secret, email, domain } = await makePerson();
    const checked = await checkSignIn(server.context, { email, domain, password: first });
    assert.equal(
      (await change(secret, { current_password: first, password: 'another horse battery' })).status,
      204,
    );
    await assert.rejects(openSession(server.context, checked, 'Late'), { reason: 'sign_in_failed' });
  });

  it('changed twice at once ends as one of the two, and no sign-in with the old one survives', async () => {
    for (let round = 0; round < 4; round++) {
      const { secret, signIn } = await makePerson();
      const other = (await signIn(first)).body.secret;
      const candidates = ['the first new password', 'the second new password'];
      const [changes, signIns] = await Promise.all([
        Promise.all(
          [secret, other].map((each, at) =>
            change(each, { current_password: first, password: candidates[at] }),
          ),
        ),
        Promise.all(Array.from({ length: 4 }, () => signIn(first))),
      ]);
      const winners = changes.flatMap(({ status }, at) => (status === 204 ? [at] : []));
      assert.equal(winners.length, 1, JSON.stringify(changes.map(({ body }) => body)));
      for (const { status, body } of signIns)
        if (status === 200) assert.equal(await isOpen(body.secret), false, 'signed in before, and ended');
      const works = await Promise.all(candidates.map(async (each) => (await signIn(each)).status));
      assert.deepEqual(works, winners[0] === 0 ? [200, 401] : [401, 200]);
    }
  });
});
