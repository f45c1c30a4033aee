import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { addMs } from '../../domain/instants.ts';
import { enroll, fromOurPage, newTabletKey, signed, tablet, tabletAt } from '../../test/tablet.ts';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import { createApiKey } from '../logins/logins.ts';
import { createOrganization } from '../organizations/organizations.ts';
import { enrollTablet } from './tablets.ts';

const wall = new TestClock('2026-12-01T09:00:00.000Z');
const clock = { now: () => wall.now(), monotonicMs: () => performance.now() };
let server: TestServer;
let door: { id: number; name: string };
let group_id: number;

const call = (method: string, path: string, body?: unknown) =>
  server.call(method, path, { secret: server.api_key, ...(body === undefined ? {} : { body }) });
const makeLink = (fields: object = {}) =>
  server.create('group_link', { name: 'Robin Guest', group_id, ...fields });
const makeReader = (name = 'Lobby') => server.create('reader', { name, lock_id: door.id });

before(async () => {
  server = await startTestServer({ clock, environment: { POSTERN_RATE_LIMITS: 'off' } });
  const place = await server.create('place', { name: 'Harbour House', address: 'Gate Lane' });
  group_id = (await server.create('group', { name: 'Visitors' })).id;
  door = await server.create('lock', { name: 'Front door', place_id: place.id });
  await server.create('group_lock', { group_id, lock_id: door.id });
  await server.connectAgent([door]);
});
after(() => server.close());

function pulses(): number {
  try {
    return readFileSync(join(server.folder, 'agent-1', 'pulses.log'), 'utf8')
      .split('\n')
      .filter(Boolean).length;
  } catch {
    return 0; // none yet
  }
}

async function eventsOf(filter: string) {
  return (await call('GET', `/events?limit=50&${filter}`)).body;
}

const unlocksOf = (link: { id: number }) =>
  eventsOf(`event_type=lock.unlock&event_actor_type=GroupLink&event_actor_id=${link.id}`);

