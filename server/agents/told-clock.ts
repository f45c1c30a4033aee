import { commandLifetimeMs, presentationLifetimeMs } from '../../domain/agent-protocol.ts';

/**
 * An agent's monotonic clock, as far as its heartbeats tell it; all times in milliseconds. The agent read its clock somewhere
 * between when a heartbeat was sent and when the answer came: what must not be late goes by the worse end of that.
 */
export class ToldClock {
  #sentMs = 0;
  #last: { agentMs: number; sentMs: number; receivedMs: number } | null = null;

  get isKnown(): boolean {
    return this.#last !== null;
  }

  /** A heartbeat goes out: only answers to it count from now on. */
  asked(nowMs: number): void {
    this.#sentMs = nowMs;
  }

  answered(agentMs: number, nowMs: number): void {
    this.#last = { agentMs, sentMs: this.#sentMs, receivedMs: nowMs };
  }

  /** Since the last answer; 0 before the first. */
  silentMs(nowMs: number): number {
    return this.#last === null ? 0 : nowMs - this.#last.receivedMs;
  }

  /** Until when a command of now may be obeyed, on the agent's clock; early rather than late. */
  deadline(nowMs: number): number {
    const last = this.#last;
    return last === null ? 0 : last.agentMs + (nowMs - last.receivedMs) + commandLifetimeMs;
  }

  /** Whether nobody may be standing at the reader any more who showed something at `shownMs`, on the agent's clock. */
  isPast(shownMs: number, nowMs: number): boolean {
    const last = this.#last;
    return last === null || last.agentMs + (nowMs - last.sentMs) - shownMs > presentationLifetimeMs;
  }
}
