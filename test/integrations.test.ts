import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { endpoints, type Operation } from '../domain/endpoints.ts';
import { describe as describeOperation } from '../domain/operations.ts';
import { type Answer, type Call, startTestServer, type TestServer } from './test-server.ts';

/*
 * Requests as booking systems, door apps and shell scripts send them: sloppier than any description. Where nothing is
 * lost by reading them they work; where something would be, the answer says in a sentence what to send instead.
 */

/** So long do door apps wait for an answer. */
const giveUpMs = 5_000;

let server: TestServer;
let group_id: number;
let door: { id: number; name: string };
let secret: string;

before(async () => {
  server = await startTestServer({ environment: { POSTERN_RATE_LIMITS: 'off' } });
  const place = await server.create('place', { name: 'House', address: '1 Gate Lane' });
  door = await server.create('lock', { name: 'Front door', place_id: place.id });
  group_id = (await server.create('group', { name: 'Visitors' })).id;
  await server.create('group_lock', { group_id, lock_id: door.id });
  ({ secret } = await server.create('group_link', { name: 'Robin', group_id }));
  await server.connectAgent([door]);
});
after(() => server.close());

function ask(method: string, path: string, call: Call = {}): Promise<Answer> {
  return server.call(method, path, call);
}

function withKey(headers: Record<string, string> = {}): Record<string, string> {
  return { authorization: `KISI-LOGIN ${server.api_key}`, ...headers };
}

const link = (more: object = {}) => ({ group_link: { name: 'Robin Guest', group_id, ...more } });

