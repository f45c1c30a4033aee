import { constants } from 'node:fs';
import { type FileHandle, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { syncFolder } from './kept-file.ts';

/*
 * An append-only log of short lines, in files that are named by the number of the first record in them. Every record
 * stands between two line feeds of its own and begins with its CRC-32 (ISO-HDLC), so that a torn or a flipped one costs
 * itself and no other.
 */

/** What the log needs of the disk. */
export interface LogStore {
  /** The whole log, file by file in the order of their first numbers. */
  readAll(): Promise<{ first: number; text: string; changedMs: number }[]>;
  /** Resolves when the records would survive a power cut; after a rejection nothing is known of them. */
  append(text: string): Promise<void>;
  /** What comes next goes into a file of this name. */
  begin(first: number): void;
  remove(first: number): Promise<void>;
  /** How much was written to the present file; 0: it is to be begun. */
  bytes(): number;
  /** Gives back what is open, once nothing is being written; absent: nothing is. */
  close?(): Promise<void>;
}

/**
 * Each write returns when it is on the disk, as after `fdatasync`: one trip instead of two. With O_SYNC the time of the last
 * change would go along each time, which costs the disk half as much again and says nothing.
 */
const toTheDisk = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | constants.O_DSYNC;
const name = /^(\d{12})\.log$/;

export function logStore(folder: string): LogStore {
  let first = 1;
  let bytes = 0;
  let file: FileHandle | null = null;
  const pathOf = (number: number) => join(folder, `${String(number).padStart(12, '0')}.log`);
  const opened = async () => {
    if (file) return file;
    file = await open(pathOf(first), toTheDisk, 0o600);
    await syncFolder(folder);
    return file;
  };
  const leave = () => {
    file?.close().catch(() => {});
    file = null;
    bytes = 0;
  };
  return {
    async readAll() {
      const numbers = (await readdir(folder)).flatMap((entry) => name.exec(entry)?.[1] ?? []).sort();
      const files = numbers.map(async (text) => {
        const path = pathOf(Number(text));
        const { mtimeMs: changedMs } = await stat(path);
        return { first: Number(text), text: await readFile(path, 'latin1'), changedMs };
      });
      return Promise.all(files);
    },
    async append(text) {
      try {
        await (await opened()).writeFile(text);
        bytes += text.length;
      } catch (error) {
        leave(); // what a disk says after it has failed once is worth nothing: the next try is another file
        throw error;
      }
    },
    begin(next) {
      leave();
      first = next;
    },
    remove: (number) => rm(pathOf(number), { force: true }),
    bytes: () => bytes,
    async close() {
      const open = file;
      [file, bytes] = [null, 0];
      await open?.close();
    },
  };
}

export function recordLine(json: string): string {
  const text = Buffer.from(json, 'utf8').toString('latin1');
  return `\n${crc32(json).toString(16).padStart(8, '0')} ${text}\n`;
}

/** The records of a file that are whole, and how many places there are where something else stands. */
export function recordsIn(text: string): { records: string[]; damaged: number } {
  const records: string[] = [];
  let damaged = 0;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const json = Buffer.from(line.slice(9), 'latin1').toString('utf8');
    if (line[8] === ' ' && line.slice(0, 8) === crc32(json).toString(16).padStart(8, '0')) records.push(json);
    else damaged += 1;
  }
  return { records, damaged };
}
