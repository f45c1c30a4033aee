import { secondsFloor } from '../../domain/instants.ts';
import type { Context } from '../context.ts';
import { dropSegment, hasLivePass, selectEndedSegments, selectWholeSegments } from './revocation-store.ts';

/** A segment stays on the list a day longer than its last pass: clocks at doors may be behind. */
const graceS = 24 * 3_600;
/** Segments do not end often, and a look at all of them is not free. */
const lookEveryMs = 3_600_000;

/** Takes segments off the revocation lists in which every pass has ended; a few at a time, once an hour. */
export class EndedSegments {
  readonly #context: Pick<Context, 'database' | 'clock' | 'agentNews'>;
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(context: Pick<Context, 'database' | 'clock' | 'agentNews'>) {
    this.#context = context;
  }

  /** Drops at most `countMax`, and answers how many. */
  async drop(countMax: number): Promise<number> {
    const { clock, database } = this.#context;
    if (clock.monotonicMs() - this.#lookedMs < lookEveryMs) return 0;
    let dropped = 0;
    for (const whole of await selectWholeSegments(database.everywhere.read)) {
      dropped += await this.#dropOf(whole, countMax - dropped);
      if (dropped >= countMax) return dropped;
    }
    this.#lookedMs = clock.monotonicMs();
    return dropped;
  }

  async #dropOf(
    { organization_id, segments }: { organization_id: number; segments: number },
    countMax: number,
  ): Promise<number> {
    const { database, clock, agentNews } = this.#context;
    const scope = database.of(organization_id);
    const all = { organization_id, after: 0, until: Number.MAX_SAFE_INTEGER };
    const ended = new Set(await selectEndedSegments(scope.read, all));
    const after_s = secondsFloor(clock.now()) - graceS;
    let dropped = 0;
    for (let segment = 0; segment < segments && dropped < countMax; segment++) {
      if (ended.has(segment) || (await hasLivePass(scope.read, { organization_id, segment, after_s })))
        continue;
      await scope.transaction((tx) => dropSegment(tx, { organization_id, segment }));
      agentNews.expect(organization_id);
      agentNews.committed();
      dropped += 1;
    }
    return dropped;
  }
}
