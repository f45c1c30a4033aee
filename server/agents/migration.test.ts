import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { fold } from '../../domain/fold.ts';
import { openSqlite } from '../database/sqlite.ts';
import { insertAgent } from './store.ts';

const migrations = new URL('../database/migrations/sqlite/', import.meta.url);
const before = readdirSync(migrations)
  .sort()
  .filter((name) => name < '010');

/** A database as it was before enrolment, with an agent and a door that it drives. */
function makeOld(file: string): void {
  const old = new DatabaseSync(file);
  old.function('fold', { varargs: true, deterministic: true }, (...parts) => fold(...parts.map(String)));
  for (const name of before) old.exec(readFileSync(new URL(name, migrations), 'utf8'));
  old.exec(`
    insert into organizations (id, name, domain, created_at, updated_at) values (1, 'Dock', 'dock', 'a', 'b');
    insert into places (id, organization_id, name, folded, address, time_zone, created_at, updated_at)
      values (1, 1, 'Pier', 'pier', 'x', 'UTC', 'a', 'b');
    insert into agents (id, organization_id, name, folded, public_key, created_at, updated_at)
      values (4, 1, 'Gate', 'gate', x'0102', 'a', 'b');
    insert into doors (id, organization_id, place_id, agent_id, name, folded, created_at, updated_at)
      values (5, 1, 1, 4, 'Front', 'front', 'a', 'b');
    pragma user_version = ${before.length}`);
  old.close();
}

describe('a database from before enrolment', () => {
  it('keeps its agents, their keys and their doors, and takes agents without a key', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-old-'));
    const file = join(folder, 'postern.db');
    makeOld(file);
    const database = openSqlite(file);
    const { query } = database.everywhere.read;
    const [agent] = await query.selectFrom('agents').selectAll().execute();
    assert.deepEqual(
      [agent?.id, agent?.public_key, agent?.enrolled_at, agent?.enrollment_code_hash],
      [4, Uint8Array.of(1, 2), 'a', null],
    );
    const [door] = await query.selectFrom('doors').select(['id', 'agent_id']).execute();
    assert.deepEqual([door?.id, door?.agent_id], [5, 4]);
    const fresh = { organization_id: 1, name: 'New', public_key: null, created_at: 'c' };
    const id = await database.everywhere.transaction((tx) => insertAgent(tx, fresh));
    assert.equal(id, 5);
    await assert.rejects(
      database.everywhere.transaction(async (tx) => void tx.prepare('delete from agents where id = 4').run()),
      /FOREIGN KEY/,
    );
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  });
});