describe('a booking system', () => {
  it('makes a link, and builds its address from the secret as it did before', async () => {
    const fields = {
      email: 'robin@example.org',
      valid_from: null,
      valid_until: null,
      link_enabled: true,
      quick_response_code_type: 'offline',
    };
    const { status, body } = await ask('POST', '/group_links', { headers: withKey(), body: link(fields) });
    assert.equal(status, 200);
    const page = await server.call('GET', `/grouplinks/${body.secret}`);
    assert.equal(page.status, 200);
    assert.match(page.headers.get('content-type') ?? '', /^text\/html/);
    assert.equal((await ask('GET', '/locks', { secret: body.secret, as: 'link' })).body[0].id, door.id);
    assert.equal((await ask('DELETE', `/group_links/${body.id}`, { headers: withKey() })).status, 204);
  });

  it('sends numbers as texts, and nothing as an empty text', async () => {
    const fields = {
      group_id: String(group_id),
      email: '',
      phone: '',
      valid_from: '',
      max_uses: '3',
      link_enabled: 'true',
    };
    const { status, body } = await ask('POST', '/group_links', { headers: withKey(), body: link(fields) });
    assert.equal(status, 200);
    assert.deepEqual(
      [body.group_id, body.email, body.phone, body.valid_from, body.max_uses, body.link_enabled],
      [group_id, null, null, null, 3, true],
    );
  });

  it('writes instants as its language does', async () => {
    const spellings = [
      'T08:00:00Z',
      'T08:00:00.000Z',
      'T09:00:00+01:00',
      'T13:30:00.123456+0530',
      ' 08:00:00+00:00',
      'T08:00Z',
    ];
    const inAYear = new Date(Date.now() + 300 * 86_400_000).toISOString().slice(0, 10);
    for (const spelling of spellings) {
      const body = link({ valid_until: inAYear + spelling });
      const answer = await ask('POST', '/group_links', { headers: withKey(), body });
      assert.equal(answer.status, 200, spelling);
      assert.match(answer.body.valid_until, /T08:00:00\.\d{3}Z$/, spelling);
    }
  });

  it('names its content and what it would like to read in many ways', async () => {
    for (const type of [
      'application/json; charset=utf-8',
      'application/json;charset=UTF-8',
      'Application/JSON',
      'application/json; charset="utf-8"',
    ]) {
      const headers = withKey({ 'content-type': type });
      assert.equal((await ask('POST', '/group_links', { headers, body: link() })).status, 200, type);
    }
    for (const accept of [
      '*/*',
      'application/vnd.kisi.v1+json',
      'text/html',
      'application/xml;q=1, */*;q=0',
      'nonsense',
    ]) {
      const { status, headers } = await ask('GET', '/group_links', { headers: withKey({ accept }) });
      assert.deepEqual(
        [status, headers.get('content-type')],
        [200, 'application/json; charset=utf-8'],
        accept,
      );
    }
  });

  it('sends headers that mean nothing here', async () => {
    const headers = withKey({
      'x-requested-with': 'XMLHttpRequest',
      'x-login-organization-id': '1',
      'x-http-method-override': 'DELETE',
      'user-agent': 'PostmanRuntime/7.26',
      'cache-control': 'no-cache',
      cookie: '_session=abc; __Host-postern-1=x',
      origin: 'https://booking.invalid',
      referer: 'https://booking.invalid/',
      'accept-language': 'de',
      'if-modified-since': 'yesterday',
      range: 'bytes=0-1',
      pragma: 'no-cache',
    });
    assert.equal((await ask('POST', '/group_links', { headers, body: link() })).status, 200);
    assert.equal((await ask('GET', `/groups/${group_id}`, { headers })).status, 200);
  });

  it('begins its JSON with a byte order mark', async () => {
    const body = `\ufeff${JSON.stringify(link())}`;
    assert.equal((await ask('POST', '/group_links', { headers: withKey(), body })).status, 200);
  });

  it('writes the scheme in small letters, or the standard one', async () => {
    for (const scheme of ['kisi-login', 'Kisi-Login', 'Bearer', 'bearer', 'BEARER', 'KISI-LOGIN ']) {
      const headers = { authorization: `${scheme} ${server.api_key}` };
      assert.equal((await ask('GET', '/groups', { headers })).status, 200, scheme);
    }
  });

  it('puts a slash at the end', async () => {
    for (const path of ['/groups/', `/groups/${group_id}/`, '/groups/?limit=1'])
      assert.equal((await ask('GET', path, { headers: withKey() })).status, 200, path);
    assert.equal((await ask('POST', '/group_links/', { headers: withKey(), body: link() })).status, 200);
  });

  it('asks for ids with commas, in brackets, one after the other', async () => {
    const other = (await server.create('group', { name: 'Staff' })).id;
    for (const query of [
      `ids=${group_id},${other}`,
      `ids=${group_id}%2C${other}`,
      `ids[]=${group_id}&ids[]=${other}`,
      `ids%5B%5D=${group_id}&ids%5B%5D=${other}`,
      `ids=${group_id}&ids=${other}`,
    ]) {
      const { status, body } = await ask('GET', `/groups?${query}`, { headers: withKey() });
      assert.equal(status, 200, query);
      assert.deepEqual(body.map(({ id }: { id: number }) => id).sort(), [group_id, other].sort(), query);
    }
  });

  it('sends its empty filters along', async () => {
    const { status, body } = await ask('GET', '/locks?query=&place_id=&favorite=&limit=', {
      headers: withKey(),
    });
    assert.deepEqual([status, body.length], [200, 1]);
  });

  it('sends a form, and is told to send JSON', async () => {
    for (const type of [
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'text/plain',
      'application/xml',
    ]) {
      const headers = withKey({ 'content-type': type });
      const { status, body } = await ask('POST', '/group_links', { headers, body: 'group_link[name]=Robin' });
      assert.deepEqual([status, body.reason], [415, 'unsupported_media_type'], type);
      assert.match(body.hint, /application\/json/);
    }
  });

  it('forgets the noun around its fields, and is told', async () => {
    const { status, body } = await ask('POST', '/group_links', {
      headers: withKey(),
      body: { name: 'Robin', group_id },
    });
    assert.equal(status, 422);
    assert.match(body.error, /group_link/);
  });
});

