import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { containing, idsOf } from './lists.ts';

describe('containing', () => {
  it('matches the text anywhere, and takes none of its letters for a sign', () => {
    const database = new DatabaseSync(':memory:');
    const like = database.prepare(`select ? like ? escape '\\' as found`);
    const finds = (value: string, text: string) => like.get(value, containing(text))?.['found'] === 1;
    for (const text of ['%', '_', '\\', '\\%', '%_\\', "'", 'a', '*', '?', '[a]', ';--']) {
      assert.ok(finds(`x${text}y`, text), text);
      if (text !== 'a') assert.ok(!finds('xay', text), text);
    }
    assert.ok(finds('anything', ''));
    database.close();
  });
});

describe('idsOf', () => {
  it('reads numbers with commas between them, and drops what no id can be', () => {
    assert.deepEqual(idsOf('3,1,2'), [3, 1, 2]);
    assert.deepEqual(idsOf('1,9007199254740993'), [1]);
  });
});
