import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { Client } from 'pg';
import { createDatabase, type TestDatabase, testPostgres } from '../../test/postgres.ts';
import { openSqlite } from './sqlite.ts';

/** What only one of the two needs. */
const ours = ['events.id', 'schema_migrations'];

const folder = mkdtempSync(join(tmpdir(), 'postern-tables-'));
let embedded: DatabaseSync;
let made: TestDatabase;
let owner: Client;

before(async () => {
  const file = join(folder, 'postern.db');
  await openSqlite(file).close();
  embedded = new DatabaseSync(file, { readOnly: true });
  made = await createDatabase(testPostgres());
  owner = new Client({ connectionString: made.ownerUrl });
  await owner.connect();
});
after(async () => {
  embedded.close();
  await owner.end();
  await made.drop();
  rmSync(folder, { recursive: true, force: true });
});

const kinds: Record<string, string> = {
  bigint: 'INTEGER',
  text: 'TEXT',
  bytea: 'BLOB',
  'double precision': 'REAL',
};

function tables(): string[] {
  return embedded
    .prepare("select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' order by name")
    .all()
    .map(({ name }) => String(name));
}

async function rows<Row extends object>(text: string): Promise<Row[]> {
  return (await owner.query<Row>(text)).rows;
}

describe('the tables of the two databases', () => {
  it('come from migrations of the same names', () => {
    const names = (dialect: string) =>
      readdirSync(new URL(`./migrations/${dialect}/`, import.meta.url)).sort();
    assert.deepEqual(names('postgres'), names('sqlite'));
  });

  it('have the same columns, of the same kinds, that may be empty alike', async () => {
    const here = tables().flatMap((table) =>
      embedded
        .prepare(`pragma table_info(${table})`)
        .all()
        .map(
          ({ name, type, notnull, pk }) => `${table}.${name} ${type} ${notnull || pk ? 'not null' : 'null'}`,
        ),
    );
    const found = await rows<{ name: string; kind: string; nullable: string }>(
      `select table_name || '.' || column_name as name, data_type as kind, is_nullable as nullable
       from information_schema.columns where table_schema = 'public'`,
    );
    const there = found
      .filter(({ name }) => !ours.includes(name) && !ours.includes(name.split('.')[0] ?? ''))
      .map(
        ({ name, kind, nullable }) =>
          `${name} ${kinds[kind] ?? kind} ${nullable === 'NO' ? 'not null' : 'null'}`,
      )
      // A position comes a moment after its event there.
      .map((line) => line.replace('events.position INTEGER null', 'events.position INTEGER not null'));
    assert.deepEqual(there.sort(), here.sort());
  });

  it('refer to each other alike, so that no row points into another organization', async () => {
    const here = tables().flatMap((table) => {
      const parts = embedded.prepare(`pragma foreign_key_list(${table})`).all();
      const ids = [...new Set(parts.map(({ id }) => id))];
      return ids.map((id) => {
        const of = parts.filter((part) => part['id'] === id);
        const columns = of.map(({ from, to }) => `${from}=${to}`).sort();
        return `${table} → ${of[0]?.['table']} (${columns.join(', ')})`;
      });
    });
    const found = await rows<{ from: string; to: string; columns: string[] }>(
      `select c.conrelid::regclass::text as from, c.confrelid::regclass::text as to,
         (select array_agg(a.attname || '=' || b.attname) from unnest(c.conkey, c.confkey) as k (one, other)
          join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.one
          join pg_attribute b on b.attrelid = c.confrelid and b.attnum = k.other) as columns
       from pg_constraint c where c.contype = 'f'`,
    );
    const there = found.map(({ from, to, columns }) => `${from} → ${to} (${columns.sort().join(', ')})`);
    assert.deepEqual(there.sort(), here.sort());
  });

  it('keep the same things from happening twice', async () => {
    const here = tables().flatMap((table) => {
      const indexes = embedded.prepare(`pragma index_list(${table})`).all();
      const unique = indexes.filter((index) => Number(index['unique']) === 1);
      const columns = unique.map(({ name }) =>
        embedded
          .prepare(`pragma index_info(${name})`)
          .all()
          .map((part) => String(part['name']))
          .sort(),
      );
      const key = embedded.prepare(`pragma table_info(${table})`).all();
      const primary = key.filter(({ pk }) => Number(pk) > 0).map((part) => String(part['name']));
      const all = [...columns, primary.sort()].map((names) => `${table} (${names.join(', ')})`);
      return [...new Set(all)];
    });
    const found = await rows<{ table: string; columns: string[] }>(
      `select i.indrelid::regclass::text as table,
         (select array_agg(a.attname::text) from pg_attribute a where a.attrelid = i.indrelid and a.attnum = any (i.indkey)) as columns
       from pg_index i join pg_class c on c.oid = i.indrelid
       where i.indisunique and c.relnamespace = 'public'::regnamespace`,
    );
    const there = found
      .filter(({ table, columns }) => !ours.includes(table) && !ours.includes(`${table}.${columns.join()}`))
      .map(({ table, columns }) => `${table} (${columns.map(String).sort().join(', ')})`);
    assert.deepEqual([...new Set(there)].sort(), here.sort());
  });
});
