import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { mendFailure, plantFailure } from '../../test/planted-failure.ts';
import { realClock, startTestServer, type TestServer } from '../../test/test-server.ts';
import type { Context } from '../context.ts';
import { unlockWithLink } from './unlocks.ts';

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
afterEach(() => mendFailure(server));

const call = (method: string, path: string, body?: unknown) =>
  server.call(method, path, { secret: server.api_key, ...(body === undefined ? {} : { body }) });
const make = (fields: object = {}) =>
  server.create('group_link', { name: 'Robin Guest', group_id, max_uses: 9, ...fields });
const unlock = (secret: string) => server.call('POST', `/locks/${door_id}/unlock`, { secret, as: 'link' });

/** Everything an action may have left behind. */
async function rows(): Promise<unknown> {
  await server.context.database.settled(); // a position comes a moment after its event on PostgreSQL
  const { query } = server.context.database.everywhere.read;
  const tables = [
    'links',
    'passes',
    'events',
    'event_outcomes',
    'organizations',
    'doors',
    'groups',
    'places',
    'group_doors',
    'logins',
  ] as const;
  const whole = await Promise.all(tables.map((table) => query.selectFrom(table).selectAll().execute()));
  // The word on what is revoked is signed anew now and then, whatever anybody asks for.
  return whole.map((found) => found.map((row) => ({ ...row, statement_signed_at: null })));
}

function pulses(): number {
  const file = join(server.folder, 'agent-1', 'pulses.log');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0;
}

describe('an unlock of which a statement fails', () => {
  const statements: readonly [string, string][] = [
    ['the use', 'update of uses on links'],
    ['the event', "insert on events when new.type = 'lock.unlock'"],
  ];
  for (const [what, when] of statements) {
    it(`at ${what} is taken back whole: no use, no event, no pulse, and the caller is told`, async () => {
      const made = await make();
      await plantFailure(server, when);
      const [before, moved] = [await rows(), pulses()];
      const { status, body } = await unlock(made.secret);
      assert.ok(status >= 500, String(status));
      assert.deepEqual(Object.keys(body), ['code', 'error', 'reason', 'hint', 'request_id']);
      assert.ok(!JSON.stringify(body).includes('planted'));
      assert.deepEqual(await rows(), before);
      assert.equal(pulses(), moved);
      await mendFailure(server);
      assert.equal((await unlock(made.secret)).status, 200);
      assert.equal((await call('GET', `/group_links/${made.id}`)).body.uses, 1);
    });
  }

  it('takes none of its neighbours in the same commit with it', async () => {
    const links: { id: number }[] = []; // one after the other, as the list will show them
    for (const name of ['fails', 'opens', 'opens too']) links.push(await make({ name }));
    await plantFailure(server, "insert on events when new.actor_name = 'fails'");
    const moved = pulses();
    const results = await Promise.allSettled(
      links.map(({ id }) =>
        unlockWithLink(server.context, {
          link: { organization_id: server.organization_id, link_id: id },
          door_id,
          askedMs: server.context.clock.monotonicMs(),
          method: 'api',
        }),
      ),
    );
    assert.deepEqual(
      results.map((result) => (result.status === 'fulfilled' ? result.value.opened : 'failed')),
      ['failed', true, true],
    );
    assert.equal(pulses(), moved + 2);
    const { body } = await call('GET', `/group_links?ids=${links.map(({ id }) => id).join(',')}`);
    assert.deepEqual(
      body.map(({ uses }: { uses: number }) => uses),
      [0, 1, 1],
    );
  });

  it('at the event of a denial denies nevertheless, and the caller is told that something failed', async () => {
    const made = await make();
    await call('PATCH', `/group_links/${made.id}`, { group_link: { suspended: true } });
    await plantFailure(server, "insert on events when new.type = 'lock.unlock'");
    const [before, moved] = [await rows(), pulses()];
    const { status } = await unlock(made.secret);
    assert.ok(status >= 500, String(status));
    assert.deepEqual(await rows(), before);
    assert.equal(pulses(), moved);
  });

  it('that failed is not said to have before that is written: the answer comes after the record', async () => {
    const made = await make();
    const { agents } = server.context;
    const original = agents.unlock;
    agents.unlock = async () => 'not_done';
    const answers = [];
    try {
      await plantFailure(server, "insert on events when new.type = 'lock.unlock_failed'");
      answers.push(await unlock(made.secret));
      await mendFailure(server);
      answers.push(await unlock(made.secret));
    } finally {
      agents.unlock = original;
    }
    assert.deepEqual(
      answers.map(({ body }) => body.reason),
      ['internal', 'lock_failed'],
    );
    const query = 'event_type=lock.unlock_failed';
    assert.equal((await call('GET', `/events?${query}`)).body.length, 1);
  });

  it('at the outcome has opened the door, says so, and calls the outcome unknown', async () => {
    const made = await make();
    await plantFailure(server, 'insert on event_outcomes');
    assert.equal((await unlock(made.secret)).status, 200);
    const [event] = (
      await call('GET', `/events?event_type=lock.unlock&event_actor_type=GroupLink&event_actor_id=${made.id}`)
    ).body;
    assert.deepEqual([event.success, event.details.outcome], [true, null]);
    const later: Context['clock'] = {
      ...realClock,
      now: () => new Date(Date.now() + 3_001).toISOString(),
    };
    const { clock } = server.context;
    server.context.clock = later;
    const [again] = (await call('GET', `/events?event_uuid=${event.uuid}`)).body;
    server.context.clock = clock;
    assert.equal(again.details.outcome, 'unknown');
  });
});

