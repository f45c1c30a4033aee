import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Demo } from '../server/demo.ts';
import { lanAddress } from '../server/http/lan.ts';
import { doorOn, homeThatTrusts, openPhone, startBrowser, touch, untilState } from './browser.ts';
import { testAuthority } from './certificates.ts';
import { freshFolder, type Postern, runPostern, type Settings, startPostern } from './demo-process.ts';
import { send } from './http-client.ts';

const addressMissing = 'These tests need a network address beside the loopback ones.';

describe('the demo for phones in the same network', { timeout: 150_000 }, () => {
  const folder = freshFolder();
  const dataFolder = join(folder.path, 'data');
  const settings: Settings = { POSTERN_DATA: dataFolder, POSTERN_PORT: '0' };
  const files = {
    authority: join(dataFolder, 'lan', 'authority.crt'),
    server: join(dataFolder, 'lan', 'server.crt'),
  };
  let running: Postern;
  let demo: Demo;
  let ca: string;

  const start = async (more: Settings = {}): Promise<[Postern, Demo]> => {
    const postern = startPostern(['demo', '--lan', '--json'], { ...settings, ...more });
    return [postern, JSON.parse(await postern.firstLine())];
  };

  before(async () => {
    [running, demo] = await start();
    ca = readFileSync(demo.authority ?? '', 'utf8');
  });
  after(async () => {
    await running?.[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  it('is reached under its address there, and under every other of its names, by whoever trusts its authority', async () => {
    const address = lanAddress(networkInterfaces());
    assert.ok(address, addressMissing);
    const { port, hostname, protocol } = new URL(demo.url);
    assert.deepEqual([protocol, hostname], ['https:', address]);
    assert.ok(demo.link.url.startsWith(`${demo.url}/l/`));
    for (const host of [address, '127.0.0.1', 'localhost']) {
      const { status, headers } = await send(`https://${host}:${port}/health`, { ca });
      assert.deepEqual([status, headers['strict-transport-security']], [200, undefined], host);
    }
    await assert.rejects(send(`${demo.url}/health`), /self-signed|unable to/, 'the system does not trust it');
  });

  it('opens a door over TLS: the agent is connected by wss', async () => {
    const headers = { authorization: `KISI-GROUP-LINK ${demo.link.secret}` };
    const { status, body } = await send(`${demo.url}/locks/1/unlock`, { method: 'POST', ca, headers });
    assert.deepEqual([status, body], [200, { message: 'Unlocked!' }]);
  });

  it('shows the page in a browser that trusts its authority, with the cookie that only https may set', async () => {
    const home = homeThatTrusts(demo.authority ?? '', join(folder.path, 'home'));
    const browser = await startBrowser({ home });
    try {
      await using phone = await openPhone(browser);
      await phone.page.goto(demo.link.url);
      await untilState(phone.page, 'active');
      const [cookie, ...more] = await phone.context.cookies();
      assert.partialDeepStrictEqual(cookie, {
        name: `__Host-postern-${demo.link.id}`,
        secure: true,
        httpOnly: true,
      });
      assert.deepEqual(more, []);
      await phone.page.reload(); // from here on by the cookie
      await untilState(phone.page, 'active');
      const door = doorOn(phone.page, 2);
      await touch(phone.page, door.hold, () => door.phase('open'));
      assert.deepEqual(phone.complaints, []);
    } finally {
      await browser.close();
    }
  });

  it('is refused by a browser that was not told to trust it', async () => {
    const browser = await startBrowser({ home: join(folder.path, 'stranger') });
    try {
      await using phone = await openPhone(browser);
      await assert.rejects(phone.page.goto(demo.link.url), /ERR_CERT_AUTHORITY_INVALID/);
    } finally {
      await browser.close();
    }
  });

  it('hands out the certificate that phones must trust, and never a key', async () => {
    const { status, headers, body } = await send(`${demo.url}/lan/ca.crt`, { ca });
    assert.deepEqual([status, headers['content-type'], body], [200, 'application/x-x509-ca-cert', ca]);
    assert.ok(new X509Certificate(body).ca);
    for (const name of ['authority.key', 'server.key']) {
      const file = join(dataFolder, 'lan', name);
      assert.equal(statSync(file).mode & 0o777, 0o600, name);
      assert.equal((await send(`${demo.url}/lan/${name}`, { ca })).status, 404);
    }
  });

  it('keeps its authority from start to start, and its certificate as long as it fits', async () => {
    const kept = () => [files.authority, files.server].map((file) => readFileSync(file, 'utf8'));
    const before = kept();
    await running.kill('SIGTERM');
    [running, demo] = await start();
    assert.deepEqual(kept(), before);
    await running.kill('SIGTERM');
    writeFileSync(files.server, 'half a certif');
    [running, demo] = await start({ POSTERN_PUBLIC_URL: 'https://gate.local:8443' });
    const [authority, server = ''] = kept();
    assert.equal(authority, before[0], 'phones need not be told again');
    assert.match(new X509Certificate(server).subjectAltName ?? '', /DNS:gate\.local/);
    assert.ok(demo.link.url.startsWith('https://gate.local:8443/l/'));
    // Not for a name that is not local: that takes another authority.
    await running.kill('SIGTERM');
    [running, demo] = await start({ POSTERN_PUBLIC_URL: 'https://gate.example.org' });
    assert.notEqual(kept()[0], before[0]);
  });

  it('tells a person what a phone needs, and does not go with settings that say something else', async () => {
    await running.kill('SIGTERM');
    await using told = startPostern(['demo', '--lan'], settings);
    await told.firstLine();
    for (const part of [
      /\/lan\/ca\.crt/,
      /SHA-256 fingerprint/,
      /iPhone/,
      /Android/,
      /curl --cacert \S+authority\.crt/,
    ])
      assert.match(told.stdout(), part);
    await told.kill('SIGTERM');
    const refusals: [Settings, RegExp][] = [
      [
        { POSTERN_TLS_CERT: 'a.crt', POSTERN_TLS_KEY: 'a.key' },
        /Remove POSTERN_TLS_CERT and POSTERN_TLS_KEY/,
      ],
      [{ POSTERN_PUBLIC_URL: 'http://gate.local' }, /POSTERN_PUBLIC_URL is http:.*https/],
      [{ POSTERN_RATE_LIMITS: 'off' }, /POSTERN_RATE_LIMITS=off/],
    ];
    for (const [more, sentence] of refusals) {
      const { code, stderr, stdout } = await runPostern(['demo', '--lan'], { ...settings, ...more });
      assert.match(stderr, sentence);
      assert.deepEqual([code, stdout], [1, '']);
    }
  });
});

describe('a server with a certificate of its operator', { timeout: 60_000 }, () => {
  const folder = freshFolder();
  after(() => folder[Symbol.dispose]());
  const localhost = ['localhost', '127.0.0.1'];

  it('takes a new one at SIGHUP, keeps the old one when the new is wrong, and its agent finds it again', async () => {
    const authority = await testAuthority();
    const tls = authority.write(folder.path, await authority.make(localhost));
    const settings = { ...tls, POSTERN_DATA: join(folder.path, 'data'), POSTERN_PORT: '0' };
    await using postern = startPostern(['demo', '--json'], settings);
    const demo: Demo = JSON.parse(await postern.firstLine());
    const ask = (path: string, ca: string, method = 'GET') =>
      send(demo.url + path, { ca, method, headers: { authorization: `Bearer ${demo.api_key}` } });
    assert.match(demo.url, /^https:/);
    assert.equal((await ask('/locks/1/unlock', authority.cert, 'POST')).status, 200, 'the agent came by wss');
    assert.equal((await ask('/lan/ca.crt', authority.cert)).status, 404, 'this is not --lan');

    rmSync(tls.POSTERN_TLS_KEY);
    postern.signal('SIGHUP');
    while (!postern.stderr().includes('the certificate was not changed'))
      await ask('/health', authority.cert);
    assert.match(postern.stderr(), /POSTERN_TLS_KEY names .*, which does not exist/);

    const another = await testAuthority();
    another.write(folder.path, await another.make(localhost));
    postern.signal('SIGHUP');
    const renewed = () =>
      ask('/health', another.cert).then(
        () => true,
        () => false,
      );
    while (!(await renewed()));
    await assert.rejects(ask('/health', authority.cert));
    assert.equal((await ask('/locks/1/unlock', another.cert, 'POST')).status, 200, 'its session went on');
    await postern.kill('SIGTERM');
  });

  it('does not start with one that cannot be used, and says why', async () => {
    const authority = await testAuthority();
    const lastYear = new Date(Date.now() - 500 * 24 * 3_600_000).toISOString();
    const tls = authority.write(folder.path, await authority.make(localhost, lastYear), 'old');
    const settings = { ...tls, POSTERN_DATA: join(folder.path, 'new'), POSTERN_PORT: '0' };
    const { code, stderr, stdout } = await runPostern(['demo'], settings);
    assert.match(stderr, /^postern: POSTERN_TLS_CERT: the certificate in .*old\.crt expired on .*\.\n$/);
    assert.deepEqual([code, stdout], [1, '']);
  });
});
