import { once } from 'node:events';
import { chmod, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Problem } from './problem.ts';
import { LineSplitter } from './readers/lines.ts';

export const controlSocketName = 'agent.sock';
const requestBytesMax = 4_096;
const answerBytesMax = 1024 * 1024;
const askTimeoutMs = 10_000;
/** A path of a Unix socket is no longer than this (unix(7)). */
const socketPathBytesMax = 107;

/** One request, one answer: both an object on a line of JSON. A Problem is told to whoever asked, in its words. */
export type Commands = Readonly<
  Record<string, (request: Record<string, unknown>) => object | Promise<object>>
>;

/** Listens in the agent's folder, for its owner only. The folder is ours: what lies there is of an agent that was killed. */
export async function openControl(folder: string, commands: Commands): Promise<AsyncDisposable> {
  const path = socketPath(folder);
  await rm(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket)).on('error', () => {});
    socket.setTimeout(askTimeoutMs, () => socket.destroy());
    void answerOne(socket, commands);
  });
  server.listen(path);
  await once(server, 'listening');
  await chmod(path, 0o600);
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
      await rm(path, { force: true });
    },
  };
}

async function answerOne(socket: Socket, commands: Commands): Promise<void> {
  const lines = new LineSplitter(requestBytesMax);
  for await (const portion of socket) {
    const [line] = lines.push(portion as Buffer); // no encoding was set
    if (line === undefined) continue;
    socket.end(`${JSON.stringify(await answerTo(line, commands))}\n`);
    return;
  }
}

async function answerTo(line: Uint8Array | null, commands: Commands): Promise<object> {
  try {
    const request: unknown = JSON.parse(new TextDecoder().decode(line ?? undefined));
    const { command }: { command?: unknown } = Object(request);
    const run =
      typeof command === 'string' && Object.hasOwn(commands, command) ? commands[command] : undefined;
    if (!run)
      throw new Problem(`The agent has no command ${JSON.stringify(command)}: it may be of another version.`);
    return { answer: await run({ ...Object(request) }) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Asks the agent that runs in this folder. Null: none does. Throws a Problem when it says so, or does not answer. */
export async function askAgent(
  folder: string,
  request: { command: string } & Record<string, unknown>,
): Promise<unknown> {
  const signal = AbortSignal.timeout(askTimeoutMs);
  const socket = connect({ path: socketPath(folder), signal });
  try {
    await once(socket, 'connect');
    socket.write(`${JSON.stringify(request)}\n`);
    const said = await answerFrom(socket);
    if (typeof said.problem === 'string') throw new Problem(said.problem);
    return said.answer;
  } catch (error) {
    if (error instanceof Problem) throw error;
    const { code }: Partial<NodeJS.ErrnoException> = Object(error);
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return null;
    if (code === 'EACCES')
      throw new Problem(`The agent in ${folder} is somebody else's: run this as the user that it runs as.`);
    throw new Problem(`The agent in ${folder} did not answer.`);
  } finally {
    socket.destroy();
  }
}

async function answerFrom(socket: Socket): Promise<{ answer?: unknown; problem?: unknown }> {
  const lines = new LineSplitter(answerBytesMax);
  for await (const portion of socket) {
    const [line] = lines.push(portion as Buffer); // no encoding was set
    if (line) return Object(JSON.parse(new TextDecoder().decode(line)));
  }
  throw new Error('it hung up');
}

function socketPath(folder: string): string {
  const path = join(folder, controlSocketName);
  if (Buffer.byteLength(path) <= socketPathBytesMax) return path;
  throw new Problem(`${folder} is too long a path for a socket in it: name a shorter folder.`);
}
