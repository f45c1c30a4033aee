import type { DoorConfig } from './config.ts';
import { openLock } from './locks/drivers.ts';
import type { Lock, LockParts } from './locks/lock.ts';
import { createReader } from './readers/drivers.ts';
import type { Reader } from './readers/reader.ts';

/** A lock or a reader that was looked at. */
export interface Hardware {
  /** What it is, in words. */
  what: string;
  ok: boolean;
  /** What it is wired to, or what is wrong with it. */
  says: string;
}

type Door = { id: number; name: string };

/** Asks those that are open. */
export async function lookAt(
  doors: readonly Door[],
  open: {
    locks: ReadonlyMap<number, Lock>;
    readers: readonly { door: Door; name: string; reader: Reader }[];
  },
): Promise<Hardware[]> {
  const looks = doors.flatMap((door) => {
    const lock = open.locks.get(door.id);
    const readers = open.readers.filter((reader) => reader.door.id === door.id);
    return [
      ...(lock ? [look(lockOf(door), () => lock.check())] : []),
      ...readers.map(({ name, reader }) => look(readerOf(door, name), () => reader.check())),
    ];
  });
  return Promise.all(looks);
}

/** Opens one after the other, and gives it back: for an agent that is not running. Nothing moves, and what is read is dropped. */
export async function openAndLook(
  doors: readonly DoorConfig[],
  parts: Pick<LockParts, 'folder' | 'at' | 'nonce' | 'log'>,
): Promise<Hardware[]> {
  const found: Hardware[] = [];
  for (const { id, lock: config, readers } of doors) {
    const door = { id, name: `Door ${id}` };
    found.push(
      await look(lockOf(door), async () => {
        const lock = await openLock(config, { ...parts, door, onReport: () => {} });
        return lock.check().finally(() => lock.close());
      }),
    );
    for (const { name, ...driver } of readers)
      found.push(
        await look(readerOf(door, name), async () => {
          const reader = createReader(driver, { name, log: parts.log });
          try {
            await reader.start(async () => ({ shown: 'unreadable' }));
            return await reader.check();
          } finally {
            await reader.close();
          }
        }),
      );
  }
  return found;
}

const lockOf = ({ id, name }: Door) => `The lock of ${nameOf({ id, name })}`;
const readerOf = (door: Door, reader: string) => `The reader "${reader}" at ${nameOf(door)}`;

function nameOf({ id, name }: Door): string {
  return name === `Door ${id}` ? `door ${id}` : `door ${id} (${name})`;
}

async function look(what: string, check: () => Promise<string>): Promise<Hardware> {
  try {
    return { what, ok: true, says: await check() };
  } catch (error) {
    return { what, ok: false, says: error instanceof Error ? error.message : String(error) };
  }
}
