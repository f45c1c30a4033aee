import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { figure, report } from './figures.ts';
import { send } from './http-client.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const ofEachKind = figure({ small: 50, large: 500 });
/** So many of each kind come at once, and more of them a few at a time. */
const throng = 50;
const more = 10;
const moreMs = 400;
const goneMsMax = 15_000;
const ordinaryMsMax = 250;
/** A slow client says or reads one piece in this time. */
const pieceMs = 1_000;
/** Larger together than what the system keeps for a connection by itself. */
const answersAsked = 60;

interface Bad {
  kind: string;
  socket: Socket;
  /** How long it was there, from its first byte. */
  gone: Promise<number>;
}

describe('clients that are slow on purpose', { timeout: 120_000 }, () => {
  let server: TestServer;
  let link: { secret: string };
  let door: { id: number; name: string };

  before(async () => {
    server = await startTestServer();
    const place_id = (await server.create('place', { name: 'House', address: 'Gate Lane' })).id;
    const group_id = (await server.create('group', { name: 'Visitors' })).id;
    door = await server.create('lock', { name: 'Front door', place_id });
    await server.create('group_lock', { group_id, lock_id: door.id });
    link = await server.create('group_link', { name: 'Robin Guest', group_id });
    await server.connectAgent([door]);
    await server.call('GET', '/openapi.json'); // made when it is first asked for
  });
  after(() => server?.close());

  it('are gone within 15 s, and nobody else waits for them', async (t) => {
    const kinds = [slowHeaders, slowBody, slowReader, slowLeaver];
    const bad: Bad[] = [];
    const come = async () => {
      while (bad.length < ofEachKind * kinds.length) {
        if (bad.length > 0) await pause(moreMs);
        const length = bad.length === 0 ? throng : more;
        bad.push(...(await Promise.all(Array.from({ length }, () => kinds.map((open) => open())).flat())));
      }
      await Promise.all(bad.map(({ gone }) => gone));
    };
    const took = await ordinaryRequests(come());
    assert.ok(bad.length >= 200);
    const lasted = new Map<string, number>();
    for (const { kind, gone } of bad) lasted.set(kind, Math.max(lasted.get(kind) ?? 0, await gone));
    const p99 = took.sort((a, b) => a - b)[Math.floor(took.length * 0.99)] ?? Number.POSITIVE_INFINITY;
    t.diagnostic([...lasted].map(([kind, ms]) => `${kind} ${Math.round(ms)} ms`).join(', '));
    report(t, 'slow clients', {
      ...{ clients: bad.length, 'gone after at most ms': Math.round(Math.max(...lasted.values())) },
      ...{ 'ordinary requests': took.length, 'their p99 ms': Math.round(p99) },
    });
    assert.ok(took.length > 100, `${took.length} ordinary requests`);
    assert.ok(p99 <= ordinaryMsMax, `p99 ${p99} ms`);
    for (const [kind, ms] of lasted) assert.ok(ms <= goneMsMax, `${kind}: ${ms} ms`);
  });

  /** One after the other until the bad ones have ended; answers how long each took. */
  async function ordinaryRequests(until: Promise<unknown>): Promise<number[]> {
    const took: number[] = [];
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    until.then(over, over);
    while (!isOver) {
      for (const request of ordinary()) {
        const began = performance.now();
        assert.equal((await request()).status, 200);
        took.push(performance.now() - began);
      }
      await pause(100);
    }
    return took;
  }

  const ordinary = () => [
    () => send(`${server.url}/health`), // somebody who has no connection yet
    () => server.call('GET', '/health'),
    () => server.call('GET', '/locks', { secret: link.secret, as: 'link' }),
    () => server.call('GET', '/group_links', { secret: server.api_key }),
  ];

  function slowHeaders(): Promise<Bad> {
    return open('slow headers', (socket) => {
      socket.write('GET /health HTTP/1.1\r\nhost: x\r\n');
      return (piece) => socket.write(`x-${piece}: x\r\n`);
    });
  }

  function slowBody(): Promise<Bad> {
    return open('slow bodies', (socket) => {
      const credential = `authorization: KISI-LOGIN ${server.api_key}\r\ncontent-type: application/json\r\n`;
      socket.write(`POST /places HTTP/1.1\r\nhost: x\r\n${credential}content-length: 1000\r\n\r\n{`);
      return () => socket.write(' ');
    });
  }

  /** Asks for much and reads nothing of it. What it says at the end lets it hear that nobody is there any more. */
  function slowReader(): Promise<Bad> {
    return open('slow readers', (socket) => {
      socket.pause();
      socket.write('GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(answersAsked));
      return (piece) => {
        if (piece >= 12) socket.write('G');
      };
    });
  }

  /** Hears that it took too long, and does not leave. */
  function slowLeaver(): Promise<Bad> {
    return open('slow leavers', (socket) => {
      socket.write('GET /health HTTP/1.1\r\n');
      return (piece) => {
        if (piece >= 12) socket.write('G');
      };
    });
  }

  async function open(kind: string, begin: (socket: Socket) => (piece: number) => void): Promise<Bad> {
    const port = Number(new URL(server.url).port);
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: kind === 'slow leavers' });
    socket.on('error', () => {}); // being cut off is what it is for
    await once(socket, 'connect');
    const began = performance.now();
    const next = begin(socket);
    if (kind !== 'slow readers') socket.resume();
    let piece = 0;
    const timer = setInterval(() => next(piece++), pieceMs);
    const gone = new Promise<number>((resolve) => {
      socket.once('close', () => {
        clearInterval(timer);
        resolve(performance.now() - began);
      });
    });
    return { kind, socket, gone };
  }
});
