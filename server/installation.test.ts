import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fetchAnswer } from '../test/test-server.ts';
import { insertAgent } from './agents/store.ts';
import { type Config, readConfig, SettingError } from './config.ts';
import type { Context } from './context.ts';
import { authenticateLogin, createApiKey, listApiKeys, revokeApiKey } from './logins/logins.ts';
import { openInstallation, startServer } from './main.ts';
import { passwordMatches } from './secrets/passwords.ts';
import { setUp } from './setup.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-installation-'));
after(() => rmSync(folder, { recursive: true, force: true }));

let folders = 0;

function newConfig(): Config {
  folders += 1;
  return readConfig({
    POSTERN_DATA: join(folder, String(folders)),
    POSTERN_PORT: '0',
    POSTERN_SECRET_KEY: randomBytes(32).toString('base64'),
    POSTERN_LOG_LEVEL: 'silent',
  });
}

const first = { name: 'Test House', domain: 'test', email: 'owner@test.invalid' };

describe('an installation', () => {
  it('makes its folder for its owner only, and keeps everything over a restart', async () => {
    const config = newConfig();
    const one = await openInstallation(config);
    const made = await setUp(one.context, first);
    const hostKey = one.hostKey.publicKey.export({ format: 'jwk' });
    await one.close();
    assert.equal(statSync(config.dataFolder).mode & 0o777, 0o700);
    const two = await openInstallation(config);
    assert.deepEqual(two.hostKey.publicKey.export({ format: 'jwk' }), hostKey);
    assert.equal((await authenticateLogin(two.context, made.api_key))?.organization_id, made.organization.id);
    await two.close();
  });

  it('says in a sentence that there is no secret key, or another than it was written with', async () => {
    const config = newConfig();
    await assert.rejects(openInstallation({ ...config, secretKey: null }), (error: Error) => {
      assert.ok(error instanceof SettingError);
      assert.match(error.message, /^There is no secret key\..*POSTERN_SECRET_KEY_FILE/);
      return true;
    });
    await (await openInstallation(config)).close();
    const wrong = openInstallation({ ...config, secretKey: randomBytes(32) });
    await assert.rejects(wrong, (error: Error) => {
      assert.ok(error instanceof SettingError);
      assert.match(error.message, /^The secret key is not the one .*POSTERN_SECRET_KEY.*\.$/);
      return true;
    });
    await (await openInstallation(config)).close();
  });

  it('says in a sentence that its port is taken', async () => {
    const [one, two] = [newConfig(), newConfig()];
    const [a, b] = [await openInstallation(one), await openInstallation(two)];
    const server = await startServer(a, one);
    const port = Number(new URL(server.url).port);
    await assert.rejects(startServer(b, { ...two, port }), (error: Error) => {
      assert.ok(error instanceof SettingError);
      assert.match(error.message, new RegExp(`^Port ${port} on 127.0.0.1 is taken\\..*POSTERN_PORT`));
      return true;
    });
    await server.close();
    await Promise.all([a.close(), b.close()]);
  });

  it('answers who waits for an answer when it is stopped, and then waits for nobody', {
    timeout: 15_000,
  }, async () => {
    const config = newConfig();
    const installation = await openInstallation(config);
    const { context } = installation;
    const { api_key, organization } = await setUp(context, first);
    const server = await startServer(installation, config);
    const post = async (path: string, body?: object) =>
      fetchAnswer(server.url, { method: 'POST', path, secret: api_key, ...(body ? { body } : {}) });
    const { body: place } = await post('/places', { place: { name: 'House', address: 'x' } });
    const { body: door } = await post('/locks', { lock: { name: 'Door', place_id: place.id } });
    const { commanded } = await connectSilentAgent(context, organization.id, door.id);
    // Keeps its connection for the next request, as every client with a pool does.
    const waiting = post(`/locks/${door.id}/unlock`);
    await commanded;
    const dawdler = connect(Number(new URL(server.url).port), '127.0.0.1').on('error', () => {});
    await once(dawdler, 'connect');
    dawdler.write('POST /places HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n');
    const began = performance.now();
    await server.close();
    const took = performance.now() - began;
    const { status, body } = await waiting;
    await installation.close();
    assert.deepEqual([status, body.reason], [503, 'outcome_unknown']);
    assert.ok(took < 2_000, `${Math.round(took)} ms`);
  });

  it('holds no secret in the clear, in any of its files', async () => {
    const config = newConfig();
    const installation = await openInstallation(config);
    const made = await setUp(installation.context, first);
    const server = await startServer(installation, config);
    const post = async (path: string, body: object) =>
      (await fetchAnswer(server.url, { method: 'POST', path, secret: made.api_key, body })).body;
    const { id: group_id } = await post('/groups', { group: { name: 'Visitors' } });
    const link = await post('/group_links', { group_link: { name: 'Robin Guest', group_id } });
    await server.close();
    await installation.close();
    const secrets = [made.api_key, made.owner.password, link.secret, link.quick_response_code_token];
    for (const file of readdirSync(config.dataFolder)) {
      const bytes = readFileSync(join(config.dataFolder, file));
      for (const secret of secrets) assert.ok(!bytes.includes(secret), `${file} holds a secret`);
      assert.ok(!bytes.includes(config.secretKey ?? ''), `${file} holds the secret key`);
    }
  });
});

