import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { limitConnections } from './connections.ts';

const limits = { max: 4, perAddressMax: 2 };
const isExempt = (address: string | undefined) => address === '127.0.0.9';
let server: Server;
const sockets: Socket[] = [];

async function start(): Promise<void> {
  // What is posted takes for ever.
  server = createServer(({ method }, response) => void (method === 'GET' && response.end('served')));
  limitConnections(server, isExempt, limits);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
});

/** A connection from this address of the machine itself, and whether a request over it is answered. */
async function ask(localAddress: string): Promise<{ socket: Socket; served: boolean }> {
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  sockets.push(socket);
  socket.on('error', () => {}); // a refused one may be reset
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  const answered = new Promise<boolean>((resolve) => {
    socket.once('data', (data) => resolve(String(data).startsWith('HTTP/1.1 200 ')));
    socket.once('close', () => resolve(false));
  });
  return { socket, served: await answered };
}

async function close({ socket }: { socket: Socket }): Promise<void> {
  const connections = () =>
    new Promise<number>((resolve) => server.getConnections((_error, n) => resolve(n)));
  const before = await connections();
  socket.destroy();
  while ((await connections()) >= before) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe('connections', () => {
  it('of one address that are too many are ended; those of others, and the next ones, are served', async () => {
    await start();
    const first = await ask('127.0.0.2');
    assert.ok(first.served);
    assert.ok((await ask('127.0.0.2')).served);
    assert.ok(!(await ask('127.0.0.2')).served);
    assert.ok((await ask('127.0.0.3')).served);
    await close(first);
    assert.ok((await ask('127.0.0.2')).served);
  });

  it('of an address behind which are many count in all only', async () => {
    await start();
    for (let number = 0; number < limits.max; number++) assert.ok((await ask('127.0.0.9')).served);
  });

  it('that are too many in all take the place of those that wait for nothing', async () => {
    await start();
    const idle = await ask('127.0.0.4');
    const { port } = server.address() as AddressInfo; // it listens on TCP
    for (let number = 1; number < limits.max; number++) {
      const busy = connect({ port, host: '127.0.0.1', localAddress: `127.0.0.${4 + number}` });
      sockets.push(busy);
      busy.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n');
      await once(server, 'request');
    }
    assert.ok(!(await ask('127.0.0.4')).served);
    if (!idle.socket.closed) await once(idle.socket, 'close');
    assert.ok((await ask('127.0.0.4')).served);
  });
});
