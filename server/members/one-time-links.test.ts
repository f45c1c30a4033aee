import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Answer, startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import type { Context } from '../context.ts';
import { createOrganization } from '../organizations/organizations.ts';
import { acceptInvitation } from './one-time-links.ts';

const clock = new TestClock('2026-12-01T09:00:00.000Z');
const password = 'correct horse battery';
const dayMs = 24 * 3_600_000;
let server: TestServer;
let owner: string;

before(async () => {
  server = await startTestServer({ clock, environment: { POSTERN_RATE_LIMITS: 'off' } });
  const first = { email: 'owner@dock.invalid', password };
  await createOrganization(server.context, { name: 'The Old Dock', domain: 'the-old-dock', owner: first });
  owner = (await signIn(first.email)).body.secret;
});
after(() => server.close());

const signIn = (email: string, given = password): Promise<Answer> =>
  server.call('POST', '/logins', { body: { user: { email, password: given, domain: 'the-old-dock' } } });
const accept = (secret: string, more: object = {}): Promise<Answer> =>
  server.call('POST', '/invitations/accept', { body: { secret, password, ...more } });
const reset = (secret: string, given: string): Promise<Answer> =>
  server.call('POST', '/passwords/reset', { body: { secret, password: given } });

let count = 0;
/** A new member with the invitation that came with them. */
async function invite(fields: object = {}) {
  count += 1;
  const email = `guest${count}@dock.invalid`;
  const { status, body } = await server.call('POST', '/members', {
    secret: owner,
    body: { member: { email, ...fields } },
  });
  assert.equal(status, 200, JSON.stringify(body));
  return { id: body.id as number, email, invitation: body.invitation };
}

async function linkFor(
  noun: 'invitation' | 'password_reset',
  user_id: number,
  secret = owner,
): Promise<Answer> {
  return server.call('POST', `/${noun}s`, { secret, body: { [noun]: { user_id } } });
}

const reasonOf = ({ status, body }: Answer) => [status, body.reason];
const over = [401, 'one_time_link_over'];

describe('an invitation', () => {
  it('is a link to the page with the secret in the fragment, shown once, kept as a hash', async () => {
    const { id, invitation } = await invite();
    assert.match(invitation.secret, /^psto_[a-z2-7]{39}$/);
    assert.equal(invitation.url, `${server.context.publicUrl}/invitations#${invitation.secret}`);
    assert.equal(Date.parse(invitation.expires_at) - Date.parse(clock.now()), 7 * dayMs);
    const everything = [
      (await server.call('GET', `/members/${id}`, { secret: owner })).body,
      (await server.call('GET', '/events?limit=250', { secret: owner })).body,
      await server.context.database.everywhere.read.query.selectFrom('member_tokens').selectAll().execute(),
    ];
    assert.ok(!JSON.stringify(everything).includes(invitation.secret.slice(5)));
  });

  it('lets the member choose a password and a name, and then sign in', async () => {
    const { id, email, invitation } = await invite({ role: 'admin' });
    assert.equal((await signIn(email)).status, 401);
    const answer = await accept(invitation.secret, { name: 'Ada' });
    assert.equal(answer.status, 200);
    assert.deepEqual(
      [answer.body.id, answer.body.name, answer.body.organization.domain, answer.body.secret],
      [id, 'Ada', 'the-old-dock', undefined],
    );
    const session = await signIn(email);
    assert.equal(session.body.user.name, 'Ada');
    const shown = await server.call('GET', `/members/${id}`, { secret: session.body.secret });
    assert.equal(shown.body.confirmed, true);
    const [event] = (await server.call('GET', '/events?event_type=member.accept', { secret: owner })).body;
    assert.deepEqual([event.actor_id, event.object_id], [id, id]);
  });

  it('works once, of however many at the same moment', async () => {
    for (let round = 0; round < 5; round++) {
      const { email, invitation } = await invite();
      const tries = Array.from({ length: 6 }, (_, number) =>
        accept(invitation.secret, { password: `${password} ${number}` }),
      );
      const answers = await Promise.all(tries);
      const winners = answers.flatMap(({ status }, at) => (status === 200 ? [at] : []));
      assert.equal(winners.length, 1);
      for (const answer of answers) if (answer.status !== 200) assert.deepEqual(reasonOf(answer), over);
      assert.equal((await signIn(email, `${password} ${winners[0]}`)).status, 200);
      assert.deepEqual(reasonOf(await accept(invitation.secret)), over);
    }
  });

  it('is good for 7 days, to the instant', async () => {
    const [early, late] = [await invite(), await invite()];
    clock.advance(7 * dayMs - 1);
    assert.equal((await accept(early.invitation.secret)).status, 200);
    clock.advance(1);
    assert.deepEqual(reasonOf(await accept(late.invitation.secret)), over);
    owner = (await signIn('owner@dock.invalid')).body.secret;
  });

  it('is left as it is by a password that will not do', async () => {
    const { email, invitation } = await invite();
    for (const wrong of [
      'short',
      'x'.repeat(201),
      email,
      'The Old Dock',
      'the-old-dock',
      'THE OLD DOCK',
      null,
    ]) {
      const answer = await accept(invitation.secret, { password: wrong });
      assert.deepEqual([answer.status, Object.keys(answer.body.errors)], [422, ['password']], String(wrong));
    }
    assert.equal((await accept(invitation.secret, { password: 'x'.repeat(200) })).status, 200);
  });

  it('is made again for whoever has no password yet, and ends the one before', async () => {
    const { id, email, invitation } = await invite();
    const again = await linkFor('invitation', id);
    assert.deepEqual([again.status, Object.keys(again.body)], [200, ['url', 'secret', 'expires_at']]);
    assert.deepEqual(reasonOf(await accept(invitation.secret)), over);
    assert.equal((await accept(again.body.secret)).status, 200);
    assert.equal((await signIn(email)).status, 200);
    const third = await linkFor('invitation', id);
    assert.deepEqual([third.status, Object.keys(third.body.errors)], [422, ['user_id']]);
  });

  it('ends when the address changes: it went to the old one', async () => {
    const { id, invitation } = await invite();
    const body = { member: { email: `moved${id}@dock.invalid` } };
    assert.equal((await server.call('PATCH', `/members/${id}`, { secret: owner, body })).status, 204);
    assert.deepEqual(reasonOf(await accept(invitation.secret)), over);
  });

  it('is none for a password reset, nor the other way round, nor any other secret', async () => {
    const { id, invitation } = await invite();
    const link = (await linkFor('password_reset', id)).body.secret;
    assert.deepEqual(reasonOf(await reset(invitation.secret, password)), over);
    assert.deepEqual(reasonOf(await accept(link)), over);
    for (const secret of ['', 'x', owner, server.api_key, invitation.secret.toUpperCase()])
      assert.deepEqual(reasonOf(await accept(secret)), over, secret);
    assert.equal((await accept(invitation.secret)).status, 200);
    assert.deepEqual(reasonOf(await reset(link, password)), over, 'one of them was enough');
  });

  it('with a wrong checksum never reaches the database', async () => {
    const { invitation } = await invite();
    const unreachable = new Proxy({} as Context['database'], {
      get: () => assert.fail('the database was asked'),
    });
    const context = { ...server.context, database: unreachable };
    const right: string = invitation.secret;
    const wrong = right.slice(0, -1) + (right.endsWith('a') ? 'b' : 'a');
    await assert.rejects(acceptInvitation(context, { secret: wrong, password }), { reason: over[1] });
    await assert.rejects(acceptInvitation(context, { secret: right, password }), /the database was asked/);
  });
});

