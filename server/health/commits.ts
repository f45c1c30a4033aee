import type { Clock } from '../context.ts';
import { type Database, isUnavailable, type Scope, type Transaction } from '../database/database.ts';
import type { Metrics } from '../metrics.ts';

/** The same database, of whose transactions it is noted how long they take and whether they fail. */
export function watched(database: Database, parts: { metrics: Metrics; clock: Clock }): Database {
  const scope = (inner: Scope): Scope => ({
    read: inner.read,
    transaction: (work) => watchedTransaction(inner, work, parts),
  });
  return {
    of: (organization_id) => scope(database.of(organization_id)),
    everywhere: scope(database.everywhere),
    settled: () => database.settled(),
    close: () => database.close(),
  };
}

async function watchedTransaction<T>(
  scope: Scope,
  work: (tx: Transaction) => Promise<T>,
  { metrics, clock }: { metrics: Metrics; clock: Clock },
): Promise<T> {
  const beganMs = clock.monotonicMs();
  try {
    const result = await scope.transaction(work);
    metrics.countCommit(clock.monotonicMs() - beganMs, clock.now());
    return result;
  } catch (error) {
    if (isUnavailable(error)) metrics.countFailedCommit();
    throw error;
  }
}
