import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Context } from '../../server/context.ts';
import type { Database } from '../../server/database/database.ts';
import { type ApiKey, createApiKey, revokeApiKey } from '../../server/logins/logins.ts';
import { secretFrom } from '../../server/secrets/tokens.ts';
import { startTestServer, TestClock, type TestServer } from '../test-server.ts';
import { type House, makeHouse } from './house.ts';

const clock = new TestClock('2026-12-01T09:00:00.000Z');
let server: TestServer;
let house: House;
/** Of the database, without the organization's own part: what a credential is looked for in. */
let statements = 0;

before(async () => {
  server = await startTestServer({ clock, environment: { POSTERN_RATE_LIMITS: 'off' } });
  house = await makeHouse(server, 'keys');
  countStatements(server.context);
});
after(() => server.close());

function countStatements(context: Context): void {
  const { database } = context;
  const { everywhere } = database;
  const read = new Proxy(everywhere.read, {
    get(connection, name) {
      if (name === 'prepare' || name === 'query') statements += 1;
      const value: unknown = Reflect.get(connection, name, connection);
      return typeof value === 'function' ? value.bind(connection) : value;
    },
  });
  const counted: Database = {
    of: (organization_id) => database.of(organization_id),
    everywhere: { read, transaction: (work) => everywhere.transaction(work) },
    settled: () => database.settled(),
    close: () => database.close(),
  };
  context.database = counted;
}

/** A key whose 160 bits we know. */
async function makeKnown(
  expires_at: string | null = null,
): Promise<ApiKey & { secret: string; bits: Buffer }> {
  const bits = Buffer.from(server.context.random.bytes(20));
  const random = { ...server.context.random, bytes: () => bits };
  const named = { organization_id: house.organization, name: 'Known', expires_at };
  return { ...(await createApiKey({ ...server.context, random }, named)), bits };
}

/** What a key gets, and how often the database was asked for it. */
async function tryKey(secret: string, scheme = 'KISI-LOGIN'): Promise<{ status: number; asked: number }> {
  const before = statements;
  const headers = { authorization: `${scheme} ${secret}` };
  const { status } = await server.call('GET', '/login', { headers });
  return { status, asked: statements - before };
}

const refusedUnasked = { status: 401, asked: 0 };
const letters = 'abcdefghijklmnopqrstuvwxyz234567';

describe('an API key', () => {
  it('is looked for in the database, once', async () => {
    const { secret } = await makeKnown();
    assert.deepEqual(await tryKey(secret), { status: 200, asked: 1 });
    assert.deepEqual(await tryKey(secret, 'Bearer'), { status: 200, asked: 1 });
  });

  it('with any letter changed to another one never reaches the database', async () => {
    const { secret } = await makeKnown();
    for (let at = 0; at < secret.length; at += 1) {
      const here = letters.indexOf(secret[at] ?? '');
      // The next letter of the alphabet, and one that is half of it away.
      for (const other of [(here + 1) % 32, (here + 16) % 32]) {
        const wrong = secret.slice(0, at) + letters[other] + secret.slice(at + 1);
        assert.deepEqual(await tryKey(wrong), refusedUnasked, `letter ${at}`);
      }
    }
  });

  it('with two letters exchanged, one missing or one too many never reaches the database', async () => {
    const { secret } = await makeKnown();
    for (let at = 5; at < secret.length; at += 1) {
      const [here = '', next = ''] = secret.slice(at, at + 2);
      const near = [
        secret.slice(0, at) + secret.slice(at + 1),
        secret.slice(0, at) + here + secret.slice(at),
      ];
      if (next !== '' && here !== next) near.push(secret.slice(0, at) + next + here + secret.slice(at + 2));
      for (const wrong of near) assert.deepEqual(await tryKey(wrong), refusedUnasked, `letter ${at}`);
    }
  });

  it('with any bit changed and the checksum made right again is looked for, and is nobody’s', async () => {
    const { bits, secret } = await makeKnown();
    const seen = new Set([secret]);
    for (let bit = 0; bit < bits.length * 8; bit += 1) {
      const near = Buffer.from(bits);
      near.writeUInt8((near[bit >> 3] ?? 0) ^ (1 << (bit & 7)), bit >> 3);
      const wrong = secretFrom('api_key', () => near);
      seen.add(wrong);
      assert.deepEqual(await tryKey(wrong), { status: 401, asked: 1 }, `bit ${bit}`);
    }
    assert.equal(seen.size, 161);
  });

  it('is no secret of another kind with the same bits', async () => {
    const { bits } = await makeKnown();
    assert.equal((await tryKey(secretFrom('session', () => bits))).status, 401);
    assert.deepEqual(await tryKey(secretFrom('one_time', () => bits)), refusedUnasked);
  });

  it('ends at its last millisecond, and not one before', async () => {
    const expires_at = new Date(Date.parse(clock.now()) + 60_000).toISOString();
    const { secret } = await makeKnown(expires_at);
    clock.advance(59_999);
    assert.equal((await tryKey(secret)).status, 200);
    clock.advance(1);
    assert.equal((await tryKey(secret)).status, 401);
    clock.set('2026-12-01T09:00:00.000Z');
  });

  it('that was revoked is answered as one that never was', async () => {
    const { id, secret } = await makeKnown();
    await revokeApiKey(server.context, id);
    const ask = async (key: string) => (await server.call('GET', '/login', { secret: key })).body;
    assert.deepEqual(await ask(secret), await ask(secretFrom('api_key', server.context.random.bytes)));
  });

  it('acts as a member whom nobody can remove or change by the API', async () => {
    const { secret } = await makeKnown();
    const { body } = await server.call('GET', '/user', { secret });
    for (const path of [`/members/${body.id}`, `/users/${body.id}`]) {
      assert.equal((await server.call('DELETE', path, { secret: house.key })).status, 404);
      const change = { [path.startsWith('/users') ? 'user' : 'member']: { access_enabled: false } };
      assert.equal((await server.call('PATCH', path, { secret: house.key, body: change })).status, 404);
    }
    assert.equal((await tryKey(secret)).status, 200);
  });

  it('is over when that member is gone all the same', async () => {
    const gone = await makeHouse(server, 'gone');
    assert.equal((await tryKey(gone.key)).status, 200);
    await server.context.database.of(gone.organization).transaction(async (tx) => {
      const members = tx.query.updateTable('members').set({ deleted_at: clock.now() });
      await members.where('organization_id', '=', gone.organization).where('kind', '=', 'service').execute();
    });
    assert.equal((await tryKey(gone.key)).status, 401);
  });
});
