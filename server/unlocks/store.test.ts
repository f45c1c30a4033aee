import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import { selectLinkRow, takeUse } from './store.ts';

const now = '2026-12-01T09:00:00.000Z';
let server: TestServer;
let group_id: number;

before(async () => {
  server = await startTestServer({ clock: new TestClock(now) });
  group_id = (await server.create('group', { name: 'Visitors' })).id;
});
after(() => server.close());

/** Takes a use of a link that was changed by SQL before, and answers how many it has after. */
async function take(set: object, organization_id = server.organization_id): Promise<number | 'none'> {
  const { id } = await server.create('group_link', { name: 'Robin Guest', group_id });
  const key = { organization_id, link_id: id };
  return server.context.database.everywhere.transaction(async (tx) => {
    if (Object.keys(set).length > 0)
      await tx.query.updateTable('links').set(set).where('id', '=', id).execute();
    const before = await selectLinkRow(tx, { ...key, organization_id: server.organization_id });
    const taken = await takeUse(tx, key, now);
    const row = await selectLinkRow(tx, { ...key, organization_id: server.organization_id });
    if (taken === undefined) assert.deepEqual(row, before);
    else assert.deepEqual(row, taken);
    return taken === undefined ? 'none' : taken.uses;
  });
}

describe('takeUse', () => {
  // The decision looks at all of this too. But the statement alone must hold where two transactions may run at once.
  it('takes a use while there is one, and notes when', async () => {
    assert.deepEqual(
      [await take({}), await take({ uses: 7 }), await take({ max_uses: 2, uses: 1 })],
      [1, 8, 2],
    );
  });

  it('takes none of a link that is used up, suspended, revoked or not there', async () => {
    assert.equal(await take({ max_uses: 2, uses: 2 }), 'none');
    assert.equal(await take({ max_uses: 2, uses: 3 }), 'none');
    assert.equal(await take({ suspended_at: now }), 'none');
    assert.equal(await take({ revoked_at: now }), 'none');
    assert.equal(await take({}, server.organization_id + 1), 'none');
  });
});
