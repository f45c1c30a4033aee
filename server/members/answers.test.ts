import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { askByContract } from '../../test/contract.ts';
import { startTestServer, type TestServer } from '../../test/test-server.ts';
import { createOrganization } from '../organizations/organizations.ts';

const password = 'correct horse battery';
let server: TestServer;
let secret: string;

before(async () => {
  server = await startTestServer({ environment: { POSTERN_RATE_LIMITS: 'off' } });
  secret = server.api_key;
});
after(() => server.close());

/** One request whose answer must be what the reference says, with this status. */
async function ask(status: number, request: string, body?: object, as: string | null = secret) {
  const [method = '', path = ''] = request.split(' ');
  const answer = await askByContract(server.url, {
    method,
    path,
    ...(as === null ? {} : { secret: as }),
    ...(body ? { body } : {}),
  });
  assert.equal(answer.status, status, `${request} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

describe('what is answered about people, logins and the organization', () => {
  it('is what the reference says, from the first member to the last word', async () => {
    const group = (await ask(200, 'POST /groups', { group: { name: 'Guests' } })).id;
    const manager = {
      email: 'm@x.invalid',
      role: 'manager',
      group_ids: [group],
      notes: 'x',
      metadata: { a: 1, b: null },
    };
    const member = await ask(200, 'POST /members', { member: manager });
    const user = await ask(200, 'POST /users', { user: { email: 'u@x.invalid', password } });
    await ask(422, 'POST /users', { user: { email: 'u@x.invalid' } });
    await ask(200, 'GET /members?sort=-access_enabled');
    await ask(200, 'GET /users?user_id=me');
    await ask(200, `GET /members/${member.id}`);
    await ask(200, `GET /users/${member.id}`);
    await ask(404, 'GET /users/999999');
    await ask(204, `PATCH /members/${member.id}`, { member: { role: 'viewer' } });
    await ask(204, `PUT /users/${member.id}`, { user: { name: 'Ada' } });
    await ask(403, `PATCH /users/${member.id}`, { user: { role: 'owner' } });
    const invitation = await ask(200, 'POST /invitations', { invitation: { user_id: member.id } });
    await ask(422, 'POST /invitations/accept', { secret: invitation.secret, password: 'short' }, null);
    await ask(200, 'POST /invitations/accept', { secret: invitation.secret, password }, null);
    await ask(401, 'POST /invitations/accept', { secret: invitation.secret, password }, null);
    const reset = await ask(200, 'POST /password_resets', { password_reset: { user_id: user.id } });
    await ask(
      204,
      'POST /passwords/reset',
      { secret: reset.secret, password: 'another horse battery' },
      null,
    );
    await ask(401, 'POST /passwords/reset', { secret: reset.secret, password }, null);
    await ask(204, 'POST /users/password', { user: { email: 'u@x.invalid', domain: 'test' } }, null);
    const kisi = { reset_password_token: reset.secret, password, password_confirmation: password };
    await ask(401, 'PATCH /users/password', { user: kisi }, null);

    await ask(401, 'POST /logins', { login: {}, user: { email: 'm@x.invalid', password: 'wrong' } }, null);
    await ask(401, 'POST /logins', undefined, null);
    const login = { login: { type: 'device' }, user: { domain: 'test', email: 'm@x.invalid', password } };
    const session = (await ask(200, 'POST /logins', login, null)).secret;
    await ask(200, 'GET /user', undefined, session);
    await ask(200, 'GET /user');
    await ask(204, 'PATCH /user', { user: { name: 'Ada L' } }, session);
    await ask(403, 'PATCH /user', { user: { name: 'Key' } });
    await ask(422, 'PUT /user', { user: { password: 'another horse', current_password: 'x' } }, session);
    const key = await ask(200, 'POST /logins', {
      login: { type: 'api', name: 'Key', scopes: ['links:read'] },
    });
    await ask(403, 'POST /logins', { login: { type: 'api', name: 'x' } }, session);
    await ask(200, 'GET /logins?limit=2');
    await ask(200, `GET /logins/${key.id}`);
    await ask(404, 'GET /organization', undefined, key.secret);
    await ask(204, `DELETE /logins/${key.id}`);
    await ask(404, `DELETE /logins/${key.id}`);
    await ask(200, 'GET /login', undefined, session);
    await ask(204, 'PUT /login', { login: { name: 'Laptop' } }, session);
    await ask(204, 'DELETE /login/elsewhere', undefined, session);
    await ask(403, 'DELETE /login/elsewhere');
    await ask(204, 'DELETE /login', undefined, session);
    await ask(401, 'GET /user', undefined, session);

    await ask(200, 'GET /organizations');
    await ask(200, 'GET /organization');
    await ask(200, `GET /organizations/${server.organization_id}`);
    await ask(404, 'GET /organizations/999999');
    await ask(204, 'PATCH /organization', { organization: { name: 'New House' } });
    await ask(422, 'PUT /organization', { organization: { domain: 'x' } });
    await ask(204, `DELETE /members/${member.id}`);
    await ask(204, `DELETE /users/${user.id}`);
    await ask(404, `DELETE /users/${user.id}`);
  });

  it('is what the reference says to the last owner, who stays', async () => {
    const owner = { email: 'owner@dock.invalid', password };
    const { owner_id } = await createOrganization(server.context, { name: 'Dock', domain: 'dock', owner });
    const session = (await ask(200, 'POST /logins', { user: owner }, null)).secret;
    await ask(409, `DELETE /members/${owner_id}`, undefined, session);
    await ask(409, `PATCH /users/${owner_id}`, { user: { role: 'viewer' } }, session);
  });
});
