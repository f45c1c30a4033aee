import assert from 'node:assert/strict';
import { METHODS } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { pino } from 'pino';
import { testHandlers } from '../test/test-app.ts';
import { startTestServer, TestClock, type TestServer } from '../test/test-server.ts';
import { createApp } from './app.ts';
import { rateLimits } from './http/rate-limits.ts';
import { authenticateLogin } from './logins/logins.ts';

const clock = new TestClock('2026-12-01T09:00:00.000Z');
let server: TestServer;
let link: { id: number; secret: string };
let door_id: number;

before(async () => {
  server = await startTestServer({ clock, environment: { POSTERN_RATE_LIMITS: 'off' } });
  const place_id = (await server.create('place', { name: 'House', address: 'x' })).id;
  door_id = (await server.create('lock', { name: 'Door', place_id })).id;
  const group_id = (await server.create('group', { name: 'Visitors' })).id;
  await server.create('group_lock', { group_id, lock_id: door_id });
  link = await server.create('group_link', { name: 'Robin Guest', group_id });
});
after(() => server.close());

/** Bytes as they are, and all that comes back until the other side closes. */
async function raw(text: string): Promise<{ status: number; headers: Record<string, string>; body: string }> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.end(text);
  let answer = '';
  for await (const portion of socket) answer += portion;
  const [head = '', ...rest] = answer.split('\r\n\r\n');
  const [first = '', ...lines] = head.split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.split(': ')[0]?.toLowerCase(), line.slice(line.indexOf(': ') + 2)]),
  );
  return { status: Number(first.split(' ')[1]), headers, body: rest.join('\r\n\r\n') };
}

const safety: Record<string, string> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-robots-tag': 'noindex, nofollow',
};

describe('createApp', () => {
  const parts = () => {
    const { context } = server;
    return { context, handlersOver: testHandlers(context), log: pino({ level: 'silent' }) };
  };

  it('throws for a route that is not in the table of endpoints', async () => {
    const app = createApp(parts());
    const anything = () => 'x';
    assert.throws(() => app.get('/backdoor', anything), /backdoor is not in the table/);
    assert.throws(
      () => app.route({ method: 'POST', url: '/x', config: { operation: 'links.steal' }, handler: anything }),
      /not in the table/,
    );
    assert.throws(
      () => app.route({ method: 'POST', url: '/y', config: { operation: 'constructor' }, handler: anything }),
      /not in the table/,
    );
    await app.close();
  });

  it('lets nobody dawdle: a slow connection is gone within 15 s', async () => {
    const app = createApp(parts());
    const { headersTimeout, requestTimeout } = app.server;
    // How often node:http looks for slow ones; it says so on the server, and not in its types.
    const interval: unknown = Reflect.get(app.server, 'connectionsCheckingInterval');
    assert.ok(typeof interval === 'number' && headersTimeout > 0 && requestTimeout > 0);
    assert.ok(
      Math.max(headersTimeout, requestTimeout) + interval <= 15_000,
      `${requestTimeout} + ${interval} ms`,
    );
    await app.close();
  });

  it('writes the pattern of a route into the log, and no address, credential or body', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
    const app = createApp({ ...parts(), log });
    const headers = { authorization: `KISI-GROUP-LINK ${link.secret}` };
    await app.inject({ method: 'GET', url: `/grouplinks/${link.secret}` });
    await app.inject({ method: 'GET', url: `/${link.secret}/nowhere?x=${link.secret}`, headers });
    await app.inject({ method: 'GET', url: `/group_link?secret=${link.secret}`, headers });
    await app.inject({
      method: 'POST',
      url: '/page/sessions',
      headers: { 'sec-fetch-site': 'same-origin' },
      payload: { secret: link.secret },
    });
    await app.inject({ method: 'GET', url: `/l/%zz${link.secret}` });
    await app.close();
    const text = lines.join('');
    assert.ok(!text.includes(link.secret), text);
    assert.match(text, /"method":"GET","route":"\/grouplinks\/:secret","status":200/);
  });
});

