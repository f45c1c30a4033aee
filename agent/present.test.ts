import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import encodeQR from 'qr';
import { present, presentAgainMax } from './present.ts';
import { writeReadersFile } from './readers/file.ts';
import type { Shown } from './readers/reader.ts';
import { TcpReader } from './readers/tcp.ts';
import { sightingWindowMs } from './scan.ts';
import { memoryLog } from './stand-in-server.ts';

const passText =
  'PSN1:6BF+70790T9WJWG.FKY*4GO0.O1CV2 O5 N2FBBRW1*70HS8WY04AC*WIFN0AHCD8KD97TK0F90KECTHGWJC0FDC:5AIA%G7X+AQB9746HS80';

describe('present', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postern-present-'));
  });
  after(() => rm(folder, { recursive: true }));

  /** A listed reader that shows these one after the other, and what was presented to it and said. */
  async function setUp(...answers: Shown[]) {
    const reader = new TcpReader({ name: 'front', port: 0, log: memoryLog() });
    const texts: string[] = [];
    await reader.start(async (text) => answers[texts.push(text) - 1] ?? { shown: 'unreadable' });
    const listed = { door: 'Front door', reader: 'front', host: '127.0.0.1', port: reader.port() };
    await writeReadersFile(folder, [
      { ...listed, door_id: 3 },
      { ...listed, door_id: 4, door: 'Side door' },
    ]);
    const said: string[] = [];
    const pauses: number[] = [];
    const show = (input: string, door_id = 3) => {
      const pause = async (ms: number) => pauses.push(ms);
      const [out, err] = ['out', 'err'].map((name) => (line: string) => said.push(`${name} ${line}`));
      assert.ok(out && err);
      return present({ input, door_id, folder, out, err, pause });
    };
    return { texts, said, pauses, show, port: reader.port(), [Symbol.asyncDispose]: () => reader.close() };
  }

  async function file(name: string, content: string | Uint8Array): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, content);
    return path;
  }

  it('shows a text and says that the door opens', async () => {
    await using all = await setUp({ shown: 'granted' });
    assert.equal(await all.show(passText), 0);
    assert.deepEqual(all.texts, [passText]);
    assert.deepEqual(all.said, ['out granted: Front door opens']);
  });

  it('says why a door stays shut', async () => {
    await using all = await setUp(
      { shown: 'denied', reason: 'credential_revoked' },
      { shown: 'denied', reason: 'constructor' },
      { shown: 'unreadable' },
    );
    for (const text of ['A', 'B', 'C']) assert.equal(await all.show(text), 1);
    assert.deepEqual(all.said, [
      'out denied: credential_revoked. The link was revoked.',
      'out denied: constructor',
      'out unreadable: the reader cannot read this code.',
    ]);
  });

  it('reads the QR code in a picture', async () => {
    await using all = await setUp({ shown: 'granted' });
    const picture = await file(
      'pass.png',
      pngOf(encodeQR(passText, 'raw', { border: 4, ecc: 'quartile' }), 6),
    );
    assert.equal(await all.show(picture), 0);
    assert.deepEqual(all.texts, [passText]);
  });

  it('says so when there is no code, no picture or no file', async () => {
    await using all = await setUp();
    await all.show(
      await file(
        'blank.png',
        pngOf(
          Array.from({ length: 30 }, () => Array(30).fill(false)),
          6,
        ),
      ),
    );
    await all.show(await file('broken.png', pngOf([[false]], 6).subarray(0, 40)));
    await all.show(await file('notes.txt', 'PSN1:A'));
    await all.show(join(folder, 'missing'));
    await all.show('missing.PNG');
    assert.deepEqual(all.said, [
      `err There is no QR code to be found in ${folder}/blank.png.`,
      `err There is no QR code to be found in ${folder}/broken.png.`,
      `err ${folder}/notes.txt is no picture that can be read: PNG and JPEG can.`,
      `err There is no file ${folder}/missing.`,
      'err There is no file missing.PNG.',
    ]);
    assert.deepEqual(all.texts, []);
  });

  it('takes a pass or a link with slashes for a text', async () => {
    await using all = await setUp({ shown: 'granted' }, { shown: 'granted' });
    const texts = ['PSN1:A/B.PNG', 'https://postern.example/l/1#secret'];
    for (const text of texts) assert.equal(await all.show(text), 0);
    assert.deepEqual(all.texts, texts);
  });

  it('never makes two presentations of one text', async () => {
    await using all = await setUp();
    assert.equal(await all.show('A\nB'), 1);
    assert.match(all.said.join(), /more than one line/);
    assert.deepEqual(all.texts, []);
  });

  it('waits and shows the code again when the reader took it for a repetition', async () => {
    await using all = await setUp({ shown: 'repeated' }, { shown: 'repeated' }, { shown: 'granted' });
    assert.equal(await all.show('A'), 0);
    assert.equal(all.said.filter((line) => line.startsWith('err repeated')).length, 2);
    assert.equal(all.said.at(-1), 'out granted: Front door opens');
    for (const pause of all.pauses) assert.ok(pause >= sightingWindowMs);
    assert.deepEqual(all.texts, ['A', 'A', 'A']);
  });

  it('gives up after the third time', async () => {
    await using all = await setUp(...Array<Shown>(9).fill({ shown: 'repeated' }));
    assert.equal(await all.show('A'), 1);
    assert.equal(all.texts.length, 1 + presentAgainMax);
    assert.match(all.said.at(-1) ?? '', /Nothing was decided/);
  });

  it('lists the doors when it is given one that is not there', async () => {
    await using all = await setUp();
    assert.equal(await all.show('A', 5), 1);
    const doors = '3 (Front door), 4 (Side door)';
    assert.deepEqual(all.said, [`err The agent running here has no reader at a door 5. It has: ${doors}.`]);
  });

  it('says that no agent is running', async () => {
    const all = await setUp();
    await all[Symbol.asyncDispose]();
    assert.equal(await all.show('A'), 1);
    assert.deepEqual(all.said, [
      `err No agent is running here: nobody listens on port ${all.port} any more.`,
    ]);

    const empty = join(folder, 'empty');
    await mkdir(empty);
    const said: string[] = [];
    const request = {
      input: 'A',
      door_id: 3,
      folder: empty,
      out: assert.fail,
      err: (line: string) => said.push(line),
    };
    assert.equal(await present(request), 1);
    await writeFile(join(empty, 'readers.json'), '[{"door_id":3}]');
    assert.equal(await present(request), 1);
    const path = join(empty, 'readers.json');
    assert.deepEqual(said, [
      `No agent is running here: there is no ${path}.`,
      `${path} is not a list of readers: restart the agent.`,
    ]);
  });

  it('does not trust what answers in the place of a reader', async () => {
    for (const answer of ['', 'granted', 'GRANTED\n', 'denied \u001b[2J\n', 'x'.repeat(100_000)]) {
      await using impostor = createServer((socket) =>
        socket
          .on('error', () => {})
          .resume()
          .end(answer),
      ).listen(0, '127.0.0.1');
      await new Promise((resolve) => impostor.once('listening', resolve));
      // It listens on TCP, so the address is not a string.
      const { port } = impostor.address() as AddressInfo;
      await writeReadersFile(folder, [
        { door_id: 3, door: 'Front door', reader: 'front', host: '127.0.0.1', port },
      ]);
      const said: string[] = [];
      const err = (line: string) => said.push(line);
      assert.equal(await present({ input: 'A', door_id: 3, folder, out: assert.fail, err }), 1);
      assert.match(said.join(), /did not answer as a reader does|hung up/);
    }
  });
});

/** A grey PNG (ISO/IEC 15948) of black and white modules, each `scale` pixels wide. */
function pngOf(modules: boolean[][], scale: number): Buffer {
  const rows = modules.flatMap((row) => {
    const pixels = row.flatMap((isBlack) => Array<number>(scale).fill(isBlack ? 0 : 255));
    return Array<number[]>(scale).fill([0, ...pixels]);
  });
  const header = Buffer.alloc(13);
  header.writeUInt32BE((modules[0]?.length ?? 0) * scale, 0);
  header.writeUInt32BE(modules.length * scale, 4);
  header.set([8, 0, 0, 0, 0], 8);
  const chunks = [
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.from(rows.flat()))),
    chunk('IEND', Buffer.alloc(0)),
  ];
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), ...chunks]);
}

function chunk(type: string, content: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const framed = Buffer.alloc(named.length + 8);
  framed.writeUInt32BE(content.length, 0);
  framed.set(named, 4);
  framed.writeUInt32BE(crc32(named), named.length + 4);
  return framed;
}
