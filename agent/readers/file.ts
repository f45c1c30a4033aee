import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { Problem } from '../problem.ts';

export const readersFileName = 'readers.json';

const ListedReader = Type.Object({
  door_id: Type.Integer(),
  door: Type.String(),
  reader: Type.String(),
  host: Type.String(),
  port: Type.Integer({ minimum: 1, maximum: 65_535 }),
});
/** A reader that a program on the same machine can present a text to. */
export type ListedReader = Static<typeof ListedReader>;

const listedReaders = Compile(Type.Array(ListedReader));

/** Writes the list as a whole or not at all; only its owner can read it. */
export async function writeReadersFile(folder: string, readers: readonly ListedReader[]): Promise<void> {
  const path = join(folder, readersFileName);
  const fresh = `${path}.new`;
  await rm(fresh, { force: true });
  await writeFile(fresh, `${JSON.stringify(readers, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  await rename(fresh, path);
}

export async function removeReadersFile(folder: string): Promise<void> {
  await rm(join(folder, readersFileName), { force: true });
}

/** The readers of the agent that runs in this folder. Throws a Problem when there is none. */
export async function readReadersFile(folder: string): Promise<ListedReader[]> {
  const path = join(folder, readersFileName);
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new Problem(`${path} is not a list of readers: restart the agent.`);
    throw new Problem(`No agent is running here: there is no ${path}.`);
  }
  if (!listedReaders.Check(content))
    throw new Problem(`${path} is not a list of readers: restart the agent.`);
  return content;
}
