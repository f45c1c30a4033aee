import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';

const seed = Number(process.env['POSTERN_SEED'] ?? Date.now() % 2 ** 31);
const clock = new TestClock('2026-12-01T09:00:00.000Z');
let server: TestServer;
let group_id: number;
let place_id: number;

before(async () => {
  server = await startTestServer({ clock });
  group_id = (await server.create('group', { name: 'Visitors' })).id;
  place_id = (await server.create('place', { name: 'House', address: 'x' })).id;
});
after(() => server.close());

const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  server.call(method, path, { secret: server.api_key, headers, ...(body === undefined ? {} : { body }) });
const issue = (fields: object | string) =>
  call(
    'POST',
    '/group_links',
    typeof fields === 'string' ? fields : { group_link: { name: 'Robin', group_id, ...fields } },
  );
const expectField = async (answer: Promise<{ status: number; body: { errors?: object } }>, name: string) => {
  const { status, body } = await answer;
  assert.deepEqual(
    [status, Object.keys(body.errors ?? {})],
    [422, [name]],
    JSON.stringify(body).slice(0, 300),
  );
};

describe('a body', () => {
  const malformed = [
    '{',
    '{"group_link":',
    'null x',
    "{'group_link': {}}",
    '{"a":1,}',
    '\u0000',
    'NaN',
    '{"group_link":{"name":"a\u0007"}}',
    '\ufeff{}x',
  ];
  for (const text of malformed) {
    it(`that is no JSON (${JSON.stringify(text)}) is 400, and nothing of it is repeated`, async () => {
      const { status, body } = await issue(text);
      assert.deepEqual([status, body.reason], [400, 'malformed_request']);
      assert.doesNotMatch(body.error, /group_link|NaN/);
    });
  }

  it('with names that poison objects is refused', async () => {
    const name = '"name":"x","group_id":1';
    const bodies = [
      `{"group_link":{${name},"__proto__":{"id":7}}}`,
      `{"__proto__":{"group_link":{${name}}}}`,
      `{"group_link":{${name},"metadata":{"__proto__":"x"}}}`,
      `{"group_link":{${name},"constructor":{"prototype":{"id":7}}}}`,
    ];
    for (const body of bodies) {
      const { status } = await issue(body);
      assert.ok(status === 400 || status === 422, `${status} ${body}`);
    }
    assert.equal(({} as { id?: number }).id, undefined);
  });

  it('that is another kind of value, or has another noun around it, is 422 and names the noun', async () => {
    for (const body of [
      'null',
      '[]',
      '7',
      '"text"',
      'true',
      '[{"group_link":{}}]',
      '{}',
      '{"group_link":null}',
      '{"group_link":[]}',
      '{"group_link":"x"}',
      '',
    ]) {
      await expectField(issue(body), 'group_link');
    }
    await expectField(call('POST', '/group_links', undefined), 'group_link');
    await expectField(issue('{"group_link":{"name":"x","group_id":1},"notify":true}'), 'notify');
    await expectField(issue('{"link":{"name":"x"}}'), 'link');
  });

  it('of 64 KiB is read and one of more is 413', async () => {
    const wrapped = (length: number) => {
      const start = `{"group_link":{"name":"x","group_id":${group_id},"email":"`;
      return `${start}${'x'.repeat(length - start.length - 3)}"}}`;
    };
    await expectField(issue(wrapped(65_536)), 'email');
    for (const length of [65_537, 66_560]) {
      const { status, body } = await issue(wrapped(length));
      assert.deepEqual([status, body.reason], [413, 'body_too_large']);
    }
  });

  it('of another type is 415, unless there is nothing in it', async () => {
    const text = JSON.stringify({ group: { name: 'x' } });
    for (const type of [
      'text/plain',
      'application/xml',
      'application/x-www-form-urlencoded',
      'application/jsonp',
      'text/json',
    ]) {
      assert.equal((await call('POST', '/groups', text, { 'content-type': type })).status, 415, type);
    }
    for (const type of [
      'application/json; charset=utf-8',
      'application/json;charset=UTF-8',
      'Application/JSON',
    ]) {
      assert.equal((await call('POST', '/groups', text, { 'content-type': type })).status, 200, type);
    }
    for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
      const { id } = await server.create('group', { name: 'x' });
      assert.equal(
        (await call('DELETE', `/groups/${id}`, undefined, { 'content-type': type })).status,
        204,
        type,
      );
    }
  });

  it('nested without end is read or refused, and hurts nobody', async () => {
    const deep = '['.repeat(20_000) + ']'.repeat(20_000);
    assert.equal((await issue(deep)).status, 422);
    assert.equal(
      (await issue(`{"group_link":{"name":"x","group_id":${group_id},"metadata":${deep}}}`)).status,
      422,
    );
    const ignored = `{"lock":{"name":"x","place_id":${place_id},"floor_id":${deep}}}`;
    assert.ok([200, 422].includes((await call('POST', '/locks', ignored)).status));
  });

  it('names a field once however often it is there: the last one counts', async () => {
    const { status, body } = await issue(`{"group_link":{"name":"a","name":"b","group_id":${group_id}}}`);
    assert.deepEqual([status, body.name], [200, 'b']);
  });
});