describe('every answer', () => {
  it('carries the headers that keep browsers from doing harm', async () => {
    const key = { secret: server.api_key };
    const head = (path: string) =>
      fetch(server.url + path, {
        method: 'HEAD',
        headers: { authorization: `KISI-LOGIN ${server.api_key}` },
      });
    const answers = [
      await server.call('GET', '/health'),
      await server.call('GET', '/places', key),
      await head('/places'),
      await server.call('DELETE', `/group_locks/999`, key),
      await server.call('PATCH', `/locks/${door_id}`, { ...key, body: { lock: {} } }),
      await server.call('GET', '/places'),
      await server.call('GET', '/nowhere'),
      await server.call('GET', '/places/%zz', key),
      await server.call('GET', `/places/${'1'.repeat(600)}`, key),
      await server.call('POST', '/places', { ...key, body: '{' }),
      await server.call('POST', '/places', { ...key, body: 'x'.repeat(66_000) }),
      await server.call('POST', '/places', { ...key, body: 'x', headers: { 'content-type': 'text/plain' } }),
      await server.call('GET', '/agents/connect'),
      await server.call('OPTIONS', '/places'),
    ];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 404, 204, 401, 404, 404, 404, 400, 413, 415, 426, 404],
    );
    for (const { status, headers } of answers) {
      for (const [name, value] of Object.entries(safety))
        assert.equal(headers.get(name), value, `${name} with ${status}`);
      assert.equal(headers.get('access-control-allow-origin'), null);
      assert.equal(headers.get('server') ?? headers.get('x-powered-by'), null);
    }
  });

  const broken: readonly [string, string, number, string][] = [
    ['no HTTP', 'hello\r\n\r\n', 400, 'malformed_request'],
    ['no host', 'GET /health HTTP/1.1\r\n\r\n', 400, 'malformed_request'],
    [
      'two lengths',
      'POST /places HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx',
      400,
      'malformed_request',
    ],
    [
      'a length and chunks',
      'POST /places HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
      'malformed_request',
    ],
    ['an unknown method', 'STEAL /health HTTP/1.1\r\nhost: x\r\n\r\n', 400, 'malformed_request'],
    [
      'headers too large',
      `GET /health HTTP/1.1\r\nhost: x\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    [
      'an expectation',
      'GET /health HTTP/1.1\r\nhost: x\r\nexpect: miracles\r\n\r\n',
      417,
      'expectation_failed',
    ],
    [
      'an upgrade elsewhere',
      'GET /elsewhere HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
      404,
      'not_found',
    ],
  ];
  for (const [what, text, status, reason] of broken) {
    it(`to ${what} has the same shape and headers`, async () => {
      const answer = await raw(text);
      assert.equal(answer.status, status);
      const body = JSON.parse(answer.body);
      assert.deepEqual([Object.keys(body), body.reason], [['code', 'error', 'reason', 'hint'], reason]);
      assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8');
      for (const [name, value] of Object.entries(safety)) assert.equal(answer.headers[name], value, name);
    });
  }

  it('to any method that is none of ours has the same shape and headers', async () => {
    for (const method of METHODS.filter((each) => each !== 'GET' && each !== 'HEAD')) {
      const answer = await raw(`${method} /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
      assert.ok(answer.status >= 400 && answer.status < 500, `${method} ${answer.status}`);
      assert.equal(JSON.parse(answer.body).code?.length, 6, method);
      for (const [name, value] of Object.entries(safety)) assert.equal(answer.headers[name], value, method);
    }
  });

  it('comes to programs that offer HTTP/2 on the way: an offer is no demand', async () => {
    const offer =
      'connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\n';
    const answer = await raw(`GET /health HTTP/1.1\r\nhost: x\r\n${offer}\r\n`);
    assert.equal(answer.status, 200, answer.body);
  });

  it('to a handshake of an agent that is none has the same shape', async () => {
    const answer = await raw(
      'GET /agents/connect HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
    );
    assert.ok(answer.status >= 400 && answer.status < 500);
    assert.equal(JSON.parse(answer.body).code?.length, 6, answer.body);
  });

  it('that asks for an upgrade says to what (RFC 9110, section 15.5.22)', async () => {
    const { status, headers } = await raw(
      'GET /agents/connect HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
    );
    assert.deepEqual([status, headers['upgrade']], [426, 'websocket']);
  });

  it('to an address that is not there says 404, whoever asks, and with whatever method', async () => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      for (const path of ['/', '/nowhere', '/locks/1/unlock/now', '//places', '/places//1', '/Places']) {
        const { status, body } = await server.call(method, path, { secret: server.api_key });
        assert.deepEqual([status, body.reason], [404, 'not_found'], `${method} ${path}`);
      }
    }
    assert.equal(
      (await server.call('PUT', '/group_links', { secret: server.api_key, body: {} })).status,
      404,
    );
    assert.equal((await server.call('GET', '/places/1/', { secret: server.api_key })).status, 200);
  });
});

