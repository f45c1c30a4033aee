import { createHash } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** What of an event is judged, in the order in which it is asked for, and all of it as one text. */
export interface EventRow {
  position: number;
  uuid: string;
  organization_id: number;
  type: string;
  created_at: string;
  actor_type: string | null;
  actor_id: number | null;
  object_id: number;
  success: number;
  method: string;
  sequence: string;
  /** The agent that told of it; null: it is the server's own. */
  agent_id: number | null;
  isVerified: boolean;
  whole: string;
}

export type Statements = ReturnType<typeof prepare>;

/** What the witness asks of the file, prepared once for each connection. */
export function prepare(database: DatabaseSync) {
  const statement = (sql: string): StatementSync => database.prepare(sql);
  return {
    events: inArrays(statement(`select ${judged}, * from events where position > ? order by position`)),
    event: statement('select type, success from events where uuid = ?'),
    links: statement(
      'select id, name, valid_from, valid_until, max_uses, uses, suspended_at, revoked_at from links',
    ),
    doors: statement('select id, locked_down_at is not null as down from doors'),
    places: statement('select id, locked_down_at is not null as down from places'),
    groupDoors: statement('select group_id, door_id from group_doors'),
  };
}

function inArrays(statement: StatementSync): StatementSync {
  statement.setReturnArrays(true);
  return statement;
}

const judged =
  'position, uuid, organization_id, type, created_at, actor_type, actor_id, object_id, success, method, sequence, agent_id, unverified';

/** A row of the statement `events`. */
export function eventOf(row: unknown): EventRow {
  const [position, uuid, organization_id, type, created_at, ...more] = row as [
    number,
    string,
    number,
    string,
    string,
  ]; // as asked
  const [actor_type, actor_id, object_id, success, method, sequence, agent_id, unverified] =
    more as unknown as EventValues; // likewise
  const judgedAndWhole = {
    actor_type,
    actor_id,
    object_id,
    success,
    method,
    sequence,
    agent_id,
    isVerified: unverified === 0,
    whole: JSON.stringify(row),
  };
  return { position, uuid, organization_id, type, created_at, ...judgedAndWhole };
}

type EventValues = [string | null, number | null, number, number, string, string, number | null, number];

/**
 * Kept in V8's own format, in which one number has two spellings: which it is depends on how warm the process is. What
 * these hold is in the story, as the answers that came of it.
 */
const spelledFreely: Record<string, readonly string[]> = { idempotency_keys: ['effect', 'answer'] };

/** A hash of all that is in the file. */
export function fingerprintOf(database: DatabaseSync): string {
  const content = createHash('sha256');
  const tables = database.prepare(
    "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' order by name",
  );
  for (const { name } of tables.all() as { name: string }[]) {
    content.update(name);
    for (const row of database.prepare(`select * from "${name}" order by 1, 2`).iterate()) {
      for (const column of spelledFreely[name] ?? []) row[column] = Number(row[column] !== null);
      content.update(JSON.stringify(Object.values(row).map(readable)));
    }
  }
  return content.digest('hex');
}

function readable(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
}
