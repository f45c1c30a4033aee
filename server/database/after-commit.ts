import type { Database, Scope } from './database.ts';

/** The same database; `tell` is called after each of its commits. It must be short and must not throw. */
export function afterCommit(database: Database, tell: () => void): Database {
  const telling = (scope: Scope): Scope => ({
    read: scope.read,
    async transaction(work) {
      const result = await scope.transaction(work);
      tell();
      return result;
    },
  });
  return {
    of: (organization_id) => telling(database.of(organization_id)),
    everywhere: telling(database.everywhere),
    settled: () => database.settled(),
    close: () => database.close(),
  };
}
