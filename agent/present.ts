import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as pauseFor } from 'node:timers/promises';
import { reasonWords } from '../domain/errors.ts';
import { textInPicture } from './picture.ts';
import { Problem } from './problem.ts';
import { type ListedReader, readReadersFile } from './readers/file.ts';
import { sightingWindowMs } from './scan.ts';

export const presentDeadlineMs = 7_000;
export const presentAgainMax = 3;
/** A little longer than the reader's window: two clocks round differently. */
const repeatPauseMs = sightingWindowMs + 50;
const answerLengthMax = 200;

export interface PresentRequest {
  /** A file with a picture of a QR code, or the text itself. */
  input: string;
  door_id: number;
  /** The agent's folder: it names the running readers. */
  folder: string;
  /** Each is given one line, without its ending. */
  out: (line: string) => void;
  err: (line: string) => void;
  pause?: (ms: number) => Promise<unknown>;
}

/** Shows a QR code to a door's reader, as a visitor would. 0: granted; 1: anything else, told on `out` or `err`. */
export async function present(request: PresentRequest): Promise<0 | 1> {
  try {
    const text = await textOf(request.input);
    const reader = await readerAt(request.folder, request.door_id);
    const answer = await presented(request, reader, text);
    request.out(inWords(answer, reader.door));
    return answer === 'granted' ? 0 : 1;
  } catch (error) {
    request.err(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

async function textOf(input: string): Promise<string> {
  const isFile = await stat(input).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile && looksLikePath(input)) throw new Problem(`There is no file ${input}.`);
  const text = isFile ? await textInPicture(input) : input;
  if (/[\r\n]/.test(text)) throw new Problem('The text has more than one line: no pass does.');
  return text;
}

/** A pass (`PSN1:…`) and a link (`https:…`) have slashes too, and are no paths. */
function looksLikePath(input: string): boolean {
  return !/^[A-Z0-9]{2,}:/i.test(input) && (input.includes('/') || /\.(png|jpe?g)$/i.test(input));
}

async function readerAt(folder: string, door_id: number): Promise<ListedReader> {
  const readers = await readReadersFile(folder);
  const reader = readers.find((each) => each.door_id === door_id);
  if (reader !== undefined) return reader;
  const doors = new Map(readers.map((each) => [each.door_id, `${each.door_id} (${each.door})`]));
  const choice = doors.size === 0 ? 'It has no reader at all.' : `It has: ${[...doors.values()].join(', ')}.`;
  throw new Problem(`The agent running here has no reader at a door ${door_id}. ${choice}`);
}

/** The reader takes a text shown again within its window for the same presentation: wait, and show it again. */
async function presented(request: PresentRequest, reader: ListedReader, text: string): Promise<string> {
  const { err, pause = pauseFor } = request;
  for (let again = 0; again <= presentAgainMax; again++) {
    const answer = await answerTo(reader, text);
    if (answer !== 'repeated') return answer;
    if (again === presentAgainMax) break;
    err('repeated: the reader saw this code a moment ago. It is shown again in 3 seconds.');
    await pause(repeatPauseMs);
  }
  throw new Problem('repeated: somebody else keeps showing this code to the reader. Nothing was decided.');
}

async function answerTo(reader: ListedReader, text: string): Promise<string> {
  const signal = AbortSignal.timeout(presentDeadlineMs);
  const socket = connect({ host: reader.host, port: reader.port, signal });
  let answer = '';
  try {
    await once(socket, 'connect');
    socket.setEncoding('utf8').write(`${text}\n`);
    for await (const part of socket) {
      answer += part;
      if (answer.includes('\n') || answer.length > answerLengthMax) break;
    }
  } catch (error) {
    throw new Problem(trouble(error, signal.aborted, reader));
  } finally {
    socket.destroy();
  }
  const [line] = answer.split('\n', 1);
  if (
    line !== undefined &&
    answer.includes('\n') &&
    /^(granted|repeated|unreadable|denied [a-z0-9_]+)$/.test(line)
  )
    return line;
  throw new Problem(`What listens on port ${reader.port} did not answer as a reader does.`);
}

function trouble(error: unknown, isLate: boolean, { reader, port }: ListedReader): string {
  if (isLate) return `The reader "${reader}" did not answer within ${presentDeadlineMs / 1000} seconds.`;
  // What node:net rejects with carries a code.
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ECONNREFUSED') return `No agent is running here: nobody listens on port ${port} any more.`;
  return `The reader "${reader}" hung up.`;
}

function inWords(answer: string, door: string): string {
  if (answer === 'granted') return `granted: ${door} opens`;
  if (answer === 'unreadable') return 'unreadable: the reader cannot read this code.';
  const reason = answer.replace('denied ', '');
  const words = Object.hasOwn(reasonWords, reason) ? `. ${reasonWords[reason]}` : '';
  return `denied: ${reason}${words}`;
}
