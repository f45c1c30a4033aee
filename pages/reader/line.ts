import { presentable, readerNonceIntervalMs } from '../../domain/reader-protocol.ts';
import { type Answer, type NonceView, present, requestNonce, type TabletView } from './api.ts';
import { digestOf, type Enrollment, sign } from './keys.ts';

/** `refused`: the server does not know this tablet any more. */
export type LineState = 'unknown' | 'up' | 'lost' | 'refused';

/** `reason`: the server's word for a no; or `no_connection`, when it was not asked, and `no_answer`, when it may have decided. */
export type Decision = { granted: true } | { granted: false; reason: string; message: string };

const lostIntervalMs = 2000;
const refusedIntervalMs = 60_000;
/** Younger than the server wants it: what it takes to send it is not known. */
const nonceMsMax = 45_000;

/**
 * The line to the server: holds the nonce of the next presentation, so that a decision is one question and one answer,
 * and by asking for it all the time knows whether the line is there.
 */
export class Line {
  state: LineState = 'unknown';
  readonly #enrollment: Enrollment;
  readonly #onChange: (tablet: TabletView | null) => void;
  #nonce: { text: string; at: number } | null = null;
  #asking: Promise<void> | null = null;
  #timer = 0;
  #ended = false;

  constructor(enrollment: Enrollment, onChange: (tablet: TabletView | null) => void) {
    this.#enrollment = enrollment;
    this.#onChange = onChange;
  }

  /** Asks now; from then on again and again. */
  poll(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  async present(read: string): Promise<Decision> {
    const text = presentable(read);
    const digest = await digestOf(text);
    let answer = await this.#presentOnce(text, digest);
    // The tablet slept longer than it knows: nothing was decided.
    if (answer !== null && !answer.ok && answer.reason === 'presentation_over')
      answer = await this.#presentOnce(text, digest);
    void this.poll();
    if (answer === null) return denied(this.state === 'refused' ? 'reader_not_enrolled' : 'no_connection');
    if (!answer.ok) return denied(answer.status === 0 ? 'no_answer' : answer.reason, answer.message);
    const { granted, reason, message } = answer.body;
    return granted ? { granted } : denied(reason ?? '', message);
  }

  /** Null: there is no line, and nothing was asked. */
  async #presentOnce(text: string, digest: string) {
    const nonce = await this.#takeNonce();
    if (nonce === null) return null;
    const { reader_id } = this.#enrollment.tablet;
    const statement = { what: 'presentation', reader_id, nonce, digest } as const;
    const signature = await sign(this.#enrollment.key, statement);
    return present({ reader_id, nonce, text, signature });
  }

  async #takeNonce(): Promise<string | null> {
    if (this.#nonce === null || performance.now() - this.#nonce.at > nonceMsMax) {
      this.#nonce = null;
      await this.poll();
    }
    const text = (this.#nonce as { text: string } | null)?.text ?? null; // what the question brought
    this.#nonce = null;
    return text;
  }

  async #ask(): Promise<void> {
    clearTimeout(this.#timer);
    const { tablet, key } = this.#enrollment;
    const { reader_id } = tablet;
    const signature = await sign(key, { what: 'nonce', reader_id });
    const answer = await requestNonce({ reader_id, signature });
    if (this.#ended) return;
    // Without a line the one before is of no use: what is sent into the void may arrive, and nobody would know.
    this.#nonce = answer.ok ? { text: answer.body.nonce, at: performance.now() } : null;
    this.state = stateAfter(answer);
    this.#timer = setTimeout(() => void this.poll(), pauseAfter(answer));
    this.#onChange(answer.ok ? answer.body : null);
  }
}

function stateAfter(answer: Answer<NonceView>): LineState {
  if (answer.ok) return 'up';
  return answer.reason === 'reader_not_enrolled' ? 'refused' : 'lost';
}

function pauseAfter(answer: Answer<NonceView>): number {
  if (answer.ok) return readerNonceIntervalMs;
  if (answer.reason === 'reader_not_enrolled') return refusedIntervalMs;
  return answer.status === 429 ? answer.retryAfterSeconds * 1000 : lostIntervalMs;
}

function denied(reason: string, message = ''): Decision {
  return { granted: false, reason, message };
}
