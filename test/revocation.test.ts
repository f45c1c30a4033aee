import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { figure, report } from './figures.ts';
import { randomFrom, seed } from './seed.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const rounds = figure({ small: 1, large: 5 });
const linkCount = 1_000;
const clientCount = 20;

let server: TestServer;
let group_id: number;
let door_id: number;

before(async () => {
  server = await startTestServer({ environment: { POSTERN_RATE_LIMITS: 'off' } });
  const place_id = (await server.create('place', { name: 'House', address: 'x' })).id;
  group_id = (await server.create('group', { name: 'Visitors' })).id;
  door_id = (await server.create('lock', { name: 'Front door', place_id })).id;
  await server.create('group_lock', { group_id, lock_id: door_id });
  await server.connectAgent([{ id: door_id, name: 'Front door' }]);
});
after(() => server.close());

interface Issued {
  id: number;
  secret: string;
  /** When the answer to its revocation was there. */
  revokedMs: number | null;
}

describe(`a thousand links (POSTERN_SEED=${seed})`, { timeout: 600_000 }, () => {
  it(`that are revoked while ${clientCount} clients use them open nothing after the answer`, async (t) => {
    const random = randomFrom(seed);
    let [late, granted, tries] = [0, 0, 0];
    for (let round = 0; round < rounds; round++) {
      const counts = await revokeInUse(random);
      late += counts.late;
      granted += counts.granted;
      tries += counts.tries;
    }
    report(t, 'links revoked in use', { links: rounds * linkCount, tries, grants: granted, late, seed });
    await noGrantAfterRevocation();
  });

  async function revokeInUse(random: () => number) {
    const links = await issueAll();
    let late = 0;
    let granted = 0;
    let tries = 0;
    let revoking = true;
    const use = async () => {
      while (revoking) {
        const link = links[Math.floor(random() * links.length)];
        if (!link) continue;
        const askedMs = performance.now();
        const { status } = await server.call('POST', `/locks/${door_id}/unlock`, {
          secret: link.secret,
          as: 'link',
        });
        tries += 1;
        if (status !== 200) continue;
        granted += 1;
        if (link.revokedMs !== null && askedMs > link.revokedMs) late += 1;
      }
    };
    const clients = Array.from({ length: clientCount }, use);
    for (let start = 0; start < links.length; start += 10)
      await Promise.all(links.slice(start, start + 10).map(revoke));
    revoking = false;
    await Promise.all(clients);
    assert.equal(late, 0);
    assert.ok(granted > 0);
    for (const link of links.slice(0, 50)) {
      const { status } = await server.call('POST', `/locks/${door_id}/unlock`, {
        secret: link.secret,
        as: 'link',
      });
      assert.equal(status, 403);
    }
    return { late, granted, tries };
  }
});

async function issueAll(): Promise<Issued[]> {
  const links: Issued[] = [];
  while (links.length < linkCount) {
    const made = await Promise.all(
      Array.from({ length: 20 }, () => server.create('group_link', { name: 'Guest', group_id })),
    );
    for (const { id, secret } of made) links.push({ id, secret, revokedMs: null });
  }
  return links;
}

async function revoke(link: Issued): Promise<void> {
  const { status } = await server.call('DELETE', `/group_links/${link.id}`, { secret: server.api_key });
  assert.equal(status, 204);
  link.revokedMs = performance.now();
}

/** The log says the same: no granted unlock of a link stands after its revocation. */
async function noGrantAfterRevocation(): Promise<void> {
  const { database } = server.context;
  await database.settled();
  const rows = await database.everywhere.read.query
    .selectFrom('events as grants')
    .innerJoin('events as ends', (join) =>
      join
        .onRef('ends.object_id', '=', 'grants.actor_id')
        .on('ends.type', '=', 'group_link.destroy')
        .onRef('ends.position', '<', 'grants.position'),
    )
    .select('grants.uuid')
    .where('grants.type', '=', 'lock.unlock')
    .where('grants.actor_type', '=', 'GroupLink')
    .where('grants.success', '=', 1)
    .execute();
  assert.deepEqual(rows, []);
}
