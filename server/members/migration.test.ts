import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { fold } from '../../domain/fold.ts';
import { openSqlite } from '../database/sqlite.ts';

const migrations = new URL('../database/migrations/sqlite/', import.meta.url);

/** A database as it was before members could sign in, with one of everything that refers to a member. */
function makeOld(file: string): void {
  const old = new DatabaseSync(file);
  old.function('fold', { varargs: true }, (...parts) => fold(...parts.map(String)));
  for (const name of ['001_first.sql', '002_folded_names.sql'])
    old.exec(readFileSync(new URL(name, migrations), 'utf8'));
  old.exec(`
    insert into organizations (id, name, domain, created_at, updated_at) values (1, 'Dock', 'dock', 'a', 'b');
    insert into members (id, organization_id, kind, role, name, folded, email, password_hash, created_at, updated_at)
      values (1, 1, 'person', 'owner', 'Ada', 'ada', 'Ada@Dock.invalid', 'hash', 'a', 'b'),
        (2, 1, 'service', 'admin', 'API', 'api', 'api@dock.invalid', null, 'a', 'b');
    insert into logins values (7, 1, 2, 'api', 'Key', x'01', 'a', null), (8, 1, 2, 'api', 'Old', x'02', 'a', 'c');
    insert into groups (id, organization_id, name, created_at, updated_at) values (1, 1, 'Guests', 'a', 'b');
    insert into links (id, organization_id, group_id, name, valid_until, link_enabled, secret_hash, created_by_id,
        created_at, updated_at)
      values (1, 1, 1, 'Robin', 'z', 1, x'03', 2, 'a', 'b');
    pragma user_version = 2`);
  old.close();
}

describe('an older database', () => {
  it('keeps its members, keys and links, and whatever holds them together', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-old-'));
    const file = join(folder, 'postern.db');
    makeOld(file);
    const database = openSqlite(file);
    const { query } = database.everywhere.read;
    const members = await query.selectFrom('members').selectAll().orderBy('id').execute();
    assert.deepEqual(
      members.map(({ id, email, email_folded, password_hash, confirmed_at, access_enabled, deleted_at }) => [
        ...[id, email, email_folded, password_hash, confirmed_at, access_enabled, deleted_at],
      ]),
      [
        [1, 'Ada@Dock.invalid', 'ada@dock.invalid', 'hash', 'a', 1, null],
        [2, 'api@dock.invalid', 'api@dock.invalid', null, null, 1, null],
      ],
    );
    const logins = await query.selectFrom('logins').selectAll().orderBy('id').execute();
    assert.deepEqual(
      logins.map(({ id, type, scopes, updated_at, expires_at, revoked_at }) => [
        ...[id, type, scopes, updated_at, expires_at, revoked_at],
      ]),
      [
        [7, 'api', null, 'a', null, null],
        [8, 'api', null, 'a', null, 'c'],
      ],
    );
    const links = await query.selectFrom('links').select(['id', 'created_by_id']).execute();
    assert.deepEqual([links[0]?.id, links[0]?.created_by_id], [1, 2]);
    for (const change of ['update links set created_by_id = 9', 'delete from members where id = 2'])
      await assert.rejects(
        database.everywhere.transaction(async (tx) => void tx.prepare(change).run()),
        /FOREIGN KEY/,
      );
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  });
});