describe('a password reset', () => {
  it('gives a new password, ends all sessions, and the one-time links besides', async () => {
    const { id, email, invitation } = await invite();
    await accept(invitation.secret);
    const session = (await signIn(email)).body.secret;
    const [unused, link] = [
      (await linkFor('password_reset', id)).body,
      (await linkFor('password_reset', id)).body,
    ];
    assert.match(link.url, /\/password_resets#psto_/);
    assert.equal(Date.parse(link.expires_at) - Date.parse(clock.now()), dayMs);
    assert.deepEqual(reasonOf(await reset(unused.secret, 'another horse battery')), over);
    assert.equal(
      (await server.call('GET', '/user', { secret: session })).status,
      200,
      'nothing has happened yet',
    );
    assert.equal((await reset(link.secret, 'another horse battery')).status, 204);
    assert.equal((await server.call('GET', '/user', { secret: session })).status, 401);
    assert.deepEqual(
      [(await signIn(email)).status, (await signIn(email, 'another horse battery')).status],
      [401, 200],
    );
    assert.deepEqual(reasonOf(await reset(link.secret, 'a third horse battery')), over);
  });

  it("is understood in Kisi's words too", async () => {
    const { id, email } = await invite();
    const { secret } = (await linkFor('password_reset', id)).body;
    const patch = (user: object) => server.call('PATCH', '/users/password', { body: { user } });
    const user = { reset_password_token: secret, password, password_confirmation: 'something else' };
    const mistaken = await patch(user);
    assert.deepEqual([mistaken.status, Object.keys(mistaken.body.errors)], [422, ['password_confirmation']]);
    assert.equal((await patch({ ...user, password_confirmation: password })).status, 204);
    assert.equal((await signIn(email)).status, 200);
  });

  it('asked for by mail is answered the same for every address, and nothing comes of it', async () => {
    const tokens = () =>
      server.context.database.everywhere.read.query.selectFrom('member_tokens').select('id').execute();
    const before = await tokens();
    for (const user of [
      { email: 'owner@dock.invalid', domain: 'the-old-dock' },
      { email: 'nobody@dock.invalid', domain: 'the-old-dock' },
      { email: 'owner@dock.invalid', domain: 'nowhere' },
      { email: 'no address' },
    ]) {
      const { status, body } = await server.call('POST', '/users/password', { body: { user } });
      assert.deepEqual([status, body], [204, ''], JSON.stringify(user));
    }
    assert.deepEqual(await tokens(), before);
  });

  it('is made for a member of the organization, by whoever may', async () => {
    const foreign = await server.call('GET', '/members', { secret: server.api_key });
    for (const id of [foreign.body[0].id, 999_999]) {
      const answer = await linkFor('password_reset', id);
      assert.deepEqual([answer.status, Object.keys(answer.body.errors)], [422, ['user_id']]);
    }
    const { email, invitation } = await invite({ role: 'admin' });
    await accept(invitation.secret);
    const admin = (await signIn(email)).body.secret;
    const me = (await server.call('GET', '/user', { secret: owner })).body.id;
    assert.deepEqual(reasonOf(await linkFor('password_reset', me, admin)), [403, 'not_permitted']);
    assert.equal((await linkFor('password_reset', me)).status, 200, 'an owner may');
  });
});
