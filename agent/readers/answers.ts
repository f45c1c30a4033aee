import { readerTextLengthMax } from '../../domain/agent-protocol.ts';
import { type LineEnds, LineSplitter } from './lines.ts';
import type { Shown } from './reader.ts';

/** A UTF-16 unit takes at most three bytes of UTF-8; one more for a CR. */
const lineBytesMax = readerTextLengthMax * 3 + 1;

export type OnText = (text: string) => Promise<Shown>;

/** The answer to each line, one after the other; nothing more is read until an answer was taken. */
export async function* answers(
  portions: AsyncIterable<Buffer>,
  onText: OnText,
  ends: LineEnds = 'LF',
): AsyncGenerator<string> {
  const lines = new LineSplitter(lineBytesMax, ends);
  for await (const portion of portions) {
    for (const line of lines.push(portion)) yield `${words(await show(line, onText))}\n`;
  }
}

async function show(line: Uint8Array | null, onText: OnText): Promise<Shown> {
  if (line === null) return { shown: 'unreadable' };
  const text = decoded(line);
  if (text.length === 0 || text.length > readerTextLengthMax) return { shown: 'unreadable' };
  try {
    return await onText(text);
  } catch {
    return { shown: 'unreadable' };
  }
}

/** UTF-8 where it is, else Latin-1: every sequence of bytes is a text. */
function decoded(line: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(line);
  } catch {
    return Buffer.from(line).toString('latin1');
  }
}

function words(shown: Shown): string {
  return shown.shown === 'denied' ? `denied ${shown.reason}` : shown.shown;
}
