import type { Tables } from '../../server/database/tables.ts';
import type { TestServer } from '../test-server.ts';

/** By which column each table's rows are an organization's; null: they are nobody's. */
const tables: Record<keyof Tables, 'organization_id' | 'id' | null> = {
  installation: null,
  organizations: 'id',
  organization_keys: 'organization_id',
  members: 'organization_id',
  member_groups: 'organization_id',
  member_tokens: 'organization_id',
  logins: 'organization_id',
  places: 'organization_id',
  agents: 'organization_id',
  doors: 'organization_id',
  readers: 'organization_id',
  groups: 'organization_id',
  group_doors: 'organization_id',
  schedules: 'organization_id',
  links: 'organization_id',
  passes: 'organization_id',
  events: 'organization_id',
  event_outcomes: 'organization_id',
  idempotency_keys: 'organization_id',
  used_presses: 'organization_id',
  event_sets: 'organization_id',
  ended_segments: 'organization_id',
};

/** Every row that the organization has, as texts: two of these are equal when nothing of it was changed. */
export async function dumpOf({ context }: TestServer, organization: number): Promise<string[]> {
  await context.database.settled();
  const { query } = context.database.everywhere.read;
  const lines: string[] = [];
  // The keys of the table above.
  for (const [table, column] of Object.entries(tables) as [keyof Tables, string | null][]) {
    if (column === null) continue;
    const owner = query.dynamic.ref(column);
    const rows = await query.selectFrom(table).selectAll().where(owner, '=', organization).execute();
    lines.push(...rows.map((row) => `${table} ${JSON.stringify(row)}`));
  }
  return lines.sort();
}
