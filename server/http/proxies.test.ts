import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { send } from '../../test/http-client.ts';
import { startTestServer, type TestServer } from '../../test/test-server.ts';
import { withinRanges } from './proxies.ts';

const failuresMax = 60;
/** As Linux has them: every address of 127.0.0.0/8 is this machine's. */
const proxy = '127.0.0.2';
const stranger = '127.0.0.3';

describe('withinRanges', () => {
  it('knows addresses and ranges, in both families and in both spellings', () => {
    const among = withinRanges(['127.0.0.1', '10.1.0.0/24', 'fd00::/8', '2001:db8::1/128']);
    const known = [
      '127.0.0.1',
      '::ffff:127.0.0.1',
      '10.1.0.0',
      '10.1.0.255',
      'fd12::1',
      '2001:db8:0:0:0:0:0:1',
    ];
    for (const address of known) assert.equal(among(address), true, address);
    const unknown = ['127.0.0.2', '10.1.1.0', '::ffff:10.1.1.0', 'fe80::1', '::1', '2001:db8::2'];
    for (const address of unknown) assert.equal(among(address), false, address);
  });

  it('knows nothing that is no address, and nobody where there are no ranges', () => {
    const among = withinRanges(['0.0.0.1/1', '::1/1']);
    for (const text of ['', 'unknown', '127.0.0.1:80', '_hidden', '[::1]', '1'])
      assert.equal(among(text), false, text);
    assert.equal(among(undefined), false, 'the address of a connection that has gone');
    assert.equal(withinRanges([])('127.0.0.1'), false);
  });
});

describe('behind a trusted proxy', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer({ environment: { POSTERN_TRUST_PROXY: `${proxy},198.51.100.0/24` } });
  });
  after(() => server?.close());

  let guesses = 0;
  const guess = (localAddress: string, forwarded: string | null) => {
    const authorization = `KISI-LOGIN wrong-${++guesses}`;
    const headers = { authorization, ...(forwarded === null ? {} : { 'x-forwarded-for': forwarded }) };
    return send(`${server.url}/locks`, { localAddress, headers });
  };
  /** The status of the first guess after as many as one address may make. */
  const statusAfterMany = async (...given: Parameters<typeof guess>) => {
    for (let n = 0; n < failuresMax; n++) assert.equal((await guess(...given)).status, 401);
    return (await guess(...given)).status;
  };

  it('limits the address that the proxy names, and no other behind the same proxy', async () => {
    assert.equal(await statusAfterMany(proxy, '203.0.113.7'), 429);
    assert.equal((await guess(proxy, '203.0.113.8')).status, 401);
    assert.equal((await guess(proxy, null)).status, 401, 'the proxy itself');
  });

  it('believes the nearest address that is no trusted proxy, whatever stands before it', async () => {
    const forged = () => `203.0.113.${guesses % 200}, 203.0.113.9`;
    for (let n = 0; n < failuresMax; n++) assert.equal((await guess(proxy, forged())).status, 401);
    assert.equal((await guess(proxy, forged())).status, 429);
    assert.equal(
      (await guess(proxy, '203.0.113.9, 198.51.100.4')).status,
      429,
      'a second trusted proxy between',
    );
  });

  it('ignores what anybody else says about where requests come from', async () => {
    for (let n = 0; n < failuresMax; n++)
      assert.equal((await guess(stranger, `203.0.113.${100 + n}`)).status, 401);
    assert.equal((await guess(stranger, '203.0.113.250')).status, 429);
    assert.equal((await guess(proxy, '203.0.113.100')).status, 401, 'nobody was made a culprit');
  });

  it('names a request as the proxy does, if that is a plain name', async () => {
    const idOf = async (localAddress: string, given?: string) => {
      const headers = given === undefined ? {} : { 'x-request-id': given };
      const answer = await send(`${server.url}/health`, { localAddress, headers });
      return String(answer.headers['x-request-id']);
    };
    const plain = ['a', 'x'.repeat(64), '0190-ab_c.D'];
    for (const name of plain) assert.equal(await idOf(proxy, name), name);
    const fresh = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;
    for (const name of ['', 'x'.repeat(65), 'a b', 'a"b', 'a\tb', 'ä', '<b>', 'a,b', '{}'])
      assert.match(await idOf(proxy, name), fresh, JSON.stringify(name));
    for (const name of plain) assert.match(await idOf(stranger, name), fresh);
    assert.notEqual(await idOf(stranger), await idOf(stranger));
  });
});

describe('without a trusted proxy', () => {
  it('no header changes where a request comes from', async () => {
    await using server = await startTestServer();
    const guess = (n: number) => {
      const spoofed = {
        'x-forwarded-for': `203.0.113.${n}`,
        'x-real-ip': `203.0.113.${n}`,
        forwarded: `for=${n}`,
      };
      return send(`${server.url}/locks`, { headers: { authorization: 'Bearer wrong', ...spoofed } });
    };
    for (let n = 0; n < failuresMax; n++) assert.equal((await guess(n)).status, 401);
    assert.equal((await guess(failuresMax)).status, 429);
  });
});
