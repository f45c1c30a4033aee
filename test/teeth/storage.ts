import type { Bug } from './bug.ts';

/** The two databases and the log of events. */
export const storageBugs: readonly Bug[] = [
  {
    name: 'an answer is given before its commit',
    file: 'server/database/group-commit.ts',
    find: 'outcome = await this.#inSavepoint(work);',
    replace:
      "outcome = await this.#inSavepoint(work);\n          if ('value' in outcome) resolve(outcome.value);",
    test: 'server/database/sqlite.test.ts',
  },
  {
    name: 'a commit that failed is tried again',
    file: 'server/database/group-commit.ts',
    find: 'this.#commitAll.run();',
    replace:
      'try {\n        this.#commitAll.run();\n      } catch {\n        this.#commitAll.run();\n      }',
    test: 'server/database/failed-commit.test.ts',
  },
  {
    name: 'a disk that failed is trusted again',
    file: 'server/database/group-commit.ts',
    find: 'if (primaryCode(error) === inputOutputError) this.#broken = error;',
    replace: '',
    test: 'server/database/failed-commit.test.ts',
  },
  {
    name: 'a commit is not written through to the disk',
    file: 'server/database/sqlite.ts',
    find: 'pragma synchronous = full',
    replace: 'pragma synchronous = normal',
    test: 'server/database/sqlite.test.ts',
  },
  {
    name: 'an event may be changed',
    file: 'server/database/migrations/sqlite/001_first.sql',
    find: 'create trigger events_are_never_changed before update on events',
    replace: 'create trigger events_are_never_changed before update of id on events',
    test: 'server/events/events.test.ts',
    named: 'only ever appended to',
  },
  {
    name: 'whether an event was a success may be changed',
    file: 'server/database/migrations/postgres/001_first.sql',
    find: 'object_name, action, success, message',
    replace: 'object_name, action, message',
    test: 'server/database/postgres.test.ts',
    named: 'only ever appended to',
    database: 'postgres',
  },
  {
    name: 'one table is not behind the wall between organizations',
    file: 'server/database/row-security.sql',
    find: "and (a.attname = 'organization_id' or",
    replace: "and c.relname <> 'passes' and (a.attname = 'organization_id' or",
    test: 'server/database/postgres.test.ts',
    named: 'behind the wall',
    database: 'postgres',
  },
  {
    name: 'the positions of events have gaps',
    file: 'server/database/migrations/postgres/001_first.sql',
    find: 'row_number() over (order by id) as place',
    replace: 'row_number() over (order by id) + 1 as place',
    test: 'server/database/postgres.test.ts',
    named: 'without a gap',
    database: 'postgres',
  },
];
