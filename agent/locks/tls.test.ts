import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createServer as createTls } from 'node:tls';
import { Aedes } from 'aedes';
import { testAuthority } from '../../test/certificates.ts';
import { memoryLog } from '../stand-in-server.ts';
import { type LockConfig, openLock } from './drivers.ts';

describe('locks over TLS', { timeout: 60_000 }, () => {
  let folder: string;
  let pair: { cert: string; key: string };
  let ca_file: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postern-tls-'));
    const authority = await testAuthority();
    pair = await authority.make(['127.0.0.1', 'localhost']);
    ca_file = join(folder, 'ca.pem');
    await writeFile(ca_file, authority.cert);
  });
  after(() => rm(folder, { recursive: true }));

  const open = (config: LockConfig) =>
    openLock(config, {
      door: { id: 7, name: 'Front door' },
      folder,
      at: () => '2026-01-01T00:00:00.000Z',
      nonce: () => crypto.randomUUID(),
      log: memoryLog(),
      onReport: () => {},
    });
  const pulse = { command_id: 'a', pulse_ms: 1 };

  async function listening(server: Server): Promise<number> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    // A server that listens on TCP has an AddressInfo for an address.
    return (server.address() as AddressInfo).port;
  }

  it('sends a request only to whom the authorities vouch for', async () => {
    const asked: string[] = [];
    const server = createHttps(pair, (request, response) => {
      asked.push(request.url ?? '');
      response.end();
    });
    const port = await listening(server);
    const config = (host: string) => ({
      driver: 'http' as const,
      unlock: { url: `https://${host}:${port}/open` },
    });
    for (const host of ['127.0.0.1', 'localhost']) {
      const trusting = await open({ ...config(host), ca_file });
      assert.equal(await trusting.pulse(pulse), 'done');
      await trusting.close();
    }
    const doubting = await open(config('127.0.0.1'));
    await assert.rejects(doubting.pulse(pulse), /cannot be reached: .*certificate.*[.]$/);
    await doubting.close();
    assert.equal(asked.length, 2);
    server.close();
  });

  it('speaks with a broker only when the authorities vouch for it', async () => {
    const aedes = await Aedes.createBroker();
    const server = createTls(pair, (socket) => aedes.handle(socket));
    const port = await listening(server);
    const config = {
      driver: 'mqtt' as const,
      url: `mqtts://localhost:${port}`,
      command_topic: 'door',
      unlock_payload: 'ON',
      assume_done: true,
    };
    const trusting = await open({ ...config, ca_file });
    await trusting.check();
    assert.equal(await trusting.pulse(pulse), 'done');
    await trusting.close();
    const doubting = await open(config);
    await assert.rejects(doubting.check(), /There is no connection .*certificate.*[.]$/);
    await doubting.close();
    server.close();
    await new Promise<void>((closed) => aedes.close(closed));
  });
});
