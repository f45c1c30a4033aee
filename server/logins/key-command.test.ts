import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import { apiKeysCommand } from './key-command.ts';
import { authenticateLogin } from './logins.ts';

const clock = new TestClock('2026-12-01T09:00:00.000Z');
let server: TestServer;

before(async () => {
  server = await startTestServer({ clock });
});
after(() => server.close());

const run = (...args: string[]) => apiKeysCommand(args, (work) => work(server.context));

describe('postern api-keys', () => {
  it('makes a key for what is said, until when is said', async () => {
    const scopes = ['links:read', 'links:write'];
    const args = ['--name', 'Booking', '--scopes', 'links:write, links:read', '--expires', '90d'];
    const made = JSON.parse(await run('create', ...args, '--json'));
    assert.deepEqual([made.scopes, made.expires_at], [scopes, '2027-03-01T09:00:00.000Z']);
    assert.deepEqual([...((await authenticateLogin(server.context, made.secret))?.scopes ?? [])], scopes);
    const until = await run('create', '--name', 'B', '--expires', '2027-01-01T00:00:00+01:00', '--json');
    assert.equal(JSON.parse(until).expires_at, '2026-12-31T23:00:00.000Z');
    const text = await run('create', '--name', 'Everything');
    assert.match(text, /^pstk_[a-z2-7]{39}\n\nKey \d+, "Everything", may do everything\. Keep it/);
  });

  it('says in a sentence what was not understood', async () => {
    const wrong: [string[], RegExp][] = [
      [['--scopes', 'links:read,links:raed'], /no scope "links:raed"\. The scopes are: organization:read, /],
      [['--scopes', ''], /no scope ""/],
      [['--expires', 'soon'], /--expires must be days such as 90d, or an instant/],
      [['--expires', '0d'], /--expires must be days/],
      [['--expires', '2020-01-01T00:00:00Z'], /expires_at must lie in the future/],
    ];
    for (const [args, sentence] of wrong)
      await assert.rejects(run('create', '--name', 'x', ...args), sentence, args.join(' '));
    await assert.rejects(run('make'), /create, list or revoke/);
  });

  it('lists what each key may do and how it stands, and shows no letter that a terminal obeys', async () => {
    const { query } = server.context.database.everywhere.read;
    const member = await query
      .selectFrom('members')
      .select('id')
      .where('kind', '=', 'service')
      .executeTakeFirstOrThrow();
    await server.context.database.everywhere.transaction(async (tx) => {
      const at = '2020-01-01T00:00:00.000Z';
      const row = {
        organization_id: server.organization_id,
        member_id: member.id,
        type: 'api',
        scopes: null,
      } as const;
      const times = { created_at: at, updated_at: at, expires_at: at, revoked_at: null };
      const name = 'old\u001b[2J\r\n\u202ekey';
      await tx.query
        .insertInto('logins')
        .values({ ...row, ...times, name, secret_hash: new Uint8Array([1]) })
        .execute();
    });
    const list = await run('list');
    assert.match(list, / {2}First key .* {2}everything {2}active\n/);
    assert.match(
      list,
      / {2}Booking .* {2}links:read,links:write {2}active until 2027-03-01T09:00:00\.000Z\n/,
    );
    assert.match(
      list,
      / {2}old\\u\{1b\}\[2J\\u\{d\}\\u\{a\}\\u\{202e\}key .* ended 2020-01-01T00:00:00\.000Z\n$/,
    );
    const revoked = await run('revoke', list.trim().split('\n').at(-1)?.trim().split(' ', 1)[0] ?? '');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
    assert.doesNotMatch(revoked.trimEnd(), /[\u0000-\u001f\u202e]/);
  });
});