/** An agent that drives the door and never says what became of a command. `commanded`: at its first. */
async function connectSilentAgent(
  context: Context,
  organization_id: number,
  door_id: number,
): Promise<{ commanded: Promise<void> }> {
  const commanded = Promise.withResolvers<void>();
  const agent_id = await context.database.everywhere.transaction(async (tx) => {
    const row = { organization_id, name: 'Silent', public_key: Buffer.alloc(32), created_at: '' };
    const id = await insertAgent(tx, row);
    await tx.query.updateTable('doors').set({ agent_id: id }).where('id', '=', door_id).execute();
    return id;
  });
  const silent = { end: () => {}, giveWay: () => {}, tellDoorStates: async () => false };
  context.agents.add({ agent_id, send: () => commanded.resolve(), ...silent });
  return { commanded: commanded.promise };
}

describe('setting up', () => {
  it('makes an organization, its owner and a key, once', async () => {
    const installation = await openInstallation(newConfig());
    const { context } = installation;
    const made = await setUp(context, first);
    assert.deepEqual(made.organization.domain, 'test');
    assert.match(made.owner.password, /^[A-Za-z0-9_-]{20}$/);
    const { query } = context.database.everywhere.read;
    const owner = await query
      .selectFrom('members')
      .selectAll()
      .where('kind', '=', 'person')
      .executeTakeFirstOrThrow();
    assert.deepEqual([owner.email, owner.role], ['owner@test.invalid', 'owner']);
    assert.ok(await passwordMatches(made.owner.password, owner.password_hash ?? ''));
    await assert.rejects(
      setUp(context, { ...first, domain: 'again' }),
      /set up already, with the organization test/,
    );
    assert.equal((await query.selectFrom('organizations').selectAll().execute()).length, 1);
    await installation.close();
  });

  it('refuses a domain or an address that cannot be one, and makes nothing', async () => {
    const installation = await openInstallation(newConfig());
    for (const domain of ['', 'Test', 'a b', '-a', 'a-', 'ä', 'a.b', 'x'.repeat(64)]) {
      await assert.rejects(setUp(installation.context, { ...first, domain }), /domain/, domain);
    }
    for (const email of ['', 'x', 'a b@c', '@']) {
      await assert.rejects(setUp(installation.context, { ...first, email }), /e-mail/, email);
    }
    const { query } = installation.context.database.everywhere.read;
    assert.deepEqual(await query.selectFrom('organizations').selectAll().execute(), []);
    await installation.close();
  });
});

describe('API keys', () => {
  it('are made, listed without their secrets, and ended once; each is an event', async () => {
    const installation = await openInstallation(newConfig());
    const { context } = installation;
    const { organization, api_key } = await setUp(context, first);
    const made = await createApiKey(context, { organization_id: organization.id, name: 'Booking system' });
    const list = await listApiKeys(context);
    assert.deepEqual(
      list.map(({ name, revoked_at }) => [name, revoked_at]),
      [
        ['First key', null],
        ['Booking system', null],
      ],
    );
    assert.ok(!JSON.stringify(list).includes(made.secret));
    const ended = await revokeApiKey(context, made.id);
    assert.ok(ended.revoked_at);
    assert.deepEqual(await revokeApiKey(context, made.id), ended);
    assert.equal(await authenticateLogin(context, made.secret), null);
    assert.ok(await authenticateLogin(context, api_key));
    const { query } = context.database.everywhere.read;
    const events = await query
      .selectFrom('events')
      .select(['type', 'object_name'])
      .where('object_type', '=', 'Login')
      .orderBy('position')
      .execute();
    assert.deepEqual(
      events.map(({ type, object_name }) => [type, object_name]),
      [
        ['login.create', 'First key'],
        ['login.create', 'Booking system'],
        ['login.destroy', 'Booking system'],
      ],
    );
    await installation.close();
  });

  it('are none for an organization, and none with an id, that is not there', async () => {
    const installation = await openInstallation(newConfig());
    await setUp(installation.context, first);
    await assert.rejects(
      createApiKey(installation.context, { organization_id: 99, name: 'x' }),
      /no organization 99/,
    );
    await assert.rejects(revokeApiKey(installation.context, 99), /no API key 99/);
    await installation.close();
  });
});
