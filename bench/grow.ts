import { hash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';

/** How large a house is made, and with what. */
export interface Size {
  links: number;
  events: number;
}

/** The secret of the link that was grown with this number: of the shape that ours have, and of no worth. */
export function grownSecret(number: number): string {
  const letters = [...String(number)].map((digit) => 'abcdefghij'[Number(digit)]).join('');
  return letters.padStart(32, 'm');
}

/**
 * Makes a house's database as large as years would: copies of its first link with other secrets, and unlocks of theirs
 * with their outcomes. Only for the embedded database, and only while no server has it open.
 */
export function growHouse(file: string, { links, events }: Size): void {
  const database = openToGrow(file);
  growLinks(database, { count: links, passesFrom: 1_000_000 });
  const uuid =
    "printf('%08x-%04x-7000-8000-%012x', 26000000 + numbers.n / 65536, numbers.n % 65536, numbers.n)";
  const at = "strftime('%Y-%m-%dT%H:%M:%fZ', 1700000000 + numbers.n * 20, 'unixepoch')";
  const actor = `1000001 + (numbers.n * 7919) % ${links}`;
  copyRows(database, 'events', events, {
    position: 'null',
    uuid,
    sequence: uuid,
    type: "'lock.unlock'",
    created_at: at,
    recorded_at: at,
    actor_type: "'GroupLink'",
    actor_id: actor,
    actor_name: `'Visitor ' || (${actor})`,
    authenticated_by_type: "'GroupLink'",
    authenticated_by_id: actor,
    object_type: "'Lock'",
    object_id: '1',
    object_name: "'Front door'",
    action: "'unlock'",
    method: "'api'",
    message: `'Visitor ' || (${actor}) || ' unlocked Front door'`,
  });
  database.exec(`
    insert into event_outcomes (event_uuid, organization_id, outcome, recorded_at)
      select uuid, organization_id, 'done', recorded_at from events where type = 'lock.unlock';
    update organizations set next_pass_index = next_pass_index + 1000000 + ${links};
    commit;
    pragma journal_mode = wal;`);
  database.close();
}

/** In a transaction, which whoever asked for it commits. */
export function openToGrow(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  database.exec('pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -500000');
  database.function('grown_hash', { deterministic: true }, (number) =>
    hash('sha256', grownSecret(Number(number)), 'buffer'),
  );
  database.exec('begin');
  return database;
}

/** Copies of the first link, each with a pass; their indexes follow on `passesFrom`. */
export function growLinks(
  database: DatabaseSync,
  { count, passesFrom }: { count: number; passesFrom: number },
): void {
  copyRows(database, 'links', count, {
    id: 'numbers.n + 1000000',
    name: "'Visitor ' || numbers.n",
    folded: "'visitor ' || numbers.n",
    secret_hash: 'grown_hash(numbers.n)',
  });
  copyRows(database, 'passes', count, {
    pass_index: `numbers.n + ${passesFrom}`,
    link_id: 'numbers.n + 1000000',
  });
}

/** `count` copies of the table's first row, some of their columns given by an expression over `numbers.n`. */
function copyRows(
  database: DatabaseSync,
  table: string,
  count: number,
  instead: Record<string, string>,
): void {
  const columns = database
    .prepare('select name from pragma_table_info(?)')
    .all(table)
    .map(({ name }) => String(name));
  const values = columns.map((name) => instead[name] ?? `first.${name}`);
  database.exec(`
    insert into ${table} (${columns.join(', ')})
      with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${count})
      select ${values.join(', ')} from numbers, (select * from ${table} limit 1) as first`);
}
