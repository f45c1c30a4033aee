import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { addMs } from '../../domain/instants.ts';
import { type Answer, startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';

const now = '2026-12-01T09:00:00.000Z'; // a Tuesday, 22:00 in Auckland
const inDays = (days: number, ms = 0) => addMs(now, days * 24 * 3_600_000 + ms);

/** The wall is moved by the tests; the heartbeats of the agent need the real time. */
const wall = new TestClock(now);
const clock = { now: () => wall.now(), monotonicMs: () => performance.now() };

let server: TestServer;
let place_id: number;
let group_id: number;
let front: { id: number; name: string };
let otherDoor: { id: number; name: string };
let farDoor: { id: number; name: string };

const call = (method: string, path: string, body?: unknown) =>
  server.call(method, path, { secret: server.api_key, ...(body === undefined ? {} : { body }) });
const make = (fields: object = {}) =>
  server.create('group_link', { name: 'Robin Guest', email: 'robin@example.org', group_id, ...fields });
const change = (id: number, fields: object) => call('PATCH', `/group_links/${id}`, { group_link: fields });

interface How {
  path?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

const unlock = (secret: string, door_id = front.id, { path = 'unlock', ...how }: How = {}) =>
  server.call('POST', `/locks/${door_id}/${path}`, { secret, as: 'link', ...how });

before(async () => {
  server = await startTestServer({ clock });
  place_id = (
    await server.create('place', { name: 'House', address: 'Gate Lane', time_zone: 'Pacific/Auckland' })
  ).id;
  group_id = (await server.create('group', { name: 'Visitors' })).id;
  const doors = await Promise.all(
    ['Front door', 'Other door', 'Far door'].map((name) => server.create('lock', { name, place_id })),
  );
  [front, otherDoor, farDoor] = doors.map(({ id, name }) => ({ id, name })) as [
    typeof front,
    typeof front,
    typeof front,
  ]; // three were made
  for (const { id } of [front, farDoor]) await server.create('group_lock', { group_id, lock_id: id });
  await server.connectAgent([front, otherDoor]);
});
after(() => server.close());

/** Every movement of the simulated locks so far. */
function pulses(): { door_id: number; command_id: string; pulse_ms: number }[] {
  const text = readFileSync(join(server.folder, 'agent-1', 'pulses.log'), 'utf8');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line)); // written by the lock, one object a line
}

async function latestPosition(): Promise<number> {
  await server.context.database.settled();
  const { query } = server.context.database.everywhere.read;
  const row = await query
    .selectFrom('events')
    .select(({ fn }) => fn.max('position').as('position'))
    .executeTakeFirst();
  return row?.position ?? 0;
}

const eventsSince = async (position: number) => {
  await server.context.database.settled();
  const { query } = server.context.database.everywhere.read;
  const rows = await query
    .selectFrom('events')
    .selectAll()
    .where('position', '>', position)
    .orderBy('position')
    .execute();
  return rows.map((row) => ({ ...row }));
};

async function linkRow(id: number) {
  const { query } = server.context.database.everywhere.read;
  return query.selectFrom('links').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
}

async function addSchedule(weekly: object[], exceptions: object[] = []): Promise<number> {
  const id = (await server.create('group', { name: 'With hours' })).id;
  await server.create('group_lock', { group_id: id, lock_id: front.id });
  await server.context.database.everywhere.transaction(async (tx) => {
    const times = { created_at: now, updated_at: now };
    const hours = { weekly: JSON.stringify(weekly), exceptions: JSON.stringify(exceptions) };
    const row = { organization_id: server.organization_id, group_id: id, name: 'Hours', ...hours, ...times };
    await tx.query.insertInto('schedules').values(row).execute();
  });
  return id;
}

