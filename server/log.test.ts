import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { DatabaseError } from 'pg';
import type { Logger } from 'pino';
import { testHandlers } from '../test/test-app.ts';
import { startTestServer, type TestServer } from '../test/test-server.ts';
import { createApp } from './app.ts';
import { type LogSettings, openLog } from './log.ts';
import { linkSecretFrom, secretFrom } from './secrets/tokens.ts';

/** A log, and all that was written to it. */
async function captured(settings: Partial<LogSettings> = {}): Promise<{ log: Logger; text: () => string }> {
  let text = '';
  const write = (line: string) => {
    text += line;
  };
  const log = await openLog({ level: 'debug', format: 'json', colour: false, ...settings }, write);
  return { log, text: () => text };
}

const link = linkSecretFrom(randomBytes);
const key = secretFrom('api_key', randomBytes);
const pass = 'PSN1:6BFOXN*TS0BI$ZD-PHQ7I9AD66V5B22CH9M9ESI9XBHXK-%69LQOGI.*V76GCV4*XUA2P-FHT-H';
const password = 'hunter2-hunter2';
const everything = { link, key, pass, password };

/** Errors as libraries throw them, with what they attach. Each holds one of the secrets, or several. */
async function provoked(): Promise<[what: string, error: unknown][]> {
  const pg = new DatabaseError(`duplicate key value violates unique constraint "links_secret"`, 200, 'error');
  Object.assign(pg, {
    code: '23505',
    detail: `Key (secret)=(${link}) already exists.`,
    constraint: 'links_secret',
  });
  Object.assign(pg, {
    query: 'select $1',
    parameters: [key],
    where: `unnamed portal with $1 = '${password}'`,
  });
  const value = new DatabaseError(`invalid input syntax for type bigint: "${password}"`, 200, 'error');
  Object.assign(value, { code: '22P02' });
  const nested = new Error('the mail was not sent', {
    cause: new AggregateError([pg, value], 'all of them failed'),
  });
  return [
    ['a row that is there already, from pg', pg],
    ['a value that does not fit, from pg', value],
    ['a cause with several causes', nested],
    ['a constraint, from SQLite', ofSqlite()],
    ['a parser that quotes', thrownBy(() => JSON.parse(`{"password": "${password}" ${link}`))],
    ['a parser that quotes the whole', thrownBy(() => JSON.parse(password))],
    ['an address that is none', thrownBy(() => new URL(`//${password}`))],
    ['an address with a password', await rejectedBy(fetch(`http://user:${password}@127.0.0.1:9/${link}`))],
    ['an address that fetch cannot read', await rejectedBy(fetch(`webhook/${password}?key=${key}`))],
    ['a request that failed', await failedRequest()],
    ['what is no error', { headers: { authorization: `Bearer ${key}` }, nested: { deep: { password } } }],
    [
      'an object of a library',
      { request: new Request(`http://127.0.0.1/${password}`), map: new Map([[1, password]]) },
    ],
  ];
}

function ofSqlite(): unknown {
  using database = new DatabaseSync(':memory:');
  database.exec('create table t (secret text unique) strict');
  const insert = database.prepare('insert into t values (?)');
  insert.run(link);
  return thrownBy(() => insert.run(link));
}

/** With the request hanging on it, as HTTP clients of all kinds like to do. */
async function failedRequest(): Promise<Error> {
  const headers = { authorization: `KISI-LOGIN ${key}`, cookie: `__Host-postern-1=${password}` };
  const request = get({ host: '127.0.0.1', port: 9, path: `/grouplinks/${link}`, headers });
  const [error] = await once(request, 'error');
  return Object.assign(error, {
    request,
    config: { headers, url: `http://127.0.0.1:9/${link}` },
    options: { headers },
  });
}

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

function rejectedBy(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => assert.fail('it succeeded'),
    (error: unknown) => error,
  );
}

function assertNoSecret(text: string, what: string): void {
  for (const [name, secret] of Object.entries(everything))
    assert.ok(!text.includes(secret), `${what}: ${name} is in ${text}`);
}

