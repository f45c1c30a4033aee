import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type Endpoint, endpoints } from '../domain/endpoints.ts';
import { denials, errors } from '../domain/errors.ts';
import {
  answerHeaders,
  crossOriginHeaders,
  pagePolicy,
  permissionsWithCamera,
  referencePolicy,
} from '../server/http/headers.ts';
import { createApiKey } from '../server/logins/logins.ts';
import { type Answer, type Call, startTestServer, type TestServer } from './test-server.ts';

/** From the table of timeouts in the threat model: bad connections are gone by then. */
const slowHeadersDeadlineMs = 9_000;
const slowBodyDeadlineMs = 15_000;

interface Made {
  link: { id: number; secret: string };
  cookie: string;
  asset: string;
}

describe('the headers of every answer', { timeout: 120_000 }, () => {
  let server: TestServer;
  let made: Made;
  /** What requests hear that take too long to arrive, as long as the other tests take. */
  let timeouts: Record<'head' | 'body', Promise<Answer>>;

  before(async () => {
    server = await startTestServer({ environment: { POSTERN_RATE_LIMITS: 'off' } });
    const group = await server.create('group', { name: 'Visitors' });
    const place = await server.create('place', { name: 'House', address: '1 Gate Lane' });
    const lock = await server.create('lock', { name: 'Front door', place_id: place.id });
    await server.create('group_lock', { group_id: group.id, lock_id: lock.id });
    const link = await server.create('group_link', { name: 'Robin Guest', group_id: group.id });
    const session = await server.call('POST', '/page/sessions', {
      body: { secret: link.secret },
      headers: ourPage,
    });
    const { body: page } = await server.call('GET', `/l/${link.id}`);
    made = {
      link,
      cookie: session.headers.get('set-cookie') ?? '',
      asset: /guest\.\w+\.js/.exec(page)?.[0] ?? '',
    };
    const json = 'Content-Type: application/json\r\nContent-Length: 99\r\n';
    const headers = `Host: a\r\nAuthorization: Bearer ${server.api_key}\r\n${json}`;
    timeouts = {
      head: exchange(server.url, 'GET /health HTTP/1.1\r\nHost: a\r\nX-Slow: ', slowHeadersDeadlineMs),
      body: exchange(server.url, `POST /group_links HTTP/1.1\r\n${headers}\r\n{`, slowBodyDeadlineMs),
    };
    for (const answer of Object.values(timeouts)) answer.catch(() => {}); // told to the test that waits for it
  });
  after(() => server?.close());

  /** Some operations end the login that calls them. */
  let spareKey = '';
  beforeEach(async () => {
    if ((await server.call('GET', '/login', { secret: spareKey })).status === 200) return;
    const { context, organization_id } = server;
    spareKey = (await createApiKey(context, { organization_id, name: 'Spare' })).secret;
  });

  const callers: Record<string, () => Call> = {
    nobody: () => ({}),
    'a wrong key': () => ({ secret: `pstk_${'a'.repeat(39)}` }),
    'a wrong link': () => ({ secret: 'a'.repeat(32), as: 'link' }),
    'an API key': () => ({ secret: spareKey }),
    'a link': () => ({ secret: made.link.secret, as: 'link' }),
    'a page': () => ({ headers: { ...ourPage, cookie: made.cookie } }),
  };

  // Deletions last, so that there is something for the others to find.
  const operations = Object.entries(endpoints).sort(
    ([, one], [, other]) => Number(deletes(one)) - Number(deletes(other)),
  );
  for (const [operation, endpoint] of operations as [string, Endpoint][]) {
    it(`are there for ${operation}, whoever calls and however`, async () => {
      for (const [who, caller] of Object.entries(callers)) {
        for (const path of endpoint.paths.map(filled)) {
          for (const method of [...endpoint.methods, 'HEAD', 'OPTIONS', 'PUT', 'DELETE']) {
            const isOurs = (endpoint.methods as readonly string[]).includes(method);
            if (!isOurs && who === 'an API key') continue; // that would be another operation of the table
            const hasBody = ['POST', 'PATCH', 'PUT'].includes(method);
            const answer = await ask(method, path, { ...caller(), ...(hasBody ? { body: {} } : {}) });
            assertAnswer(answer, { method, path, who });
            if (isOurs && who === 'nobody')
              assert.equal(answer.status === 401 || isForAnyone(endpoint), true, `${path}: ${answer.status}`);
          }
        }
      }
    });
  }

  it('are there for paths that are none, and bodies that are none', async () => {
    const key = { secret: spareKey };
    const body = (content: string, type = 'application/json') => ({
      ...key,
      body: content,
      headers: { 'content-type': type },
    });
    const requests: [string, string, Call, number][] = [
      ['GET', '/', {}, 404],
      ['GET', '/nothing', key, 404],
      ['GET', '/locks/one', key, 404],
      ['GET', '/locks/9007199254740993', key, 404],
      ['GET', '/l/%zz', {}, 404],
      ['GET', `/grouplinks/${'a'.repeat(600)}`, {}, 404],
      ['GET', '/page/assets/..%2f..%2fpackage.json', {}, 404],
      ['POST', '/group_links', body('{'), 400],
      ['POST', '/group_links', body('{"__proto__":{}}'), 400],
      ['POST', '/group_links', body('a=b', 'application/x-www-form-urlencoded'), 415],
      ['POST', '/group_links', body('"'.padEnd(70_000)), 413],
      ['POST', '/group_links', body('null'), 422],
      ['GET', '/group_links?limit=0', key, 422],
    ];
    for (const [method, path, call, status] of requests) {
      const answer = await server.call(method, path, call);
      assertAnswer(answer, { method, path, who: '' });
      assert.equal(answer.status, status, `${method} ${path}`);
    }
  });

  it('say to the browser of a visitor what the page may do, and the page keeps to it', async () => {
    for (const path of [
      '/l/1',
      '/l/1/',
      '/l/999',
      `/grouplinks/${made.link.secret}`,
      '/reader',
      '/reader/',
    ]) {
      const { status, headers, body } = await server.call('GET', path);
      assert.equal(status, 200);
      const policy = headers.get('content-security-policy') ?? '';
      assert.equal(policy, pagePolicy);
      assert.doesNotMatch(policy, /unsafe|https?:|\*/);
      for (const rule of [
        "default-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'none'",
      ]) {
        assert.ok(policy.includes(rule), rule);
      }
      const camera = path.startsWith('/reader') ? 'camera=(self)' : 'camera=()';
      assert.equal(
        headers.get('permissions-policy')?.split(', ')[0],
        camera,
        'the only page that may use it',
      );
      assert.match(policy, /require-trusted-types-for 'script'/);
      assert.doesNotMatch(
        body,
        /<script(?![^>]*src="\/page\/assets\/)|<style| on\w+=|javascript:|(src|href)="(https?:)?\/\//i,
      );
    }
  });

  it('let pages on other origins call with a link, and with nothing else', async () => {
    for (const path of [
      '/locks',
      '/locks/1/unlock',
      '/locks/1/access',
      '/group_link',
      '/group_link/qr_code.svg',
    ]) {
      const preflight = await server.call('OPTIONS', path, {
        headers: { origin: 'https://elsewhere.invalid' },
      });
      assert.equal(preflight.status, 204, path);
      assertAnswer(preflight, { method: 'OPTIONS', path, who: '' });
      assert.equal(preflight.headers.get('access-control-allow-origin'), '*');
      assert.match(preflight.headers.get('access-control-allow-headers') ?? '', /Authorization/);
      const method = /unlock|access/.test(path) ? 'POST' : 'GET';
      const byLink = await server.call(method, path, { secret: made.link.secret, as: 'link' });
      assert.equal(byLink.headers.get('access-control-allow-origin'), '*', path);
      const byKey = await server.call(method, path, { secret: spareKey });
      assert.equal(byKey.headers.get('access-control-allow-origin'), null, path);
      assert.equal(byLink.headers.get('access-control-allow-credentials'), null);
    }
    for (const path of ['/group_links', '/page/sessions', '/events', '/l/1']) {
      const preflight = await server.call('OPTIONS', path, {
        headers: { origin: 'https://elsewhere.invalid' },
      });
      assert.equal(preflight.headers.get('access-control-allow-origin'), null, path);
    }
  });

  it('are there, with a time to wait, when there were too many wrong credentials', async (t) => {
    const limited = await startTestServer();
    t.after(() => limited.close());
    let answer: Answer;
    let tries = 0;
    do answer = await limited.call('GET', '/locks', { secret: `wrong-${tries++}` });
    while (answer.status === 401 && tries < 100);
    assert.equal(answer.status, 429);
    assertAnswer(answer, { method: 'GET', path: '/locks', who: 'a guesser' });
    assert.equal(
      (await limited.call('GET', '/locks', { secret: limited.api_key })).status,
      200,
      'nobody is locked out',
    );
  });

  const upgrade =
    'Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: postern.agent.v1\r\n';
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  const malformed: Record<string, [request: string, ...statuses: number[]]> = {
    'no Host': ['GET /health HTTP/1.1\r\n\r\n', 400],
    'two Hosts': ['GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
    'no request line': ['what is this\r\n\r\n', 400],
    'another protocol': ['\u0016\u0003\u0001\u0002\u0000\u0001\u0000', 400],
    'HTTP/2 without being asked': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    'an unknown method': ['OPEN /health HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    'a method that nothing here has': ['PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n', 404],
    'a request to send the request back': ['TRACE / HTTP/1.1\r\nHost: a\r\n\r\n', 404],
    'two lengths': [
      'POST /locks HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    'a header that is too long': [
      `GET /health HTTP/1.1\r\nHost: a\r\nX-Long: ${'a'.repeat(20_000)}\r\n\r\n`,
      431,
    ],
    'an address that is too long': [`GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 431],
    'an expectation': ['GET /health HTTP/1.1\r\nHost: a\r\nExpect: nonsense\r\n\r\n', 417],
    'an agent that does not upgrade': ['GET /agents/connect HTTP/1.1\r\nHost: a\r\n\r\n', 426],
    'a WebSocket elsewhere': [
      `GET /health HTTP/1.1\r\n${upgrade}${key}Sec-WebSocket-Version: 13\r\n\r\n`,
      404,
    ],
    'a WebSocket of another protocol': [
      `GET /agents/connect HTTP/1.1\r\n${upgrade.replace('v1', 'v9')}${key}Sec-WebSocket-Version: 13\r\n\r\n`,
      426,
    ],
    'a WebSocket without a key': [
      `GET /agents/connect HTTP/1.1\r\n${upgrade}Sec-WebSocket-Version: 13\r\n\r\n`,
      400,
      426,
    ],
    'a WebSocket of another version': [
      `GET /agents/connect HTTP/1.1\r\n${upgrade}${key}Sec-WebSocket-Version: 7\r\n\r\n`,
      400,
      426,
    ],
    'a WebSocket by POST': [
      `POST /agents/connect HTTP/1.1\r\n${upgrade}${key}Sec-WebSocket-Version: 13\r\n\r\n`,
      400,
      426,
    ],
  };
  for (const [what, [request, ...statuses]] of Object.entries(malformed)) {
    it(`are there for ${what}`, async () => {
      const answer = await exchange(server.url, request);
      assertAnswer(answer, { method: 'GET', path: what, who: 'a raw socket' });
      assert.ok(statuses.includes(answer.status), String(answer.status));
    });
  }

  // RFC 9110 §7.8: a server may ignore an upgrade it does not speak; Java's HTTP client offers h2c on each connection.
  it('are those of the answer itself when a client offers HTTP/2 by the way', async () => {
    const offer =
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n';
    const answer = await exchange(server.url, `GET /health HTTP/1.1\r\nHost: a\r\n${offer}\r\n`);
    assertAnswer(answer, { method: 'GET', path: '/health', who: 'a client of two protocols' });
    assert.equal(answer.status, 200);
  });

  for (const part of ['head', 'body'] as const) {
    it(`are there within seconds when the ${part} of a request does not end`, async () => {
      const answer = await timeouts[part];
      assertAnswer(answer, { method: 'GET', path: 'slow', who: 'a slow client' });
      assert.equal(answer.status, 408);
    });
  }

  /** HEAD has no body, whatever its type. */
  async function ask(method: string, path: string, { secret, as, headers, ...more }: Call): Promise<Answer> {
    if (method !== 'HEAD') return server.call(method, path, { secret, as, headers, ...more });
    const scheme = as === 'link' ? 'KISI-LINK' : 'Bearer';
    const authorization = secret === undefined ? {} : { authorization: `${scheme} ${secret}` };
    const answer = await fetch(server.url + path, { method, headers: { ...headers, ...authorization } });
    return { status: answer.status, headers: answer.headers, body: await answer.text() };
  }

  function filled(path: string): string {
    // A stream that begins has no end: this one names a type of event that there is not.
    const finite = path.replace('/events/stream', '/events/stream?event_type=none');
    return finite.replace(':id', '1').replace(':secret', made.link.secret).replace(':name', made.asset);
  }
});

const ourPage = { 'sec-fetch-site': 'same-origin' };

function deletes(endpoint: Endpoint): boolean {
  return endpoint.methods.includes('DELETE');
}

function isForAnyone({ callers, paths }: Endpoint): boolean {
  // The page's own answers are refused before that where they do not come from the page.
  return (
    callers.some((kind) => kind === 'anyone' || kind === 'agent') ||
    paths.some((path) => path.startsWith('/page/'))
  );
}

/** Everything that holds for all answers: the security headers, the shape of errors, and what they must carry. */
function assertAnswer(answer: Answer, asked: { method: string; path: string; who: string }): void {
  const { status, headers, body } = answer;
  const what = `${asked.method} ${asked.path} by ${asked.who}: ${status}`;
  for (const [name, value] of Object.entries(answerHeaders)) {
    const allowed = [value, ...exceptions(name, { status, ...asked })];
    assert.ok(allowed.includes(headers.get(name) ?? ''), `${what}: ${name} is ${headers.get(name)}`);
  }
  for (const name of ['server', 'x-powered-by']) assert.equal(headers.get(name), null, `${what}: ${name}`);
  if (status >= 400 && asked.method !== 'HEAD') {
    assert.match(headers.get('content-type') ?? '', /^application\/json/, what);
    const { code, reason, error, hint } = body;
    const known = { ...errors, ...denials }[reason as keyof typeof errors]; // an unknown reason finds nothing
    assert.deepEqual(
      [known?.status, known?.code, known?.hint],
      [status, code, hint],
      `${what}: ${JSON.stringify(body)}`,
    );
    assert.match(error, /^[A-Z].*\.$/s, what);
  }
  assert.ok(status < 500 || status === 503, what);
  if (status === 401) assert.ok(headers.get('www-authenticate'), `${what}: RFC 9110 §11.6.1`);
  if (status === 426) assert.match(headers.get('upgrade') ?? '', /websocket/, `${what}: RFC 9110 §15.5.22`);
  if (status === 429 || status === 503) assert.match(headers.get('retry-after') ?? '', /^[1-9]\d*$/, what);
}

/** The few answers that say something else than the others, on purpose. */
function exceptions(name: string, { status, path }: { status: number; path: string }): string[] {
  if (status >= 400) return name === 'cross-origin-resource-policy' ? [crossOriginHeaders[name] ?? ''] : [];
  if (name === 'content-security-policy' && /^\/(l|grouplinks)\/|^\/reader$/.test(path)) return [pagePolicy];
  if (name === 'permissions-policy' && /^\/reader\/?$/.test(path)) return [permissionsWithCamera];
  if (name === 'content-security-policy' && path.startsWith('/docs')) return [referencePolicy];
  if (name === 'cache-control' && /^\/(docs|openapi\.json)/.test(path)) return ['public, max-age=300'];
  if (name === 'cross-origin-resource-policy' && path.startsWith('/openapi.json')) return ['cross-origin'];
  if (name === 'cache-control' && path.startsWith('/page/assets/'))
    return ['public, max-age=31536000, immutable'];
  if (name === 'cross-origin-resource-policy' && /^\/(locks|group_link)(\/|$)/.test(path))
    return ['cross-origin'];
  return [];
}

/** Writes these bytes, and reads one answer. */
async function exchange(url: string, request: string, deadlineMs = 5_000): Promise<Answer> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), signal: AbortSignal.timeout(deadlineMs) });
  await once(socket, 'connect');
  socket.setEncoding('latin1').write(request, 'latin1');
  let text = '';
  for await (const part of socket) {
    text += part;
    const answer = parsed(text);
    if (answer !== null) return answer;
  }
  throw new Error(`the connection was closed after ${JSON.stringify(text)}`);
}

/** Null while something is missing of it. */
function parsed(text: string): Answer | null {
  const [head = '', content] = text.split('\r\n\r\n', 2);
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = new Headers(
    lines.map((line): [string, string] => [line.split(':', 1)[0] ?? '', line.replace(/^[^:]*: */, '')]),
  );
  if (content === undefined || content.length < Number(headers.get('content-length'))) return null;
  const isJson = headers.get('content-type')?.startsWith('application/json');
  return { status: Number(statusLine.split(' ')[1]), headers, body: isJson ? JSON.parse(content) : content };
}
