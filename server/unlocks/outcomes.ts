import type { Database } from '../database/database.ts';
import { type NewOutcome, recordOutcomes } from '../events/events.ts';

interface OutcomesParts {
  database: Database;
  onError: (error: unknown) => void;
}

/**
 * Writes down that doors opened, after those who asked were answered. What an organization's agents have told by the
 * time that the transaction begins is written in it together: one for each would double the work of an unlock.
 */
export class Outcomes {
  readonly #parts: OutcomesParts;
  readonly #waiting = new Map<number, NewOutcome[]>();
  readonly #writing = new Set<Promise<void>>();

  constructor(parts: OutcomesParts) {
    this.#parts = parts;
  }

  add(outcome: NewOutcome): void {
    const { organization_id } = outcome;
    const others = this.#waiting.get(organization_id);
    if (others) {
      others.push(outcome);
      return;
    }
    this.#waiting.set(organization_id, [outcome]);
    const writing = this.#write(organization_id).finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
  }

  /** Resolves when all that was added so far is written, or its failure reported. */
  async written(): Promise<void> {
    await Promise.all(this.#writing);
  }

  async #write(organization_id: number): Promise<void> {
    const { database, onError } = this.#parts;
    let outcomes: NewOutcome[] | undefined;
    try {
      await database.of(organization_id).transaction(async (tx) => {
        outcomes ??= this.#take(organization_id); // a transaction may be run again
        recordOutcomes(tx, outcomes);
      });
    } catch (error) {
      if (!outcomes) this.#take(organization_id);
      onError(error);
    }
  }

  #take(organization_id: number): NewOutcome[] {
    const outcomes = this.#waiting.get(organization_id) ?? [];
    this.#waiting.delete(organization_id);
    return outcomes;
  }
}
