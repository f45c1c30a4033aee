import assert from 'node:assert/strict';
import { createPrivateKey, sign } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { KnownReplica } from '../agent/replica.ts';
import { passPrefix, readPass, signPass } from '../domain/pass.ts';
import { AgentHouse } from './agent-house.ts';
import type { CreatedLink } from './demo-process.ts';
import { until } from './serve-process.ts';

/* What a thief has who takes the machine at one door. */

describe('a stolen agent', () => {
  it('holds no pass, no secret of a link, and no key but its own; with all of it no pass can be made', async () => {
    await using house = await AgentHouse.open({ driver: 'simulated' });
    const links = await use(house);
    const disk = everything(house.agentFolder);
    const names = [...disk.keys()];
    for (const name of ['identity.json', 'replica.json', 'revocations.json', 'clock.json'])
      assert.ok(names.includes(name), `${name} is not among ${names}`);
    assert.ok(names.some((name) => name.startsWith('outbox/')));
    const all = [...disk.values()].join('\n');
    assert.ok(all.includes(`"link_id":${links[0]?.id}`), 'the use is in its log');
    assert.equal(all.includes(passPrefix), false);
    for (const { secret, quick_response_code_token: text, url } of links)
      for (const piece of [secret, url, text, text.slice(20, 60)])
        assert.equal(all.includes(piece), false, piece);
    assert.equal(all.includes('Robin Guest'), false, 'the name of a visitor');
    const { private_key } = JSON.parse(disk.get('identity.json') ?? '');
    assert.equal(all.split('BEGIN PRIVATE KEY').length, 2, 'its own key, once');
    assert.doesNotMatch(all.replace(disk.get('identity.json') ?? '', ''), /"d":|private|secret/i);
    for (const name of names) assert.equal(statSync(join(house.agentFolder, name)).mode & 0o077, 0, name);

    const replica = await replicaOn(disk);
    const forged = forge(disk, private_key);
    for (const text of forged) {
      const problem = readPass(text, replica.verifyPass);
      assert.deepEqual(problem, { ok: false, problem: 'unknown_key_or_bad_signature' });
      await house.start();
      assert.equal(await house.present(text).answer, 'denied credential_unknown');
      await house.kill();
    }
  });

  it('is refused when it was removed, and opens nothing by asking', async () => {
    await using house = await AgentHouse.open({ driver: 'simulated' });
    await use(house);
    await house.start();
    assert.equal((await house.call('DELETE', `/agents/${house.agent_id}`)).status, 204);
    await house.kill();
    const agent = await house.start();
    await until('it is refused', () => agent.stderr().split('\n').length > 1, 20_000);
    assert.doesNotMatch(agent.stderr() + agent.stdout(), /Connected to the server/);
    assert.equal((await house.status()).connection.connected, false);
    const { status } = await house.call('POST', `/locks/${house.door_id}/unlock`);
    assert.equal(status, 503);
  });
});

/** Two visitors come in, one of them after a restart; then the machine is taken. */
async function use(house: AgentHouse): Promise<CreatedLink[]> {
  const links = [await house.createLink('Robin Guest'), await house.createLink('Robin Guest the second')];
  await house.call('POST', `/locks/${house.door_id}/unlock`);
  for (const { quick_response_code_token } of links) {
    assert.equal(await house.present(quick_response_code_token).answer, 'granted');
    await house.untilKnowing();
    await house.agent?.kill('SIGTERM');
    await house.start();
  }
  assert.equal((await house.call('DELETE', `/group_links/${links[1]?.id}`)).status, 204);
  await house.untilKnowing();
  await house.kill();
  return links;
}

/** Every file, by its path from there; sockets hold nothing. */
function everything(folder: string): Map<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name !== 'agent.json');
  return new Map(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path.slice(folder.length + 1), readFileSync(path, 'latin1')];
    }),
  );
}

async function replicaOn(disk: ReadonlyMap<string, string>): Promise<KnownReplica> {
  const replica = new KnownReplica({
    read: async () => disk.get('replica.json') ?? null,
    write: async () => {},
  });
  await replica.open();
  assert.notEqual(replica.organization_id, null);
  return replica;
}

/** Passes for this organization and another, with the only key that there is. */
function forge(disk: ReadonlyMap<string, string>, private_key: string): string[] {
  const { organization_id, keys, groups } = JSON.parse(disk.get('replica.json') ?? '');
  const key = createPrivateKey(private_key);
  const signer = {
    kid: Buffer.from(keys[0].kid, 'hex'),
    sign: (bytes: Uint8Array) => sign(null, bytes, key),
  };
  const window = { issued_at: Math.floor(Date.now() / 1_000), not_before: 0, expires_at: 4_000_000_000 };
  const claims = { link_id: 1, group_id: groups[0].id, index: 1_000, online: false, ...window };
  return [organization_id, organization_id + 1].map((id) =>
    signPass({ ...claims, organization_id: id }, signer),
  );
}
