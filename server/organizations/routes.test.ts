import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Answer, startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import { createApiKey } from '../logins/logins.ts';
import { createOrganization } from './organizations.ts';

const clock = new TestClock('2026-12-01T09:00:00.000Z');
let server: TestServer;
let otherId: number;
let otherKey: string;

before(async () => {
  server = await startTestServer({ clock });
  const owner = { email: 'owner@dock.invalid', password: 'correct horse battery' };
  otherId = (await createOrganization(server.context, { name: 'Dock', domain: 'dock', owner })).id;
  otherKey = (await createApiKey(server.context, { organization_id: otherId, name: 'Key' })).secret;
});
after(() => server.close());

const call = (method: string, path: string, organization?: object): Promise<Answer> =>
  server.call(method, path, { secret: server.api_key, ...(organization ? { body: { organization } } : {}) });

describe('the organization', () => {
  it('is the only one there is to whoever belongs to it', async () => {
    const list = await call('GET', '/organizations');
    assert.deepEqual([list.body.length, list.headers.get('x-collection-range')], [1, '0-0/1']);
    const [organization] = list.body;
    assert.deepEqual((await call('GET', '/organization')).body, organization);
    assert.deepEqual((await call('GET', `/organizations/${server.organization_id}`)).body, organization);
    const owners = await call('GET', '/members?query=owner@test.invalid');
    assert.deepEqual(
      [organization.resource_type, organization.domain, organization.places_count, organization.user_id],
      ['Organization', 'test', 0, owners.body[0].id],
    );
    await server.create('place', { name: 'House', address: 'x' });
    assert.equal((await call('GET', '/organization')).body.places_count, 1);
  });

  it('of somebody else is none, to read or to change', async () => {
    const before = (await server.call('GET', '/organization', { secret: otherKey })).body;
    for (const id of [otherId, 999_999, 'dock', '0']) {
      assert.equal((await call('GET', `/organizations/${id}`)).status, 404);
      assert.equal((await call('PATCH', `/organizations/${id}`, { name: 'Mine' })).status, 404);
    }
    assert.deepEqual((await server.call('GET', '/organization', { secret: otherKey })).body, before);
  });

  it('has another name and other rules for links from then on, and an event says so', async () => {
    const group_id = (await server.create('group', { name: 'Guests' })).id;
    const earlier = await server.create('group_link', { name: 'Robin', group_id });
    const change = {
      name: 'New House',
      default_validity_s: 3_600,
      default_quick_response_code_type: 'online',
    };
    assert.equal((await call('PATCH', '/organization', change)).status, 204);
    const later = await server.create('group_link', { name: 'Kim', group_id });
    assert.equal(Date.parse(later.valid_until) - Date.parse(clock.now()), 3_600_000);
    assert.equal(later.quick_response_code_type, 'online');
    const still = await server.call('GET', `/group_links/${earlier.id}`, { secret: server.api_key });
    assert.deepEqual(
      [still.body.valid_until, still.body.quick_response_code_type],
      [earlier.valid_until, 'offline'],
    );
    const { body } = await call('GET', '/events?event_type=organization.update');
    assert.deepEqual([body.length, body[0].object_name], [1, 'New House']);
  });

  it('refuses a default longer than the maximum, whichever of the two is sent, and keeps what it had', async () => {
    const rules = async () => {
      const { default_validity_s, validity_s_max } = (await call('GET', '/organization')).body;
      return [default_validity_s, validity_s_max];
    };
    assert.equal(
      (await call('PATCH', '/organization', { default_validity_s: 7_200, validity_s_max: 7_200 })).status,
      204,
    );
    const wrong: [object, string][] = [
      [{ default_validity_s: 7_201 }, 'default_validity_s'],
      [{ validity_s_max: 7_199 }, 'validity_s_max'],
      [{ default_validity_s: 59 }, 'default_validity_s'],
      [{ validity_s_max: 1e12 }, 'validity_s_max'],
      [{ default_quick_response_code_type: 'none' }, 'default_quick_response_code_type'],
      [{ name: '' }, 'name'],
      [{ domain: 'other' }, 'domain'],
      [{ device_logins_expire_after: 60 }, 'device_logins_expire_after'],
    ];
    for (const [change, field] of wrong) {
      const { status, body } = await call('PATCH', '/organization', change);
      assert.deepEqual([status, Object.keys(body.errors)], [422, [field]]);
    }
    assert.deepEqual(await rules(), [7_200, 7_200]);
  });
});
