/*
 * What `npm run test:long` runs, one after the other, at the large figures. To add a run, add a row.
 */

export type Database = 'SQLite' | 'PostgreSQL' | 'neither';

export interface Row {
  name: string;
  /** A test file, or a command line of its own; either may print lines with figures. */
  file: string | readonly string[];
  /** On which databases, and about how long it takes there on two cores. `neither`: or on one of its own. */
  minutes: Partial<Record<Database, number>>;
  /** There is no deadline in it: its runs on both databases may go on at the same time. */
  sideBySide?: true;
}

export const rows: readonly Row[] = [
  {
    name: 'every route and caller',
    file: 'test/authorization/roles.test.ts',
    minutes: { SQLite: 0.4, PostgreSQL: 0.6 },
    sideBySide: true,
  },
  {
    name: 'another organization',
    file: 'test/authorization/tenants.test.ts',
    minutes: { SQLite: 0.3, PostgreSQL: 0.5 },
    sideBySide: true,
  },
  {
    name: 'API keys',
    file: 'test/authorization/api-keys.test.ts',
    minutes: { SQLite: 0.1, PostgreSQL: 0.1 },
    sideBySide: true,
  },
  { name: 'headers', file: 'test/headers.test.ts', minutes: { SQLite: 0.5, PostgreSQL: 0.5 } },
  { name: 'secrets', file: 'test/secrets.test.ts', minutes: { neither: 0.4 } },
  {
    name: 'failing statements',
    file: 'server/unlocks/failures.test.ts',
    minutes: { SQLite: 0.2, PostgreSQL: 0.3 },
    sideBySide: true,
  },
  { name: 'full disk', file: 'server/database/sqlite-full-disk.test.ts', minutes: { SQLite: 0.1 } },
  { name: 'zones', file: 'domain/schedule-zones.test.ts', minutes: { neither: 0.5 } },
  {
    name: 'a second opinion on decisions',
    file: 'test/second-opinion/postgres-decisions.test.ts',
    minutes: { PostgreSQL: 4 },
  },
  { name: 'teeth', file: ['node', 'test/teeth/run.ts'], minutes: { neither: 9 } },
  { name: 'forged passes', file: 'domain/pass-forgery.test.ts', minutes: { neither: 3 } },
  { name: 'hostile texts at a reader', file: 'test/reader-fuzz.test.ts', minutes: { neither: 1 } },
  {
    name: 'clocks',
    file: 'test/clocks.test.ts',
    minutes: { SQLite: 0.5, PostgreSQL: 1.5 },
    sideBySide: true,
  },
  { name: 'simulated installations', file: 'test/simulation/simulation.test.ts', minutes: { neither: 20 } },
  { name: 'slow clients', file: 'test/slow-clients.test.ts', minutes: { SQLite: 1 } },
  { name: 'cuts of the line to an agent', file: 'test/cut-off.test.ts', minutes: { SQLite: 17 } },
  { name: 'revocation', file: 'test/revocation.test.ts', minutes: { SQLite: 0.8, PostgreSQL: 3 } },
  { name: 'limits', file: 'test/limits.test.ts', minutes: { SQLite: 8 } },
  { name: 'scanners', file: 'test/scanners.test.ts', minutes: { SQLite: 8, PostgreSQL: 9 } },
  { name: 'races', file: 'test/races.test.ts', minutes: { SQLite: 4, PostgreSQL: 11 } },
  {
    name: 'races of changes',
    file: 'test/races-of-changes.test.ts',
    minutes: { SQLite: 1.5, PostgreSQL: 5 },
  },
  {
    name: 'idempotency',
    file: 'test/idempotency.test.ts',
    minutes: { SQLite: 5, PostgreSQL: 7 },
    sideBySide: true,
  },
  { name: 'idempotency and kills', file: 'test/idempotency-crash.test.ts', minutes: { neither: 3.5 } },
  { name: 'kills of the server', file: 'test/crash.test.ts', minutes: { neither: 8 } },
  { name: 'kills of the agent', file: 'test/agent-crash.test.ts', minutes: { neither: 30 } },
  { name: 'a stolen agent', file: 'test/stolen-agent.test.ts', minutes: { neither: 0.5 } },
  { name: 'kills of PostgreSQL', file: 'test/postgres-crash.test.ts', minutes: { neither: 9 } },
  {
    name: 'requests from the document',
    file: 'test/fuzz.test.ts',
    minutes: { SQLite: 15, PostgreSQL: 25 },
    sideBySide: true,
  },
];
