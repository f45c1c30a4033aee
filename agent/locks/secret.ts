import { readFile } from 'node:fs/promises';

/** What stands in a file that only the agent should be able to read; spaces and the line's end around it do not count. */
export async function readSecret(path: string | undefined, setting: string): Promise<string | null> {
  const content = await readText(path, setting);
  if (content === null) return null;
  const secret = content.trim();
  if (secret === '') throw new Error(`${setting}: ${path} is empty.`);
  if (/[\p{Cc}]/u.test(secret)) throw new Error(`${setting}: ${path} holds more than one line.`);
  return secret;
}

export async function readText(path: string | undefined, setting: string): Promise<string | null> {
  if (path === undefined) return null;
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${setting}: the file cannot be read (${reason}).`);
  }
}