describe('an id', () => {
  const impossible = [
    '0',
    '-1',
    '1.0',
    '1.5',
    '01',
    '1e3',
    '0x1',
    '%201',
    '1%20',
    '+1',
    '9007199254740992',
    '99999999999999999999',
    'NaN',
    'null',
    '１',
    '1;2',
    "1'--",
    '%00',
    '%2e%2e',
    '1%2f2',
  ];
  it('in a path that cannot be one is nothing that we have', async () => {
    for (const id of impossible) {
      for (const path of [
        `/group_links/${id}`,
        `/locks/${id}`,
        `/places/${id}`,
        `/groups/${id}`,
        `/group_locks/${id}`,
      ]) {
        const { status, body } = await call('GET', path);
        assert.deepEqual([status, body.reason], [404, 'not_found'], path);
      }
      const cookie = `__Host-postern-${id}=x`;
      const page = await server.call('GET', `/page/links/${id}`, {
        headers: { cookie: /^[\w=.-]+$/.test(cookie) ? cookie : 'x=y' },
      });
      assert.ok(page.status === 404 || page.status === 401, id);
    }
  });

  it('in a body that cannot be one is 422 and named', async () => {
    for (const id of [
      0,
      -1,
      1.5,
      9007199254740992,
      1e300,
      '',
      '0',
      '-1',
      '1.0',
      '1e3',
      ' 1',
      'x',
      '9007199254740993',
      null,
      true,
      [],
      [1],
      { id: 1 },
    ]) {
      await expectField(issue({ group_id: id }), 'group_id');
    }
  });

  it('in a query that cannot be one is 422 and named', async () => {
    for (const id of ['0', '-1', '1.5', '1e3', 'x', '9007199254740993', 'null', '1&group_id=2']) {
      await expectField(call('GET', `/group_links?group_id=${id}`), 'group_id');
    }
    await expectField(call('GET', '/group_links?group_id[]=1'), 'group_id[]');
    await expectField(call('GET', '/group_links?group_id[$gt]=1'), 'group_id[$gt]');
  });
});