describe('enrolling a tablet', () => {
  it('takes the code, and says where the tablet is', async () => {
    const { id, enrollment_code, enrollment_url, enrollment_code_expires_at } = await makeReader();
    assert.match(enrollment_code, /^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
    assert.equal(enrollment_url, `${server.context.publicUrl}/reader#${enrollment_code}`);
    assert.equal(enrollment_code_expires_at, addMs(wall.now(), 600_000));
    const { status, body } = await enroll(server, enrollment_code);
    assert.equal(status, 200);
    assert.deepEqual(body, {
      reader_id: id,
      name: 'Lobby',
      lock: { id: door.id, name: 'Front door' },
      place: { name: 'Harbour House' },
      organization: { name: 'Test House' },
    });
    const [event] = await eventsOf(`event_type=reader.enroll&event_object_type=Reader&event_object_id=${id}`);
    assert.deepEqual([event.success, event.actor_id], [true, null]);
    assert.equal((await call('GET', `/readers/${id}`)).body.enrolled_at, wall.now());
  });

  it('takes a code once, however many come with it at the same moment', async () => {
    const { enrollment_code } = await makeReader();
    const code = enrollment_code;
    const tries = Array.from({ length: 12 }, () => {
      const { key, public_key } = newTabletKey();
      return enrollTablet(server.context, {
        code,
        public_key,
        proof: signed(key, { what: 'enrollment', code }),
      });
    });
    const found = (await Promise.allSettled(tries)).map((one) =>
      one.status === 'fulfilled' ? 'enrolled' : one.reason.reason,
    );
    assert.deepEqual(found.sort(), ['enrolled', ...Array(11).fill('enrollment_code_over')]);
  });

  it('takes no code after its ten minutes', async () => {
    const { enrollment_code } = await makeReader();
    wall.advance(600_000);
    assert.equal((await enroll(server, enrollment_code)).body.reason, 'enrollment_code_over');
  });

  it('takes no code that a newer one has replaced, nor one of a reader that was removed', async () => {
    const first = await makeReader();
    const second = await call('POST', `/readers/${first.id}/enrollment_code`);
    assert.equal((await enroll(server, first.enrollment_code)).body.reason, 'enrollment_code_over');
    await call('DELETE', `/readers/${first.id}`);
    assert.equal((await enroll(server, second.body.enrollment_code)).body.reason, 'enrollment_code_over');
  });

  it('leaves the tablet that was enrolled alone until the new code is used, and then puts it out', async () => {
    const old = await tabletAt(server, door.id);
    const { body } = await call('POST', `/readers/${old.reader_id}/enrollment_code`);
    await old.nonce();
    const made = newTabletKey();
    assert.equal((await enroll(server, body.enrollment_code, made)).status, 200);
    await assert.rejects(old.nonce(), /reader_not_enrolled/);
    await tablet(server, old.reader_id, made.key).nonce();
  });

  it("wants a proof that the key is the caller's own, and a key that is one", async () => {
    const { enrollment_code } = await makeReader();
    const [mine, other] = [newTabletKey(), newTabletKey()];
    const foreign = await enroll(server, enrollment_code, { ...mine, public_key: other.public_key });
    assert.deepEqual([foreign.status, foreign.body.reason], [401, 'enrollment_code_over']);
    const notOnCurve = { ...mine.public_key, y: mine.public_key.x };
    const wrong = await enroll(server, enrollment_code, { ...mine, public_key: notOnCurve });
    assert.deepEqual(
      [wrong.status, wrong.body.errors],
      [422, { public_key: ['must be a point of the curve P-256'] }],
    );
    const otherCurve = { ...mine.public_key, crv: 'P-384' };
    assert.equal((await enroll(server, enrollment_code, { ...mine, public_key: otherCurve })).status, 422);
    assert.equal(
      (await enroll(server, enrollment_code, mine)).status,
      200,
      'the code was not used up by those',
    );
  });

  it('is not for other sites', async () => {
    const body = { code: 'x', public_key: {}, proof: 'x' };
    for (const site of ['', 'cross-site', 'same-site', 'none']) {
      const headers: Record<string, string> = site === '' ? {} : { 'sec-fetch-site': site };
      for (const path of ['enrollments', 'nonces', 'presentations']) {
        const answer = await server.call('POST', `/reader/${path}`, { body, headers });
        assert.deepEqual([answer.status, answer.body.reason], [403, 'cross_site'], path);
      }
    }
  });
});

describe('a pass at a tablet', () => {
  it('moves the lock of its door, and is one event that names the reader and the recipient', async () => {
    const lobby = await tabletAt(server, door.id, 'Lobby tablet');
    const link = await makeLink();
    const before = pulses();
    const { status, body } = await lobby.present(link.quick_response_code_token);
    assert.deepEqual(
      [status, body],
      [200, { granted: true, reason: null, message: 'Front door is unlocked.' }],
    );
    assert.equal(pulses(), before + 1);
    const [event, ...more] = await unlocksOf(link);
    assert.deepEqual(more, []);
    const { method, reader, outcome } = event.details;
    assert.deepEqual([event.success, event.actor_name, event.object_id], [true, 'Robin Guest', door.id]);
    assert.deepEqual([method, reader, outcome], ['qr', 'Lobby tablet', 'done']);
  });

  it('that was revoked is refused, with a reason and an event', async () => {
    const lobby = await tabletAt(server, door.id);
    const link = await makeLink();
    await call('DELETE', `/group_links/${link.id}`);
    const before = pulses();
    const { status, body } = await lobby.present(link.quick_response_code_token);
    assert.equal(status, 200);
    assert.deepEqual(body, {
      granted: false,
      reason: 'credential_revoked',
      message: 'The link was revoked.',
    });
    assert.equal(pulses(), before);
    assert.equal((await unlocksOf(link))[0].details.reason, 'credential_revoked');
  });

  it('is decided once for each nonce: what was captured and sent again is refused', async () => {
    const lobby = await tabletAt(server, door.id);
    const link = await makeLink({ max_uses: 9 });
    const sent = lobby.presentation(link.quick_response_code_token, await lobby.nonce());
    const before = pulses();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => lobby.post('/reader/presentations', sent)),
    );
    const found = answers.map(({ status, body }) => (status === 200 ? 'granted' : body.reason));
    assert.deepEqual(found.sort(), ['granted', ...Array(7).fill('presentation_over')]);
    assert.equal(pulses(), before + 1);
    assert.equal((await unlocksOf(link)).length, 1);
    assert.equal((await call('GET', `/group_links/${link.id}`)).body.uses, 1);
  });

  it('that was refused uses its nonce up as well', async () => {
    const lobby = await tabletAt(server, door.id);
    const link = await makeLink();
    await call('PATCH', `/group_links/${link.id}`, { group_link: { suspended: true } });
    const sent = lobby.presentation(link.quick_response_code_token, await lobby.nonce());
    assert.equal((await lobby.post('/reader/presentations', sent)).body.reason, 'credential_suspended');
    await call('PATCH', `/group_links/${link.id}`, { group_link: { suspended: false } });
    assert.equal((await lobby.post('/reader/presentations', sent)).body.reason, 'presentation_over');
  });

  it('with a nonce of more than a minute ago, or of another reader, or of nobody, is not decided', async () => {
    const [lobby, other] = [await tabletAt(server, door.id), await tabletAt(server, door.id)];
    const { quick_response_code_token: text, id } = await makeLink();
    const reasonFor = async (nonce: string) =>
      (await lobby.post('/reader/presentations', lobby.presentation(text, nonce))).body.reason;
    assert.equal(await reasonFor(await other.nonce()), 'presentation_over');
    assert.equal(await reasonFor('bm9uc2Vuc2U'), 'presentation_over');
    const nonce = await lobby.nonce();
    wall.advance(60_001);
    assert.equal(await reasonFor(nonce), 'presentation_over');
    const next = await lobby.nonce();
    wall.advance(60_000);
    assert.equal(await reasonFor(next), null);
    assert.equal((await unlocksOf({ id })).length, 1);
  });

  it('with a nonce from before the clock was set back is not decided', async () => {
    const lobby = await tabletAt(server, door.id);
    const { quick_response_code_token: text } = await makeLink();
    const sent = lobby.presentation(text, await lobby.nonce());
    const now = wall.now();
    wall.set(addMs(now, -60_001));
    assert.equal((await lobby.post('/reader/presentations', sent)).body.reason, 'presentation_over');
    wall.set(now);
  });

  it('counts only as the enrolled key has signed it: the text, the nonce and the reader', async () => {
    const [lobby, other] = [await tabletAt(server, door.id), await tabletAt(server, door.id)];
    const [one, two] = [await makeLink(), await makeLink()];
    const text = one.quick_response_code_token;
    const sent = lobby.presentation(text, await lobby.nonce());
    const changed: [string, object][] = [
      ['another text', { ...sent, text: two.quick_response_code_token }],
      ['another nonce', { ...sent, nonce: await lobby.nonce() }],
      ['another reader', { ...sent, reader_id: other.reader_id }],
      ['no reader', { ...sent, reader_id: 999_999 }],
      [
        'a signature for a nonce',
        { ...sent, signature: signed(lobby.key, { what: 'nonce', reader_id: lobby.reader_id }) },
      ],
      ['no signature', { ...sent, signature: 'A'.repeat(86) }],
    ];
    for (const [what, body] of changed) {
      const { status, body: answer } = await lobby.post('/reader/presentations', body);
      assert.deepEqual([status, answer.reason], [401, 'reader_not_enrolled'], what);
    }
    assert.deepEqual([await unlocksOf(one), await unlocksOf(two)], [[], []]);
    assert.equal(
      (await lobby.post('/reader/presentations', sent)).body.granted,
      true,
      'the nonce was not used up',
    );
  });

  it('opens nothing at a tablet that was removed, or whose door was', async () => {
    const place = await server.create('place', { name: 'Annexe', address: 'x' });
    const lock = await server.create('lock', { name: 'Shed', place_id: place.id });
    const [removed, doorless] = [await tabletAt(server, door.id), await tabletAt(server, lock.id)];
    const sent = removed.presentation('PSN1:X', await removed.nonce());
    await call('DELETE', `/readers/${removed.reader_id}`);
    await call('DELETE', `/locks/${lock.id}`);
    const { status, body } = await removed.post('/reader/presentations', sent);
    assert.deepEqual([status, body.reason], [401, 'reader_not_enrolled']);
    assert.equal(body.error, 'This tablet is not enrolled any more.');
    await assert.rejects(removed.nonce(), /reader_not_enrolled/);
    await assert.rejects(doorless.nonce(), /reader_not_enrolled/);
  });

  it('of another organization is junk, as everything that is no pass: one event a minute for each tablet', async () => {
    const owner = { email: 'owner@other.invalid', password: 'correct horse battery' };
    const { id } = await createOrganization(server.context, { name: 'Other', domain: 'other', owner });
    const { secret } = await createApiKey(server.context, { organization_id: id, name: 'Theirs' });
    const group = await server.call('POST', '/groups', { secret, body: { group: { name: 'Theirs' } } });
    const link = { name: 'Guest', group_id: group.body.id };
    const theirs = await server.call('POST', '/group_links', { secret, body: { group_link: link } });
    const [lobby, other] = [await tabletAt(server, door.id, 'One'), await tabletAt(server, door.id, 'Two')];
    const junk = [
      theirs.body.quick_response_code_token,
      'https://example.org',
      'e\u0301'.normalize('NFC'),
      'x\ny',
    ];
    for (const text of junk) {
      const { status, body } = await lobby.present(text);
      assert.deepEqual([status, body.granted, body.reason], [200, false, 'credential_unknown'], text);
    }
    await other.present('junk');
    const events = await eventsOf('event_type=reader.unreadable');
    const named = events.map(
      (event: { object_type: string; object_id: number; details: { reader: string } }) => [
        event.object_type,
        event.object_id,
        event.details.reader,
      ],
    );
    assert.deepEqual(named, [
      ['Reader', other.reader_id, 'Two'],
      ['Reader', lobby.reader_id, 'One'],
    ]);
  });
});

describe('what a tablet may do how often', () => {
  it('is counted by its own key: neither a stranger nor another tablet takes its turns', async (t) => {
    const limited = await startTestServer();
    t.after(() => limited.close());
    const place = await limited.create('place', { name: 'House', address: 'x' });
    const lock = await limited.create('lock', { name: 'Door', place_id: place.id });
    const [busy, calm] = [await tabletAt(limited, lock.id), await tabletAt(limited, lock.id)];
    const forged = { reader_id: calm.reader_id, signature: 'A'.repeat(86) };
    for (let tries = 0; tries < 50; tries++)
      assert.equal((await calm.post('/reader/nonces', forged)).status, 401);
    for (let asked = 0; asked < 120; asked++) await busy.nonce();
    await assert.rejects(busy.nonce(), /429.*at most 120 in 60 s/);
    await calm.nonce();
    assert.equal((await limited.call('GET', '/reader', { headers: fromOurPage })).status, 200);
  });
});