describe("an unlock with a link's secret", () => {
  it('moves the lock of that door once, and says so as clients of Kisi expect', async () => {
    const made = await make();
    const before = pulses();
    const { status, body } = await unlock(made.secret);
    assert.deepEqual([status, body], [200, { message: 'Unlocked!' }]);
    const moved = pulses().slice(before.length);
    assert.deepEqual(
      moved.map(({ door_id, pulse_ms }) => [door_id, pulse_ms]),
      [[front.id, 5_000]],
    );
  });

  it('is one event of the recipient, whose command is the one that moved the lock', async () => {
    const made = await make();
    const position = await latestPosition();
    await unlock(made.secret);
    const events = await eventsSince(position);
    assert.equal(events.length, 1);
    const [event] = (await call('GET', '/events?limit=1')).body;
    assert.deepEqual(
      [event.type, event.action, event.success, event.error_code],
      ['lock.unlock', 'unlock', true, null],
    );
    const { actor_type, actor_id, actor_name, actor_email } = event;
    assert.deepEqual(
      [actor_type, actor_id, actor_name, actor_email],
      ['GroupLink', made.id, 'Robin Guest', 'robin@example.org'],
    );
    assert.deepEqual([event.authenticated_by_type, event.authenticated_by_id], ['GroupLink', made.id]);
    assert.deepEqual(
      [event.object_type, event.object_id, event.object_name],
      ['Lock', front.id, 'Front door'],
    );
    assert.deepEqual([event.place_id, event.sequence, event.created_at], [place_id, event.uuid, now]);
    assert.deepEqual(
      [event.details.method, event.details.reader, event.details.outcome],
      ['api', null, 'done'],
    );
    assert.equal(pulses().at(-1)?.command_id, event.uuid);
  });

  it('takes a use and notes when', async () => {
    const made = await make({ max_uses: 3 });
    await unlock(made.secret);
    const row = await linkRow(made.id);
    assert.deepEqual([row.uses, row.last_used_at], [1, now]);
  });

  it('is taken at the older address, in the older scheme, and with whatever body an app sends along', async () => {
    const { secret } = await make();
    const context = { location: { latitude: 1, longitude: 2 }, services: [{ type: 'BLE', enabled: true }] };
    const ways: How[] = [
      { path: 'access' },
      { path: 'unlock/' },
      { body: {} },
      { body: { context } },
      { body: { lock: { proximity_proof: null }, context: {} } },
      { body: 'null' },
      { headers: { 'content-type': 'application/json' } },
      { headers: { 'content-type': 'text/plain' } },
    ];
    for (const way of ways)
      assert.equal((await unlock(secret, front.id, way)).status, 200, JSON.stringify(way));
    for (const scheme of ['KISI-LINK', 'kisi-link', 'Kisi-Group-Link']) {
      const headers = { authorization: `${scheme} ${secret}` };
      assert.equal((await server.call('POST', `/locks/${front.id}/access`, { headers })).status, 200, scheme);
    }
  });

  it('says what is wrong with a body, and moves nothing', async () => {
    const { secret } = await make();
    const before = pulses().length;
    for (const [body, fields] of [
      [[], ['body']],
      ['7', ['body']],
      [{ door: 1 }, ['door']],
    ] as const) {
      const answer = await unlock(secret, front.id, { body });
      assert.deepEqual([answer.status, Object.keys(answer.body.errors)], [422, fields]);
    }
    assert.equal((await unlock(secret, front.id, { body: '{' })).status, 400);
    assert.equal(pulses().length, before);
  });

  it('finds no door that is not there, and leaves no trace of the try', async () => {
    const made = await make({ max_uses: 3 });
    const position = await latestPosition();
    for (const id of [999_999, 0, -1, '01', '1.0', '9007199254740993', 'x', '%00']) {
      const answer = await server.call('POST', `/locks/${id}/unlock`, { secret: made.secret, as: 'link' });
      assert.deepEqual([answer.status, answer.body.reason], [404, 'not_found'], String(id));
    }
    assert.deepEqual(await eventsSince(position), []);
    assert.equal((await linkRow(made.id)).uses, 0);
  });
});

interface Denial {
  reason: string;
  status?: number;
  link?: () => Promise<object> | object;
  /** Makes the reason true of the link that was issued. */
  arrange?: (id: number) => Promise<unknown>;
  door?: () => number;
  /** Undoes what others would notice. */
  restore?: () => Promise<unknown>;
}

const lockDown = (at: string | null) =>
  server.context.database.everywhere.transaction(async (tx) => {
    await tx.query.updateTable('doors').set({ locked_down_at: at }).where('id', '=', front.id).execute();
  });

const denialCases: readonly Denial[] = [
  { reason: 'credential_revoked', arrange: (id) => call('DELETE', `/group_links/${id}`) },
  { reason: 'credential_suspended', arrange: (id) => change(id, { suspended: true }) },
  { reason: 'credential_not_active', link: () => ({ valid_from: inDays(0, 1) }) },
  { reason: 'credential_expired', arrange: (id) => change(id, { valid_until: now }) },
  { reason: 'door_not_included', door: () => otherDoor.id },
  { reason: 'door_locked_down', arrange: () => lockDown(now), restore: () => lockDown(null) },
  {
    reason: 'outside_schedule',
    link: async () => ({ group_id: await addSchedule([{ days: [2], start: '08:00', end: '22:00' }]) }),
  },
  { reason: 'remote_unlock_not_allowed', arrange: (id) => change(id, { link_enabled: false }) },
  { reason: 'door_unreachable', status: 503, door: () => farDoor.id },
  { reason: 'use_limit_reached', link: () => ({ max_uses: 1 }), arrange: async (id) => useUp(id) },
];

