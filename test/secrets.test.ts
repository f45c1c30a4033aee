import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { type RunningAgent, startAgent } from '../agent/main.ts';
import { sightingWindowMs } from '../agent/scan.ts';
import { signPass } from '../domain/pass.ts';
import { insertAgent } from '../server/agents/store.ts';
import { readConfig, secretKey } from '../server/config.ts';
import { openInstallation } from '../server/main.ts';
import { rawPublicKey } from '../server/organizations/keys.ts';
import { createSealer } from '../server/secrets/sealer.ts';
import { doorOn, openPhone, startBrowser, touch, untilState } from './browser.ts';
import {
  freshFolder,
  type Postern,
  pulsesIn,
  runPostern,
  type Settings,
  startPostern,
} from './demo-process.ts';
import { type Answer, type Call, fetchAnswer } from './test-server.ts';

interface Made {
  link: { id: number; secret: string; url: string; quick_response_code_token: string };
  lock: { id: number };
}

/** Where a secret must not turn up: a name for the message, and all that is there. */
type Place = [name: string, content: string | Uint8Array];

describe('secrets, after everything that can be done with them', { timeout: 120_000 }, () => {
  const folder = freshFolder();
  const dataFolder = join(folder.path, 'data');
  const keyFile = join(folder.path, 'postern.key');
  const keyText = randomBytes(32).toString('base64');
  const settings: Settings = {
    POSTERN_DATA: dataFolder,
    POSTERN_PORT: '0',
    POSTERN_SECRET_KEY_FILE: keyFile,
  };
  const agentKeys = generateKeyPairSync('ed25519');
  const agentLog: string[] = [];
  const answers: Answer[] = [];
  /** From inside the browser: addresses, stores, the page itself. */
  const browserPlaces: Place[] = [];
  let secrets: Record<string, string>;
  let api_key: string;
  let server: Postern;
  let url: string;
  let agent: RunningAgent;
  let browser: Browser;
  let made: Made;

  before(async () => {
    writeFileSync(keyFile, keyText, { mode: 0o600 });
    const setup = JSON.parse((await runPostern(['setup', '--json'], settings)).stdout);
    api_key = setup.api_key;
    const { agent_id, hostKey } = await enrollAgent(setup.organization.id);
    const loud = { POSTERN_LOG_LEVEL: 'debug', POSTERN_RATE_LIMITS: 'off' };
    [server, browser] = [startPostern(['serve'], { ...settings, ...loud }), await startBrowser()];
    url = (await server.firstLine()).replace('Postern listens at ', '');
    made = await buildHouse(agent_id);
    const { link, lock } = made;
    secrets = {
      'the link secret': link.secret,
      'the pass': link.quick_response_code_token,
      'the API key': api_key,
      'the password of the owner': setup.owner.password,
      'the secret key': keyText,
    };
    const log = (fields: object, message: string) => agentLog.push(JSON.stringify([fields, message]));
    agent = startAgent({
      server_url: url,
      public_url: url,
      agent_id,
      private_key: agentKeys.privateKey,
      server_public_key: hostKey,
      folder: join(folder.path, 'agent'),
      doors: [
        {
          ...lock,
          name: 'Front door',
          lock: { driver: 'simulated' },
          readers: [{ name: 'Reader', driver: 'simulated', port: 0 }],
        },
      ],
      log: { info: log, warn: log },
    });
    await agent.connected();
  });
  after(async () => {
    await agent?.close();
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  it('can be used: on the page, over the API and at the reader', async () => {
    const { link, lock } = made;
    await usePage(link.url);
    await usePage(`${url}/grouplinks/${link.secret}`);
    const byLink: Call = { secret: link.secret, as: 'link' };
    for (const path of ['/locks', '/group_link', '/group_link/qr_code.svg', '/group_link/qr_code.png']) {
      assert.equal((await call('GET', path, byLink)).status, 200, path);
    }
    assert.equal((await call('POST', `/locks/${lock.id}/unlock`, byLink)).status, 200);
    assert.equal((await call('POST', `/locks/${lock.id}/access`, { secret: api_key })).status, 200);
    assert.equal(await show(link.quick_response_code_token), 'granted');
    for (const path of ['/group_links', `/group_links/${link.id}`, '/events?limit=250']) {
      const { status, body } = await call('GET', path, { secret: api_key });
      assert.equal(status, 200, path);
      assert.ok(!JSON.stringify(body).includes(link.secret), `${path} shows the secret again`);
    }
  });

  it('can be put in all the wrong places, and no answer repeats them', async () => {
    const { link, lock } = made;
    const { secret, quick_response_code_token: pass } = link;
    const json = { 'content-type': 'application/json' };
    const wrong: [string, string, Call][] = [
      ['GET', `/nothing/${secret}`, {}],
      ['GET', `/locks?secret=${secret}`, { secret: api_key }],
      ['GET', `/locks/${secret}`, { secret: api_key }],
      ['GET', `/group_links/${api_key}`, { secret: api_key }],
      ['GET', '/locks', { secret, as: 'login' }],
      ['GET', '/locks', { secret: api_key, as: 'link' }],
      ['GET', '/locks', { headers: { authorization: `Basic ${Buffer.from(secret).toString('base64')}` } }],
      [
        'GET',
        '/locks',
        { headers: { authorization: secret, cookie: secret, 'user-agent': secret, referer: link.url } },
      ],
      ['POST', `/locks/${lock.id}/unlock?secret=${secret}`, {}],
      ['POST', `/locks/${lock.id}/unlock`, { secret: api_key, body: `{"secret": "${secret}`, headers: json }],
      [
        'POST',
        '/group_links',
        { secret: api_key, body: { group_link: { name: 'A', group_id: secret, email: pass } } },
      ],
      ['POST', '/page/sessions', { body: { secret } }],
      [
        'POST',
        '/page/sessions',
        {
          body: `secret=${secret}`,
          headers: { 'content-type': 'text/plain', 'sec-fetch-site': 'same-origin' },
        },
      ],
      [
        'POST',
        '/page/sessions',
        { body: `["${secret}"`, headers: { ...json, 'sec-fetch-site': 'same-origin' } },
      ],
      ['GET', `/page/links/${link.id}`, { headers: { cookie: `__Host-postern-${link.id}=${secret}` } }],
    ];
    for (const [method, path, given] of wrong) {
      const answer = await call(method, path, given);
      assert.ok(answer.status >= 400 && answer.status < 500, `${method} ${path}: ${answer.status}`);
      assertNowhere(secrets, [[`the answer to ${method} ${path}`, JSON.stringify(answer.body)]]);
    }
    for (const start of [
      `GET /${secret} HTTP/1.1\r\n`,
      `GET / HTTP/1.1\r\nHost: a\r\n${secret} ${pass}\r\n\r\n`,
      `${secret}\r\n\r\n`,
    ]) {
      await writeRaw(`${start}${'X: '.padEnd(20_000, secret)}\r\n\r\n`);
    }
    const changed = `${pass.slice(0, 60)}${pass[60] === '7' ? '8' : '7'}${pass.slice(61)}`;
    for (const text of [secret, link.url, api_key, changed]) assert.match(await show(text), /^denied/);
  });

  it('are in no line of the log, at its loudest', () => {
    const lines = server
      .stderr()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    for (const route of ['/l/:id', '/grouplinks/:secret', '/locks/:id/unlock', 'none']) {
      assert.ok(
        lines.some((line) => line.route === route),
        `something was logged about ${route}`,
      );
    }
    assertNowhere(secrets, [
      ['stdout', server.stdout()],
      ['stderr', server.stderr()],
      ['the log of the agent', agentLog.join('\n')],
    ]);
  });

  it('are in no column of any table, nor anywhere else in the data folders', () => {
    const places: Place[] = valuesOf(dataFolder).map(({ where, value }) => [where, value]);
    assert.ok(places.length > 200, `${places.length} values`);
    for (const each of [dataFolder, join(folder.path, 'agent')]) {
      for (const file of readdirSync(each, { recursive: true, withFileTypes: true }))
        if (file.isFile()) places.push([file.name, readFileSync(join(file.parentPath, file.name))]);
    }
    assertNowhere(secrets, places);
  });

  it('are in no header of any answer', () => {
    assert.ok(answers.length > 30, `${answers.length} answers`);
    assertNowhere(
      secrets,
      answers.map(({ headers }): Place => ['the headers of an answer', JSON.stringify([...headers])]),
    );
  });

  it('are nowhere in the browser where the page, the address or the history could show them', () => {
    assert.ok(browserPlaces.length >= 20, `${browserPlaces.length} places`);
    const { 'the link secret': secret, 'the API key': key } = secrets;
    assertNowhere({ secret: secret ?? '', key: key ?? '' }, browserPlaces);
  });

  it('are sealed: the column opens with the key, for this row, and not otherwise', () => {
    const { link } = made;
    using database = new DatabaseSync(join(dataFolder, 'postern.db'), { readOnly: true });
    const row = database
      .prepare('select organization_id, secret_sealed from links where id = ?')
      .get(link.id);
    const sealed = row?.['secret_sealed'];
    assert.ok(sealed instanceof Uint8Array);
    const place = {
      table: 'links',
      column: 'secret_sealed',
      organization_id: Number(row?.['organization_id']),
      row_id: link.id,
    };
    const sealer = (key: string) => createSealer({ secretKey: secretKey(key), random: randomBytes });
    assert.equal(Buffer.from(sealer(keyText).open(sealed, place)).toString(), link.secret);
    assert.throws(() => sealer(randomBytes(32).toString('base64')).open(sealed, place));
    assert.throws(() => sealer(keyText).open(sealed, { ...place, row_id: link.id + 1 }));
    assert.throws(() => sealer(keyText).open(sealed, { ...place, table: 'passes' }));
  });

  it('keep a copy of the data shut: no command opens it without the key', async () => {
    const copy = join(folder.path, 'copy');
    cpSync(dataFolder, copy, { recursive: true });
    const stolen = { POSTERN_DATA: copy, POSTERN_PORT: '0' };
    const another = { ...stolen, POSTERN_SECRET_KEY: randomBytes(32).toString('hex') };
    const attempts: [string[], Settings, RegExp][] = [
      [['serve'], stolen, /There is no secret key/],
      [['serve'], another, /The secret key is not the one/],
      [['api-keys', 'create', '--name', 'Mine'], another, /The secret key is not the one/],
      [['demo', '--json'], stolen, /not the demo's/],
    ];
    await Promise.all(
      attempts.map(async ([args, given, sentence]) => {
        const { code, stdout, stderr } = await runPostern(args, given);
        assert.deepEqual([code, stdout], [1, ''], args.join(' '));
        assert.match(stderr, sentence);
      }),
    );
  });

  it('cannot be made of what is in the tables: no value in any form opens a door', async () => {
    const pulses = () => pulsesIn(join(folder.path, 'agent')).length;
    const before = pulses();
    const values = valuesOf(dataFolder).filter(({ value }) => value.length >= 16);
    const texts = new Set(
      values.flatMap(({ value }) => spellings(value)).filter((text) => /^[\x21-\x7e]{1,1000}$/.test(text)),
    );
    assert.ok(texts.size > 50, `${texts.size} texts`);
    for (const text of texts) {
      const cookie = {
        headers: { cookie: `__Host-postern-${made.link.id}=${text}`, 'sec-fetch-site': 'same-origin' },
      };
      const tries = [
        call('POST', `/locks/${made.lock.id}/unlock`, { secret: text, as: 'login' }),
        call('POST', `/locks/${made.lock.id}/unlock`, { secret: text, as: 'link' }),
        call('GET', `/page/links/${made.link.id}`, cookie),
      ];
      for (const { status } of await Promise.all(tries)) assert.equal(status, 401, text);
    }
    const seeds = values.flatMap(({ value }) =>
      typeof value === 'string' || value.length < 32 ? [] : [value.subarray(0, 32), value.subarray(-32)],
    );
    assert.ok(seeds.length > 5, `${seeds.length} seeds`);
    for (const seed of seeds)
      assert.match(await show(forgedPass(seed)), /^denied credential_unknown|^repeated/);
    assert.equal(pulses(), before);
    // Shown before, maybe within the time in which a reader takes it for the same presentation.
    await pause(sightingWindowMs + 50);
    assert.equal(await show(made.link.quick_response_code_token), 'granted', 'the real one still does');
  });

  /** What an operator does by enrolment: the agent's public key goes in, the server's comes out. */
  async function enrollAgent(organization_id: number) {
    const installation = await openInstallation(readConfig(settings));
    const row = {
      organization_id,
      name: 'Agent',
      public_key: rawPublicKey(agentKeys.publicKey),
      created_at: new Date().toISOString(),
    };
    const agent_id = await installation.context.database.everywhere.transaction((tx) => insertAgent(tx, row));
    await installation.close();
    return { agent_id, hostKey: installation.hostKey.publicKey };
  }

  async function buildHouse(agent_id: number): Promise<Made> {
    const create = async (noun: string, fields: object) => {
      const { status, body } = await call('POST', `/${noun}s`, { secret: api_key, body: { [noun]: fields } });
      assert.equal(status, 200, JSON.stringify(body));
      return body;
    };
    const place = await create('place', { name: 'House', address: '1 Gate Lane' });
    const lock = await create('lock', { name: 'Front door', place_id: place.id });
    const group = await create('group', { name: 'Visitors' });
    await create('group_lock', { group_id: group.id, lock_id: lock.id });
    using database = new DatabaseSync(join(dataFolder, 'postern.db'), { timeout: 5_000 });
    database.prepare('update doors set agent_id = ? where id = ?').run(agent_id, lock.id);
    const link = await create('group_link', {
      name: 'Robin Guest',
      group_id: group.id,
      email: 'robin@guest.invalid',
    });
    return { link, lock };
  }

  async function call(method: string, path: string, given: Call = {}): Promise<Answer> {
    const answer = await fetchAnswer(url, { method, path, ...given });
    answers.push(answer);
    return answer;
  }

  /** Comes to the page as from a message, opens the door, goes back, forward and reloads; keeps what is left behind. */
  async function usePage(address: string): Promise<void> {
    await using phone = await openPhone(browser);
    const { page } = phone;
    const asked: string[] = [];
    page.on('response', (response) =>
      answers.push({ status: response.status(), headers: new Headers(response.headers()), body: '' }),
    );
    page.on('request', (request) => {
      // The one request that carries the address itself has to; none after it may.
      if (!request.isNavigationRequest()) asked.push(`${request.url()} ${JSON.stringify(request.headers())}`);
    });
    await page.setContent(`<a href="${address}">Your access</a>`);
    await page.getByRole('link').click();
    await untilState(page, 'active');
    const door = doorOn(page, made.lock.id);
    await touch(page, door.hold, () => door.phase('open'));
    browserPlaces.push(...(await left(page)));
    await page.reload();
    await untilState(page, 'active');
    browserPlaces.push(...(await left(page)), ['what the page asked for', asked.join('\n')]);
    assert.deepEqual(phone.complaints, []);
  }

  function show(text: string): Promise<string> {
    return showAt(agent.readers()[0]?.port ?? 0, text);
  }

  async function writeRaw(bytes: string): Promise<void> {
    const socket = connect({
      host: '127.0.0.1',
      port: Number(new URL(url).port),
      signal: AbortSignal.timeout(5_000),
    });
    await once(socket, 'connect');
    socket.setEncoding('latin1').end(bytes);
    let text = '';
    for await (const part of socket) text += part;
    assert.match(text, /^HTTP\/1.1 4/);
    assertNowhere(secrets, [['the answer to a request that is none', text]]);
  }

  /** A pass for the door, signed with a key that somebody hoped to find in these bytes. */
  function forgedPass(seed: Uint8Array): string {
    const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]); // RFC 8410 §7
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    using database = new DatabaseSync(join(dataFolder, 'postern.db'), { readOnly: true });
    const row = database
      .prepare(
        'select k.kid, p.* from passes p join organization_keys k using (organization_id) where p.link_id = ?',
      )
      .get(made.link.id);
    const kid = row?.['kid'];
    assert.ok(row && kid instanceof Uint8Array);
    const number = (name: string) => Number(row[name]);
    const claims = {
      ...{
        organization_id: number('organization_id'),
        link_id: number('link_id'),
        group_id: number('group_id'),
      },
      ...{ index: number('pass_index'), online: row['online'] === 1, issued_at: number('issued_at_s') },
      ...{ not_before: number('not_before_s'), expires_at: number('expires_at_s') },
    };
    return signPass(claims, { kid, sign: (bytes) => sign(null, bytes, key) });
  }
});

/** Fails when one of the secrets, in one of the spellings that programs use, is in one of the places. */
function assertNowhere(secrets: Record<string, string>, places: readonly Place[]): void {
  for (const [name, secret] of Object.entries(secrets)) {
    const needles = [...spellings(secret), encodeURIComponent(secret)].map((text) => Buffer.from(text));
    for (const [place, content] of places) {
      const bytes = Buffer.from(content);
      assert.ok(!needles.some((needle) => bytes.includes(needle)), `${name} is in ${place}`);
    }
  }
}

function spellings(value: string | Uint8Array): string[] {
  const bytes = Buffer.from(value);
  const plain = typeof value === 'string' ? [value] : [];
  return [
    ...plain,
    bytes.toString('hex'),
    bytes.toString('base64').replaceAll('=', ''),
    bytes.toString('base64url'),
  ];
}

/** Every text and every blob in every column of every table. */
function valuesOf(dataFolder: string): { where: string; value: string | Uint8Array }[] {
  using database = new DatabaseSync(join(dataFolder, 'postern.db'), { readOnly: true });
  const tables = database.prepare(`select name from sqlite_master where type = 'table'`).all();
  return tables.flatMap(({ name }) =>
    database
      .prepare(`select * from "${name}"`)
      .all()
      .flatMap((row) => Object.entries(row))
      .flatMap(([column, value]) =>
        typeof value === 'string' || value instanceof Uint8Array
          ? [{ where: `${name}.${column}`, value }]
          : [],
      ),
  );
}

/**
 * What whoever takes the phone next could find, by the browser's own buttons or by a script in the page. What was
 * typed or clicked (`userTypedURL`, the browser's own list of visited pages) is the browser's, and the docs say so.
 */
async function left(page: Page): Promise<Place[]> {
  const devtools = await page.context().newCDPSession(page);
  const { entries } = await devtools.send('Page.getNavigationHistory');
  await devtools.detach();
  const script = (expression: string): Promise<string> => page.evaluate(`String(${expression})`);
  return [
    ['the history', entries.map((entry) => `${entry.url} ${entry.title}`).join('\n')],
    ['the address', page.url()],
    ['document.referrer', await script('document.referrer')],
    ['document.cookie', await script('document.cookie')],
    ['localStorage', await script('JSON.stringify(localStorage)')],
    ['sessionStorage', await script('JSON.stringify(sessionStorage)')],
    ['history.state', await script('JSON.stringify(history.state) + window.name')],
    ['the entries of the navigation', await script('navigation.entries().map(({ url }) => url)')],
    ['the document', await script('document.URL + document.baseURI + document.documentElement.outerHTML')],
    [
      'the databases',
      await page.evaluate('Promise.all([indexedDB.databases(), caches.keys()]).then(JSON.stringify)'),
    ],
  ];
}

/** Shows the text at a reader and answers its one line. */
async function showAt(port: number, text: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, signal: AbortSignal.timeout(10_000) });
  await once(socket, 'connect');
  socket.setEncoding('utf8').end(`${text}\n`);
  let line = '';
  for await (const part of socket) line += part;
  return line.trim();
}
