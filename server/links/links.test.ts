import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';

describe('access links over the API', () => {
  const clock = new TestClock('2026-12-01T09:00:00.000Z');
  let server: TestServer;
  let group_id: number;

  before(async () => {
    server = await startTestServer({ clock });
    group_id = (await server.create('group', { name: 'Visitors' })).id;
  });
  after(() => server.close());

  it('shows the secret and the pass in the answer to its creation and never again', async () => {
    const made = await server.create('group_link', { name: 'Robin Guest', group_id });
    assert.match(made.secret, /^[a-z2-7]{32}$/);
    assert.match(made.quick_response_code_token, /^PSN1:/);
    const { body } = await server.call('GET', `/group_links/${made.id}`, { secret: server.api_key });
    assert.equal(body.name, 'Robin Guest');
    assert.equal(body.valid_until, '2026-12-08T09:00:00.000Z');
    for (const hidden of [made.secret, made.quick_response_code_token])
      assert.ok(!JSON.stringify(body).includes(hidden));
  });
});
