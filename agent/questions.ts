import { type AgentMessage, presentationLifetimeMs } from '../domain/agent-protocol.ts';
import type { Answer } from './scan.ts';

/** How long a presentation waits for its decision, and how many may wait. */
export const decisionTimeoutMs = presentationLifetimeMs;
export const presentationsWaitingMax = 256;
/** How much longer when the lock is being driven meanwhile: then it was granted, and the lock is slow. */
export const lockPatienceMs = 3_000;

export interface Presentation {
  door_id: number;
  reader: string;
  text: string;
}

interface Waiting {
  door_id: number;
  settle: (answer: Answer | null) => void;
  cancel: () => void;
  isPatient: boolean;
}

export interface QuestionsParts {
  send: (message: AgentMessage) => void;
  after: (ms: number, work: () => void) => () => void;
  decision_ms: number;
  monotonicMs: () => number;
}

/** What a session was asked to ask the server, and is not answered yet. */
export class Questions {
  readonly #parts: QuestionsParts;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;

  constructor(parts: QuestionsParts) {
    this.#parts = parts;
  }

  /** Null: no answer, for whatever reason. */
  ask(presentation: Presentation): Promise<Answer | null> {
    if (this.#waiting.size >= presentationsWaitingMax) return Promise.resolve(null);
    const presentation_id = this.#next++;
    const { promise, resolve } = Promise.withResolvers<Answer | null>();
    const { door_id } = presentation;
    this.#waiting.set(presentation_id, { door_id, settle: resolve, cancel: () => {}, isPatient: false });
    this.#giveTime(presentation_id, this.#parts.decision_ms);
    const monotonic_ms = this.#parts.monotonicMs();
    this.#parts.send({ type: 'presentation', presentation_id, monotonic_ms, ...presentation });
    return promise;
  }

  answer(presentation_id: number, answer: Answer | null): void {
    const waiting = this.#waiting.get(presentation_id);
    this.#waiting.delete(presentation_id);
    waiting?.cancel();
    waiting?.settle(answer);
  }

  /** A command for the door may be the answer to what was presented there: the lock gets its time. */
  bePatient(door_id: number): void {
    for (const [presentation_id, waiting] of this.#waiting) {
      if (waiting.door_id !== door_id || waiting.isPatient) continue;
      waiting.isPatient = true;
      this.#giveTime(presentation_id, this.#parts.decision_ms + lockPatienceMs);
    }
  }

  /** Nobody will answer any more. */
  end(): void {
    for (const presentation_id of [...this.#waiting.keys()]) this.answer(presentation_id, null);
  }

  #giveTime(presentation_id: number, ms: number): void {
    const waiting = this.#waiting.get(presentation_id);
    if (!waiting) return;
    waiting.cancel();
    waiting.cancel = this.#parts.after(ms, () => this.answer(presentation_id, null));
  }
}
