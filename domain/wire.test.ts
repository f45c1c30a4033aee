import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toWire } from './wire.ts';

describe('the words of the HTTP API', () => {
  const pairs: readonly [string, string][] = [
    ['door', 'lock'],
    ['door_id', 'lock_id'],
    ['doors_count', 'locks_count'],
    ['link', 'group_link'],
    ['link_id', 'group_link_id'],
  ];
  for (const [ours, wire] of pairs) {
    it(`calls ${ours} ${wire}`, () => {
      assert.deepEqual(toWire({ [ours]: 7 }), { [wire]: 7 });
    });
  }

  it('leaves every other name, every value and the order alone', () => {
    const record = {
      id: 1,
      name: 'door',
      group_id: 2,
      door: { door_id: 3 },
      list: [{ link: 4 }],
      nothing: null,
    };
    const wire = toWire(record);
    assert.deepEqual(Object.keys(wire), ['id', 'name', 'group_id', 'lock', 'list', 'nothing']);
    assert.deepEqual(wire['lock'], { door_id: 3 });
  });

  it('is not led astray by names that every object has', () => {
    assert.deepEqual(toWire({ constructor: 1, toString: 2 }), { constructor: 1, toString: 2 });
  });
});