describe('a text', () => {
  const hidden = [
    '\u0000',
    '\u0007',
    '\n',
    '\r',
    '\t',
    '\u001b[31m',
    '\u007f',
    '\u0085',
    '\u200e',
    '\u200f',
    '\u202a',
    '\u202e',
    '\u2066',
    '\u2069',
    '\u2028',
    '\u2029',
    '\u061c',
  ];
  it('on one line holds no character that hides, turns or breaks it', async () => {
    for (const character of hidden) await expectField(issue({ name: `Robin${character}Guest` }), 'name');
    await expectField(issue(`{"group_link":{"name":"a\\ud800b","group_id":${group_id}}}`), 'name');
    await expectField(issue(`{"group_link":{"name":"a\\udc00\\ud800b","group_id":${group_id}}}`), 'name');
  });

  it('is counted in characters as a person would, 200 of them, and is never empty', async () => {
    for (const name of [
      'x'.repeat(200),
      '😀'.repeat(200),
      'é'.repeat(200),
      'e\u0301'.repeat(200),
      '漢'.repeat(200),
    ]) {
      assert.equal((await issue({ name })).status, 200, name.slice(0, 4));
    }
    for (const name of ['', ' ', '\u00a0', '\u3000', 'x'.repeat(201), '😀'.repeat(201)])
      await expectField(issue({ name }), 'name');
    for (const name of [null, true, [], {}, ['x']]) await expectField(issue({ name }), 'name');
  });

  it('is bounded in bytes too: marks upon marks do not count as one', async () => {
    await expectField(issue({ name: `a${'\u0301'.repeat(5_000)}` }), 'name');
    await expectField(issue({ name: `👩${'\u200d👩'.repeat(2_000)}` }), 'name');
  });

  it('is kept in one spelling of its letters', async () => {
    const { body } = await issue({ name: 'Zoe\u0308' });
    assert.equal(body.name, 'Zo\u00eb');
  });

  it('may be in any language, and may look like anything', async () => {
    for (const name of [
      'Ольга',
      '田中',
      'عمر',
      'François O’Neil-Łęcki',
      '<b>x</b>',
      "'; drop table links; --",
      '{{7*7}}',
      '=cmd()',
      '👨‍👩‍👧',
      '%s%n',
      '../../x',
    ]) {
      const { status, body } = await issue({ name });
      assert.deepEqual([status, body.name], [200, name.normalize('NFC')]);
    }
  });
});

describe('an address to write to', () => {
  it('is an e-mail address, or named', async () => {
    for (const email of [
      'a@b',
      'ada.lovelace+door@example.org',
      'ö@example.org',
      `${'x'.repeat(60)}@example.org`,
    ])
      assert.equal((await issue({ email })).status, 200, email);
    for (const email of [
      'ada',
      'a@',
      '@b',
      'a b@c',
      'a@b@c',
      'a@b\r\nBcc: c@d',
      'a@b,c@d',
      '<a@b>',
      'a@-b',
      'a@b.',
      `${'x'.repeat(250)}@example.org`,
      7,
      ['a@b'],
    ]) {
      await expectField(issue({ email }), 'email');
    }
  });

  it('is a phone number in international form, or named', async () => {
    for (const phone of ['+4930123456', '+12025550123'])
      assert.equal((await issue({ phone })).status, 200, phone);
    for (const phone of [
      '030123456',
      '+0123456789',
      '+49 30 123456',
      '+49',
      '+4930123456789012',
      'tel:+4930123456',
      '+٤٩٣٠١٢٣٤٥٦',
      true,
    ])
      await expectField(issue({ phone }), 'phone');
  });
});

describe('metadata', () => {
  it('is up to 50 texts of up to 500 characters, under names of any kind', async () => {
    const metadata = Object.fromEntries(
      Array.from({ length: 50 }, (_, number) => [`key ${number}\n`, 'x'.repeat(500)]),
    );
    assert.deepEqual((await issue({ metadata })).body.metadata, metadata);
    const wrong = [
      { ...metadata, more: 'x' },
      { a: 'x'.repeat(501) },
      { a: 1 },
      { a: null },
      { a: {} },
      { 'a\nb': 5 },
      { 'a\nb': { c: 'd' } },
      [],
      ['a'],
      'text',
      7,
      true,
    ];
    for (const each of wrong) await expectField(issue({ metadata: each }), 'metadata');
  });
});

describe('a field that is true or false, one of a few words, or a time', () => {
  it('is named when it is anything else', async () => {
    for (const link_enabled of ['yes', 'TRUE', 1, 0, '1', {}, []])
      await expectField(issue({ link_enabled }), 'link_enabled');
    for (const type of ['Offline', 'none', 1, true, ['offline'], {}])
      await expectField(issue({ quick_response_code_type: type }), 'quick_response_code_type');
    for (const max_uses of [0, -1, 1.5, 1_000_001, '1.5', 'one', true, [1]])
      await expectField(issue({ max_uses }), 'max_uses');
    for (const at of [
      'tomorrow',
      '2026-12-02',
      '2026-12-02T09:00:00',
      1796202000,
      1796202000000,
      true,
      ['2026-12-02T09:00:00Z'],
      '2026-02-30T00:00:00Z',
      '10000-01-01T00:00:00Z',
      '9999-12-31T23:59:59-01:00',
    ]) {
      await expectField(issue({ valid_until: at }), 'valid_until');
      await expectField(issue({ valid_from: at, valid_until: '2026-12-03T00:00:00Z' }), 'valid_from');
    }
  });
});

