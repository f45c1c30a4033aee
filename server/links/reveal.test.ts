import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { addMs } from '../../domain/instants.ts';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';

const now = '2026-12-01T09:00:00.000Z';
const clock = new TestClock(now);
let server: TestServer;
let group_id: number;

before(async () => {
  server = await startTestServer({ clock });
  group_id = (await server.create('group', { name: 'Visitors' })).id;
});
after(() => server.close());

const call = (method: string, path: string, body?: unknown) =>
  server.call(method, path, { secret: server.api_key, ...(body === undefined ? {} : { body }) });
const make = (fields: object = {}) =>
  server.create('group_link', { name: 'Robin Guest', group_id, email: 'robin@example.org', ...fields });
const change = (id: number, fields: object) => call('PATCH', `/group_links/${id}`, { group_link: fields });
const own = (secret: string) => server.call('GET', '/group_link', { secret, as: 'link' });
const passesOf = (link_id: number) =>
  server.context.database.everywhere.read.query
    .selectFrom('passes')
    .select(['pass_index', 'revoked_at'])
    .where('link_id', '=', link_id)
    .orderBy('pass_index')
    .execute();

async function reveal(id: number) {
  const { status, body } = await call('POST', `/group_links/${id}/reveal`);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

/** A page that has exchanged the link's secret for its cookie. */
async function openPage({ id, secret }: { id: number; secret: string }) {
  const headers = { 'sec-fetch-site': 'same-origin' };
  const session = await server.call('POST', '/page/sessions', { body: { secret }, headers });
  const cookie = session.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
  return async () => (await server.call('GET', `/page/links/${id}`, { headers: { cookie } })).status;
}

const credentials = [
  'secret',
  'url',
  'quick_response_code_token',
  'quick_response_code_image',
  'qr_code_url',
];

describe('POST /group_links/:id/reveal', () => {
  it('answers what the creation answered, and when that was', async () => {
    const made = await make();
    clock.advance(1_000);
    const revealed = await reveal(made.id);
    assert.deepEqual(revealed, { ...made, revealed_at: addMs(now, 1_000) });
    const shown = (await call('GET', `/group_links/${made.id}`)).body;
    assert.equal(shown.revealed_at, addMs(now, 1_000));
    for (const name of credentials) assert.ok(!(name in shown), name);
    clock.set(now);
  });

  it('answers the pass of now, when it was replaced meanwhile', async () => {
    const made = await make();
    await change(made.id, { valid_until: addMs(now, 3_600_000) });
    const { secret, quick_response_code_token: pass } = await reveal(made.id);
    assert.equal(secret, made.secret);
    assert.match(pass, /^PSN1:/);
    assert.notEqual(pass, made.quick_response_code_token);
  });

  it('answers null for what the link does not have', async () => {
    const bare = await reveal((await make({ link_enabled: false })).id);
    assert.deepEqual([bare.secret, bare.url, bare.qr_code_url], [null, null, null]);
    assert.match(bare.quick_response_code_token, /^PSN1:/);
    const plain = await reveal((await make({ quick_response_code_type: null })).id);
    assert.match(plain.url, /\/l\/\d+#[a-z2-7]{32}$/);
    for (const name of credentials.slice(2)) assert.equal(plain[name], null, name);
    const { id } = await make();
    await change(id, { suspended: true });
    const suspended = await reveal(id);
    assert.deepEqual([typeof suspended.secret, suspended.quick_response_code_token], ['string', null]);
  });

  it('writes down who was shown it, and nothing of what was shown', async () => {
    const { id, secret } = await make();
    await reveal(id);
    const [event] = (await call('GET', '/events?limit=1')).body;
    assert.deepEqual([event.type, event.action, event.object_id], ['group_link.reveal', 'reveal', id]);
    assert.deepEqual([event.actor_type, event.success], ['User', true]);
    assert.ok(!JSON.stringify(event).includes(secret));
  });

  it('is for links that are there: not for revoked ones, unknown ones, or with fields', async () => {
    const { id } = await make();
    await call('DELETE', `/group_links/${id}`);
    assert.equal((await call('POST', `/group_links/${id}/reveal`)).status, 404);
    assert.equal((await call('POST', '/group_links/999999/reveal')).status, 404);
    const other = await make();
    assert.equal((await call('POST', `/group_links/${other.id}/reveal`, { email: 'x' })).status, 422);
    assert.equal((await call('GET', `/group_links/${other.id}/reveal`)).status, 404);
  });
});

describe('a link that was revealed', () => {
  for (const fields of [{ email: 'ada@example.org' }, { phone: '+4930123456' }]) {
    it(`gets a new secret and pass with a new ${Object.keys(fields)[0]}, and the answer says so`, async () => {
      const made = await make();
      const page = await openPage(made);
      assert.equal(await page(), 200);
      await reveal(made.id);
      const { status, body } = await change(made.id, fields);
      assert.deepEqual([status, body.secret_rotated], [200, true]);
      for (const name of credentials) assert.ok(!(name in body), name);
      assert.equal((await own(made.secret)).status, 401);
      assert.equal(await page(), 401);
      const passes = await passesOf(made.id);
      assert.deepEqual(
        passes.map(({ revoked_at }) => revoked_at),
        [now, null],
      );
      const revealed = await reveal(made.id);
      assert.notEqual(revealed.secret, made.secret);
      assert.notEqual(revealed.quick_response_code_token, made.quick_response_code_token);
      assert.equal((await own(revealed.secret)).status, 200);
      assert.equal(await (await openPage({ id: made.id, secret: revealed.secret }))(), 200);
      const [, event] = (await call('GET', `/events?event_object_type=GroupLink&event_object_id=${made.id}`))
        .body;
      assert.match(event.message, /changed the access link of Robin Guest and replaced its secret$/);
    });
  }

  it('keeps its secret and its pass with everything else that changes', async () => {
    const made = await make({ phone: '+12025550123' });
    await reveal(made.id);
    const changes = [
      { name: 'Robin Host' },
      { email: 'robin@example.org', phone: '+12025550123' },
      { phone: null },
      { metadata: { a: 'b' } },
      { valid_until: addMs(now, 20 * 24 * 3_600_000) },
    ];
    for (const fields of changes) {
      const { body } = await change(made.id, fields);
      assert.ok(!('secret_rotated' in body), JSON.stringify(fields));
    }
    assert.equal((await own(made.secret)).status, 200);
    assert.ok((await passesOf(made.id)).every(({ revoked_at }) => revoked_at === null));
  });

  it('gets them for every new recipient, and for one that comes after none', async () => {
    const { id } = await make();
    await reveal(id);
    await change(id, { email: null });
    const secrets = new Set([(await reveal(id)).secret]);
    for (const email of ['one@example.org', 'two@example.org']) {
      assert.equal((await change(id, { email })).body.secret_rotated, true);
      secrets.add((await reveal(id)).secret);
    }
    assert.equal(secrets.size, 3);
  });

  it('gets a secret while it is suspended, and a pass when it is resumed', async () => {
    const made = await make();
    await reveal(made.id);
    await change(made.id, { suspended: true });
    assert.equal((await change(made.id, { email: 'ada@example.org' })).body.secret_rotated, true);
    assert.ok((await passesOf(made.id)).every(({ revoked_at }) => revoked_at !== null));
    await change(made.id, { suspended: false });
    const { secret, quick_response_code_token: pass } = await reveal(made.id);
    assert.notEqual(secret, made.secret);
    assert.ok(pass !== null && pass !== made.quick_response_code_token);
  });

  it('changes its recipient before it is revealed or after, and never in between', async () => {
    for (let round = 0; round < 20; round++) {
      const { id } = await make();
      const [changed, revealed] = await Promise.all([
        change(id, { email: `guest${round}@example.org` }),
        call('POST', `/group_links/${id}/reveal`),
      ]);
      assert.deepEqual([changed.status, revealed.status], [200, 200]);
      const wasBefore = revealed.body.email === 'robin@example.org';
      assert.equal(changed.body.secret_rotated ?? false, wasBefore, `round ${round}`);
      assert.equal((await own(revealed.body.secret)).status, wasBefore ? 401 : 200);
    }
  });
});

describe('a link that was never revealed', () => {
  it('keeps its secret and its pass whoever gets it', async () => {
    const made = await make();
    const { body } = await change(made.id, { email: 'ada@example.org', phone: '+4930123456' });
    assert.ok(!('secret_rotated' in body));
    assert.equal(body.revealed_at, null);
    const { secret, quick_response_code_token: pass } = await reveal(made.id);
    assert.deepEqual([secret, pass], [made.secret, made.quick_response_code_token]);
  });
});
