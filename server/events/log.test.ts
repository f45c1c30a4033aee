import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import { createOrganization } from '../organizations/organizations.ts';
import { recordEvent } from './events.ts';
import { readLog, readLogOn } from './log.ts';

const at = '2026-12-01T09:00:00.000Z';
const pieces = [1, 2, 3, 7, 1_000];
let server: TestServer;
let ours: string[];

/** Our events lie between those of another organization: positions count both. */
before(async () => {
  server = await startTestServer({ clock: new TestClock(at) });
  const { context, organization_id } = server;
  const owner = { email: 'owner@other.invalid', password: 'correct horse battery' };
  const other = await createOrganization(context, { name: 'Other', domain: 'other', owner });
  for (let number = 0; number < 60; number++) {
    const whose = number % 5 < 3 ? organization_id : other.id;
    await context.database.of(whose).transaction(async (tx) => {
      await recordEvent(context, tx, {
        organization_id: whose,
        type: number % 3 === 0 ? 'lock.unlock' : 'lock.update',
        at,
        actor: null,
        authenticated_by: null,
        object: { type: 'Lock', id: number + 1, name: 'Door' },
        message: 'something happened',
      });
    });
  }
  await context.database.settled();
  const { rows } = await readLog(reading(), wanted(), { below: Number.POSITIVE_INFINITY, limit: 250 });
  ours = rows.map(({ uuid }) => uuid);
});
after(() => server.close());

const reading = () => server.context.database.of(server.organization_id).read;
const wanted = (filters: { event_type?: string; event_success?: boolean } = {}) => ({
  sight: { organization_id: server.organization_id, group_ids: null },
  filters,
});

describe('the log', () => {
  it('is read backwards without a gap, whatever pieces it is read in and however long the pages are', async () => {
    assert.ok(ours.length > 36);
    for (const piece of pieces) {
      for (const limit of [1, 4, 250]) {
        const seen: string[] = [];
        for (let cursor: string | null = String(Number.MAX_SAFE_INTEGER); cursor !== null; ) {
          const page = await readLog(reading(), wanted(), { below: Number(cursor), limit, piece });
          seen.push(...page.rows.map(({ uuid }) => uuid));
          cursor = page.cursor;
        }
        assert.deepEqual(seen, ours, `${piece} ${limit}`);
      }
    }
  });

  it('is read forwards without a gap, and says how far it was read', async () => {
    const { query } = server.context.database.everywhere.read;
    const [last] = await query.selectFrom('events').select('position').orderBy('position', 'desc').execute();
    const upTo = last?.position ?? 0;
    for (const piece of pieces) {
      for (const limit of [1, 4, 250]) {
        const seen: string[] = [];
        for (let after = 0; after < upTo; ) {
          const { rows, readTo } = await readLogOn(reading(), wanted(), { after, upTo, limit, piece });
          assert.ok(readTo > after && readTo <= upTo, `${after} ${readTo}`);
          seen.push(...rows.map(({ uuid }) => uuid));
          after = readTo;
        }
        assert.deepEqual(seen.toReversed(), ours, `${piece} ${limit}`);
      }
    }
  });

  it('answers an empty page without a cursor when nothing is wanted', async () => {
    for (const piece of pieces) {
      const none = wanted({ event_success: false });
      const page = await readLog(reading(), none, { below: Number.POSITIVE_INFINITY, limit: 10, piece });
      assert.deepEqual(page, { rows: [], cursor: null });
    }
  });
});
