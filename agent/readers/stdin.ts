import type { Readable } from 'node:stream';
import { Type } from 'typebox';
import { answers, type OnText } from './answers.ts';
import type { Reader, ReaderParts } from './reader.ts';

export const StdinReaderConfig = Type.Object({ driver: Type.Literal('stdin') });

/** There is one standard input, and one reader of it. */
let taken = false;

/** Lines from what the agent was started with: a pipe, or a keyboard. It shows nothing, and ends quietly when there is no more. */
export class StdinReader implements Reader {
  readonly #parts: ReaderParts;
  readonly #input: Readable;
  #reading = false;
  #ended = false;

  constructor(parts: ReaderParts, input: Readable = process.stdin) {
    this.#parts = parts;
    this.#input = input;
  }

  async start(onText: OnText): Promise<void> {
    if (taken)
      throw new Error(
        `The reader "${this.#parts.name}" cannot have the standard input: another reader of this agent has it.`,
      );
    taken = true;
    this.#reading = true;
    void this.#read(onText);
  }

  async check(): Promise<string> {
    if (this.#ended) throw new Error('The standard input has ended.');
    return 'lines of text from the standard input of the agent';
  }

  listensAt(): null {
    return null;
  }

  async close(): Promise<void> {
    if (!this.#reading) return;
    this.#reading = false;
    taken = false;
    this.#input.destroy();
  }

  async #read(onText: OnText): Promise<void> {
    try {
      for await (const _ of answers(this.#input, onText, 'any'));
    } catch {
      // Closed in the middle of a line, or broken: there is no more either way.
    }
    this.#ended = true;
    if (this.#reading)
      this.#parts.log.info({ reader: this.#parts.name }, 'The standard input of a reader has ended.');
  }
}
