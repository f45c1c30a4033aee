import { once } from 'node:events';
import { connect } from 'node:net';

/** Shows a text, or bytes, at the line driver of a reader, and answers its one line. */
export async function showAt(port: number, text: string | Uint8Array): Promise<string> {
  const signal = AbortSignal.timeout(30_000);
  const socket = connect({ host: '127.0.0.1', port, noDelay: true, signal });
  await once(socket, 'connect');
  socket.setEncoding('utf8').write(text);
  socket.end('\n');
  let line = '';
  for await (const part of socket) line += part;
  return line.trim();
}