describe('a door app', () => {
  const bodies: [string, Call][] = [
    ['nothing', {}],
    ['nothing, said to be JSON', { headers: { 'content-type': 'application/json' } }],
    ['nothing, said to be a form', { headers: { 'content-type': 'application/x-www-form-urlencoded' } }],
    ['an empty object', { body: {} }],
    ['null', { body: 'null' }],
    [
      'where the phone is',
      { body: { context: { location: { latitude: 53.5, longitude: 9.9, accuracy: 12 } } } },
    ],
    ['that it stands there', { body: { lock: { proximity_proof: 0 }, context: null } }],
  ];
  for (const [what, call] of bodies) {
    it(`unlocks with the secret of a link and ${what}, by the older spellings too`, async () => {
      for (const scheme of ['KISI-GROUP-LINK', 'KISI-LINK', 'kisi-link']) {
        for (const verb of ['unlock', 'access', 'unlock/']) {
          const headers = { ...call.headers, authorization: `${scheme} ${secret}` };
          const answer = await ask('POST', `/locks/${door.id}/${verb}`, { ...call, headers });
          assert.deepEqual(
            [answer.status, answer.body],
            [200, { message: 'Unlocked!' }],
            `${scheme} ${verb}`,
          );
        }
      }
    });
  }

  it('gets an answer before it gives up, even when the door says nothing', async (t) => {
    const silent = await startTestServer({ environment: { POSTERN_RATE_LIMITS: 'off' } });
    t.after(() => silent.close());
    const place = await silent.create('place', { name: 'House', address: 'x' });
    const lock = await silent.create('lock', { name: 'Stuck', place_id: place.id });
    await silent.connectAgent([lock]);
    const [agent_id = 0] = silent.context.agents.reachableAgents();
    // From now on another one has the session, which hears every command and does nothing.
    const nothing = () => {};
    const tellDoorStates = async () => true;
    silent.context.agents.add({ agent_id, send: nothing, end: nothing, giveWay: nothing, tellDoorStates });
    const began = performance.now();
    const { status, body } = await silent.call('POST', `/locks/${lock.id}/unlock`, {
      secret: silent.api_key,
    });
    assert.deepEqual([status, body.reason], [503, 'outcome_unknown']);
    assert.ok(performance.now() - began < giveUpMs);
  });

  it('speaks HTTP/1.0, in pieces, and asks first whether it may send', async () => {
    const head = `POST /locks/${door.id}/unlock`;
    const authorization = `Authorization: KISI-LINK ${secret}\r\n`;
    const requests = [
      `${head} HTTP/1.0\r\n${authorization}\r\n`,
      `${head} HTTP/1.0\r\n${authorization}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
      `${head} HTTP/1.1\r\nHost: a\r\n${authorization}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n`,
      `${head} HTTP/1.1\r\nHost: a\r\n${authorization}Content-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n{}`,
    ];
    for (const request of requests) {
      const answer = await exchange(request);
      assert.match(answer, /HTTP\/1\.1 200 OK\r\n/, request);
      assert.match(answer, /{"message":"Unlocked!"}/, request);
    }
  });
});

/** All bytes that come back until the server closes. */
async function exchange(request: string): Promise<string> {
  const { hostname, port } = new URL(server.url);
  const socket = connect({ host: hostname, port: Number(port), signal: AbortSignal.timeout(giveUpMs) });
  await once(socket, 'connect');
  socket.setEncoding('latin1').write(request, 'latin1');
  let text = '';
  for await (const part of socket) text += part;
  return text;
}

describe('a field', () => {
  const withBodies = (Object.keys(endpoints) as Operation[]).flatMap((operation) => {
    const { body } = describeOperation(operation);
    // What pages send has tests of its own: it must come from the page itself.
    return body && !/^(page|tablet)\./.test(operation) ? [{ operation, body }] : [];
  });

  for (const { operation, body } of withBodies) {
    const { methods, paths } = endpoints[operation];
    const send = async (fields: object) => {
      const path = paths[0].replace(':id', '1');
      const wrapped = body.noun ? { [body.noun]: fields } : fields;
      const answer = await ask(methods[0], path, { headers: withKey(), body: wrapped });
      return Object.keys(answer.body?.errors ?? {});
    };

    it(`that Kisi knows is accepted by ${operation}, whatever is in it`, async () => {
      const ignored = Object.entries(body.schema.properties)
        .filter(([, schema]) => 'ignored' in schema)
        .map(([name]) => name);
      for (const value of [null, '', 0, true, [], { a: 1 }]) {
        const fields = Object.fromEntries(ignored.map((name) => [name, value]));
        const named = await send(fields);
        assert.deepEqual(
          named.filter((name) => ignored.includes(name)),
          [],
        );
      }
    });

    it(`that nobody knows is named by ${operation}`, async () => {
      assert.deepEqual((await send({ surprise: 1 })).includes('surprise'), true);
    });
  }

  it('of a query that nobody knows is named', async () => {
    const operations = (Object.keys(endpoints) as Operation[]).filter(
      (operation) => describeOperation(operation).query && !operation.startsWith('link.'),
    );
    for (const operation of operations) {
      const path = `${endpoints[operation].paths[0].replace(':id', '1')}?surprise=1`;
      const { status, body } = await ask('GET', path, { headers: withKey() });
      assert.deepEqual([status, Object.keys(body.errors ?? {})], [422, ['surprise']], operation);
    }
  });
});
