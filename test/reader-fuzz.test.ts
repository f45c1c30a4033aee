import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { readReadersFile } from '../agent/readers/file.ts';
import { readerTextLengthMax } from '../domain/agent-protocol.ts';
import { passPrefix } from '../domain/pass.ts';
import { freshFolder, type RunningDemo, startDemo } from './demo-process.ts';
import { figure, report } from './figures.ts';
import { hostileWords } from './hostile-words.ts';
import { randomFrom, seed } from './seed.ts';

/*
 * A QR code may hold anything: texts of every kind and length are shown at the line driver of a real reader, in front of
 * a real server that logs all it can. Each is refused and counted once; nothing of it is in a log, a table or a file.
 */

const texts = figure({ small: 3_000, large: 200_000 });
const connections = 8;
const textsAtOnce = 20;
/** In every text that is long enough; so it is found wherever a text got through. */
const canary = 'Kq7canary7qK';
const alphabet = [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:'];
const unreadableEventMsMin = 60_000;

describe(`whatever a reader reads (POSTERN_SEED=${seed})`, {
  timeout: figure({ small: 120_000, large: 3_600_000 }),
}, () => {
  it('is refused and counted once each, and stands in no log, table or file', async (t) => {
    const folder = freshFolder();
    t.after(() => folder[Symbol.dispose]());
    const settings = { POSTERN_LOG_LEVEL: 'debug', POSTERN_LOG_FORMAT: 'json' };
    await using demo = await startDemo(join(folder.path, 'data'), settings);
    const readers = await readReadersFile(join(demo.dataFolder, 'agent'));
    const began = performance.now();
    const counts = new Map<string, number>();
    // The first one at each door is the one that leaves an event.
    for (const { port } of readers)
      await showAll(port, { count: 1, next: () => Buffer.from(`${canary} ${randomUUID()}`), counts });
    await Promise.all(
      Array.from({ length: connections }, (_, index) => {
        const random = randomFrom(seed + index);
        const share = Math.ceil(texts / connections);
        const port = readers[index % readers.length]?.port ?? 0;
        return showAll(port, { count: share, next: () => hostileLine(random, demo.demo.link.pass), counts });
      }),
    );
    const shown = [...counts.values()].reduce((sum, count) => sum + count, 0);
    assert.deepEqual(
      new Set(counts.keys()),
      new Set(['denied credential_unknown', 'unreadable', 'repeated']),
      `POSTERN_SEED=${seed}: ${JSON.stringify(Object.fromEntries(counts))}`,
    );
    const refused = counts.get('denied credential_unknown') ?? 0;
    assert.ok((await countedByServer(demo)) <= refused, 'none is counted twice');
    const minutes = Math.floor((performance.now() - began) / unreadableEventMsMin) + 1;
    await assertNothingCameOfIt(demo, minutes * readers.length);
    const lines = assertLog(demo);
    report(t, 'hostile texts at a reader', {
      shown,
      refused,
      grants: 0,
      'log lines': lines,
      injected: 0,
      seed,
    });
  });
});

interface Showing {
  count: number;
  next(): Buffer;
  counts: Map<string, number>;
}

/** Shows texts a few at a time, and waits for exactly one line for each. */
async function showAll(port: number, { count, next, counts }: Showing): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  let received = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    received += text;
  });
  for (let done = 0; done < count; done += textsAtOnce) {
    const lines = Array.from({ length: textsAtOnce }, next);
    socket.write(Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')])));
    while (received.split('\n').length <= textsAtOnce) await once(socket, 'data');
    const answers = received.split('\n').slice(0, -1);
    received = '';
    assert.equal(answers.length, textsAtOnce, `POSTERN_SEED=${seed}`);
    for (const [index, answer] of answers.entries()) {
      counts.set(answer, (counts.get(answer) ?? 0) + 1);
      const line = lines[index] ?? Buffer.alloc(0);
      assert.equal(
        answer === 'unreadable',
        !isReadable(line),
        `POSTERN_SEED=${seed}: ${line.toString('hex')}`,
      );
    }
  }
  socket.destroy();
}

