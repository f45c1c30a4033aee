import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { addMs } from '../../domain/instants.ts';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';

const now = '2026-12-01T09:00:00.000Z'; // a Tuesday
const inDays = (days: number, ms = 0) => addMs(now, days * 24 * 3_600_000 + ms);

const clock = new TestClock(now);
let server: TestServer;
let group_id: number;
let door_id: number;

before(async () => {
  server = await startTestServer({ clock });
  const place = await server.create('place', {
    name: 'House',
    address: 'Gate Lane',
    time_zone: 'Europe/Berlin',
    latitude: 52.5,
  });
  door_id = (await server.create('lock', { name: 'Front door', place_id: place.id, description: 'Red' })).id;
  const second = await server.create('lock', { name: 'Lift', place_id: place.id, order_id: 1 });
  await server.create('lock', { name: 'Cellar', place_id: place.id });
  group_id = (await server.create('group', { name: 'Visitors' })).id;
  for (const lock_id of [door_id, second.id]) await server.create('group_lock', { group_id, lock_id });
});
after(() => server.close());

const make = (fields: object = {}) =>
  server.create('group_link', { name: 'Robin Guest', group_id, ...fields });
const as = (secret: string, path: string) => server.call('GET', path, { secret, as: 'link' });
const manage = (method: string, id: number, fields?: object) =>
  server.call(method, `/group_links/${id}`, {
    secret: server.api_key,
    ...(fields ? { body: { group_link: fields } } : {}),
  });

describe('GET /group_link', () => {
  it('shows a link to whoever holds it: name, organization, window and state, and no credential', async () => {
    const made = await make({ valid_until: inDays(2), max_uses: 3 });
    const { status, body } = await as(made.secret, '/group_link');
    assert.equal(status, 200);
    assert.deepEqual(body, {
      ...{
        id: made.id,
        resource_type: 'GroupLink',
        name: 'Robin Guest',
        organization: { name: 'Test House' },
      },
      ...{
        state: 'active',
        valid_from: null,
        valid_until: inDays(2),
        max_uses: 3,
        uses: 0,
        link_enabled: true,
      },
      server_time: now,
    });
  });

  it('says how the link stands', async () => {
    const cases: readonly [string, object, (id: number) => Promise<unknown>][] = [
      ['not_active', { valid_from: inDays(1) }, async () => {}],
      ['suspended', {}, (id) => manage('PATCH', id, { suspended: true })],
      ['expired', {}, (id) => manage('PATCH', id, { valid_until: inDays(-1) })],
      ['revoked', {}, (id) => manage('DELETE', id)],
      ['active', {}, (id) => manage('PATCH', id, { link_enabled: false })],
    ];
    for (const [state, fields, act] of cases) {
      const made = await make(fields);
      await act(made.id);
      assert.equal((await as(made.secret, '/group_link')).body.state, state);
    }
  });

  it('is there for 30 days after the end, and then not at all', async () => {
    const made = await make({ valid_until: inDays(1) });
    clock.set(inDays(31));
    assert.equal((await as(made.secret, '/group_link')).body.state, 'expired');
    clock.set(inDays(31, 1));
    for (const path of ['/group_link', '/group_link/qr_code.svg', '/locks']) {
      const { status, body } = await as(made.secret, path);
      assert.deepEqual([status, body.reason], [401, 'unauthorized'], path);
    }
    clock.set(now);
  });
});

