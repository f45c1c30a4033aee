import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as allOf } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { memoryLog } from '../stand-in-server.ts';
import type { Shown } from './reader.ts';
import { SerialReader } from './serial.ts';
import { StandInTty } from './stand-in-tty.ts';

/** Texts as they come, each to be waited for. */
class Texts {
  readonly all: string[] = [];
  #waiting: (() => void)[] = [];

  readonly on = async (text: string): Promise<Shown> => {
    this.all.push(text);
    for (const look of this.#waiting.splice(0)) look();
    return { shown: 'granted' };
  };

  async until(count: number): Promise<string[]> {
    while (this.all.length < count) await new Promise<void>((found) => this.#waiting.push(found));
    return this.all;
  }
}

describe('the serial reader, besides', { timeout: 30_000 }, () => {
  let folder: string;
  let tty: StandInTty;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postern-serial-'));
    tty = new StandInTty(join(folder, 'scanner'));
  });
  after(() => rm(folder, { recursive: true }));

  const reader = (path = tty.path) =>
    new SerialReader({ name: 'front', log: memoryLog() }, { driver: 'serial', path, baud: 115_200 }, 10);

  it('reads whatever ends a line', async () => {
    await tty.plugIn();
    const [texts, serial] = [new Texts(), reader()];
    await serial.start(texts.on);
    tty.send('ONE\rTWO\r\nTHREE\n');
    assert.deepEqual(await texts.until(3), ['ONE', 'TWO', 'THREE']);
    assert.match(await serial.check(), /scanner at 115200 baud$/);
    await serial.close();
    await tty.pullOut();
  });

  it('waits for a scanner that is away, and survives that it is pulled out and comes back', async () => {
    const [texts, serial] = [new Texts(), reader()];
    await serial.start(texts.on);
    await assert.rejects(serial.check(), /there is no such device[.]$/);
    for (const count of [1, 2]) {
      await tty.plugIn();
      while (await serial.check().then(() => false, turn));
      tty.send(`${count}\r`);
      await texts.until(count);
      tty.send('CUT OFF');
      await tty.pullOut();
      while (await serial.check().then(turn, () => false));
    }
    assert.deepEqual(texts.all, ['1', '2']);
    await serial.close();
  });

  it('refuses to start on what is no tty', async () => {
    const path = join(folder, 'file');
    await writeFile(path, '');
    await assert.rejects(reader(path).start(new Texts().on), /is no tty[.]$/);
  });

  it('leaves nothing behind that would keep the agent from ending', async () => {
    await tty.plugIn();
    const program = `
      const { createReader } = await import(${JSON.stringify(new URL('./drivers.ts', import.meta.url).href)});
      const log = { info() {}, warn() {} };
      const reader = createReader({ driver: 'serial', path: ${JSON.stringify(tty.path)} }, { name: 'front', log });
      await reader.start(async () => ({ shown: 'granted' }));
      await reader.close();
      console.log('closed');`;
    const agent = spawn(process.execPath, ['--input-type=module', '-e', program]);
    assert.equal(await allOf(agent.stdout), 'closed\n');
    await once(agent, 'close');
    assert.equal(agent.exitCode, 0);
    await tty.pullOut();
  });
});

describe('the stdin reader, besides', { timeout: 30_000 }, () => {
  const program = `
    const { createReader } = await import(${JSON.stringify(new URL('./drivers.ts', import.meta.url).href)});
    const log = { info: (_, message) => console.log(message), warn: console.log };
    const make = (name) => createReader({ driver: 'stdin' }, { name, log });
    const [first, second] = [make('first'), make('second')];
    await first.start(async (text) => (console.log(text), { shown: 'granted' }));
    await second.start(async () => {}).catch((error) => console.log(error.message));
    if (process.argv[1] === 'close') await first.close();`;

  it('reads the lines of a pipe, ends quietly, and has no second beside it', async () => {
    const agent = spawn(process.execPath, ['--input-type=module', '-e', program]);
    agent.stdin.end('ONE\rTWO\r\nTHREE\nCUT OFF');
    const said = (await allOf(agent.stdout)).trim().split('\n').toSorted();
    assert.deepEqual(said, [
      'ONE',
      'THREE',
      'TWO',
      'The reader "second" cannot have the standard input: another reader of this agent has it.',
      'The standard input of a reader has ended.',
    ]);
    assert.equal(agent.exitCode ?? (await once(agent, 'close'))[0], 0);
  });

  it('lets go of a pipe that stays open', async () => {
    const agent = spawn(process.execPath, ['--input-type=module', '-e', program, 'close']);
    assert.doesNotMatch(await allOf(agent.stdout), /has ended/);
    assert.equal(agent.exitCode ?? (await once(agent, 'close'))[0], 0);
  });
});

/** Lets the others have their turn. */
async function turn(): Promise<true> {
  await new Promise((resolve) => setImmediate(resolve));
  return true;
}
