import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Answer, startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import { createApiKey } from '../logins/logins.ts';
import { createOrganization } from '../organizations/organizations.ts';

const clock = new TestClock('2026-12-01T09:00:00.000Z');
const password = 'correct horse battery';
let server: TestServer;
let organizations = 0;

before(async () => {
  server = await startTestServer({ clock, environment: { POSTERN_RATE_LIMITS: 'off' } });
});
after(() => server.close());

const call = (secret: string, method: string, path: string, member?: object): Promise<Answer> =>
  server.call(method, path, { secret, ...(member ? { body: { member } } : {}) });

async function signIn(domain: string, email: string): Promise<string> {
  return (await server.call('POST', '/logins', { body: { user: { domain, email, password } } })).body.secret;
}

/** An organization of its own with so many owners, and the session of each. */
async function withOwners(count: number) {
  organizations += 1;
  const domain = `dock-${organizations}`;
  const email = (number: number) => `owner${number}@${domain}.invalid`;
  const made = await createOrganization(server.context, {
    name: domain,
    domain,
    owner: { email: email(0), password },
  });
  const owners = [{ id: made.owner_id, secret: await signIn(domain, email(0)) }];
  for (let number = 1; number < count; number++) {
    const fields = { email: email(number), role: 'owner', password };
    const { body } = await call(owners[0]?.secret ?? '', 'POST', '/members', fields);
    owners.push({ id: body.id, secret: await signIn(domain, email(number)) });
  }
  return { domain, owners };
}

async function ownersLeft(domain: string): Promise<number> {
  const rows = await server.context.database.everywhere.read.query
    .selectFrom('members')
    .innerJoin('organizations', 'organizations.id', 'members.organization_id')
    .select('members.id')
    .where('organizations.domain', '=', domain)
    .where('members.role', '=', 'owner')
    .where('members.deleted_at', 'is', null)
    .execute();
  return rows.length;
}

describe('removing a member', () => {
  it('ends their sessions and their one-time links with the next request', async () => {
    const { domain, owners } = await withOwners(1);
    const [owner] = owners;
    assert.ok(owner);
    const email = `ada@${domain}.invalid`;
    const { body } = await call(owner.secret, 'POST', '/members', { email, role: 'admin', password });
    const sessions = [await signIn(domain, email), await signIn(domain, email)];
    const reset = await server.call('POST', '/password_resets', {
      secret: owner.secret,
      body: { password_reset: { user_id: body.id } },
    });
    assert.equal((await call(owner.secret, 'DELETE', `/members/${body.id}`)).status, 204);
    for (const secret of sessions) assert.equal((await call(secret, 'GET', '/user')).status, 401);
    const rows = await server.context.database.everywhere.read.query
      .selectFrom('logins')
      .select('revoked_at')
      .where('member_id', '=', body.id)
      .execute();
    assert.deepEqual(
      rows.map(({ revoked_at }) => revoked_at),
      [clock.now(), clock.now()],
    );
    const late = { secret: reset.body.secret, password: 'another horse battery' };
    assert.equal((await server.call('POST', '/passwords/reset', { body: late })).status, 401);
    const signedIn = await server.call('POST', '/logins', { body: { user: { domain, email, password } } });
    assert.equal(signedIn.status, 401);
    for (const method of ['GET', 'DELETE'])
      assert.equal((await call(owner.secret, method, `/members/${body.id}`)).status, 404);
    const events = (await call(owner.secret, 'GET', '/events?event_type=member.destroy')).body;
    assert.deepEqual([events.length, events[0].object_name], [1, email]);
  });

  it('makes whatever login is still theirs worth nothing', async () => {
    const { domain, owners } = await withOwners(1);
    const organization_id = (await call(owners[0]?.secret ?? '', 'GET', '/organization')).body.id;
    const { secret } = await createApiKey(server.context, { organization_id, name: `Of ${domain}` });
    assert.equal((await call(secret, 'GET', '/places')).status, 200);
    await server.context.database.everywhere.transaction(async (tx) => {
      const gone = { deleted_at: clock.now() };
      await tx.query.updateTable('members').set(gone).where('email', '=', `api@${domain}.invalid`).execute();
    });
    assert.equal((await call(secret, 'GET', '/places')).status, 401);
  });

  it("leaves the keys that they made: those are the organization's", async () => {
    const { owners } = await withOwners(2);
    const [first, second] = owners;
    assert.ok(first && second);
    const key = await server.call('POST', '/logins', {
      secret: second.secret,
      body: { login: { type: 'api', name: 'Stays' } },
    });
    assert.equal((await call(first.secret, 'DELETE', `/members/${second.id}`)).status, 204);
    assert.equal((await call(key.body.secret, 'GET', '/places')).status, 200);
  });
});

describe('the last owner', () => {
  it('stays: nobody removes or demotes them, not even themselves', async () => {
    const { domain, owners } = await withOwners(1);
    const [owner] = owners;
    assert.ok(owner);
    for (const answer of [
      await call(owner.secret, 'DELETE', `/members/${owner.id}`),
      await call(owner.secret, 'PATCH', `/members/${owner.id}`, { role: 'admin', name: 'Demoted' }),
    ])
      assert.deepEqual([answer.status, answer.body.reason], [409, 'last_owner']);
    assert.equal((await call(owner.secret, 'GET', '/user')).body.name, 'Owner', 'nothing of it was done');
    assert.equal(await ownersLeft(domain), 1);
  });

  it('is whoever can sign in: one who has not accepted the invitation is none yet', async () => {
    const { domain, owners } = await withOwners(1);
    const [owner] = owners;
    assert.ok(owner);
    const invited = await call(owner.secret, 'POST', '/members', {
      email: `b@${domain}.invalid`,
      role: 'owner',
    });
    const leave = () => call(owner.secret, 'PATCH', `/members/${owner.id}`, { role: 'admin' });
    assert.equal((await leave()).status, 409);
    const body = { secret: invited.body.invitation.secret, password };
    assert.equal((await server.call('POST', '/invitations/accept', { body })).status, 200);
    assert.equal((await leave()).status, 204);
    assert.equal(await ownersLeft(domain), 1);
  });

  it('is one, whoever of several removes or demotes whom at once', async () => {
    for (let round = 0; round < 4; round++) {
      const { domain, owners } = await withOwners(4);
      const tries = owners.map(({ secret }, at) => {
        const other = owners[round % 2 === 0 ? (at + 1) % owners.length : at]; // each the next, or themselves
        return at % 2 === 0
          ? call(secret, 'DELETE', `/members/${other?.id}`)
          : call(secret, 'PATCH', `/members/${other?.id}`, { role: 'viewer' });
      });
      const answers = await Promise.all(tries);
      const done = answers.filter(({ status }) => status === 204).length;
      assert.ok(answers.every(({ status }) => [204, 401, 403, 404, 409].includes(status)));
      assert.equal(await ownersLeft(domain), 4 - done);
      assert.ok(done <= 3, `${done} of 4`);
    }
  });
});