describe('a change of which a statement fails', () => {
  interface Change {
    what: string;
    when: string;
    act: (id: number) => ReturnType<typeof call>;
  }
  const shorter = { group_link: { valid_until: new Date(Date.now() + 60_000).toISOString() } };
  const changes: readonly Change[] = [
    {
      what: 'issuing a link, at its pass',
      when: 'insert on passes',
      act: () => call('POST', '/group_links', { group_link: { name: 'New', group_id } }),
    },
    {
      what: 'issuing a link, at its event',
      when: 'insert on events',
      act: () => call('POST', '/group_links', { group_link: { name: 'New', group_id } }),
    },
    {
      what: 'issuing a link, at its secret',
      when: 'update of secret_sealed on links',
      act: () => call('POST', '/group_links', { group_link: { name: 'New', group_id } }),
    },
    {
      what: 'revoking, at its passes',
      when: 'update of revoked_at on passes',
      act: (id) => call('DELETE', `/group_links/${id}`),
    },
    {
      what: 'revoking, at its event',
      when: 'insert on events',
      act: (id) => call('DELETE', `/group_links/${id}`),
    },
    {
      what: 'shortening, at the passes',
      when: 'update of revoked_at on passes',
      act: (id) => call('PATCH', `/group_links/${id}`, shorter),
    },
    {
      what: 'shortening, at the new pass',
      when: 'insert on passes',
      act: (id) => call('PATCH', `/group_links/${id}`, shorter),
    },
    {
      what: 'shortening, at its event',
      when: 'insert on events',
      act: (id) => call('PATCH', `/group_links/${id}`, shorter),
    },
    {
      what: 'deleting a door, at its event',
      when: 'insert on events',
      act: () => call('DELETE', `/locks/${door_id}`),
    },
    {
      what: 'deleting a door, at its groups',
      when: 'delete on group_doors',
      act: () => call('DELETE', `/locks/${door_id}`),
    },
    {
      what: 'creating a group, at its event',
      when: 'insert on events',
      act: () => call('POST', '/groups', { group: { name: 'New' } }),
    },
    {
      what: 'creating a place, at its event',
      when: 'insert on events',
      act: () => call('POST', '/places', { place: { name: 'New', address: 'x' } }),
    },
  ];
  for (const { what, when, act } of changes) {
    it(`(${what}) is taken back whole, and the caller is told`, async () => {
      const { id } = await make();
      await plantFailure(server, when);
      const before = await rows();
      const { status, body } = await act(id);
      assert.ok(status >= 500, `${status} ${JSON.stringify(body)}`);
      assert.deepEqual(await rows(), before);
      await mendFailure(server);
      const again = await act(id);
      assert.ok(again.status < 300, String(again.status));
      if (what.includes('door')) await restoreDoor();
    });
  }

  /** The door that the last test deleted, back with its agent and its group. */
  async function restoreDoor(): Promise<void> {
    await server.context.database.everywhere.transaction(async (tx) => {
      await tx.query
        .updateTable('doors')
        .set({ deleted_at: null, agent_id: 1 })
        .where('id', '=', door_id)
        .execute();
    });
    await server.create('group_lock', { group_id, lock_id: door_id });
  }
});
