import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';

/** A program of ours in a process of its own, so that what is measured shares nothing with what measures. */
export interface OwnProcess<Ready> extends AsyncDisposable {
  ready: Ready;
  /** Resident memory, in MB. */
  memoryMb(): Promise<number>;
  /** What the program itself answers. One question at a time. */
  ask<Answer>(question: unknown): Promise<Answer>;
}

/** What a program does once it has its settings. */
export interface RunningProgram {
  ready: unknown;
  close(): Promise<unknown>;
  answer?(question: unknown): Promise<unknown>;
}

type Asked = { memory: true } | { end: true } | { question: unknown };

/** Starts a file of `programs/` with its settings, and waits until it says that it is ready, and with what. */
export async function startProcess<Ready>(
  name: string,
  settings: object,
  { flags = [], logFile }: { flags?: string[]; logFile?: string } = {},
): Promise<OwnProcess<Ready>> {
  const file = new URL(`./programs/${name}.ts`, import.meta.url);
  const log = logFile === undefined ? 'inherit' : openSync(logFile, 'a');
  const child = fork(file, { execArgv: flags, stdio: ['ignore', 'inherit', log, 'ipc'] });
  const ended = once(child, 'exit').then(() => {
    throw new Error(`The program ${name} ended before it had answered.`);
  });
  ended.catch(() => {}); // at the end that is as it should be
  const say = (asked: Asked) => child.send(asked);
  child.send(settings);
  const ready = await Promise.race([message<Ready>(child), ended]);
  return {
    ready,
    memoryMb() {
      say({ memory: true });
      return message<number>(child);
    },
    ask<Answer>(question: unknown) {
      say({ question });
      return Promise.race([message<Answer>(child), ended]);
    },
    async [Symbol.asyncDispose]() {
      say({ end: true });
      await ended.catch(() => {});
    },
  };
}

/** For the programs: takes the settings, starts, and then does what is asked of it. */
export async function asProgram<Settings>(
  start: (settings: Settings) => Promise<RunningProgram>,
): Promise<void> {
  const [settings] = await once(process, 'message');
  const program = await start(settings as Settings); // our own process sent them
  const say = (what: unknown) => void process.send?.(what);
  process.on('message', async (asked: Asked) => {
    if ('memory' in asked) return say(process.memoryUsage.rss() / 1e6);
    if ('question' in asked) return say(await program.answer?.(asked.question));
    await program.close();
    process.disconnect?.();
  });
  say(program.ready);
}

async function message<T>(child: ChildProcess): Promise<T> {
  const [received] = await once(child, 'message');
  return received as T; // our own program sent it
}