async function useUp(id: number): Promise<void> {
  await server.context.database.everywhere.transaction(async (tx) => {
    await tx.query.updateTable('links').set({ uses: 1 }).where('id', '=', id).execute();
  });
}

describe('a denied unlock', () => {
  for (const { reason, status = 403, link, arrange, door, restore } of denialCases) {
    it(`because of ${reason} is one event, and moves nothing and spends nothing`, async () => {
      const made = await make(await link?.());
      await arrange?.(made.id);
      const [before, position, pulsesBefore] = [
        await linkRow(made.id),
        await latestPosition(),
        pulses().length,
      ];
      const answer = await unlock(made.secret, door?.() ?? front.id);
      await restore?.();
      assert.equal(answer.status, status);
      const { code, error, hint, request_id: _forTheLog, ...rest } = answer.body;
      assert.deepEqual(rest, { reason });
      assert.match(code, /^[0-9a-f]{6}$/);
      assert.match(error, /^[A-Z].*\.$/);
      assert.match(hint, /^[A-Z].*\.$/);
      assert.equal(answer.headers.get('retry-after'), status === 503 ? '2' : null);
      const events = await eventsSince(position);
      assert.deepEqual(
        events.map((event) => [
          event.type,
          event.success,
          event.reason,
          event.error_code,
          event.error_message,
          event.method,
        ]),
        [['lock.unlock', 0, reason, code, error, 'api']],
      );
      assert.deepEqual(
        [events[0]?.actor_type, events[0]?.actor_id, events[0]?.actor_email],
        ['GroupLink', made.id, 'robin@example.org'],
      );
      assert.deepEqual(await linkRow(made.id), before);
      assert.equal(pulses().length, pulsesBefore);
    });
  }

  it('with a secret that nobody has is 401 and no event', async () => {
    const position = await latestPosition();
    for (const secret of ['a'.repeat(32), 'x', server.api_key]) {
      const { status, body } = await unlock(secret);
      assert.deepEqual([status, body.reason], [401, 'unauthorized']);
    }
    assert.deepEqual(await eventsSince(position), []);
  });

  it('says nothing of the door or of the house but its own sentence', async () => {
    const { secret } = await make();
    assert.ok(!/Other door|House/.test(JSON.stringify((await unlock(secret, otherDoor.id)).body)));
  });
});

describe('the window of a link', () => {
  it('opens at its first instant and not at its last, whatever was asked before', async () => {
    const { secret } = await make({ valid_from: inDays(1), valid_until: inDays(2) });
    const answers: [string, number][] = [];
    for (const at of [inDays(1, -1), inDays(1), inDays(2, -1), inDays(2), inDays(1, 1)]) {
      wall.set(at);
      answers.push([at, (await unlock(secret)).status]);
    }
    wall.set(now);
    assert.deepEqual(
      answers.map(([, status]) => status),
      [403, 200, 200, 403, 200],
    );
  });
});

describe('the hours of a group', () => {
  it('are those of the place of the door, to the minute', async () => {
    // Wednesday 08:00 to 10:00 in Auckland (UTC+13) is Tuesday 19:00 to 21:00 UTC.
    const id = await addSchedule([{ days: [3], start: '08:00', end: '10:00' }]);
    const { secret } = await make({ group_id: id });
    const statuses: number[] = [];
    for (const time of ['18:59:59.999', '19:00:00.000', '20:59:59.999', '21:00:00.000']) {
      wall.set(`2026-12-01T${time}Z`);
      statuses.push((await unlock(secret)).status);
    }
    wall.set(now);
    assert.deepEqual(statuses, [403, 200, 200, 403]);
  });

  it('give way to an exception on its day', async () => {
    const exceptions = [{ date: '2026-12-02', hours: [{ start: '12:00', end: '13:00' }] }];
    const id = await addSchedule([{ days: [3], start: '08:00', end: '10:00' }], exceptions);
    const { secret } = await make({ group_id: id });
    wall.set('2026-12-01T19:30:00.000Z');
    const usual = (await unlock(secret)).body.reason;
    wall.set('2026-12-01T23:30:00.000Z');
    const exceptional = (await unlock(secret)).status;
    wall.set(now);
    assert.deepEqual([usual, exceptional], ['outside_schedule', 200]);
  });
});

