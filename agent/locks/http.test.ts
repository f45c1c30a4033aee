import assert from 'node:assert/strict';
import { once } from 'node:events';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { memoryLog } from '../stand-in-server.ts';
import { type LockConfig, openLock } from './drivers.ts';
import { plainRelay, StandInDevice, shelly } from './stand-in-device.ts';

const secret = 'correct-horse-battery';

describe('the http lock, besides', { timeout: 60_000 }, () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postern-http-'));
    await writeFile(join(folder, 'token'), `${secret}\n`);
  });
  after(() => rm(folder, { recursive: true }));

  const log = memoryLog();
  let nonces = 0;
  const open = (config: LockConfig) =>
    openLock(config, {
      door: { id: 7, name: 'Front door' },
      folder,
      at: () => '2026-01-01T00:00:00.000Z',
      nonce: () => `nonce-${nonces++}`,
      log,
      onReport: () => {},
    });

  async function device(handle = plainRelay) {
    const made = await StandInDevice.start(handle);
    return { made, url: made.url, [Symbol.asyncDispose]: () => made.close() };
  }

  it('writes values as the place where they stand needs it', async () => {
    await using at = await device(() => ({ status: 200 }));
    const hostile = '"},/?&#\n{door_id}';
    const send = async (request: object) => {
      const lock = await open({ driver: 'http', unlock: { url: `${at.url}/x?c={command_id}`, ...request } });
      await lock.pulse({ command_id: hostile, pulse_ms: 2_500 });
      await lock.close();
      return at.made.requests.at(-1)?.slice(`POST /x?c=${encodeURIComponent(hostile)} `.length);
    };
    const asJson = { c: hostile, s: 2.5, ms: 2_500, d: ['door 7'] };
    const body = { c: '{command_id}', s: '{pulse_s}', ms: '{pulse_ms}', d: ['door {door_id}'] };
    assert.deepEqual(JSON.parse((await send({ body })) ?? ''), asJson);
    const json = { 'Content-Type': 'application/json' };
    const text = '{"c":"{command_id}","s":{pulse_s},"ms":{pulse_ms},"d":["door {door_id}"]}';
    assert.deepEqual(JSON.parse((await send({ body: text, headers: json })) ?? ''), asJson);
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const sent = new URLSearchParams(await send({ body: 'c={command_id}&s={pulse_s}', headers: form }));
    assert.deepEqual(Object.fromEntries(sent), { c: hostile, s: '2.5' });
  });

  it('locks again when the last of the pulses is over, once', async () => {
    await using at = await device();
    const lock = await open({
      driver: 'http',
      unlock: { url: `${at.url}/open` },
      relock: { url: `${at.url}/shut` },
    });
    await lock.pulse({ command_id: 'a', pulse_ms: 1 });
    await lock.pulse({ command_id: 'b', pulse_ms: 300 });
    await at.made.until(() => !at.made.released && at.made.requests.at(-1)?.includes('/shut') === true);
    await lock.close();
    const shut = at.made.requests.map((request) => request.includes('/shut'));
    assert.equal(shut.at(-1), true);
    assert.ok(shut.filter(Boolean).length <= 2, 'a pulse that follows keeps the lock released');
    await assert.rejects(access(join(folder, 'released-7')), { code: 'ENOENT' });
  });

  it('tries again to lock what did not lock, and says so', async () => {
    let failures = 2;
    await using at = await device((request, body, its) =>
      request.url === '/shut' && failures-- > 0 ? { status: 500 } : plainRelay(request, body, its),
    );
    const lock = await open({
      driver: 'http',
      unlock: { url: `${at.url}/open` },
      relock: { url: `${at.url}/shut` },
    });
    await lock.pulse({ command_id: 'a', pulse_ms: 1 });
    await at.made.until(() => !at.made.released);
    await lock.close();
    assert.ok(log.lines.some((line) => line.includes('attempt 2 of 10') && line.includes('Front door')));
  });

  it('locks at the next start what an agent that died had left released', async () => {
    await using at = await device();
    at.made.released = true;
    await writeFile(join(folder, 'released-7'), '');
    const lock = await open({
      driver: 'http',
      unlock: { url: `${at.url}/open` },
      relock: { url: `${at.url}/shut` },
    });
    const locked = at.made.until(() => !at.made.released).then(() => true);
    assert.equal(await Promise.race([locked, delay(5_000, false, { ref: false })]), true);
    await lock.close();
  });

  it('says "did not move" to a refusal, to a redirect that it does not follow, and to an answer that is not as expected', async () => {
    const unlock = (url: string) => ({ driver: 'http' as const, unlock: { url, expect: { text: 'done' } } });
    for (const [status, sentence] of [
      [403, /answered with status 403[.]$/],
      [302, /answered with status 302[.]$/],
      [500, /answered with status 500[.]$/],
      [200, /not what was expected[.]$/],
    ] as const) {
      await using at = await device(() => ({ status, headers: { location: '/open' }, body: 'failed' }));
      const lock = await open(unlock(at.url));
      await assert.rejects(lock.pulse({ command_id: 'a', pulse_ms: 1 }), sentence);
      assert.equal(at.made.requests.length, 1);
      await lock.close();
    }
  });

  it('says "unknown" when a gateway had no answer', async () => {
    await using at = await device(() => ({ status: 504 }));
    const lock = await open({ driver: 'http', unlock: { url: at.url } });
    assert.equal(await lock.pulse({ command_id: 'a', pulse_ms: 1 }), 'unknown');
    await lock.close();
  });

  it('resets the line to whoever does not answer, so that nothing is delivered later', async () => {
    const ended = Promise.withResolvers<unknown>();
    await using server = createServer((socket) =>
      socket.on('error', ended.resolve).on('close', ended.resolve).resume(),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    // A server that listens on TCP has an AddressInfo for an address.
    const { port } = server.address() as AddressInfo;
    const lock = await open({ driver: 'http', unlock: { url: `http://127.0.0.1:${port}/` } });
    assert.equal(await lock.pulse({ command_id: 'a', pulse_ms: 1 }), 'unknown');
    assert.equal(Object.getOwnPropertyDescriptor(Object(await ended.promise), 'code')?.value, 'ECONNRESET');
    await lock.close();
  });

  it('never sends what waited too long behind another command', async () => {
    await using at = await device(() => null);
    const lock = await open({ driver: 'http', unlock: { url: at.url } });
    const first = lock.pulse({ command_id: 'a', pulse_ms: 1 });
    await assert.rejects(
      lock.pulse({ command_id: 'b', pulse_ms: 1 }),
      /(nothing was sent|cannot be reached: no answer in time)[.]$/,
    );
    assert.equal(await first, 'unknown');
    await lock.close();
    assert.equal(at.made.requests.length, 1);
  });

  it('sends the token, and shows it to nobody else', async () => {
    const seen: (string | undefined)[] = [];
    await using at = await device((request) => {
      seen.push(request.headers.authorization, request.url);
      return { status: 403, body: `no ${secret}` };
    });
    const token_file = join(folder, 'token');
    const said: string[] = [];
    for (const url of [`${at.url}/a`, `${at.url}/a?key={token}`]) {
      const lock = await open({
        driver: 'http',
        unlock: { url },
        relock: { url },
        check: { url },
        token_file,
      });
      const keep = (error: Error) => said.push(error.message);
      await lock.pulse({ command_id: 'a', pulse_ms: 1 }).catch(keep);
      await lock.check().catch(keep);
      await lock.close();
    }
    assert.equal(seen[0], `Bearer ${secret}`);
    assert.deepEqual([seen.at(-2), seen.at(-1)], [undefined, `/a?key=${secret}`]);
    assert.equal(said.length, 4);
    for (const line of [...said, ...log.lines]) assert.ok(!line.includes(secret), line);
  });

  it('does not open with settings that cannot work, and says why', async () => {
    const url = 'http://127.0.0.1:1/';
    for (const [config, sentence] of [
      [{ unlock: { url: `${url}{token}` } }, /unlock asks for \{token\}: .*token_file[.]$/],
      [{ unlock: { url }, relock: { url: `${url}{pulse_ms}` } }, /relock cannot use \{pulse_ms\}.*[.]$/],
      [{ unlock: { url }, token_file: join(folder, 'none') }, /token_file: .*ENOENT.*[.]$/],
      [{ unlock: { url: 'http://{command_id}/' } }, /unlock: its url is no http/],
      [{ unlock: { url: 'http://door:secret@relay/' } }, /^Error: [^@]*$/],
      [{ unlock: { url }, authentication: 'basic' as const }, /go together/],
    ] as const)
      await assert.rejects(open({ driver: 'http', ...config }), sentence);
  });

  it('does not move a Shelly whose password is wrong', async () => {
    await using at = await device(shelly('another'));
    const lock = await open({ driver: 'shelly', url: at.url, password_file: join(folder, 'token') });
    await assert.rejects(lock.pulse({ command_id: 'a', pulse_ms: 1 }), /status 401[.]$/);
    assert.deepEqual(at.made.moved, []);
    await lock.close();
  });
});
