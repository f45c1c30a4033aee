import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { TSchema } from 'typebox';
import { Check } from 'typebox/value';
import { LockConfig } from '../agent/locks/drivers.ts';
import { ReaderConfig } from '../agent/readers/drivers.ts';

const page = readFileSync(new URL('../docs/reference/drivers.md', import.meta.url), 'utf8');
const [, locks = '', readers = ''] = page.split(/^## .*$/m);

describe('the page of drivers', () => {
  for (const [section, schema] of [
    [locks, LockConfig],
    [readers, ReaderConfig],
  ] as const) {
    it('has an example of each, which is what the driver expects', () => {
      const examples = [...section.matchAll(/```json\n(.*?)```/gs)].map(([, text = '']) => JSON.parse(text));
      assert.equal(examples.length, schema.anyOf.length);
      for (const example of examples) assert.ok(Check(schema, example), JSON.stringify(example));
    });

    it('describes every setting', () => {
      assert.doesNotMatch(section, /\| +\|$/m);
    });
  }
});

describe('the settings of drivers', () => {
  const refuses = (schema: TSchema, config: object) => assert.equal(Check(schema, config), false);

  it('refuse what could lead elsewhere: wildcards, users in addresses, templates in place of a host', () => {
    const mqtt = { driver: 'mqtt', url: 'mqtt://broker', command_topic: 'a', unlock_payload: 'ON' };
    assert.ok(Check(LockConfig, mqtt));
    refuses(LockConfig, { ...mqtt, command_topic: 'a/+' });
    refuses(LockConfig, { ...mqtt, command_topic: '#' });
    refuses(LockConfig, { ...mqtt, url: 'mqtt://door:secret@broker' });
    for (const url of ['http://door:secret@relay/', 'http://{command_id}/', 'ftp://relay/'])
      refuses(LockConfig, { driver: 'http', unlock: { url } });
    refuses(ReaderConfig, { driver: 'serial', path: 'ttyUSB0' });
    refuses(ReaderConfig, { driver: 'serial', path: '/dev/ttyUSB0', baud: 9_601 });
  });
});
