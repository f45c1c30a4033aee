import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, watch, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { openPhone, startBrowser, untilState } from './browser.ts';
import {
  type Finished,
  freePort,
  freshFolder,
  type Postern,
  type RunningDemo,
  readQrCode,
  runPostern,
  type Settings,
  startDemo,
  startPostern,
} from './demo-process.ts';
import { fetchAnswer } from './test-server.ts';

const exitMsMax = 2_000;
const keyText = Buffer.alloc(32, 7).toString('base64');
const withKey = { POSTERN_SECRET_KEY: keyText, POSTERN_PORT: '0' };

describe('the command line', { concurrency: 2, timeout: 150_000 }, () => {
  const folder = freshFolder();
  let folders = 0;
  after(() => folder[Symbol.dispose]());

  /** A data folder that is not there yet. */
  function fresh(): string {
    return join(folder.path, `data-${++folders}`);
  }

  it('says what it can do', async () => {
    const asked = [[], ['--help'], ['-h'], ['help'], ['scan', '--help']];
    const answers = await Promise.all(asked.map((args) => runPostern(args)));
    for (const { code, stdout, stderr } of answers) {
      assert.deepEqual([code, stderr], [0, '']);
      for (const command of ['demo', 'scan', 'setup', 'serve', 'api-keys'])
        assert.ok(stdout.includes(`  ${command} `), command);
    }
  });

  const mistakes: Record<string, [args: string[], sentence: RegExp, settings?: Settings]> = {
    'an unknown command': [['open'], /There is no command open\. The commands are: demo, /],
    'a command that every object has': [['toString'], /There is no command toString\./],
    'an unknown option': [['demo', '--jsn'], /'--jsn'/],
    'a word too many for setup': [['setup', 'Acme'], /Acme/],
    'a word too many for serve': [['serve', 'quickly'], /quickly/, {}],
    'a scan of nothing': [['scan'], /Say what to show, and where: postern scan/],
    'a scan at no number': [
      ['scan', 'PSN1:ABC', '--door', 'front'],
      /--door must be a whole number; "front" is none\./,
    ],
    'a scan without a demo': [['scan', 'PSN1:ABC', '--door', '1'], /No agent is running here/],
    'a scan of a file that is not there': [
      ['scan', 'no/such.png', '--door', '1'],
      /There is no file no\/such\.png\./,
    ],
    'a scan of a file that is no picture': [
      ['scan', 'package.json', '--door', '1'],
      /package\.json is no picture/,
    ],
    'nothing to do with keys': [['api-keys'], /Say what to do with API keys: create, list or revoke\./],
    'a key without a name': [
      ['api-keys', 'create'],
      /Say what the key is for: postern api-keys create --name/,
    ],
    'a key of an organization that is no number': [
      ['api-keys', 'create', '--name', 'A', '--organization', 'x'],
      /--organization must be/,
    ],
    'a revocation of an unknown key': [
      ['api-keys', 'revoke', '9'],
      /There is no API key 9: see `postern api-keys list`\./,
    ],
    'a domain that cannot be one': [['setup', '--domain', 'My House'], /The domain My House must be/],
    'a key with a name of two lines': [
      ['api-keys', 'create', '--name', 'A\nB'],
      /name must be 1 to 200 characters on one line/,
    ],
    'an organization without a name': [['setup', '--name', ''], /name/i],
  };
  for (const [what, [args, sentence, settings = withKey]] of Object.entries(mistakes)) {
    it(`answers ${what} with a sentence and exit code 1`, async () => {
      assertRefused(await runPostern(args, { ...settings, POSTERN_DATA: fresh() }), sentence);
    });
  }

  const files = freshFolder();
  after(() => files[Symbol.dispose]());
  const fileOf = (name: string, content: string) => {
    writeFileSync(join(files.path, name), content);
    return join(files.path, name);
  };
  const data = join(files.path, 'data');
  mkdirSync(data);
  const wrongSettings: Record<string, [settings: Settings, sentence: RegExp]> = {
    'a port that is no number': [
      { POSTERN_PORT: 'http' },
      /POSTERN_PORT is "http", but must be a whole number/,
    ],
    'a host of another machine': [
      { ...withKey, POSTERN_HOST: '192.0.2.1', POSTERN_PLAIN_HTTP: 'allow' },
      /no address 192\.0\.2\.1\. Change POSTERN_HOST\./,
    ],
    'a setting that is none': [
      { POSTERN_PROT: '80' },
      /POSTERN_PROT is not a setting\. The settings are: POSTERN_HOST, /,
    ],
    'a folder that the system will not give': [
      { ...withKey, POSTERN_DATA: '/proc/postern' },
      /data folder cannot be made: .*Change POSTERN_DATA\./,
    ],
    'a file for a folder': [{ ...withKey, POSTERN_DATA: fileOf('file', '') }, /POSTERN_DATA|folder/],
    'a database that is none': [
      { ...withKey, POSTERN_DATA: dataWith('postern.db', 'x'.repeat(5_000)) },
      /database/,
    ],
    'no secret key': [{}, /There is no secret key\. Make one with `openssl rand -base64 32/],
    'a key file with the data': [
      { POSTERN_DATA: data, POSTERN_SECRET_KEY_FILE: fileOf('data/key', keyText) },
      /inside the data folder/,
    ],
  };
  // All the others are in server/config.test.ts.
  for (const [what, [settings, sentence]] of Object.entries(wrongSettings)) {
    it(`does not start with ${what}, and says what to change`, async () => {
      assertRefused(await runPostern(['serve'], { POSTERN_DATA: fresh(), ...settings }), sentence);
    });
  }

  function dataWith(name: string, content: string): string {
    mkdirSync(join(files.path, `with-${name}`));
    fileOf(`with-${name}/${name}`, content);
    return join(files.path, `with-${name}`);
  }

  it('sets an installation up once, and makes, lists and revokes keys while it is served', async (t) => {
    const settings = { ...withKey, POSTERN_DATA: fresh() };
    const names = ['--name', 'Gate Lane', '--domain', 'gate-lane', '--email', 'ada@example.org'];
    const setup = await runPostern(['setup', '--json', ...names], settings);
    assert.deepEqual([setup.code, setup.stderr, setup.stdout.split('\n').length], [0, '', 2]);
    const made = JSON.parse(setup.stdout);
    assert.deepEqual(made.organization, { id: 1, domain: 'gate-lane' });
    assert.equal(made.owner.email, 'ada@example.org');
    assert.match(made.owner.password, /^\S{20}$/);
    const again = await runPostern(['setup', '--json'], settings);
    assertRefused(again, /set up already, with the organization gate-lane\. .*postern api-keys create/);
    const { url } = await serve(t, settings);
    const status = async (secret: string) =>
      (await fetchAnswer(url, { method: 'GET', path: '/locks', secret })).status;
    assert.equal(await status(made.api_key), 200);
    const created = await runPostern(['api-keys', 'create', '--name', 'Booking system'], settings);
    const [secret = ''] = created.stdout.split('\n', 1);
    assert.match(secret, /^pstk_[a-z2-7]{39}$/);
    assert.equal(await status(secret), 200, 'at once');
    const listed = await runPostern(['api-keys', 'list'], settings);
    assert.match(listed.stdout, /1 {2}First key .* active\n +2 {2}Booking system .* active\n$/);
    assert.ok(!listed.stdout.includes(secret));
    const ended = await runPostern(['api-keys', 'revoke', '2'], settings);
    assert.deepEqual([ended.code, ended.stdout], [0, 'Key 2, "Booking system", is revoked.\n']);
    assert.equal(await status(secret), 401, 'at once');
    const rows = JSON.parse((await runPostern(['api-keys', 'list', '--json'], settings)).stdout);
    assert.deepEqual(
      rows.map(({ revoked_at }: { revoked_at: string | null }) => revoked_at === null),
      [true, false],
    );
    assert.equal(await status(made.api_key), 200, 'the other one stays');
  });

  it('says that the port is taken, and by which setting to choose another', async (t) => {
    const { url } = await serve(t, { ...withKey, POSTERN_DATA: fresh() });
    const taken = { POSTERN_DATA: fresh(), POSTERN_PORT: new URL(url).port };
    const sentence = /Port \d+ on 127\.0\.0\.1 is taken\. Stop what uses it, or set POSTERN_PORT to another/;
    assertRefused(await runPostern(['serve'], { ...withKey, ...taken, POSTERN_DATA: fresh() }), sentence);
    assertRefused(await runPostern(['demo'], taken), sentence);
    // What that start left behind is in nobody's way.
    await using demo = await startDemo(taken.POSTERN_DATA);
    assert.equal((await demo.call('GET', '/locks')).status, 200);
  });

  it('keeps a second server out of its data, and lets it in once it has gone', async (t) => {
    const settings = { ...withKey, POSTERN_DATA: fresh() };
    const { server } = await serve(t, settings);
    assertRefused(
      await runPostern(['serve'], settings),
      /Another server runs on the data in .*Stop it, or set POSTERN_DATA/,
    );
    await server.kill('SIGKILL');
    await serve(t, settings);
  });

  for (const [what, bytes] of Object.entries({
    'has said nothing yet': '',
    'is in the middle of a request': 'POST /group_links HTTP/1.1\r\nHost: a\r\nContent-Le',
    'may ask again': 'GET /health HTTP/1.1\r\nHost: a\r\n\r\n',
  })) {
    it(`leaves at SIGTERM, with a client that ${what}`, async (t) => {
      const { server, url } = await serve(t, { ...withKey, POSTERN_DATA: fresh() });
      const socket = await connectedTo(t, url);
      socket.write(bytes);
      if (what === 'may ask again') await once(socket, 'data');
      else await fetchAnswer(url, { method: 'GET', path: '/health' }); // by now the server has seen the other, too
      await assertLeaves(server, 'SIGTERM');
    });
  }

  it('leaves at Ctrl-C, with the page open in a browser', async (t) => {
    await using demo = await startDemo(fresh());
    const browser = await startBrowser();
    t.after(() => browser.close());
    await using phone = await openPhone(browser);
    await phone.page.goto(demo.demo.link.url);
    await untilState(phone.page, 'active');
    await assertLeaves(demo, 'SIGINT');
    assert.equal(existsSync(join(demo.dataFolder, 'agent', 'readers.json')), false);
  });

  function assertRefused({ code, stdout, stderr }: Finished, sentence: RegExp): void {
    assert.match(stderr, sentence);
    assert.doesNotMatch(stderr, /^ {4}at |node:internal|\[object /m, 'no stack trace');
    assert.deepEqual([code, stdout], [1, '']);
  }

  async function serve(t: TestContext, settings: Settings): Promise<{ server: Postern; url: string }> {
    const server = startPostern(['serve'], settings);
    t.after(() => server[Symbol.asyncDispose]());
    return { server, url: (await server.firstLine()).replace('Postern listens at ', '') };
  }
});

describe('the demo', { concurrency: 2, timeout: 120_000 }, () => {
  const folder = freshFolder();
  let first: RunningDemo;

  before(async () => {
    first = await startDemo(join(folder.path, 'first'));
  });
  after(async () => {
    await first?.[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  it('keeps what it made readable by its owner only', () => {
    const modes = [
      '',
      'agent',
      'demo.json',
      'link-qr.png',
      'secret.key',
      'agent/readers.json',
      'agent/pulses.log',
    ].map((name) => [name, (statSync(join(first.dataFolder, name)).mode & 0o777).toString(8)]);
    const folders = [
      ['', '700'],
      ['agent', '700'],
    ];
    assert.deepEqual(modes, [...folders, ...modes.slice(2).map(([name]) => [name, '600'])]);
  });

  it('prints one line of JSON and nothing else, and brings the same back at the next start', async () => {
    const dataFolder = join(folder.path, 'again');
    const settings = { POSTERN_PORT: String(await freePort()) };
    await using one = await startDemo(dataFolder, settings);
    const { link } = one.demo;
    assert.equal(
      (await one.call('POST', '/locks/1/unlock', { secret: link.secret, as: 'link' })).status,
      200,
    );
    await assertLeaves(one, 'SIGTERM');
    assert.equal(one.stdout(), `${JSON.stringify(one.demo)}\n`);
    assert.equal(one.stderr(), '');
    await using two = await startDemo(dataFolder, settings);
    assert.deepEqual(two.demo, one.demo);
    const { agent: _, ...kept } = JSON.parse(readFileSync(join(dataFolder, 'demo.json'), 'utf8'));
    assert.deepEqual(kept, two.demo, 'what it printed it keeps');
    assert.equal((await two.unlocksBy(link)).length, 1, 'the events, too');
    assert.equal(await readQrCode(link.qr_png), link.pass);
  });

  it('has a link that opens at every start: after it was revoked or has ended, a new one', async () => {
    const dataFolder = join(folder.path, 'revoked');
    await using one = await startDemo(dataFolder);
    await one.call('DELETE', `/group_links/${one.demo.link.id}`);
    await one.kill('SIGKILL');
    await using two = await startDemo(dataFolder);
    assert.notEqual(two.demo.link.id, one.demo.link.id);
    await assertOpens(two);
    const old = await two.call('POST', '/locks/1/unlock', { secret: one.demo.link.secret, as: 'link' });
    assert.deepEqual([old.status, old.body.reason], [403, 'credential_revoked']);
    await two.call('PATCH', `/group_links/${two.demo.link.id}`, {
      body: { group_link: { suspended: true } },
    });
    await two.kill('SIGTERM');
    await using three = await startDemo(dataFolder);
    await assertOpens(three);
  });

  it('tells a person what to open, what to scan and where it is kept', async (t) => {
    const dataFolder = join(folder.path, 'told');
    const demo = startPostern(['demo'], { POSTERN_DATA: dataFolder, POSTERN_PORT: '0' });
    t.after(() => demo[Symbol.asyncDispose]());
    await demo.firstLine();
    const record = JSON.parse(readFileSync(join(dataFolder, 'demo.json'), 'utf8'));
    const text = demo.stdout();
    for (const told of [
      record.link.secret,
      record.api_key,
      record.owner.password,
      join(dataFolder, 'demo.json'),
    ]) {
      assert.ok(text.includes(told), told);
    }
    assert.match(text, /npm run postern -- scan \S+link-qr\.png --door 1\n/);
    const scanned = await runPostern(['scan', join(dataFolder, 'link-qr.png'), '--door', '1'], {
      POSTERN_DATA: dataFolder,
    });
    assert.equal(scanned.code, 0);
    assert.match(demo.stdout(), /● Front door opens for 5 s\n/);
    await assertLeaves(demo, 'SIGINT');
  });

  // What a compose file makes of a variable that is not set.
  it('works where the time zone is set to nothing', async () => {
    await using demo = await startDemo(join(folder.path, 'zone'), { TZ: '' });
    const [place] = (await demo.call('GET', '/places')).body;
    const change = { body: { place: { time_zone: place.time_zone } } };
    assert.equal(
      (await demo.call('PATCH', `/places/${place.id}`, change)).status,
      204,
      `${place.time_zone} is a zone`,
    );
    await assertOpens(demo);
  });

  // Each of these appears at another moment of the first start.
  for (const name of ['secret.key', 'postern.db', 'demo.json', 'agent']) {
    it(`begins again after a first start that was killed when it wrote ${name}`, async (t) => {
      const dataFolder = join(folder.path, `killed-at-${name}`);
      mkdirSync(dataFolder, { mode: 0o700 });
      const killed = startPostern(['demo', '--json'], { POSTERN_DATA: dataFolder, POSTERN_PORT: '0' });
      t.after(() => killed[Symbol.asyncDispose]());
      await appearance(dataFolder, name, killed);
      await killed.kill('SIGKILL');
      await using demo = await startDemo(dataFolder);
      await assertOpens(demo);
    });
  }

  it('brings the same back when it was killed between its record and the end of its first start', async () => {
    const dataFolder = join(folder.path, 'almost');
    await using one = await startDemo(dataFolder);
    await one.kill('SIGKILL');
    writeFileSync(join(dataFolder, 'demo.unfinished'), '');
    await using two = await startDemo(dataFolder);
    assert.deepEqual(two.demo.link.id, one.demo.link.id);
    await assertOpens(two);
  });

  async function assertOpens(demo: RunningDemo): Promise<void> {
    const { link } = demo.demo;
    const { status, body } = await demo.call('POST', '/locks/1/unlock', { secret: link.secret, as: 'link' });
    assert.deepEqual([status, body], [200, { message: 'Unlocked!' }]);
    assert.equal(await readQrCode(link.qr_png), link.pass);
  }
});

async function assertLeaves(postern: Postern, signal: 'SIGINT' | 'SIGTERM'): Promise<void> {
  const started = performance.now();
  assert.deepEqual(await postern.kill(signal), { code: 0, signal: null });
  const ms = Math.round(performance.now() - started);
  assert.ok(ms < exitMsMax, `it took ${ms} ms`);
}

async function connectedTo(t: TestContext, url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => {}); // the server is about to go
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Waits until a file of that name is in the folder, or the process that should write it is gone. */
async function appearance(dataFolder: string, name: string, writer: Postern): Promise<void> {
  const seen = Promise.withResolvers<void>();
  const watcher = watch(dataFolder, () => existsSync(join(dataFolder, name)) && seen.resolve());
  const gone = writer.exited.then(() => assert.fail(`it ended before it wrote ${name}: ${writer.stderr()}`));
  await Promise.race([seen.promise, gone]).finally(() => watcher.close());
}