describe('anything at all', () => {
  it('is answered, and never with 500', async () => {
    const odd = fc.oneof(
      fc.constantFrom(null, '', 0, -1, 1e308, true, [], {}, '\u0000', '__proto__'),
      fc.jsonValue({ maxDepth: 2 }),
      fc.string({ unit: 'binary', maxLength: 30 }),
    );
    const instants = [
      '0000-01-01T00:00:00Z',
      '0001-01-01T00:00:00Z',
      '1969-12-31T23:59:59Z',
      '2026-12-01T09:00:00Z',
    ];
    instants.push(
      '2026-12-01T09:00:00.001Z',
      '2026-12-09T00:00:00Z',
      '9999-12-30T00:00:00Z',
      '9999-12-31T23:59:59.999Z',
    );
    const plausible: Record<string, readonly unknown[]> = {
      name: ['Robin', 'x'.repeat(200), 7],
      group_id: [group_id, String(group_id), 999_999],
      email: ['ada@example.org', ''],
      phone: ['+4930123456', 4930123456],
      valid_from: instants,
      valid_until: instants,
      link_enabled: [true, false, 'true', ''],
      quick_response_code_type: ['online', 'offline', null, ''],
      max_uses: [1, '3', null],
      metadata: [{}, { a: 'b' }, null],
      suspended: [true, false],
      x: [1],
    };
    // Mostly what could be meant: nonsense alone would be refused before anything interesting happens.
    const likely = Object.entries(plausible).map(([name, values]) => {
      const value = fc.oneof(
        { weight: 9, arbitrary: fc.constantFrom(...values) },
        { weight: 1, arbitrary: odd },
      );
      return value.map((given) => [name, given] as const);
    });
    const entries = fc
      .subarray(likely.slice(0, -1))
      .chain((chosen) => fc.tuple(...chosen, ...likely.slice(-1)));
    const fields = fc.tuple(entries, fc.integer({ max: 9, min: 0 })).map(([pairs, dice]) => {
      const all = Object.fromEntries(pairs);
      return dice === 0 ? all : Object.fromEntries(Object.entries(all).filter(([name]) => name !== 'x'));
    });
    const { id } = await server.create('group_link', { name: 'Robin', group_id });
    const property = fc.asyncProperty(fields, fc.boolean(), async (given, isNew) => {
      const answer = isNew
        ? await issue(given)
        : await call('PATCH', `/group_links/${id}`, { group_link: given });
      assert.ok(
        answer.status < 500,
        `POSTERN_SEED=${seed}: ${JSON.stringify(given)} ${JSON.stringify(answer.body)}`,
      );
      if (answer.status !== 200) return;
      assert.equal((await call('GET', `/group_links/${answer.body.id}`)).status, 200);
    });
    await fc.assert(property, { seed, numRuns: 250 });
  });

  it('in a query is answered too', async () => {
    const names = [
      'limit',
      'offset',
      'ids',
      'query',
      'group_id',
      'sort',
      'state',
      'cursor',
      'interval',
      'event_type',
      'event_success',
      'place_id',
      'x',
      '__proto__',
    ];
    const query = fc.array(
      fc.tuple(
        fc.constantFrom(...names),
        fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.integer().map(String)),
      ),
      { maxLength: 3 },
    );
    const path = fc.constantFrom('/group_links', '/locks', '/places', '/groups', '/group_locks', '/events');
    const property = fc.asyncProperty(path, query, async (to, pairs) => {
      const text = pairs
        .map(([name, given]) => `${name}=${encodeURIComponent(given.toWellFormed())}`)
        .join('&');
      const { status, body } = await call('GET', `${to}?${text}`);
      assert.ok(status < 500, `POSTERN_SEED=${seed}: ${to}?${text} ${JSON.stringify(body)}`);
    });
    await fc.assert(property, { seed, numRuns: 250 });
  });
});
