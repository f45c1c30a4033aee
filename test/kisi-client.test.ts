import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import Kisi from 'kisi-client';
import { denials, errors } from '../domain/errors.ts';
import { createOrganization } from '../server/organizations/organizations.ts';
import { startTestServer, type TestServer } from './test-server.ts';

/*
 * Kisi's own JavaScript client, as npm has it, with another address and nothing else changed. It writes camelCase, sends
 * snake_case, reads `X-Collection-Range`, and makes an error of `code` and `error`.
 */

const owner = { email: 'owner@harbour.invalid', password: 'correct horse battery' };
const domain = 'harbour';

let server: TestServer;
/** Signed in as the owner. */
let kisi: Kisi;

before(async () => {
  server = await startTestServer();
  await createOrganization(server.context, { name: 'Harbour House', domain, owner });
  kisi = newClient();
  await kisi.signIn({ domain, ...owner });
});
after(() => server.close());

function newClient(headers?: Record<string, string>): Kisi {
  const more = headers ? { headers: { Accept: 'application/json', ...headers } } : {};
  return new Kisi({ baseURL: `${server.url}/`, ...more });
}

/** What the client throws: its own error, with what it read from the answer. */
async function failure(call: Promise<unknown>): Promise<{ status: number; code: string; reason: string }> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Error && 'status' in error && 'code' in error && 'reason' in error)
      return { status: Number(error.status), code: String(error.code), reason: String(error.reason) };
    throw error;
  }
  throw new Error('it succeeded');
}

function later(instant: string, hours: number): string {
  return new Date(Date.parse(instant) + hours * 3_600_000).toISOString();
}

async function makeDoor(name: string) {
  const place = await kisi.post('places', { place: { name: 'House', address: '1 Gate Lane' } });
  const lock = await kisi.post('locks', { lock: { name, placeId: place.id } });
  const group = await kisi.post('groups', { group: { name: `Group of ${name}` } });
  const groupLock = await kisi.post('group_locks', { groupLock: { groupId: group.id, lockId: lock.id } });
  return { place, lock, group, groupLock };
}

describe('signing in with Kisi’s client', () => {
  it('answers a login whose secret it sends from then on', async () => {
    const client = newClient();
    const login = await client.signIn({ domain, ...owner });
    assert.equal(typeof login.id, 'number');
    assert.equal(typeof login.secret, 'string');
    const user = await client.get('user');
    assert.equal(user.email, owner.email);
  });

  it('is refused with a wrong password, a wrong domain and an unknown address alike', async () => {
    const wrong = [
      { domain, ...owner, password: 'wrong horse battery' },
      { domain: 'nowhere', ...owner },
      { domain, ...owner, email: 'nobody@harbour.invalid' },
    ];
    const seen = new Set<string>();
    for (const user of wrong) seen.add(JSON.stringify(await failure(newClient().signIn(user))));
    assert.equal(seen.size, 1);
    assert.match([...seen][0] ?? '', /"status":401/);
  });

  it('ends with signing out', async () => {
    const client = newClient();
    const { secret } = await client.signIn({ domain, ...owner });
    await client.signOut();
    client.setLoginSecret(secret);
    const { status, code, reason } = await failure(client.get('places'));
    assert.deepEqual([status, code, reason], [401, errors.unauthorized.code, errors.unauthorized.title]);
  });
});

describe('lists in Kisi’s client', () => {
  it('come in pages whose place in the whole it reads', async () => {
    const place = await kisi.post('places', { place: { name: 'Long house', address: 'x' } });
    for (let number = 1; number <= 7; number++)
      await kisi.post('locks', { lock: { name: `Room ${number}`, placeId: place.id } });
    const pages = [];
    for (const offset of [0, 3, 6])
      pages.push(await kisi.get('locks', { placeId: place.id, limit: 3, offset, sort: 'name' }));
    assert.deepEqual(
      pages.map(({ pagination }) => pagination),
      [
        { offset: 0, limit: 3, count: 7 },
        { offset: 3, limit: 3, count: 7 },
        { offset: 6, limit: 1, count: 7 },
      ],
    );
    assert.deepEqual(
      pages.flatMap(({ data }) => data.map(({ name }: { name: string }) => name)),
      [1, 2, 3, 4, 5, 6, 7].map((number) => `Room ${number}`),
    );
  });

  it('may be empty, and beyond the end', async () => {
    const none = await kisi.get('locks', { query: 'there is no such door' });
    assert.deepEqual(none, { pagination: { offset: 0, limit: 0, count: 0 }, data: [] });
    const beyond = await kisi.get('places', { offset: 5000 });
    assert.ok(beyond.pagination.count > 0);
    assert.deepEqual([beyond.pagination.limit, beyond.data], [0, []]);
  });

  it('are found by ids and by a text', async () => {
    const { lock } = await makeDoor('Cellar');
    for (const asked of [{ ids: String(lock.id) }, { ids: lock.id }, { query: 'cell' }]) {
      const { data } = await kisi.get('locks', asked);
      assert.deepEqual(
        data.map(({ id }: { id: number }) => id),
        [lock.id],
      );
    }
  });
});