describe('pages on other origins', () => {
  const open = [
    ['GET', '/locks'],
    ['GET', '/group_link'],
    ['GET', '/group_link/qr_code.svg'],
    ['GET', '/group_link/qr_code.png'],
    ['POST', '/locks/1/unlock'],
    ['POST', '/locks/1/access'],
  ] as const;
  const origin = { origin: 'https://booking.example' };

  it('may ask before they call, where a link may call', async () => {
    for (const [method, path] of open) {
      const preflight = {
        ...origin,
        'access-control-request-method': method,
        'access-control-request-headers': 'authorization,content-type',
      };
      const { status, headers, body } = await server.call('OPTIONS', path, { headers: preflight });
      assert.deepEqual([status, body], [204, ''], path);
      assert.equal(headers.get('access-control-allow-origin'), '*');
      assert.equal(
        headers.get('access-control-allow-headers'),
        'Authorization, Content-Type, Idempotency-Key',
      );
      assert.ok(headers.get('access-control-allow-methods')?.includes(method));
      assert.equal(headers.get('access-control-allow-credentials'), null);
    }
  });

  it('get an answer that they may read with a secret of a link, whatever it says', async () => {
    for (const [method, path] of open) {
      for (const secret of [link.secret, 'a'.repeat(32)]) {
        const { headers } = await server.call(method, path, { secret, as: 'link', headers: origin });
        assert.equal(headers.get('access-control-allow-origin'), '*', path);
        assert.equal(headers.get('cross-origin-resource-policy'), 'cross-origin');
        assert.equal(headers.get('access-control-allow-credentials'), null);
      }
    }
  });

  it('get none that they may read with an API key, a cookie or nothing', async () => {
    const session = await server.call('POST', '/page/sessions', {
      body: { secret: link.secret },
      headers: { 'sec-fetch-site': 'same-origin' },
    });
    const cookie = session.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
    for (const [method, path] of open) {
      for (const how of [
        { secret: server.api_key, headers: origin },
        { headers: { ...origin, cookie } },
        { headers: origin },
      ]) {
        const { headers } = await server.call(method, path, how);
        assert.equal(headers.get('access-control-allow-origin'), null, path);
        assert.equal(headers.get('cross-origin-resource-policy'), 'same-origin');
      }
    }
  });

  it('may not even ask anywhere else', async () => {
    const others = [
      '/group_links',
      '/places',
      '/locks/1',
      '/events',
      '/page/sessions',
      `/page/links/${link.id}`,
      '/health',
      '/locks/x/unlock',
      '/nowhere',
    ];
    for (const path of others) {
      const { status, headers } = await server.call('OPTIONS', path, {
        headers: { ...origin, 'access-control-request-method': 'POST' },
      });
      assert.deepEqual([status, headers.get('access-control-allow-origin')], [404, null], path);
      const secret = await server.call('GET', path, { secret: link.secret, as: 'link', headers: origin });
      assert.equal(secret.headers.get('access-control-allow-origin'), null, path);
    }
  });
});

