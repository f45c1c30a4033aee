import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { figure, report } from '../../test/figures.ts';
import { realClock, startTestServer, type TestServer } from '../../test/test-server.ts';

const rounds = figure({ small: 1, large: 3 });

let server: TestServer;
let group_id: number;
let door_id: number;

before(async () => {
  server = await startTestServer({ clock: realClock });
  const place_id = (await server.create('place', { name: 'House', address: 'Gate Lane' })).id;
  group_id = (await server.create('group', { name: 'Visitors' })).id;
  door_id = (await server.create('lock', { name: 'Front door', place_id })).id;
  await server.create('group_lock', { group_id, lock_id: door_id });
  await server.connectAgent([{ id: door_id, name: 'Front door' }]);
});
after(() => server.close());

const call = (method: string, path: string, body?: unknown) =>
  server.call(method, path, { secret: server.api_key, ...(body === undefined ? {} : { body }) });
const unlock = (secret: string) => server.call('POST', `/locks/${door_id}/unlock`, { secret, as: 'link' });

describe('a full disk', () => {
  it('is 503 for whoever wants to write, never 500; reading goes on, and so does everything once there is room', async (t) => {
    for (let round = 0; round < rounds; round++) await fill();
    report(t, 'full disk of the server', { rounds });
  });

  async function fill(): Promise<void> {
    const made = await server.create('group_link', { name: 'Robin Guest', group_id });
    await server.context.database.everywhere.transaction(async (tx) => {
      const row = await tx.prepare<{ page_count: number }>('pragma page_count').get();
      await tx.prepare(`pragma max_page_count = ${row?.page_count ?? 0}`).get();
    });
    const description = 'x'.repeat(2_000);
    const answers = [];
    // The first ones may still fit into what is left of the last page.
    for (let time = 0; time < 8; time++)
      answers.push(await call('POST', '/groups', { group: { name: 'Full', description } }));
    const reading = await call('GET', `/group_links/${made.id}`);
    await server.context.database.everywhere.transaction(async (tx) => {
      await tx.prepare('pragma max_page_count = 1000000').get();
    });
    assert.equal(reading.status, 200);
    assert.equal((await unlock(made.secret)).status, 200);
    const refused = answers.filter(({ status }) => status !== 200);
    assert.ok(refused.length > 0);
    for (const { status, body, headers } of refused) {
      assert.deepEqual([status, body.reason, headers.get('retry-after')], [503, 'unavailable', '2']);
    }
  }
});