describe('an unlock with an API key', () => {
  it("is the organization's own: no window, no hours, no group", async () => {
    const before = pulses().length;
    const position = await latestPosition();
    for (const { id } of [front, otherDoor])
      assert.equal((await call('POST', `/locks/${id}/unlock`)).status, 200);
    assert.equal(pulses().length, before + 2);
    const events = await eventsSince(position);
    assert.deepEqual(
      events.map((event) => [event.actor_type, event.actor_name, event.authenticated_by_type, event.method]),
      [
        ['User', 'Test House API', 'Login', 'api'],
        ['User', 'Test House API', 'Login', 'api'],
      ],
    );
  });

  it('is refused by a door that is locked down or out of reach, and written down', async () => {
    const before = pulses().length;
    const position = await latestPosition();
    await lockDown(now);
    const locked = await call('POST', `/locks/${front.id}/unlock`);
    await lockDown(null);
    const far = await call('POST', `/locks/${farDoor.id}/unlock`);
    assert.deepEqual([locked.status, locked.body.reason], [403, 'door_locked_down']);
    assert.deepEqual(
      [far.status, far.body.reason, far.headers.get('retry-after')],
      [503, 'door_unreachable', '2'],
    );
    assert.deepEqual(
      (await eventsSince(position)).map(({ reason, success }) => [reason, success]),
      [
        ['door_locked_down', 0],
        ['door_unreachable', 0],
      ],
    );
    assert.equal(pulses().length, before);
  });
});

describe('uses', () => {
  it('are spent to the last one, and that one is the last', async () => {
    const made = await make({ max_uses: 2 });
    const answers = [await unlock(made.secret), await unlock(made.secret), await unlock(made.secret)];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 403],
    );
    assert.equal(answers[2]?.body.reason, 'use_limit_reached');
    assert.equal((await linkRow(made.id)).uses, 2);
  });

  it('are as many as there are, however many ask at once', async () => {
    const made = await make({ max_uses: 3 });
    const before = pulses().length;
    const answers = await Promise.all(Array.from({ length: 24 }, () => unlock(made.secret)));
    const granted = answers.filter(({ status }) => status === 200).length;
    assert.deepEqual([granted, pulses().length - before, (await linkRow(made.id)).uses], [3, 3, 3]);
    assert.ok(answers.every(({ status, body }) => status === 200 || body.reason === 'use_limit_reached'));
  });

  it('come back when the limit is raised', async () => {
    const made = await make({ max_uses: 1 });
    await unlock(made.secret);
    await change(made.id, { max_uses: 2 });
    assert.deepEqual([(await unlock(made.secret)).status, (await unlock(made.secret)).status], [200, 403]);
  });
});

describe('a change while others unlock', () => {
  const ways: readonly [string, (id: number) => Promise<Answer>, string][] = [
    ['revoking', (id) => call('DELETE', `/group_links/${id}`), 'group_link.destroy'],
    ['suspending', (id) => change(id, { suspended: true }), 'group_link.update'],
    ['ending', (id) => change(id, { valid_until: now }), 'group_link.update'],
  ];
  for (const [what, act, type] of ways) {
    it(`by ${what} is the end of it: no grant is written after it, and none begins after its answer`, async () => {
      const made = await make();
      const position = await latestPosition();
      const first = Array.from({ length: 12 }, () => unlock(made.secret));
      const acted = act(made.id).then(
        async ({ status }) =>
          [status, await Promise.all(Array.from({ length: 6 }, () => unlock(made.secret)))] as const,
      );
      const [status, late] = await acted;
      await Promise.all([...first, ...Array.from({ length: 6 }, () => unlock(made.secret))]);
      assert.ok(status === 200 || status === 204);
      assert.ok(late.every((answer) => answer.status === 403));
      const events = await eventsSince(position);
      const ended = events.findIndex((event) => event.type === type);
      assert.ok(ended >= 0);
      assert.ok(events.slice(ended).every((event) => event.type !== 'lock.unlock' || event.success === 0));
    });
  }
});

describe('a door out of reach', () => {
  it('gets no command later: nothing waits for its agent', async () => {
    const lonely = await server.create('lock', { name: 'Lonely door', place_id });
    await server.create('group_lock', { group_id, lock_id: lonely.id });
    const made = await make({ max_uses: 1 });
    assert.equal((await unlock(made.secret, lonely.id)).status, 503);
    const agent = await server.connectAgent([{ id: lonely.id, name: 'Lonely door' }]);
    // Its next command is its first: what had waited would have come before.
    assert.equal((await unlock(made.secret, lonely.id)).status, 200);
    const log = readFileSync(join(server.folder, 'agent-2', 'pulses.log'), 'utf8');
    assert.equal(log.split('\n').filter(Boolean).length, 1);
    await agent.close();
    const gone = await call('POST', `/locks/${lonely.id}/unlock`);
    assert.deepEqual([gone.status, gone.body.reason], [503, 'door_unreachable']);
  });
});