describe('the log', () => {
  for (const format of ['json', 'text'] as const) {
    it(`never holds what hangs on an error, as ${format}`, async () => {
      for (const [what, error] of await provoked()) {
        const { log, text } = await captured({ format });
        log.error({ err: error }, 'it failed');
        log.warn({ error, list: [error] }, 'again');
        if (error instanceof Error) log.error(error);
        assert.match(text(), /it failed/);
        assertNoSecret(text(), what);
      }
    });
  }

  it('keeps what helps: the kind of error, its codes, its sentence, where it happened', async () => {
    const { log, text } = await captured();
    const [[, pg], [, value], [, nested]] = (await provoked()) as [
      [string, Error],
      [string, Error],
      [string, Error],
    ];
    for (const err of [pg, value, nested]) log.error({ err, request_id: 'r1' }, 'it failed');
    const [first, second, third] = text()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.partialDeepStrictEqual(first, { level: 'error', request_id: 'r1', msg: 'it failed' });
    assert.match(first.time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    const sentence = 'duplicate key value violates unique constraint "links_secret"';
    assert.partialDeepStrictEqual(first.err, {
      ...{ type: 'DatabaseError', code: '23505', constraint: 'links_secret', message: sentence },
    });
    assert.match(first.err.stack, /^ {4}at .*log\.test\.ts/);
    assert.equal(second.err.message, 'invalid input syntax for type bigint: …');
    assert.equal(third.err.cause.errors[0].code, '23505');
  });

  it('hides a secret by its shape, wherever a line has it', async () => {
    const { log, text } = await captured();
    const cookie = `__Host-postern-7=${Buffer.from(password).toString('base64url')}`;
    const places = [
      `\n${link}`,
      `${link}\n`,
      `"${key}"`,
      `x=${key}&y`,
      `\t${pass}`,
      `https://u:${password}@db/x`,
    ];
    for (const place of [...places, `Bearer ${password}`, `KISI-GROUP-LINK ${link}`, cookie]) {
      log.info({ why: place, deep: { list: [place] } }, place);
    }
    assertNoSecret(text(), 'by shape');
    assert.ok(!text().includes(cookie));
    assert.match(text(), /https:\/\/\[hidden\]@db\/x/);
  });

  it('leaves alone what is no secret', async () => {
    const { log, text } = await captured();
    const fields = {
      route: '/group_links/:id',
      url: 'https://doors.example.org',
      agent_id: 7,
      request_id: '0190f3a2-7c1e-7b3a-9d1e-2f4a5b6c7d8e',
    };
    log.info({ ...fields, at: new Date(0), none: null, list: [1, 'a'] }, 'request');
    const { level, time, msg, ...logged } = JSON.parse(text());
    assert.deepEqual(logged, { ...fields, at: '1970-01-01T00:00:00.000Z', none: null, list: [1, 'a'] });
  });

  it('is one line of JSON an entry for programs, and readable for people, without colours unless in a terminal', async () => {
    const json = await captured();
    json.log.info({ a: 1 }, 'two\nlines');
    assert.equal(json.text().split('\n').length, 2);
    const people = await captured({ format: 'text' });
    people.log.warn({ a: 1 }, 'Look here.');
    assert.match(people.text(), /^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: Look here\. \{"a":1\}\n$/);
    const terminal = await captured({ format: 'text', colour: true });
    terminal.log.warn('Look here.');
    assert.ok(terminal.text().includes('\u001b['));
  });

  it('has levels', async () => {
    const { log, text } = await captured({ level: 'warn' });
    log.info('quiet');
    log.warn('loud');
    assert.match(text(), /^\{"level":"warn",.*"msg":"loud"\}\n$/);
  });
});

describe('a request that fails on our side', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer();
  });
  after(() => server?.close());

  it('is named alike in its answer, in its header and in the log, and its secrets are in neither', async () => {
    const { context } = server;
    const handlersOver = testHandlers(context);
    const errors = (await provoked()).map(([, error]) => error);
    const { log, text } = await captured();
    const failing: typeof handlersOver = (own) => ({
      ...handlersOver(own),
      'health.show': () => Promise.reject(errors.shift()),
    });
    const app = createApp({ context, handlersOver: failing, log });
    for (let left = errors.length; left > 0; left--) {
      const answer = await app.inject({ url: '/health', headers: { authorization: `Bearer ${key}` } });
      const id = answer.headers['x-request-id'];
      const { reason, request_id } = answer.json();
      assert.deepEqual([answer.statusCode >= 500, request_id], [true, id]);
      assert.ok(['internal', 'unavailable'].includes(reason), reason);
      const lines = text()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      const mine = lines.filter((line) => line.request_id === id).map(({ msg }) => msg);
      assert.deepEqual(mine, ['a request failed', 'request']);
      assertNoSecret(answer.body, 'the answer');
    }
    assertNoSecret(text(), 'the log');
    const fine = await app.inject({ url: '/nothing' });
    assert.equal(fine.statusCode, 404);
    assert.equal(fine.json().request_id, undefined, 'what the caller did wrong is no matter for our log');
    assert.ok(fine.headers['x-request-id']);
    await app.close();
  });

  it('is logged with where it came from only when its credential was wrong', async () => {
    const { context } = server;
    const { log, text } = await captured();
    const app = createApp({ context, handlersOver: testHandlers(context), log });
    await app.inject({ url: '/health' });
    await app.inject({ url: '/locks', headers: { authorization: 'Bearer wrong' } });
    await app.close();
    const [first, second] = text()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual([first.status, first.address], [200, undefined]);
    assert.deepEqual([second.status, second.address], [401, '127.0.0.1']);
  });
});
