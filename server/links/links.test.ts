import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { addMs } from '../../domain/instants.ts';
import { type Answer, startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';

const now = '2026-12-01T09:00:00.000Z';
const dayMs = 24 * 3_600_000;
const inDays = (days: number, ms = 0) => addMs(now, days * dayMs + ms);

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
const issue = (fields: object) =>
  call('POST', '/group_links', { group_link: { name: 'Robin Guest', group_id, ...fields } });
const make = (fields: object = {}) =>
  server.create('group_link', { name: 'Robin Guest', group_id, ...fields });
const change = (id: number, fields: object, method = 'PATCH') =>
  call(method, `/group_links/${id}`, { group_link: fields });
const latestEvent = async () => (await call('GET', '/events?limit=1')).body[0];

/** Everything that a request may have changed, to see that it did not. */
async function rows(): Promise<unknown> {
  await server.context.database.settled();
  const { query } = server.context.database.everywhere.read;
  const tables = ['links', 'passes', 'events', 'organizations'] as const;
  return Promise.all(tables.map((table) => query.selectFrom(table).selectAll().execute()));
}

/** The names of the wrong fields of an answer 422. */
function wrongFields({ status, body }: Answer): string[] {
  assert.equal(status, 422, JSON.stringify(body));
  assert.deepEqual([body.code, body.reason], ['f15a82', 'invalid']);
  return Object.keys(body.errors).sort();
}

/** What Kisi's description of a group link says of every field. */
const kisiTypes: Record<string, readonly string[]> = {
  id: ['number'],
  resource_type: ['string'],
  name: ['string'],
  email: ['string', 'null'],
  phone: ['string', 'null'],
  last_used_at: ['string', 'null'],
  link_enabled: ['boolean'],
  quick_response_code_type: ['string', 'null'],
  valid_from: ['string', 'null'],
  valid_until: ['string'],
  created_at: ['string'],
  updated_at: ['string'],
  group_id: ['number'],
  group: ['object'],
  created_by_type: ['string'],
  created_by_id: ['number'],
  created_by: ['object'],
  issued_by_id: ['number'],
  issued_by: ['object'],
};
const createdTypes = {
  ...kisiTypes,
  secret: ['string'],
  quick_response_code_token: ['string'],
  quick_response_code_image: ['string'],
};

function assertTypes(body: Record<string, unknown>, types: Record<string, readonly string[]>): void {
  for (const [name, allowed] of Object.entries(types)) {
    assert.ok(allowed.includes(body[name] === null ? 'null' : typeof body[name]), `${name}: ${body[name]}`);
  }
}

describe('POST /group_links', () => {
  it('shows the secret and the pass in the answer to its creation and never again', async () => {
    const made = await make();
    assert.match(made.secret, /^[a-z2-7]{32}$/);
    assert.match(made.quick_response_code_token, /^PSN1:/);
    const { body } = await call('GET', `/group_links/${made.id}`);
    assert.equal(body.name, 'Robin Guest');
    assert.equal(body.valid_until, inDays(7));
    for (const hidden of [made.secret, made.quick_response_code_token, made.quick_response_code_image]) {
      assert.ok(!JSON.stringify(body).includes(hidden));
    }
  });

  it('answers every field that clients of Kisi read, with its type', async () => {
    assertTypes(await make(), createdTypes);
    const full = {
      email: 'robin@example.org',
      phone: '+4930123456',
      valid_from: inDays(1),
      valid_until: inDays(2),
    };
    const made = await make(full);
    assertTypes(made, createdTypes);
    assert.deepEqual(made.group, { id: group_id, resource_type: 'Group', name: 'Visitors' });
    const { id, resource_type, email, name } = made.created_by;
    assert.deepEqual(
      [id, resource_type, email, name],
      [made.created_by_id, 'User', 'api@test.invalid', 'Test House API'],
    );
    assert.deepEqual(made.issued_by, made.created_by);
    assertTypes((await call('GET', `/group_links/${made.id}`)).body, kisiTypes);
    assertTypes((await call('GET', `/group_links?ids=${made.id}`)).body[0], kisiTypes);
  });

  it('keeps all of the fields it is given, ours too', async () => {
    const given = {
      ...{ name: 'Zoë 😀 O’Neil', email: 'zoe@example.org', phone: '+12025550123', max_uses: 3 },
      ...{
        valid_from: inDays(1),
        valid_until: inDays(2),
        link_enabled: true,
        quick_response_code_type: 'online',
      },
      metadata: { booking: '42', note: 'late\narrival "x"' },
    };
    const made = await make(given);
    const shown = (await call('GET', `/group_links/${made.id}`)).body;
    for (const body of [made, shown]) {
      assert.deepEqual(Object.fromEntries(Object.keys(given).map((name) => [name, body[name]])), given);
    }
    assert.deepEqual(
      [made.uses, made.suspended, made.suspended_at, made.last_used_at],
      [0, false, null, null],
    );
  });

  it('fills in what is left out: seven days, an offline QR code and a web link', async () => {
    const made = await make();
    const {
      valid_from,
      valid_until,
      link_enabled,
      quick_response_code_type,
      max_uses,
      metadata,
      email,
      phone,
    } = made;
    assert.deepEqual([valid_from, valid_until], [null, inDays(7)]);
    assert.deepEqual([link_enabled, quick_response_code_type], [true, 'offline']);
    assert.deepEqual([max_uses, metadata, email, phone], [null, null, null, null]);
    assert.deepEqual([made.created_at, made.updated_at], [now, now]);
  });

  it("takes the organization's own default type", async () => {
    const setDefault = (type: 'online' | 'offline') =>
      server.context.database.everywhere.transaction(async (tx) => {
        await tx.query.updateTable('organizations').set({ default_quick_response_code_type: type }).execute();
      });
    await setDefault('online');
    assert.equal((await make()).quick_response_code_type, 'online');
    assert.equal((await make({ quick_response_code_type: 'offline' })).quick_response_code_type, 'offline');
    await setDefault('offline');
  });

  it('hands out addresses that hold the secret behind the #, and the picture', async () => {
    const made = await make();
    assert.equal(made.url, `${server.url}/l/${made.id}#${made.secret}`);
    assert.equal(made.qr_code_url, `${server.url}/group_link/qr_code.png`);
    assert.equal(Buffer.from(made.quick_response_code_image, 'base64').subarray(1, 4).toString(), 'PNG');
  });

  it('makes no QR code for the type null or ""', async () => {
    for (const quick_response_code_type of [null, '']) {
      const made = await make({ quick_response_code_type });
      assert.equal(made.quick_response_code_type, null);
      const { quick_response_code_token: pass, quick_response_code_image: image, qr_code_url } = made;
      assert.deepEqual([pass, image, qr_code_url], [null, null, null]);
      assert.ok(made.secret);
    }
  });

  it('makes no web link when that is disabled: nobody learns its secret', async () => {
    for (const link_enabled of [false, 'false']) {
      const made = await make({ link_enabled });
      assert.deepEqual(
        [made.link_enabled, made.secret, made.url, made.qr_code_url],
        [false, null, null, null],
      );
      assert.match(made.quick_response_code_token, /^PSN1:/);
    }
  });

  const windows: readonly [string, object, string | null][] = [
    ['an end one millisecond ahead', { valid_until: inDays(0, 1) }, null],
    ['an end now', { valid_until: now }, 'valid_until'],
    ['an end in the past', { valid_until: inDays(-1) }, 'valid_until'],
    ['an end 366 days ahead', { valid_until: inDays(366) }, null],
    ['an end a millisecond beyond 366 days', { valid_until: inDays(366, 1) }, 'valid_until'],
    ['366 days from a later start', { valid_from: inDays(9), valid_until: inDays(375) }, null],
    [
      'more than 366 days from a later start',
      { valid_from: inDays(9), valid_until: inDays(375, 1) },
      'valid_until',
    ],
    ['an end before the start', { valid_from: inDays(2), valid_until: inDays(1) }, 'valid_until'],
    ['an end at the start', { valid_from: inDays(2), valid_until: inDays(2) }, 'valid_until'],
    ['a start in the past', { valid_from: inDays(-3), valid_until: inDays(3) }, null],
    ['a start before 1970', { valid_from: '1960-01-01T00:00:00Z', valid_until: inDays(3) }, null],
    ['a start in the year 0', { valid_from: '0000-01-01T00:00:00Z', valid_until: inDays(3) }, null],
    ['a start in the last days that can be written', { valid_from: '9999-12-30T00:00:00Z' }, 'valid_from'],
    [
      'the last days that can be written',
      { valid_from: '9999-12-30T00:00:00Z', valid_until: '9999-12-31T23:59:59Z' },
      null,
    ],
    ['an end without a zone', { valid_until: '2026-12-02T09:00:00' }, 'valid_until'],
    ['an end in the year 10000', { valid_until: '10000-01-01T00:00:00Z' }, 'valid_until'],
    ['an end on a day that does not exist', { valid_until: '2027-02-29T00:00:00Z' }, 'valid_until'],
  ];
  for (const [what, fields, wrong] of windows) {
    it(`${wrong === null ? 'allows' : `names ${wrong} for`} ${what}`, async () => {
      const answer = await issue(fields);
      if (wrong !== null) assert.deepEqual(wrongFields(answer), [wrong]);
      else assert.equal(answer.status, 200, JSON.stringify(answer.body));
      if (wrong !== null) return;
      // What was issued can be shown: to the issuer, and to whoever holds it.
      assert.equal((await call('GET', `/group_links/${answer.body.id}`)).status, 200);
      const own = await server.call('GET', '/group_link', { secret: answer.body.secret, as: 'link' });
      assert.equal(own.status, 200, JSON.stringify(own.body));
    });
  }

  it('never issues a link that is over already', async () => {
    const { status, body } = await issue({ valid_from: inDays(-30) });
    assert.ok(status === 422 || body.valid_until > now, `${status} ${body.valid_until}`);
  });

  it('writes instants in UTC whatever zone they came in', async () => {
    const made = await make({
      valid_from: '2026-12-05T10:00:00+01:00',
      valid_until: '2026-12-06T03:30:00.5-05:30',
    });
    assert.deepEqual(
      [made.valid_from, made.valid_until],
      ['2026-12-05T09:00:00.000Z', '2026-12-06T09:00:00.500Z'],
    );
  });

  it('takes what sloppy programs send where nothing is lost by it', async () => {
    const body = {
      group_link: {
        name: 4930,
        group_id: String(group_id),
        email: '',
        phone: '',
        valid_from: '',
        valid_until: '',
        max_uses: '2',
      },
    };
    const { status, body: made } = await call('POST', '/group_links/', body);
    assert.equal(status, 200, JSON.stringify(made));
    assert.deepEqual([made.name, made.group_id, made.max_uses], ['4930', group_id, 2]);
    assert.deepEqual(
      [made.email, made.phone, made.valid_from, made.valid_until],
      [null, null, null, inDays(7)],
    );
    assert.equal((await make({ max_uses: '', metadata: '', link_enabled: '' })).link_enabled, true);
  });

  it('refuses unknown fields and names every one, and everything else that is wrong', async () => {
    const before = await rows();
    const answer = await issue({ name: '', valid_untill: inDays(2), uses: 5, secret: 'x', email: 'nobody' });
    assert.deepEqual(wrongFields(answer), ['email', 'name', 'secret', 'uses', 'valid_untill']);
    for (const name of ['valid_untill', 'uses', 'email'])
      assert.ok(answer.body.error.includes(name), answer.body.error);
    assert.deepEqual(wrongFields(await call('POST', '/group_links', { group_link: {} })), [
      'group_id',
      'name',
    ]);
    assert.deepEqual(wrongFields(await call('POST', '/group_links', { name: 'x', group_id })), ['name']);
    assert.deepEqual(await rows(), before);
  });

  it('names group_id for a group that does not exist, or not any more', async () => {
    const gone = (await server.create('group', { name: 'Gone' })).id;
    await call('DELETE', `/groups/${gone}`);
    for (const id of [999_999, gone])
      assert.deepEqual(wrongFields(await issue({ group_id: id })), ['group_id']);
  });

  it('writes down who issued it and to whom', async () => {
    const made = await make({ name: 'Ada' });
    const event = await latestEvent();
    assert.deepEqual([event.type, event.action, event.success], ['group_link.create', 'create', true]);
    assert.deepEqual([event.object_type, event.object_id, event.object_name], ['GroupLink', made.id, 'Ada']);
    assert.deepEqual(
      [event.actor_type, event.actor_name, event.authenticated_by_type],
      ['User', 'Test House API', 'Login'],
    );
  });
});

describe('PATCH and PUT /group_links/:id', () => {
  for (const method of ['PATCH', 'PUT']) {
    it(`${method} extends, shortens and moves a link, and answers 200 with it and no credential`, async () => {
      const made = await make();
      const other = (await server.create('group', { name: 'Others' })).id;
      for (const fields of [
        { valid_until: inDays(20) },
        { valid_until: inDays(2) },
        { valid_from: inDays(1) },
        { group_id: other },
      ]) {
        const { status, body } = await change(made.id, fields, method);
        assert.equal(status, 200, JSON.stringify(body));
        for (const [name, value] of Object.entries(fields)) assert.equal(body[name], value);
        assertTypes(body, kisiTypes);
        for (const hidden of [
          'secret',
          'quick_response_code_token',
          'quick_response_code_image',
          'url',
          'pass',
        ]) {
          assert.ok(!(hidden in body), hidden);
        }
        assert.ok(!JSON.stringify(body).includes(made.secret));
        assert.deepEqual((await call('GET', `/group_links/${made.id}`)).body, body);
      }
    });
  }

  it('leaves alone what is not named', async () => {
    const made = await make({ email: 'robin@example.org', max_uses: 4, metadata: { a: 'b' } });
    clock.advance(1_000);
    const { body } = await change(made.id, { name: 'Robin Host' });
    const shown = (await call('GET', `/group_links/${made.id}`)).body;
    const { name, updated_at, ...rest } = shown;
    assert.deepEqual(body, shown);
    assert.deepEqual([name, updated_at], ['Robin Host', addMs(now, 1_000)]);
    for (const [field, value] of Object.entries(rest)) assert.deepEqual(value, made[field], field);
    clock.set(now);
  });

  it('suspends and resumes, twice as well as once, and says so in the log', async () => {
    const { id } = await make();
    const steps = [
      [true, now, 'suspended'],
      [true, now, 'changed'],
      [false, null, 'resumed'],
      ['false', null, 'changed'],
    ] as const;
    for (const [suspended, suspended_at, word] of steps) {
      const { body } = await change(id, { suspended });
      assert.deepEqual([body.suspended, body.suspended_at], [suspended_at !== null, suspended_at]);
      assert.match((await latestEvent()).message, new RegExp(`${word} the access link of Robin Guest`));
    }
  });

  it('takes null and "" for none, and for the default where there must be a value', async () => {
    const full = {
      email: 'robin@example.org',
      phone: '+4930123456',
      max_uses: 4,
      metadata: { a: 'b' },
      valid_from: inDays(1),
    };
    for (const none of [null, '']) {
      const { id } = await make(full);
      const nothing = { email: none, phone: none, max_uses: none, metadata: none, valid_from: none };
      const { body } = await change(id, { ...nothing, quick_response_code_type: none, valid_until: none });
      for (const name of [...Object.keys(full), 'quick_response_code_type'])
        assert.equal(body[name], null, name);
      assert.equal(body.valid_until, inDays(7));
    }
  });

  it('ends a link at once by an end in the past', async () => {
    const { id } = await make();
    const { status, body } = await change(id, { valid_until: inDays(-1) });
    assert.deepEqual([status, body.valid_until], [200, inDays(-1)]);
  });

  it('extends a link that began long ago, and one that has ended', async () => {
    const { id } = await make({ valid_from: inDays(-300), valid_until: inDays(1) });
    assert.equal((await change(id, { valid_until: inDays(366) })).status, 200);
    assert.deepEqual(wrongFields(await change(id, { valid_until: inDays(367) })), ['valid_until']);
    await change(id, { valid_until: inDays(-2) });
    assert.equal((await change(id, { valid_until: inDays(5) })).body.valid_until, inDays(5));
  });

  it('cannot bring a link back to life whose group was deleted meanwhile', async () => {
    const gone = (await server.create('group', { name: 'Gone' })).id;
    const { id } = await make({ group_id: gone });
    await change(id, { valid_until: inDays(-1) });
    assert.equal((await call('DELETE', `/groups/${gone}`)).status, 204);
    const { status, body } = await change(id, { valid_until: inDays(5) });
    assert.notEqual(status, 200, JSON.stringify(body));
    assert.equal((await change(id, { valid_until: inDays(5), group_id })).status, 200);
  });

  const refused: readonly [string, object, readonly string[]][] = [
    ['an end before the start', { valid_from: inDays(3), valid_until: inDays(2) }, ['valid_until']],
    ['an end too far away', { valid_until: inDays(367) }, ['valid_until']],
    [
      'a start at the end of the years',
      { valid_from: '9999-12-30T00:00:00Z', valid_until: null },
      ['valid_from'],
    ],
    ['a group that does not exist', { group_id: 999_999 }, ['group_id']],
    [
      'null where there must be a value',
      { name: null, group_id: null, suspended: null },
      ['group_id', 'name', 'suspended'],
    ],
    [
      'what only the server sets',
      { uses: 0, revoked_at: null, secret: 'x', id: 1 },
      ['id', 'revoked_at', 'secret', 'uses'],
    ],
    ['no use at all', { max_uses: 0 }, ['max_uses']],
  ];
  for (const [what, fields, names] of refused) {
    it(`refuses ${what}, and changes nothing`, async () => {
      const { id } = await make();
      const before = await rows();
      assert.deepEqual(wrongFields(await change(id, { email: 'changed@example.org', ...fields })), names);
      assert.deepEqual(await rows(), before);
    });
  }
});

describe('DELETE /group_links/:id', () => {
  it('answers 204 with nothing, and from then on the link is not there', async () => {
    const { id } = await make();
    const deleted = await call('DELETE', `/group_links/${id}`);
    assert.deepEqual([deleted.status, deleted.body], [204, '']);
    for (const method of ['GET', 'PATCH', 'PUT', 'DELETE']) {
      const body = method === 'GET' || method === 'DELETE' ? undefined : { group_link: { suspended: false } };
      const { status, body: answer } = await call(method, `/group_links/${id}`, body);
      assert.deepEqual([status, answer.reason], [404, 'not_found'], method);
    }
    assert.deepEqual((await call('GET', `/group_links?ids=${id}`)).body, []);
  });

  it('keeps the row for the record, and ends every pass', async () => {
    const made = await make();
    await change(made.id, { valid_until: inDays(20) });
    await call('DELETE', `/group_links/${made.id}`);
    const { query } = server.context.database.everywhere.read;
    const passes = await query.selectFrom('passes').selectAll().where('link_id', '=', made.id).execute();
    assert.deepEqual(
      passes.map(({ revoked_at }) => revoked_at),
      [now, now],
    );
    const [ended] = (await call('GET', `/group_links?state=ended&ids=${made.id}`)).body;
    assert.deepEqual([ended.id, ended.revoked_at], [made.id, now]);
  });

  it('writes one event', async () => {
    const { id } = await make({ name: 'Ada' });
    await call('DELETE', `/group_links/${id}`);
    await call('DELETE', `/group_links/${id}`);
    const path = `/events?event_type=group_link.destroy&event_object_id=${id}&event_object_type=GroupLink`;
    const { body } = await call('GET', path);
    assert.deepEqual(
      body.map(({ object_name, actor_type }: { object_name: string; actor_type: string }) => [
        object_name,
        actor_type,
      ]),
      [['Ada', 'User']],
    );
  });
});
