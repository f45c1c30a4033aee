import { Client } from 'pg';
import type { TestServer } from './test-server.ts';

/**
 * Makes one statement fail from now on, as a full disk or a broken page would. It is named as a trigger is:
 * `insert on events when new.type = 'lock.unlock'`, `update of uses on links`, `delete on group_doors`.
 */
export async function plantFailure(server: TestServer, statement: string): Promise<void> {
  const [what, when] = statement.split(' when ');
  const head = `create trigger planted before ${what} for each row ${when ? `when (${when})` : ''}`;
  if (server.ownerUrl === null) {
    await server.context.database.everywhere.transaction(async (tx) => {
      await tx.prepare(`${head} begin select raise(abort, 'planted'); end`).run();
    });
    return;
  }
  await asOwner(server.ownerUrl, [
    `create or replace function planted() returns trigger language plpgsql as $$ begin raise exception 'planted'; end $$`,
    `${head} execute function planted()`,
  ]);
}

/** Takes the failure back, if there is one. */
export async function mendFailure(server: TestServer): Promise<void> {
  if (server.ownerUrl === null) {
    await server.context.database.everywhere.transaction(async (tx) => {
      await tx.prepare('drop trigger if exists planted').run();
    });
    return;
  }
  await asOwner(server.ownerUrl, ['drop function if exists planted() cascade']);
}

async function asOwner(url: string, statements: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
