import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectPlainly } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { type TestAuthority, type TlsSettings, testAuthority } from '../../test/certificates.ts';
import { send } from '../../test/http-client.ts';
import { startTestServer, type TestServer } from '../../test/test-server.ts';
import { SettingError } from '../config.ts';
import { transportHeaders } from './headers.ts';
import { readTls } from './tls.ts';

const dayMs = 24 * 3_600_000;
const now = Date.now();
const day = (days: number) => new Date(now + days * dayMs).toISOString();

const folder = mkdtempSync(join(tmpdir(), 'postern-tls-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let authority: TestAuthority;
let good: TlsSettings;
let other: TlsSettings;

before(async () => {
  authority = await testAuthority();
  good = authority.write(
    folder,
    await authority.make(['localhost', '127.0.0.1', 'doors.example.org']),
    'good',
  );
  other = authority.write(folder, await authority.make(['localhost', '127.0.0.1']), 'other');
});

describe('readTls', () => {
  const read = (files: Partial<TlsSettings> = {}, { host = 'doors.example.org', at = day(0) } = {}) => {
    const { POSTERN_TLS_CERT: certificate, POSTERN_TLS_KEY: key } = { ...good, ...files };
    return readTls({ certificate, key }, { host, at });
  };
  const refusal = (...given: Parameters<typeof read>): string => {
    try {
      read(...given);
    } catch (error) {
      assert.ok(error instanceof SettingError, String(error));
      assert.match(error.message, /^POSTERN_TLS_(CERT|KEY).*\.$/s);
      return error.message;
    }
    throw new assert.AssertionError({ message: 'accepted' });
  };
  const file = (name: string, content: string | Buffer) => {
    writeFileSync(join(folder, name), content, { mode: 0o600 });
    return join(folder, name);
  };

  it('takes a pair that fits together, is for the host and lasts', () => {
    assert.deepEqual(read().warnings, []);
    assert.deepEqual(read({}, { host: '127.0.0.1' }).warnings, []);
  });

  it('says which file is missing, a folder, or not for this user', () => {
    assert.match(
      refusal({ POSTERN_TLS_CERT: join(folder, 'no.crt') }),
      /TLS_CERT names .*no\.crt, .*not exist/,
    );
    assert.match(
      refusal({ POSTERN_TLS_KEY: join(folder, 'no.key') }),
      /TLS_KEY names .*no\.key, .*not exist/,
    );
    assert.match(refusal({ POSTERN_TLS_CERT: folder }), /which is a folder/);
    const shut = file('shut.key', 'x');
    chmodSync(shut, 0);
    const whoseTest = process.geteuid?.();
    chmodSync(folder, 0o755);
    if (whoseTest === 0) process.seteuid?.(65_534); // root may read everything
    try {
      assert.match(refusal({ POSTERN_TLS_CERT: shut }), /which this user may not read/);
    } finally {
      if (whoseTest === 0) process.seteuid?.(0);
    }
  });

  it('says what is no certificate and no key in PEM', () => {
    const der = new X509Certificate(read().cert).raw;
    for (const content of ['', 'x', read().key, der, '-----BEGIN CERTIFICATE-----\nxx\n'])
      assert.match(
        refusal({ POSTERN_TLS_CERT: file('bad.crt', content) }),
        /bad\.crt holds no certificate in PEM/,
      );
    for (const content of ['', 'x', read().cert])
      assert.match(
        refusal({ POSTERN_TLS_KEY: file('bad.key', content) }),
        /bad\.key holds no private key in PEM/,
      );
    const locked = createPrivateKey(read().key).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'open sesame',
    });
    assert.match(
      refusal({ POSTERN_TLS_KEY: file('locked.key', locked) }),
      /locked\.key is locked with a password/,
    );
    const broken = `${read().cert}\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`;
    assert.match(refusal({ POSTERN_TLS_CERT: file('chain.crt', broken) }), /chain\.crt cannot be used: /);
  });

  it('says that the key is not the one of the certificate', () => {
    const sentence = refusal({ POSTERN_TLS_KEY: other.POSTERN_TLS_KEY });
    assert.match(sentence, /other\.key does not belong to the certificate in .*good\.crt/);
    // The same when the chain is in the wrong order.
    const reversed = file('reversed.crt', `${authority.cert}\n${read().cert}`);
    assert.match(refusal({ POSTERN_TLS_CERT: reversed }), /own certificate comes first/);
  });

  it('says that the certificate has expired, or is not valid yet', () => {
    assert.match(refusal({}, { at: day(400) }), /good\.crt expired on \d{4}-\d\d-\d\d\. Put a new one there/);
    assert.match(refusal({}, { at: day(-2) }), /good\.crt is not valid before \d{4}-\d\d-\d\d\./);
  });

  it('warns of a certificate for another host, of one that ends soon, and of a key that everybody may read', () => {
    const warnings = (...given: Parameters<typeof read>) => read(...given).warnings.join('\n');
    for (const host of ['example.org', 'gate.example.org', '192.0.2.1', '[::1]'])
      assert.match(warnings({}, { host }), /^.*good\.crt is not for .*: browsers will refuse it\.$/);
    assert.match(warnings({}, { at: day(390) }), /^.*good\.crt expires on \d{4}-\d\d-\d\d\.$/);
    const shared = file('shared.key', read().key);
    chmodSync(shared, 0o640); // a group such as ssl-cert
    assert.equal(warnings({ POSTERN_TLS_KEY: shared }), '');
    chmodSync(shared, 0o644);
    assert.match(
      warnings({ POSTERN_TLS_KEY: shared }),
      /^.*everybody on this machine may read .*shared\.key/,
    );
  });
});

