import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { doorOn, homeThatTrusts, openPhone, startBrowser, touch, untilState } from './browser.ts';
import { testAuthority } from './certificates.ts';
import { freshFolder } from './demo-process.ts';
import { EventStreamReader } from './event-stream.ts';
import { send } from './http-client.ts';
import { freePorts, type ProxyPlace, proxies, type RunningProxy, type StartProxy } from './proxies.ts';
import { fetchAnswer, startTestServer, type TestServer } from './test-server.ts';

const failuresMax = 60;

for (const [program, start] of Object.entries(proxies)) describeProxy(program, start);

function describeProxy(program: string, start: StartProxy): void {
  describe(`behind ${program}, as its page says`, { timeout: 120_000 }, () => {
    const folder = freshFolder();
    const systemAuthorities = getCACertificates('default');
    const running = new AsyncDisposableStack();
    let ports: ProxyPlace['ports'];
    let ca: string;
    let home: string;
    let server: TestServer;
    let proxy: RunningProxy;
    let url: string;
    let link: { id: number; secret: string; url: string };
    let door: { id: number; name: string };

    before(async () => {
      ports = await freePorts();
      url = `https://localhost:${ports.https}`;
      const authority = await testAuthority();
      ca = authority.cert;
      setDefaultCACertificates([ca]); // for `fetch` and for the agent
      writeFileSync(join(folder.path, 'ca.crt'), ca);
      home = homeThatTrusts(join(folder.path, 'ca.crt'), join(folder.path, 'home'));
      const tls = authority.write(folder.path, await authority.make(['localhost']));
      // The two settings of the page.
      const settings = { POSTERN_PUBLIC_URL: url, POSTERN_TRUST_PROXY: '127.0.0.1' };
      server = running.use(await startTestServer({ environment: settings }));
      const at = join(folder.path, program);
      mkdirSync(at);
      proxy = await start({
        folder: at,
        upstream: new URL(server.url).host,
        certificate: tls.POSTERN_TLS_CERT,
        key: tls.POSTERN_TLS_KEY,
        ports,
      });
      const place = await server.create('place', { name: 'House', address: '1 Gate Lane' });
      door = await server.create('lock', { name: 'Front door', place_id: place.id });
      const group = await server.create('group', { name: 'Visitors' });
      await server.create('group_lock', { group_id: group.id, lock_id: door.id });
      link = await server.create('group_link', { name: 'Robin Guest', group_id: group.id });
      await server.connectAgent([door], url);
    });
    after(async () => {
      await running.disposeAsync();
      await proxy?.[Symbol.asyncDispose]();
      setDefaultCACertificates(systemAuthorities);
      folder[Symbol.dispose]();
    });

    it('the page loads and opens a door, whose agent is connected through it by wss', async () => {
      const browser = await startBrowser({ home });
      try {
        for (const address of [link.url, `${url}/grouplinks/${link.secret}`]) {
          await using phone = await openPhone(browser);
          await phone.page.goto(address);
          await untilState(phone.page, 'active');
          const shown = doorOn(phone.page, door.id);
          await touch(phone.page, shown.hold, () => shown.phase('open'));
          assert.deepEqual(phone.complaints, []);
        }
      } finally {
        await browser.close();
      }
    });

    it('whoever comes by http is sent to https', async () => {
      const { status, headers } = await send(`http://localhost:${ports.http}/health`);
      assert.equal(status, 308);
      assert.match(headers.location ?? '', /^https:\/\/localhost(:\d+)?\/health$/);
    });

    it('events come as they happen', async () => {
      const reader = await EventStreamReader.open(url, { secret: server.api_key });
      assert.equal(await reader.block(), 'retry: 2000');
      for (const name of ['First', 'Second']) {
        await server.create('group', { name });
        const [event] = await reader.take(1);
        assert.equal(event?.data.object_name, name);
      }
      reader.hangUp();
    });

    it("refusals, limits and headers are Postern's own", async () => {
      const call = (method: string, path: string, body?: unknown) =>
        fetchAnswer(url, { method, path, secret: server.api_key, ...(body === undefined ? {} : { body }) });
      const wrong = await call('POST', '/group_links', { group_link: { colour: 'x'.repeat(60_000) } });
      assert.deepEqual([wrong.status, wrong.body.reason], [422, 'invalid']);
      const { status, headers } = await call('GET', '/locks');
      assert.equal(status, 200);
      assert.match(headers.get('x-collection-range') ?? '', /^0-0\/1$/);
      assert.equal(headers.get('content-security-policy'), "default-src 'none'; frame-ancestors 'none'");
      // Named by the proxy: ours are UUIDs of version 7.
      assert.match(
        headers.get('x-request-id') ?? '',
        /^([0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f-]{21})$/,
      );
      const cookie = { 'x-large': 'x'.repeat(10_000) };
      assert.equal((await fetchAnswer(url, { method: 'GET', path: '/health', headers: cookie })).status, 200);
    });

    let guesses = 0;
    const guess = (localAddress: string, headers: Record<string, string> = {}) =>
      send(`${url}/locks`, {
        ca,
        localAddress,
        headers: { authorization: `Bearer wrong-${++guesses}`, ...headers },
      });

    it('wrong credentials count for the address that they come from, and nobody else', async () => {
      for (let n = 0; n < failuresMax; n++) assert.equal((await guess('127.0.0.2')).status, 401);
      assert.equal((await guess('127.0.0.2')).status, 429);
      assert.equal((await guess('127.0.0.3')).status, 401);
    });

    it('whatever a visitor says about that address is ignored', async () => {
      const forged = () => {
        const address = `203.0.113.${guesses % 250}`;
        return {
          'x-forwarded-for': address,
          'x-real-ip': address,
          forwarded: `for=${address}`,
          'x-request-id': 'forged',
        };
      };
      for (let n = 0; n < failuresMax; n++) assert.equal((await guess('127.0.0.4', forged())).status, 401);
      const { status, headers } = await guess('127.0.0.4', forged());
      assert.equal(status, 429);
      assert.notEqual(headers['x-request-id'], 'forged');
    });

    it('no log of it holds a secret, not even when Postern is down', async () => {
      const ask = (path: string, headers = {}) => send(url + path, { ca, headers });
      const paths = [`/grouplinks/${link.secret}`, '/group_link'];
      const headers = { authorization: `KISI-GROUP-LINK ${link.secret}`, cookie: `a=${link.secret}` };
      for (const path of paths) assert.equal((await ask(path, headers)).status, 200);
      await running.disposeAsync();
      for (const path of paths) assert.equal((await ask(path, headers)).status, 502);
      await send(`http://localhost:${ports.http}/grouplinks/${link.secret}`);
      assert.match(proxy.logs(), /connect/, 'something was logged about it');
      assert.ok(!proxy.logs().includes(link.secret), proxy.logs());
    });
  });
}
