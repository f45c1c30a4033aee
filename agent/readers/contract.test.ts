import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text as allOf } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { readerTextLengthMax } from '../../domain/agent-protocol.ts';
import { memoryLog } from '../stand-in-server.ts';
import { createReader } from './drivers.ts';
import type { Reader, Shown } from './reader.ts';
import { StandInTty } from './stand-in-tty.ts';
import { StdinReader } from './stdin.ts';
import { TcpReader } from './tcp.ts';

/** What the contract needs of a driver's hardware: hold something before the reader, and see what it shows. */
interface Rig {
  reader: Reader;
  /** What it showed; null: this reader shows nothing. */
  present(text: string): Promise<string | null>;
  close?(): Promise<void>;
}

const parts = () => ({ name: 'front', log: memoryLog() });

const rigs: Record<string, () => Promise<Rig>> = {
  tcp: async () => {
    const reader = new TcpReader({ ...parts(), port: 0 });
    const present = async (text: string) => {
      const socket = connect(reader.port(), '127.0.0.1');
      socket.end(`${text}\n`);
      return (await allOf(socket)).trimEnd();
    };
    return { reader, present };
  },
  stdin: async () => {
    const input = new PassThrough();
    const reader = new StdinReader(parts(), input);
    const present = async (text: string) => {
      input.write(`${text}\n`);
      return null;
    };
    return { reader, present };
  },
  serial: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'postern-tty-'));
    const tty = new StandInTty(join(folder, 'scanner'));
    await tty.plugIn();
    const reader = createReader({ driver: 'serial', path: tty.path, answer: true }, parts());
    const present = async (text: string) => {
      tty.send(`${text}\r`);
      return tty.line();
    };
    const close = async () => {
      await tty.pullOut();
      await rm(folder, { recursive: true });
    };
    return { reader, present, close };
  },
};

for (const [driver, start] of Object.entries(rigs)) {
  describe(`the ${driver} reader`, { timeout: 30_000 }, () => {
    /** Presents all of them, one after the other, and waits for as many to be read. */
    async function presented(texts: string[], onText: (text: string) => Promise<Shown>, readable = texts) {
      const { reader, present, close } = await start();
      const read: string[] = [];
      const all = Promise.withResolvers<void>();
      await reader.start((text) => {
        if (read.push(text) === readable.length) all.resolve();
        return onText(text);
      });
      assert.match(await reader.check(), /\w+ \w+/);
      const shown = [];
      for (const text of texts) shown.push(await present(text));
      await all.promise;
      await reader.close();
      await close?.();
      return { read, shown };
    }

    /** Of a reader that shows something. */
    function assertShown(shown: (string | null)[], expected: string[]): void {
      if (shown.some((word) => word !== null)) assert.deepEqual(shown, expected);
    }

    it('hands on what it read, exactly, and shows what comes back', async () => {
      const answers: Shown[] = [
        { shown: 'granted' },
        { shown: 'denied', reason: 'credential_expired' },
        { shown: 'repeated' },
        { shown: 'unreadable' },
      ];
      const texts = [
        'PSN1:6BF+70790T9WJWG.FKY*4GO0',
        ' spaces ',
        'Tür, ключ, 🔑',
        '\u0000\u0003\u0004\u001b[2J"; drop table',
      ];
      const { read, shown } = await presented(
        texts,
        async (text) => answers[texts.indexOf(text)] ?? { shown: 'unreadable' },
      );
      assert.deepEqual(read, texts);
      assertShown(shown, ['granted', 'denied credential_expired', 'repeated', 'unreadable']);
    });

    it('takes the longest text and shows that a longer one is unreadable', async () => {
      const longest = '€'.repeat(readerTextLengthMax);
      const texts = [longest, `${longest}A`, 'A'.repeat(readerTextLengthMax + 1), '', 'B'];
      const granted = async (): Promise<Shown> => ({ shown: 'granted' });
      const { read, shown } = await presented(texts, granted, [longest, 'B']);
      assert.deepEqual(read, [longest, 'B']);
      assertShown(shown, ['granted', 'unreadable', 'unreadable', 'unreadable', 'granted']);
    });

    it('survives whoever handles its texts', async () => {
      const { read, shown } = await presented(['A', 'B'], async (text) => {
        if (text === 'A') throw new Error('out of order');
        return { shown: 'granted' };
      });
      assert.deepEqual(read, ['A', 'B']);
      assertShown(shown, ['unreadable', 'granted']);
    });

    it('may be closed twice, before its start too', async () => {
      const { reader, close } = await start();
      await reader.close();
      await reader.start(async () => ({ shown: 'granted' }));
      await reader.close();
      await reader.close();
      await close?.();
    });
  });
}