describe('a server with a certificate', () => {
  let server: TestServer;
  let live: TlsSettings;
  let port: number;

  before(async () => {
    live = authority.write(folder, await authority.make(['127.0.0.1', 'localhost']), 'live');
    server = await startTestServer({
      environment: { ...live, POSTERN_PUBLIC_URL: 'https://doors.example.org' },
    });
    port = Number(new URL(server.url).port);
  });
  after(() => server?.close());

  const handshake = async (options: ConnectionOptions = {}): Promise<TLSSocket> => {
    const socket = connect({ port, host: '127.0.0.1', ca: authority.cert, ...options });
    await once(socket, 'secureConnect');
    return socket;
  };

  it('answers by https, to those who trust its authority, and tells browsers to come back that way only', async () => {
    assert.match(server.url, /^https:\/\/127\.0\.0\.1:\d+$/);
    const { status, headers, body } = await send(`${server.url}/health`, { ca: authority.cert });
    assert.deepEqual([status, body], [200, { status: 'ok' }]);
    assert.equal(headers['strict-transport-security'], 'max-age=31536000');
    const lost = await send(`${server.url}/nothing`, { ca: authority.cert });
    assert.deepEqual([lost.status, lost.headers['strict-transport-security']], [404, 'max-age=31536000']);
    await assert.rejects(send(`${server.url}/health`), /unable to verify|self-signed/);
  });

  it('speaks TLS 1.2 and 1.3, and HTTP/1.1', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await handshake({
        minVersion: version,
        maxVersion: version,
        ALPNProtocols: ['h2', 'http/1.1'],
      });
      assert.deepEqual([socket.getProtocol(), socket.alpnProtocol], [version, 'http/1.1']);
      socket.destroy();
    }
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
    await assert.rejects(handshake(old), { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
  });

  it('cuts off whoever speaks plain http to it, or says nothing at all', { timeout: 20_000 }, async () => {
    const talking = connectPlainly(port, '127.0.0.1');
    talking.end('GET /health HTTP/1.1\r\nHost: a\r\n\r\n');
    const silent = connectPlainly(port, '127.0.0.1');
    await Promise.all([once(talking.resume(), 'close'), once(silent.resume(), 'close')]);
    assert.equal((await send(`${server.url}/health`, { ca: authority.cert })).status, 200);
  });
});

describe('the header that keeps browsers to https', () => {
  it('is there for a public address in https with a name of its own', () => {
    const header = { 'strict-transport-security': 'max-age=31536000' };
    assert.deepEqual(transportHeaders('https://doors.example.org'), header);
    assert.deepEqual(transportHeaders('https://doors.example.org:8443'), header);
  });

  it('is not there for http, addresses, and names that many machines have', () => {
    const others = ['http://doors.example.org', 'https://192.0.2.1:8080', 'https://[::1]:8080'];
    for (const url of [...others, 'https://localhost:8080', 'https://my-laptop.local', 'https://a.localhost'])
      assert.deepEqual(transportHeaders(url), {}, url);
  });
});