describe('GET /locks with a link', () => {
  it("answers the link's own doors in Kisi's reduced shape, and what a landing page needs", async () => {
    const made = await make();
    const { body, headers } = await as(made.secret, '/locks');
    assert.deepEqual(
      body.map(({ name }: { name: string }) => name),
      ['Lift', 'Front door'],
    );
    assert.equal(headers.get('x-collection-range'), '0-1/2');
    const [, door] = body;
    const { place_id, place, ...rest } = door;
    assert.deepEqual(rest, {
      ...{
        id: door_id,
        name: 'Front door',
        description: 'Red',
        configured: false,
        online: false,
        open: false,
      },
      ...{ unlocked: false, unlocked_until: null, locked_down: false, locked_down_since: null },
      ...{ unlockable: false, reason: 'door_unreachable', unlockable_at: null },
    });
    const { id, name, latitude, longitude, time_zone } = place;
    assert.deepEqual(
      [id, name, latitude, longitude, time_zone],
      [place_id, 'House', 52.5, null, 'Europe/Berlin'],
    );
  });

  it('takes the same query as with a login', async () => {
    const made = await make();
    const { body, headers } = await as(made.secret, '/locks?limit=1');
    assert.deepEqual([body.length, headers.get('x-collection-range')], [1, '0-0/2']);
    assert.equal((await as(made.secret, '/locks?limit=0')).status, 422);
  });

  it('says why a door would not open, and when it will', async () => {
    const cases: readonly [string, string | null, object, object | null][] = [
      ['credential_not_active', inDays(1), { valid_from: inDays(1) }, null],
      ['credential_expired', null, {}, { valid_until: inDays(-1) }],
      ['credential_suspended', null, {}, { suspended: true }],
      ['remote_unlock_not_allowed', null, {}, { link_enabled: false }],
    ];
    for (const [reason, unlockable_at, fields, change] of cases) {
      const made = await make(fields);
      if (change) await manage('PATCH', made.id, change);
      const [door] = (await as(made.secret, '/locks')).body;
      assert.deepEqual([door.unlockable, door.reason, door.unlockable_at], [false, reason, unlockable_at]);
    }
  });

  it('names the first instant of the hours, within the window of the link and no later', async () => {
    const hours = await server.create('group', { name: 'Office hours' });
    await server.create('group_lock', { group_id: hours.id, lock_id: door_id });
    const times = { created_at: now, updated_at: now };
    await server.context.database.everywhere.transaction(async (tx) => {
      const weekly = JSON.stringify([{ days: [1, 2, 3, 4, 5], start: '08:00', end: '09:30' }]);
      const row = {
        organization_id: server.organization_id,
        group_id: hours.id,
        name: 'Office',
        weekly,
        exceptions: '[]',
      };
      await tx.query
        .insertInto('schedules')
        .values({ ...row, ...times })
        .execute();
    });
    const opening = async (fields: object) => {
      const [door] = (await as((await make({ group_id: hours.id, ...fields })).secret, '/locks')).body;
      return [door.reason, door.unlockable_at];
    };
    // 09:00 UTC is 10:00 in Berlin: the next opening is Wednesday, 08:00 there.
    assert.deepEqual(await opening({}), ['outside_schedule', '2026-12-02T07:00:00.000Z']);
    assert.deepEqual(await opening({ valid_until: '2026-12-02T07:00:00Z' }), ['outside_schedule', null]);
    // A start on Saturday: Monday, 08:00.
    assert.deepEqual(await opening({ valid_from: '2026-12-05T00:00:00Z' }), [
      'credential_not_active',
      '2026-12-07T07:00:00.000Z',
    ]);
  });

  it('answers 403 for a revoked link', async () => {
    const made = await make();
    await manage('DELETE', made.id);
    const { status, body } = await as(made.secret, '/locks');
    assert.deepEqual([status, body.reason], [403, 'credential_revoked']);
  });

  it('answers no door of another group, and none that was taken out', async () => {
    const lonely = await server.create('group', { name: 'Lonely' });
    const made = await make({ group_id: lonely.id });
    const { body, headers } = await as(made.secret, '/locks');
    assert.deepEqual([body, headers.get('x-collection-range')], [[], '*/0']);
  });
});

describe("the link's QR code", () => {
  it('is what the issuer was shown, as a PNG that scanners read and as an SVG', async () => {
    const made = await make();
    const headers = { authorization: `KISI-GROUP-LINK ${made.secret}` };
    const png = await fetch(`${server.url}/group_link/qr_code.png?size=400`, { headers });
    assert.deepEqual([png.status, png.headers.get('content-type')], [200, 'image/png']);
    const folder = mkdtempSync(join(tmpdir(), 'postern-view-'));
    writeFileSync(join(folder, 'own.png'), Buffer.from(await png.arrayBuffer()));
    writeFileSync(join(folder, 'issued.png'), Buffer.from(made.quick_response_code_image, 'base64'));
    for (const name of ['own.png', 'issued.png']) {
      const { stdout } = spawnSync('zbarimg', ['-q', '--raw', join(folder, name)], { encoding: 'latin1' });
      assert.equal(stdout.replace(/\n$/, ''), made.quick_response_code_token);
    }
    rmSync(folder, { recursive: true });
    const svg = await as(made.secret, '/group_link/qr_code.svg?size=300');
    assert.equal(svg.headers.get('content-type'), 'image/svg+xml; charset=utf-8');
    assert.match(svg.body, /^<svg .*width="300" height="300".*fill="#fff"/);
  });

  it('may be from 64 to 2048 pixels wide', async () => {
    const { secret } = await make();
    for (const [size, status] of [
      ['64', 200],
      ['2048', 200],
      ['63', 422],
      ['2049', 422],
      ['1e3', 422],
      ['-64', 422],
      ['64&size=65', 422],
    ] as const) {
      for (const type of ['png', 'svg']) {
        const answer = await as(secret, `/group_link/qr_code.${type}?size=${size}`);
        assert.equal(answer.status, status, `${type} ${size}`);
        if (status !== 422) continue;
        assert.deepEqual(Object.keys(answer.body.errors), ['size']);
        assert.match(answer.body.error, /size must be a whole number of pixels from 64 to 2048/);
      }
    }
  });

  it('is not there for a link that has none: by its type, suspended, ended or revoked', async () => {
    const acts: readonly [object, (id: number) => Promise<unknown>][] = [
      [{ quick_response_code_type: null }, async () => {}],
      [{}, (id) => manage('PATCH', id, { suspended: true })],
      [{}, (id) => manage('PATCH', id, { valid_until: inDays(-1) })],
      [{}, (id) => manage('DELETE', id)],
    ];
    for (const [fields, act] of acts) {
      const made = await make(fields);
      await act(made.id);
      for (const type of ['png', 'svg']) {
        const { status, body } = await as(made.secret, `/group_link/qr_code.${type}`);
        assert.deepEqual([status, body.reason], [404, 'not_found']);
      }
    }
  });
});