/** What the driver promises to pass on: 1 to so many UTF-16 units, of UTF-8 where it is that, else of Latin-1. */
function isReadable(line: Buffer): boolean {
  const content = line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
  const utf8 = content.toString('utf8');
  const { length } = Buffer.from(utf8).equals(content) ? utf8 : content.toString('latin1');
  return length >= 1 && length <= readerTextLengthMax;
}

/** One line of a reader: bytes without a line feed, which would end it. */
function hostileLine(random: () => number, pass: string): Buffer {
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <Item>(items: readonly Item[]): Item => items[below(items.length)] as Item; // none is empty
  const times = (count: number, next: () => string) => Array.from({ length: count }, next).join('');
  const length = () => (below(2) === 0 ? below(300) : below(readerTextLengthMax + 1));
  const kinds: (() => string | Buffer)[] = [
    () => times(length(), () => String.fromCharCode(below(0x20))),
    () => times(length(), () => String.fromCharCode(below(0x80))),
    () => times(length(), () => String.fromCharCode(below(0x10000))),
    () => Buffer.from(Array.from({ length: length() }, () => below(256))),
    () => canary + times(1 + below(12), () => pick(hostileWords)),
    () => pick(hostileWords) + canary + pick(hostileWords),
    () => passPrefix + canary + times(below(6), () => pick(hostileWords)),
    () => passPrefix + times(length(), () => pick(alphabet)),
    () => passPrefix + times(below(234), () => pick(alphabet)),
    () => edited(pass, { at: below(pass.length), letter: pick(alphabet) }),
    () => `${pass}${pick(['\r', ' ', '\0', canary, '0'])}${canary}`,
    () => `\r{"level":"info","msg":"granted","${canary}":1}\r`,
    () => '',
    () => canary.padEnd(readerTextLengthMax + below(3), pick(['x', '\u00e9', '\u{1f511}'])),
  ];
  return Buffer.from(pick(kinds)() as string).filter((byte) => byte !== 0x0a) as Buffer;
}

/** One letter of a pass changed to another one. */
function edited(pass: string, { at, letter }: { at: number; letter: string }): string {
  const other = letter === pass[at] ? '#' : letter;
  return pass.slice(0, at) + other + pass.slice(at + 1);
}

async function countedByServer(demo: RunningDemo): Promise<number> {
  const { body } = await demo.call('GET', '/metrics');
  const counted = /postern_unlocks_total\{outcome="denied",reason="credential_unknown"\} (\d+)/.exec(body);
  assert.doesNotMatch(body, /postern_unlocks_total\{outcome="opened"/);
  return Number(counted?.[1] ?? 0);
}

async function assertNothingCameOfIt(demo: RunningDemo, unreadableMax: number): Promise<void> {
  assert.equal((await demo.call('GET', '/health')).status, 200);
  assert.deepEqual((await demo.call('GET', '/events?event_type=lock.unlock')).body, []);
  const { body } = await demo.call('GET', '/events?event_type=reader.unreadable&limit=250');
  assert.ok(
    body.length >= 1 && body.length <= unreadableMax,
    `${body.length} events, at most ${unreadableMax}`,
  );
  {
    using database = new DatabaseSync(join(demo.dataFolder, 'postern.db'), { readOnly: true });
    assert.deepEqual({ ...database.prepare('pragma integrity_check').get() }, { integrity_check: 'ok' });
  }
  for (const file of readdirSync(demo.dataFolder, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const content = readFileSync(join(file.parentPath, file.name));
    assert.ok(!content.includes(canary), `a text stands in ${file.name}`);
  }
}

/** Every line is one of the log's own; answers how many there are. */
function assertLog(demo: RunningDemo): number {
  assert.ok(!demo.stdout().includes(canary) && !demo.stderr().includes(canary), 'a text stands in the log');
  const lines = demo.stderr().split('\n').slice(0, -1);
  for (const line of lines) {
    const { level, time, msg } = JSON.parse(line);
    assert.match(level, /^(debug|info|warn|error)$/);
    assert.ok(Date.parse(time) > 0, line);
    assert.match(msg, /^[\x20-\x7e…’]+$/);
    assert.doesNotMatch(line, /a presentation failed|granted/, line);
  }
  return lines.length;
}
