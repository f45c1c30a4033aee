import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { describe, it } from 'node:test';
import { bugs } from './bugs.ts';
import { planted } from './scratch.ts';

describe('the bugs that are planted', () => {
  it('have a name each, and a test that is there', () => {
    assert.equal(new Set(bugs.map(({ name }) => name)).size, bugs.length);
    for (const { test } of bugs) assert.ok(existsSync(test), test);
  });

  for (const bug of bugs) {
    it(`have a place: ${bug.name}`, () => {
      const text = planted(readFileSync(bug.file, 'utf8'), bug);
      if (bug.file.endsWith('.ts')) stripTypeScriptTypes(text); // throws when it cannot be read any more
    });
  }
});