describe('wrong credentials', () => {
  it('from one address are answered 429 from the 61st on, while right ones go on being served', async () => {
    const own = new TestClock('2026-12-01T09:00:00.000Z');
    await using limited = await startTestServer({ clock: own });
    const wrong = (how: object = { secret: 'wrong' }) => limited.call('GET', '/places', how);
    const statuses = new Set<number>();
    for (let time = 0; time < 20; time++) {
      const ways = [
        wrong(),
        wrong({ secret: 'a'.repeat(32), as: 'link' }),
        limited.call('GET', '/page/links/1'),
      ];
      for (const { status } of await Promise.all(ways)) statuses.add(status);
    }
    assert.deepEqual([...statuses], [401]);
    own.advance(10_000);
    const late = await wrong();
    assert.deepEqual(
      [late.status, late.body.reason, late.headers.get('retry-after')],
      [429, 'too_many_requests', '50'],
    );
    assert.equal((await wrong({})).status, 429);
    assert.equal((await limited.call('GET', '/places', { secret: limited.api_key })).status, 200);
    assert.equal((await limited.call('GET', '/health')).status, 200);
    const group_id = (await limited.create('group', { name: 'Visitors' })).id;
    const { secret } = await limited.create('group_link', { name: 'Robin Guest', group_id });
    assert.equal((await limited.call('GET', '/group_link', { secret, as: 'link' })).status, 200);
    own.advance(50_000);
    assert.equal((await wrong()).status, 401);
  });
});

describe('too many requests', () => {
  const own = new TestClock('2026-12-01T09:00:00.000Z');
  let limited: TestServer;
  let app: ReturnType<typeof createApp>;
  before(async () => {
    limited = await startTestServer({ clock: own });
    const { context } = limited;
    app = createApp({ context, handlersOver: testHandlers(context), log: pino({ level: 'silent' }) });
  });
  after(async () => {
    await app.close();
    await limited.close();
  });

  /** Asks that often and answers the last answer. */
  async function ask(times: number, from: { remoteAddress?: string; authorization?: string }) {
    const { remoteAddress = '127.0.0.1', authorization } = from;
    const how =
      authorization === undefined ? { url: '/health' } : { url: '/group_link', headers: { authorization } };
    const request = () => app.inject({ remoteAddress, ...how });
    for (let time = 1; time < times; time += 50)
      await Promise.all(Array.from({ length: Math.min(50, times - time) }, request));
    return request();
  }

  it('from one address are 429, those from others are not; of this machine itself there are never too many', async () => {
    const { max, windowMs } = rateLimits.requests_of_address;
    const remoteAddress = '2001:db8:1:2::7';
    assert.equal((await ask(max, { remoteAddress })).statusCode, 200);
    const refused = await ask(1, { remoteAddress: '2001:db8:1:2::8' });
    assert.deepEqual(
      [refused.statusCode, refused.json().reason, refused.headers['retry-after']],
      [429, 'too_many_requests', '10'],
    );
    for (const other of ['2001:db8:1:3::7', '192.0.2.7'])
      assert.equal((await ask(1, { remoteAddress: other })).statusCode, 200);
    for (const itself of ['127.0.0.1', '::1', '::ffff:127.0.0.1'])
      assert.equal((await ask(max + 1, { remoteAddress: itself })).statusCode, 200, itself);
    own.advance(windowMs);
    assert.equal((await ask(1, { remoteAddress })).statusCode, 200);
  });

  it('with one credential are 429, those with another from the same address are not', async () => {
    const group_id = (await limited.create('group', { name: 'Visitors' })).id;
    const links = await Promise.all(
      ['One', 'Other'].map((name) => limited.create('group_link', { name, group_id })),
    );
    const [busy, calm] = links.map(({ secret }) => `KISI-GROUP-LINK ${secret}`);
    assert.equal((await ask(rateLimits.requests_of_link.max, { authorization: busy })).statusCode, 200);
    assert.equal((await ask(1, { authorization: busy })).statusCode, 429);
    assert.equal((await ask(1, { authorization: calm })).statusCode, 200);
    own.advance(rateLimits.requests_of_link.windowMs);
    assert.equal((await ask(1, { authorization: busy })).statusCode, 200);
    const { login_id } = await loginOf(limited);
    const { limits } = limited.context;
    for (let time = 0; time < rateLimits.requests_of_login.max; time++)
      limits.count('requests_of_login', login_id);
    assert.equal((await limited.call('GET', '/places', { secret: limited.api_key })).status, 429);
  });
});

async function loginOf({ context, api_key }: TestServer): Promise<{ login_id: number }> {
  const caller = await authenticateLogin(context, api_key);
  assert.ok(caller);
  return caller;
}
