import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text as allOf } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { readerTextLengthMax } from '../../domain/agent-protocol.ts';
import { memoryLog } from '../stand-in-server.ts';
import type { Reader, Shown } from './reader.ts';
import { TcpReader } from './tcp.ts';

/** What the contract needs of a driver's hardware: hold something before the reader, and see what it shows. */
interface Rig {
  reader: Reader;
  present(text: string): Promise<string>;
}

const rigs: Record<string, () => Rig> = {
  tcp: () => {
    const reader = new TcpReader({ name: 'front', port: 0, log: memoryLog() });
    const present = async (text: string) => {
      const socket = connect(reader.port(), '127.0.0.1');
      socket.end(`${text}\n`);
      return (await allOf(socket)).trimEnd();
    };
    return { reader, present };
  },
};

for (const [driver, rig] of Object.entries(rigs)) {
  describe(`the ${driver} reader`, () => {
    it('hands on what it read, exactly, and shows what comes back', async () => {
      const { reader, present } = rig();
      const answers: Shown[] = [
        { shown: 'granted' },
        { shown: 'denied', reason: 'credential_expired' },
        { shown: 'repeated' },
        { shown: 'unreadable' },
      ];
      const read: string[] = [];
      await reader.start(async (text) => answers[read.push(text) - 1] ?? { shown: 'unreadable' });
      const texts = [
        'PSN1:6BF+70790T9WJWG.FKY*4GO0',
        ' spaces ',
        'Tür, ключ, 🔑',
        '\u0000\u001b[2J"; drop table',
      ];
      const shown = [];
      for (const text of texts) shown.push(await present(text));
      assert.deepEqual(read, texts);
      assert.deepEqual(shown, ['granted', 'denied credential_expired', 'repeated', 'unreadable']);
      await reader.close();
    });

    it('takes the longest text and shows that a longer one is unreadable', async () => {
      const { reader, present } = rig();
      const lengths: number[] = [];
      await reader.start(async (text) => {
        lengths.push(text.length);
        return { shown: 'granted' };
      });
      const longest = '€'.repeat(readerTextLengthMax);
      assert.equal(await present(longest), 'granted');
      assert.equal(await present(`${longest}A`), 'unreadable');
      assert.equal(await present('A'.repeat(readerTextLengthMax + 1)), 'unreadable');
      assert.equal(await present(''), 'unreadable');
      assert.deepEqual(lengths, [readerTextLengthMax]);
      await reader.close();
    });

    it('survives whoever handles its texts', async () => {
      const { reader, present } = rig();
      await reader.start(async (text) => {
        if (text === 'A') throw new Error('out of order');
        return { shown: 'granted' };
      });
      assert.equal(await present('A'), 'unreadable');
      assert.equal(await present('B'), 'granted');
      await reader.close();
    });

    it('may be closed twice, before its start too', async () => {
      const { reader } = rig();
      await reader.close();
      await reader.start(async () => ({ shown: 'granted' }));
      await reader.close();
      await reader.close();
    });
  });
}
