import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { denials } from '../../domain/errors.ts';
import { realClock, startTestServer, type TestServer } from '../../test/test-server.ts';

let server: TestServer;
let group_id: number;
let front: { id: number; name: string };
let other: { id: number };

before(async () => {
  server = await startTestServer();
  const place = await server.create('place', { name: 'House', address: 'x', time_zone: 'Europe/Berlin' });
  front = await server.create('lock', { name: 'Front door', place_id: place.id });
  other = await server.create('lock', { name: 'Other door', place_id: place.id });
  group_id = (await server.create('group', { name: 'Visitors' })).id;
  await server.create('group_lock', { group_id, lock_id: front.id });
  await server.connectAgent([{ id: front.id, name: 'Front door' }]);
});
after(() => server.close());

const call = (method: string, path: string, body?: unknown) =>
  server.call(method, path, { secret: server.api_key, ...(body === undefined ? {} : { body }) });
const make = (fields: object = {}) =>
  server.create('group_link', { name: 'Robin Guest', group_id, ...fields });
const ask = (group_link_id: unknown, more: object = {}, door_id = front.id) =>
  call('POST', `/locks/${door_id}/decision`, { decision: { group_link_id, ...more } });
const reason = async (id: unknown, more: object = {}, door_id?: number) =>
  (await ask(id, more, door_id)).body.reason;
const daysAhead = (days: number) => new Date(Date.parse(realClock.now()) + days * 86_400_000).toISOString();

describe('a decision that is only asked for', () => {
  it('says that the link would open the door', async () => {
    const { id } = await make();
    const { status, body } = await ask(id);
    assert.equal(status, 200);
    const { at, ...rest } = body;
    assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000);
    assert.deepEqual(rest, {
      ...{ lock_id: front.id, group_link_id: id, method: 'web', success: true, reason: null },
      ...{ error_code: null, error_message: null, hint: null, next_opening_at: null },
    });
  });

  it('says why it would not, in the words of a real answer', async () => {
    const { id, secret } = await make({ max_uses: 1 });
    const unlock = () => server.call('POST', `/locks/${front.id}/unlock`, { secret, as: 'link' });
    assert.equal((await unlock()).status, 200);
    const real = (await unlock()).body;
    const { body } = await ask(id);
    assert.deepEqual(
      [body.success, body.reason, body.error_code, body.error_message, body.hint],
      [false, real.reason, real.code, real.error, real.hint],
    );
    assert.equal(body.error_code, denials.use_limit_reached.code);
  });

  it('spends nothing, sends nothing and writes nothing', async () => {
    const { id } = await make({ max_uses: 1 });
    const positions = async () => (await call('GET', '/events?limit=1')).body[0].uuid;
    const before = await positions();
    for (let asked = 0; asked < 5; asked++) assert.equal(await reason(id), null);
    assert.equal(await positions(), before);
    const { uses, last_used_at } = (await call('GET', `/group_links/${id}`)).body;
    assert.deepEqual([uses, last_used_at], [0, null]);
  });

  it('is about any instant: before the start, within, at the end', async () => {
    const { id } = await make({ valid_from: daysAhead(2), valid_until: daysAhead(4) });
    const { valid_from, valid_until } = (await call('GET', `/group_links/${id}`)).body;
    const early = (await ask(id)).body;
    assert.deepEqual([early.reason, early.next_opening_at], ['credential_not_active', valid_from]);
    assert.equal(await reason(id, { at: valid_from }), null);
    assert.equal(await reason(id, { at: valid_until }), 'credential_expired');
    assert.equal(await reason(id, { at: null }), 'credential_not_active');
  });

  it('says when the door opens, if only its hours are in the way', async () => {
    const group = await server.create('group', { name: 'Hours' });
    await server.create('group_lock', { group_id: group.id, lock_id: front.id });
    const fields = { scheduleable_type: 'Group', scheduleable_id: group.id };
    const at = daysAhead(1).slice(0, 10);
    const opens = { starts_at: `${at}T20:00:00.000Z`, ends_at: `${at}T21:00:00.000Z` };
    await server.create('schedule', { ...fields, ...opens });
    const { id } = await make({ group_id: group.id });
    const asked = (await ask(id, { at: `${at}T19:00:00Z` })).body;
    assert.deepEqual([asked.reason, asked.next_opening_at], ['outside_schedule', opens.starts_at]);
    assert.equal((await ask(id, { at: opens.ends_at })).body.next_opening_at, null);
    assert.equal(await reason(id, { at: opens.starts_at }), null);
  });

  it('knows what becomes of the link, the door and the agent', async () => {
    const { id } = await make();
    await call('PATCH', `/group_links/${id}`, { group_link: { suspended: true } });
    assert.equal(await reason(id), 'credential_suspended');
    assert.equal(await reason(id, { method: 'qr' }), 'credential_suspended');
    await call('DELETE', `/group_links/${id}`);
    assert.equal(await reason(id), 'credential_revoked');
    const next = (await make()).id;
    assert.equal(await reason(next, {}, other.id), 'door_not_included');
    await call('POST', `/locks/${front.id}/lock_down`);
    assert.equal(await reason(next), 'door_locked_down');
    await call('POST', `/locks/${front.id}/cancel_lockdown`);
    const lonely = await server.create('group', { name: 'Lonely' });
    await server.create('group_lock', { group_id: lonely.id, lock_id: other.id });
    assert.equal(await reason((await make({ group_id: lonely.id })).id, {}, other.id), 'door_unreachable');
  });

  it('depends on how the link is presented', async () => {
    const { id } = await make({ link_enabled: false });
    const of = async (link_id: number) =>
      Promise.all(['web', 'api', 'qr'].map((method) => reason(link_id, { method })));
    assert.deepEqual(await of(id), ['remote_unlock_not_allowed', 'remote_unlock_not_allowed', null]);
    const without = await make({ quick_response_code_type: null });
    assert.deepEqual(await of(without.id), [null, null, 'credential_unknown']);
  });

  it('refuses a question that is none, naming the field', async () => {
    const { id } = await make();
    for (const [field, fields] of [
      ['group_link_id', { group_link_id: 999_999 }],
      ['group_link_id', {}],
      ['at', { group_link_id: id, at: 'tomorrow' }],
      ['method', { group_link_id: id, method: 'magic' }],
    ] as const) {
      const { status, body } = await call('POST', `/locks/${front.id}/decision`, { decision: fields });
      assert.deepEqual([status, Object.keys(body.errors)], [422, [field]]);
    }
    assert.equal((await ask(id, {}, 999_999)).status, 404);
  });

  it('is for who may read doors and links', async () => {
    const { id } = await make();
    for (const [scopes, status] of [
      [['doors:read', 'links:read'], 200],
      [['doors:read'], 403],
      [['links:read'], 404],
    ] as const) {
      const login = { type: 'api', name: 'Reader', scopes };
      const key = await server.call('POST', '/logins', { secret: server.api_key, body: { login } });
      const answer = await server.call('POST', `/locks/${front.id}/decision`, {
        secret: key.body.secret,
        body: { decision: { group_link_id: id } },
      });
      assert.equal(answer.status, status, JSON.stringify(answer.body));
      if (status === 403) assert.match(answer.body.error, /links:read/);
    }
  });
});
