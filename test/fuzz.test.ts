import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createApiKey } from '../server/logins/logins.ts';
import { createOrganization } from '../server/organizations/organizations.ts';
import { assertContract, contract, findOperation } from './contract.ts';
import { figure, report } from './figures.ts';
import { type MadeRequest, Requests, type Target } from './fuzz-requests.ts';
import { seed } from './seed.ts';
import { type Answer, startTestServer, type TestServer } from './test-server.ts';

/*
 * Requests made from the OpenAPI document: valid, almost valid and hostile, with every kind of credential. Whatever comes,
 * the answer is one that the document names, and the server goes on.
 */

const perOperation = figure({ small: 30, large: 2_000 });
/** The only answers above 499 that are right: a door that cannot be reached, or says nothing. */
const doorIsAway = new Set(['door_unreachable', 'outcome_unknown', 'lock_failed']);

const targets: Target[] = Object.entries(contract.paths).flatMap(([template, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method, template, operation })),
);

/** Things that the requests of one operation are about, and who may send them. */
interface Things {
  ids: number[];
  /** Headers of every kind of caller, by its name. */
  callers: Record<string, Record<string, string>>;
}

describe(`whatever is sent (POSTERN_SEED=${seed})`, {
  timeout: figure({ small: 300_000, large: 7_200_000 }),
}, () => {
  let server: TestServer;
  let asset: string;
  let keys: { wide: string; narrow: string };
  let foreign: typeof keys;
  let houses = 0;

  before(async () => {
    server = await startTestServer({ environment: { POSTERN_RATE_LIMITS: 'off' } });
    asset = /\/page\/assets\/([^"]+)/.exec((await server.call('GET', '/l/1')).body)?.[1] ?? '';
    [keys, foreign] = [await makeHouse(), await makeHouse()];
  });
  after(() => server.close());

  for (const [at, target] of targets.entries()) {
    const { method, template } = target;
    it(`has an answer of the document: ${method.toUpperCase()} ${template}`, async () => {
      if (!(await isAlive(keys))) keys = await makeHouse();
      if (!(await isAlive(foreign))) foreign = await makeHouse();
      const { ids, callers } = await makeThings();
      const requests = new Requests(seed + at, { ids, asset });
      for (let number = 0; number < perOperation; number++) {
        const request = requests.make(target);
        const who = requests.pick([...Array(6).fill('key'), ...Object.keys(callers)]);
        const answer = await send({ ...request, headers: { ...callers[who], ...request.headers } });
        assertAnswer({ request, who, answer });
      }
      assert.equal((await server.call('GET', '/health')).status, 200);
    });
  }

  it('was sent to every operation', (t) => {
    const figures = {
      operations: targets.length,
      'requests each': perOperation,
      'answers not documented': 0,
      seed,
    };
    report(t, 'requests made from the document', figures);
  });

  /** What is sent may have ended the login that it was sent with. */
  async function isAlive({ wide, narrow }: typeof keys): Promise<boolean> {
    const answers = [wide, narrow].map((secret) => server.call('GET', '/user', { secret }));
    return (await Promise.all(answers)).every(({ status }) => status === 200);
  }

  async function makeHouse(): Promise<typeof keys> {
    const { context } = server;
    const number = ++houses;
    const owner = { email: `owner-${number}@test.invalid`, password: 'correct horse battery' };
    const fields = { name: `House ${number}`, domain: `house-${number}`, owner };
    const { id: organization_id } = await createOrganization(context, fields);
    const wide = await createApiKey(context, { organization_id, name: 'Wide' });
    const narrow = await createApiKey(context, { organization_id, name: 'Narrow', scopes: ['links:read'] });
    return { wide: wide.secret, narrow: narrow.secret };
  }

  /** Fresh ones for each operation: what it destroys is not missed by the next. */
  async function makeThings(): Promise<Things> {
    const create = async (noun: string, fields: object, secret = keys.wide) =>
      (await server.call('POST', `/${noun}s`, { secret, body: { [noun]: fields } })).body;
    const place = await create('place', { name: 'House', address: 'x' });
    const door = await create('lock', { name: 'Door', place_id: place.id });
    const group = await create('group', { name: 'Group' });
    const inGroup = await create('group_lock', { group_id: group.id, lock_id: door.id });
    const link = await create('group_link', { name: 'Guest', group_id: group.id });
    const theirs = await create('place', { name: 'Theirs', address: 'x' }, foreign.wide);
    const call = { body: { secret: link.secret }, headers: ourPage };
    const cookie = (await server.call('POST', '/page/sessions', call)).headers.get('set-cookie');
    return {
      ids: [place.id, door.id, group.id, inGroup.id, link.id, theirs.id],
      callers: {
        nobody: {},
        'a wrong key': { authorization: `KISI-LOGIN ${keys.wide.slice(0, -1)}x` },
        key: { authorization: `KISI-LOGIN ${keys.wide}` },
        'a narrow key': { authorization: `Bearer ${keys.narrow}` },
        'another organization': { authorization: `Bearer ${foreign.wide}` },
        link: { authorization: `KISI-GROUP-LINK ${link.secret}` },
        page: { ...ourPage, cookie: cookie?.split(';', 1)[0] ?? '' },
      },
    };
  }

  /** What has no end is not read. */
  async function send({ method, path, headers, body }: MadeRequest): Promise<Answer> {
    const signal = AbortSignal.timeout(15_000);
    const init = {
      method,
      headers,
      signal,
      redirect: 'manual' as const,
      ...(body === undefined ? {} : { body }),
    };
    const response = await fetch(server.url + path, init);
    const type = response.headers.get('content-type') ?? '';
    if (type.startsWith('text/event-stream')) {
      await response.body?.cancel();
      return { status: response.status, headers: response.headers, body: '' };
    }
    const text = await response.text();
    const content = type.startsWith('application/json') ? JSON.parse(text) : text;
    return { status: response.status, headers: response.headers, body: content };
  }

  function assertAnswer({
    request,
    who,
    answer,
  }: {
    request: MadeRequest;
    who: string;
    answer: Answer;
  }): void {
    const { status, body } = answer;
    const what = `POSTERN_SEED=${seed}: ${who} sent ${JSON.stringify(request).slice(0, 1_500)}`;
    assert.ok(
      status < 500 || (status === 503 && doorIsAway.has(body.reason)),
      `${what}: ${JSON.stringify(body)}`,
    );
    const { pathname, search } = new URL(server.url + request.path); // as it went out: without dots
    if (!findOperation(request.method, pathname)) return assert.ok([400, 404, 426].includes(status), what);
    try {
      assertContract({ method: request.method, path: pathname + search }, answer);
    } catch (error) {
      throw new Error(what, { cause: error });
    }
  }
});

const ourPage = { 'sec-fetch-site': 'same-origin' };
