import { execFile } from 'node:child_process';
import { constants, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { isatty, ReadStream } from 'node:tty';
import { promisify } from 'node:util';
import { type Static, Type } from 'typebox';
import { answers, type OnText } from './answers.ts';
import type { Reader, ReaderParts } from './reader.ts';

const speeds = [1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200, 230_400] as const;

export const SerialReaderConfig = Type.Object({
  driver: Type.Literal('serial'),
  path: Type.String({
    pattern: '^/',
    description: 'the path of a tty, such as "/dev/ttyACM0" or, better, its name under /dev/serial/by-id/',
  }),
  baud: Type.Optional(
    Type.Integer({
      enum: [...speeds],
      description: `the speed of the line: ${speeds.join(', ')}; 9600 if absent (USB scanners do not care)`,
    }),
  ),
  answer: Type.Optional(
    Type.Boolean({
      description:
        'true: each answer is written back as a line, for a reader that can show it; false if absent',
    }),
  ),
});
export type SerialReaderConfig = Static<typeof SerialReaderConfig>;

export const serialRetryMs = 1_000;
const sttyTimeoutMs = 2_000;
const run = promisify(execFile);

/**
 * A scanner on a tty, by USB or UART, that sends each text as a line ending in LF, CR or CR LF. It may be pulled out and
 * come back. The stream of a tty is polled, not read by a thread that would hang in it at the end.
 */
export class SerialReader implements Reader {
  readonly #parts: ReaderParts;
  readonly #config: SerialReaderConfig;
  readonly #retryMs: number;
  readonly #closing = new AbortController();
  #stream: ReadStream | null = null;
  #trouble = 'it was not started';
  #reading: Promise<void> = Promise.resolve();

  constructor(parts: ReaderParts, config: SerialReaderConfig, retryMs = serialRetryMs) {
    this.#parts = parts;
    this.#config = config;
    this.#retryMs = retryMs;
  }

  /** A device that is away is waited for; what is no tty at all is a mistake. */
  async start(onText: OnText): Promise<void> {
    await this.#open();
    this.#reading = this.#keepReading(onText);
  }

  async check(): Promise<string> {
    const { path, baud = 9_600 } = this.#config;
    if (this.#stream === null) throw new Error(`${path} cannot be read: ${this.#trouble}.`);
    return `lines of text from ${path} at ${baud} baud`;
  }

  listensAt(): null {
    return null;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#stream?.destroy();
    await this.#reading;
  }

  async #keepReading(onText: OnText): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      if (this.#stream !== null) await this.#read(this.#stream, onText);
      this.#stream = null;
      await delay(this.#retryMs, undefined, { signal }).catch(() => {});
      if (!signal.aborted) await this.#open().catch((error) => this.#lost(error));
    }
  }

  async #read(stream: ReadStream, onText: OnText): Promise<void> {
    try {
      for await (const word of answers(stream, onText, 'any')) {
        // A reader that takes no answers loses them; a wait for it would hold up the next person.
        if (this.#config.answer === true && stream.writableLength === 0) stream.write(word);
      }
      this.#lost(new Error('it was pulled out'));
    } catch (error) {
      this.#lost(error);
    } finally {
      stream.destroy();
    }
  }

  /** Sets `#stream`, or says what the trouble is when the device is away. Rejects when it is something else. */
  async #open(): Promise<void> {
    const { path, baud = 9_600 } = this.#config;
    const flags = constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK;
    try {
      const file = await open(path, flags);
      const terminal = isatty(file.fd);
      await file.close();
      if (!terminal) throw new NoTerminal(`The reader "${this.#parts.name}": ${path} is no tty.`);
      await setUp(path, baud);
      this.#begin(path, flags);
    } catch (error) {
      if (error instanceof NoTerminal) throw error;
      this.#lost(error);
    }
  }

  /** The stream owns its descriptor, so it is not opened as a FileHandle. */
  #begin(path: string, flags: number): void {
    if (this.#closing.signal.aborted) return;
    const stream = new ReadStream(openSync(path, flags));
    stream.on('error', () => {});
    this.#stream = stream;
    if (this.#trouble !== '') this.#parts.log.info({ reader: this.#parts.name, path }, 'A reader is there.');
    this.#trouble = '';
  }

  #lost(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    const trouble = sentenceOf(error);
    if (trouble !== this.#trouble)
      this.#parts.log.warn(
        { reader: this.#parts.name, path: this.#config.path, error: trouble },
        'A reader is away, and is waited for.',
      );
    this.#trouble = trouble;
  }
}

class NoTerminal extends Error {}

/** As the line comes: no echo, no signals, no translation; a device without a modem's wires counts as connected. */
async function setUp(path: string, baud: number): Promise<void> {
  const settings = ['raw', '-echo', 'clocal', 'cread', '-hupcl', String(baud)];
  await run('stty', ['-F', path, ...settings], { timeout: sttyTimeoutMs });
}

function sentenceOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  switch (code) {
    case 'ENOENT':
      return 'there is no such device';
    case 'EACCES':
      return 'the agent may not open it; its user belongs into the group "dialout"';
    default:
      return error instanceof Error ? error.message.trim().replace(/\.$/, '') : String(error);
  }
}
