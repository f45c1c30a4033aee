import assert from 'node:assert/strict';
import { constants, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { logStore, recordLine } from './outbox-file.ts';

/** How this process has the file open, as the kernel says; undefined: not at all. */
function openFlags(path: string): number | undefined {
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`) !== path) continue;
      const [, flags = ''] = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? [];
      return Number.parseInt(flags, 8);
    } catch {} // the one that the folder was read with
  }
  return undefined;
}

describe('logStore', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-outbox-'));
  const path = join(folder, '000000000001.log');
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('has each record on the disk when its write returns', async () => {
    const store = logStore(folder);
    store.begin(1);
    await store.append(recordLine('{"log":"a"}'));
    const flags = openFlags(path) ?? 0;
    assert.notEqual(flags & constants.O_DSYNC, 0, 'the kernel does not answer before the disk has');
    assert.notEqual(flags & constants.O_APPEND, 0, 'nothing that stands there is written over');
    await store.close?.();
  });

  it('gives its file back when it is closed, and goes on where it was', async () => {
    const store = logStore(folder);
    store.begin(1);
    await store.append(recordLine('{"log":"b"}'));
    await store.close?.();
    assert.equal(openFlags(path), undefined);
    await store.append(recordLine('{"log":"c"}'));
    await store.close?.();
    const [file] = await store.readAll();
    assert.deepEqual(file?.text.match(/"[abc]"/g), ['"a"', '"b"', '"c"']);
  });
});
