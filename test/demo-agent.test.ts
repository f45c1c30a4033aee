import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { freshFolder, startDemo } from './demo-process.ts';

describe("the demo's agent", () => {
  it('is enrolled by a code at the first start, and is the same one from then on', async () => {
    using folder = freshFolder();
    const identity = () => readFileSync(join(folder.path, 'agent', 'identity.json'), 'utf8');
    const events = [];
    const identities = [];
    for (let start = 0; start < 2; start++) {
      await using demo = await startDemo(folder.path);
      identities.push(JSON.parse(identity()).private_key);
      const { body } = await demo.call('GET', '/events?event_object_type=Agent');
      events.push(body.map(({ type }: { type: string }) => type));
      await demo.kill('SIGINT');
    }
    assert.equal(identities[0], identities[1]);
    assert.deepEqual(events[0], ['agent.update', 'agent.enroll', 'agent.update', 'agent.create']);
    assert.deepEqual(events[1], events[0]);
  });

  it('keeps the key that it had in a folder from before there were codes', async () => {
    using folder = freshFolder();
    const recordFile = join(folder.path, 'demo.json');
    const identityFile = join(folder.path, 'agent', 'identity.json');
    await (await startDemo(folder.path)).kill('SIGINT');
    const { private_key } = JSON.parse(readFileSync(identityFile, 'utf8'));
    const record = JSON.parse(readFileSync(recordFile, 'utf8'));
    assert.equal('private_key' in record.agent, false);
    writeFileSync(recordFile, JSON.stringify({ ...record, agent: { ...record.agent, private_key } }));
    rmSync(identityFile);
    for (let start = 0; start < 2; start++) await (await startDemo(folder.path)).kill('SIGINT');
    assert.equal(JSON.parse(readFileSync(identityFile, 'utf8')).private_key, private_key);
    assert.deepEqual(JSON.parse(readFileSync(recordFile, 'utf8')).agent, record.agent);
  });
});
