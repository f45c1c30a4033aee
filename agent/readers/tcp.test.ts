import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { createInterface } from 'node:readline';
import { text as allOf } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { readerTextLengthMax } from '../../domain/agent-protocol.ts';
import { memoryLog } from '../stand-in-server.ts';
import type { Shown } from './reader.ts';
import { TcpReader, tcpConnectionsMax } from './tcp.ts';

const granted: Shown = { shown: 'granted' };

/** A reader that listens, and the texts it read. */
async function setUp(
  onText: (text: string) => Promise<Shown> = async () => granted,
  idle_timeout_ms = 60_000,
) {
  const open = new AsyncDisposableStack();
  const reader = new TcpReader({ name: 'front', port: 0, log: memoryLog(), idle_timeout_ms });
  const texts: string[] = [];
  await reader.start((text) => {
    texts.push(text);
    return onText(text);
  });
  open.defer(() => reader.close());
  const client = async () => {
    const socket = connect(reader.port(), '127.0.0.1');
    open.defer(() => void socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  return { reader, texts, client, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

/** Sends all of it, ends, and returns all that came back. */
async function exchange(socket: Socket, ...parts: (string | Uint8Array)[]): Promise<string> {
  for (const part of parts) socket.write(part);
  socket.end();
  return allOf(socket);
}

describe('the tcp reader', () => {
  it('answers every line, in order, however the bytes arrive', async () => {
    await using all = await setUp(async (text) => ({ shown: 'denied', reason: text.toLowerCase() }));
    const socket = await all.client();
    socket.setNoDelay(true);
    const answers = createInterface({ input: socket })[Symbol.asyncIterator]();
    for (const byte of 'ONE\r\nTWO\n') socket.write(byte);
    assert.equal((await answers.next()).value, 'denied one');
    assert.equal((await answers.next()).value, 'denied two');
    assert.deepEqual(all.texts, ['ONE', 'TWO']);
  });

  it('reads Latin-1 where a line is no UTF-8', async () => {
    await using all = await setUp();
    await exchange(await all.client(), Buffer.from('T\u00fcr\n', 'latin1'));
    assert.deepEqual(all.texts, ['T\u00fcr']);
  });

  it('never takes the beginning of a line for a text', async () => {
    await using all = await setUp();
    assert.equal(await exchange(await all.client(), 'PSN1:CUT OFF'), '');
    assert.deepEqual(all.texts, []);
  });

  it('throws away a line that is too long to its end, and reads the next', async () => {
    await using all = await setUp();
    const long = 'A'.repeat(10 * readerTextLengthMax);
    assert.equal(await exchange(await all.client(), long, long, '\nB\n'), 'unreadable\ngranted\n');
    assert.deepEqual(all.texts, ['B']);
  });

  it('handles one text of a connection at a time, and those of others meanwhile', async () => {
    const first = Promise.withResolvers<Shown>();
    const readB = Promise.withResolvers<void>();
    await using all = await setUp((text) => {
      if (text === 'B') readB.resolve();
      return text === 'A' ? first.promise : Promise.resolve(granted);
    });
    const busy = exchange(await all.client(), 'A\nB\n');
    assert.equal(await exchange(await all.client(), 'C\n'), 'granted\n');
    assert.deepEqual(all.texts.toSorted(), ['A', 'C']);
    first.resolve({ shown: 'repeated' });
    await readB.promise;
    assert.equal(await busy, 'repeated\ngranted\n');
  });

  it('stops reading from a client that does not read its answers', async () => {
    await using all = await setUp(async () => ({ shown: 'denied', reason: 'x'.repeat(4_000) }));
    const socket = await all.client();
    socket.pause();
    const sent = 100_000;
    socket.write('A\n'.repeat(sent));
    // The reader has stalled when a whole turn of another client brought it no further.
    let before = -1;
    while (all.texts.length > before) {
      before = all.texts.length;
      await exchange(await all.client(), 'B\n'.repeat(100));
      before += 100;
    }
    assert.ok(all.texts.length < sent, `read ${all.texts.length} texts without an answer read`);
  });

  it('closes a connection beyond the limit and serves the others', async () => {
    await using all = await setUp();
    const clients = [];
    for (let n = 0; n < tcpConnectionsMax; n++) clients.push(await all.client());
    const oneMore = await all.client();
    assert.equal(await allOf(oneMore).catch(() => ''), '');
    for (const client of clients) assert.equal(await exchange(client, 'A\n'), 'granted\n');
    assert.equal(await exchange(await all.client(), 'A\n'), 'granted\n');
  });

  it('closes an idle connection', async () => {
    await using all = await setUp(undefined, 20);
    const socket = await all.client();
    assert.equal(await allOf(socket).catch(() => ''), '');
  });

  it('listens on another address only for those who are named, and for its own machine', async () => {
    const make = (more: object) => new TcpReader({ name: 'front', port: 0, log: memoryLog(), ...more });
    assert.throws(() => make({ host: '0.0.0.0' }), /would read for everybody .*"allow"/);
    for (const allow of [['nobody'], ['10.0.0.0/33'], ['10.0.0.0/0'], ['10.0.0.0/8/8']])
      assert.throws(() => make({ host: '0.0.0.0', allow }), /cannot allow/);
    const own = Object.values(networkInterfaces()).flatMap((one) => one ?? []);
    const outside =
      own.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
    for (const [allow, answer] of [
      [['192.0.2.1', '2001:db8::/32'], outside === '127.0.0.1' ? 'granted\n' : ''],
      [['192.0.2.1', `${outside}/31`], 'granted\n'],
    ] as const) {
      const reader = make({ host: '0.0.0.0', allow: [...allow] });
      await reader.start(async () => granted);
      await using open = new AsyncDisposableStack();
      open.defer(() => reader.close());
      const at = (host: string) => exchange(connect(reader.port(), host), 'A\n').catch(() => '');
      assert.equal(await at(outside), answer);
      assert.equal(await at('127.0.0.1'), 'granted\n');
      assert.equal(reader.listensAt()?.host, '127.0.0.1');
      assert.match(await reader.check(), /0[.]0[.]0[.]0, port \d+, from this machine and 192[.]0[.]2[.]1/);
    }
  });

  it('survives clients that vanish, and hostile bytes', async () => {
    const seed = Number(process.env['POSTERN_SEED'] ?? Date.now() % 1_000_000);
    console.log(`POSTERN_SEED=${seed}`);
    const random = mulberry32(seed);
    await using all = await setUp();
    for (let round = 0; round < 100; round++) {
      const socket = await all.client();
      socket.on('error', () => {});
      const bytes = Uint8Array.from({ length: Math.floor(random() * 20_000) }, () =>
        Math.floor(random() * 256),
      );
      if (round % 4 !== 0) socket.write(bytes);
      if (round % 3 === 0) socket.resetAndDestroy();
      else await exchange(socket, '\n');
    }
    for (const text of all.texts) assert.ok(text.length >= 1 && text.length <= readerTextLengthMax);
    assert.ok(all.texts.length > 0);
    assert.equal(await exchange(await all.client(), 'A\n'), 'granted\n');
  });

  it('says which port it cannot have', async () => {
    await using all = await setUp();
    const port = all.reader.port();
    const second = new TcpReader({ name: 'side', port, log: memoryLog() });
    await assert.rejects(
      second.start(async () => granted),
      { message: new RegExp(`"side" cannot listen .* ${port}`) },
    );
    await second.close();
  });
});

/** A small random generator with a seed; in the public domain by this name. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