describe('creating, changing and deleting with Kisi’s client', () => {
  it('works for places, locks, groups and the locks in them', async () => {
    const { place, lock, group, groupLock } = await makeDoor('Attic');
    assert.deepEqual(
      [place.resourceType, lock.placeId, group.locksCount, groupLock.lockId],
      ['Place', place.id, 0, lock.id],
    );
    const fields = { name: 'Renamed' };
    assert.equal(
      await kisi.put(`places/${place.id}`, { place: { ...fields, timeZone: 'Europe/Berlin' } }),
      '',
    );
    assert.equal(await kisi.put(`locks/${lock.id}`, { lock: fields }), '');
    assert.equal(await kisi.put(`groups/${group.id}`, { group: fields }), '');
    assert.equal((await kisi.get(`places/${place.id}`)).timeZone, 'Europe/Berlin');
    assert.equal((await kisi.get(`locks/${lock.id}`)).name, 'Renamed');
    assert.equal((await kisi.get(`groups/${group.id}`)).locksCount, 1);
    assert.equal((await kisi.get(`group_locks/${groupLock.id}`)).group.name, 'Renamed');
    for (const path of [
      `group_locks/${groupLock.id}`,
      `groups/${group.id}`,
      `locks/${lock.id}`,
      `places/${place.id}`,
    ]) {
      assert.equal(await kisi.delete(path), '');
      const { status, code } = await failure(kisi.get(path));
      assert.deepEqual([status, code], [404, errors.not_found.code], path);
    }
  });

  it('works for access links', async () => {
    const { group } = await makeDoor('Studio');
    const hours = (count: number) => later(group.createdAt, count);
    const made = await kisi.post('group_links', {
      groupLink: {
        name: 'Robin Guest',
        email: 'robin@example.org',
        groupId: group.id,
        validFrom: hours(1),
        validUntil: hours(9),
        linkEnabled: true,
        quickResponseCodeType: 'offline',
      },
    });
    assert.equal(made.resourceType, 'GroupLink');
    assert.match(made.secret, /^[0-9a-z]{32}$/);
    assert.match(made.quickResponseCodeToken, /^PSN1:/);
    assert.equal(Buffer.from(made.quickResponseCodeImage, 'base64').toString('latin1', 1, 4), 'PNG');
    await kisi.put(`group_links/${made.id}`, { groupLink: { validUntil: hours(33) } });
    const shown = await kisi.get(`group_links/${made.id}`);
    assert.deepEqual([shown.validUntil, shown.secret], [hours(33), undefined]);
    const { data } = await kisi.get('group_links', { groupId: group.id });
    assert.deepEqual(
      data.map(({ id }: { id: number }) => id),
      [made.id],
    );
    await kisi.delete(`group_links/${made.id}`);
    assert.equal((await failure(kisi.get(`group_links/${made.id}`))).status, 404);
  });
});

describe('unlocking with Kisi’s client', () => {
  it('opens the door, with a login and with a link', async () => {
    const { lock, group } = await makeDoor('Gate');
    await server.connectAgent([{ id: lock.id, name: 'Gate' }]);
    assert.deepEqual(await kisi.post(`locks/${lock.id}/unlock`), { message: 'Unlocked!' });
    const { secret } = await kisi.post('group_links', { groupLink: { name: 'Robin', groupId: group.id } });
    const guest = newClient({ Authorization: `KISI-GROUP-LINK ${secret}` });
    const { data } = await guest.get('locks');
    assert.deepEqual([data[0].id, data[0].unlockable], [lock.id, true]);
    assert.deepEqual(await guest.post(`locks/${lock.id}/unlock`), { message: 'Unlocked!' });
  });

  it('fails with a code and a sentence when the answer is no, or the door is away', async () => {
    const { lock, group } = await makeDoor('Shed');
    const away = await failure(kisi.post(`locks/${lock.id}/unlock`));
    assert.deepEqual([away.status, away.code], [503, denials.door_unreachable.code]);
    const groupLink = { name: 'Later', groupId: group.id, validFrom: later(lock.createdAt, 1) };
    const { secret } = await kisi.post('group_links', { groupLink });
    const guest = newClient({ Authorization: `KISI-GROUP-LINK ${secret}` });
    assert.deepEqual(await failure(guest.post(`locks/${lock.id}/unlock`)), {
      status: 403,
      code: denials.credential_not_active.code,
      reason: denials.credential_not_active.title,
    });
  });
});

describe('errors in Kisi’s client', () => {
  it('have the status, the code and the sentence', async () => {
    const { status, code, reason } = await failure(
      kisi.post('locks', { lock: { name: '', placeId: 999_999 } }),
    );
    assert.deepEqual([status, code], [422, errors.invalid.code]);
    assert.match(reason, /^Some fields are not as expected: name must be 1 to 200 characters/);
    assert.deepEqual(await failure(kisi.get('locks/999999')), {
      status: 404,
      code: errors.not_found.code,
      reason: errors.not_found.title,
    });
    assert.equal((await failure(newClient().get('locks'))).status, 401);
  });
});

describe('event sets in Kisi’s client', () => {
  it('hold every event once, page by page', async () => {
    const { lock } = await makeDoor('Barn');
    for (let number = 1; number <= 5; number++)
      await kisi.put(`locks/${lock.id}`, { lock: { name: `Barn ${number}` } });
    const set = await kisi.post('event_sets', {
      eventSet: { eventType: 'lock.update', eventObjectType: 'Lock', eventObjectId: lock.id },
    });
    assert.equal(set.status, 'finished');
    const seen: string[] = [];
    let page = await kisi.get(`event_sets/${set.id}`, { limit: 2 });
    for (let pages = 0; pages < 10; pages++) {
      seen.push(...page.events.map(({ objectName }: { objectName: string }) => objectName));
      if (page.cursor === null) break;
      page = await kisi.get(`event_sets/${set.id}`, { limit: 2, cursor: page.cursor });
    }
    assert.deepEqual(seen.sort(), ['Barn 1', 'Barn 2', 'Barn 3', 'Barn 4', 'Barn 5']);
    const types = await kisi.get('events/types');
    assert.ok(types.includes('lock.unlock'));
  });
});
