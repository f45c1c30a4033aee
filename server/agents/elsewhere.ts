import { outcomeTimeoutMs } from '../../domain/agent-protocol.ts';
import type { Bus } from '../bus/bus.ts';
import type { Clock } from '../context.ts';

const announceIntervalMs = 1_000;
/** An agent whose process has not been heard of for this long is not there. */
const silenceMsMax = 3_500;
/** Something asked longer ago than this is not begun any more: the caller has little time left to be answered in. */
const requestAgeMsMax = 1_000;
const agentsPerMessage = 300;

/** Something asked of the process that has the agent's session. */
export interface AgentRequest {
  kind: string;
  agent_id: number;
}

/** Answers what another process asked; `ageMs`: how long ago that was. */
export type Serve = (request: AgentRequest, ageMs: number) => Promise<unknown>;

export interface ElsewhereSettings {
  bus: Bus;
  clock: Pick<Clock, 'monotonicMs' | 'after'>;
}

/** What this process tells the others about its own agents. */
export interface Here {
  /** Each agent that is connected to this process, and since when, in our monotonic milliseconds. */
  agents(): Iterable<readonly [agent_id: number, sinceMs: number]>;
  /** The agent has connected to another process since. */
  supersede(agent_id: number): void;
  serve: Serve;
}

/**
 * The agents that are connected to other server processes. Every process announces its own each second; what is asked
 * of an agent elsewhere goes to its process, and the answer comes back in time or not at all.
 */
export class Elsewhere {
  readonly #bus: Bus;
  readonly #clock: ElsewhereSettings['clock'];
  readonly #known = new Map<number, { process_id: string; heardMs: number }>();
  readonly #waiting = new Map<string, (answer: unknown) => void>();
  #here: Here = { agents: () => [], supersede: () => {}, serve: async () => null };
  #requests = 0;
  #cancelAnnouncement = () => {};

  constructor({ bus, clock }: ElsewhereSettings) {
    this.#bus = bus;
    this.#clock = clock;
    bus.subscribe('agents', (message, sent) => this.#hear(message as Announcement, sent)); // our own processes' words
    bus.subscribe('requests', (message, sent) => void this.#serve(message as Request, sent));
    bus.subscribe('answers', (message) => this.#answered(message as Answer));
  }

  /** Begins to announce this process's agents, and to answer for them. */
  begin(here: Here): void {
    this.#here = here;
    this.#bus.onConnected(() => {
      this.#say({ who: true });
      this.announce();
    });
    this.#announceRegularly();
  }

  has(agent_id: number): boolean {
    const known = this.#known.get(agent_id);
    if (known && this.#clock.monotonicMs() - known.heardMs <= silenceMsMax) return true;
    this.#known.delete(agent_id);
    return false;
  }

  ids(): number[] {
    return [...this.#known.keys()].filter((agent_id) => this.has(agent_id));
  }

  /** Tells the others at once who is here. */
  announce(): void {
    const now = this.#clock.monotonicMs();
    const here = [...this.#here.agents()].map(
      ([agent_id, sinceMs]) => [agent_id, Math.round(now - sinceMs)] as const,
    );
    for (let start = 0; start < here.length; start += agentsPerMessage)
      this.#say({ here: here.slice(start, start + agentsPerMessage) });
  }

  announceGone(agent_ids: readonly number[]): void {
    for (let start = 0; start < agent_ids.length; start += agentsPerMessage)
      this.#say({ gone: agent_ids.slice(start, start + agentsPerMessage) });
  }

  /** Asks the process that has the agent; null when it did not answer in time, or cannot be asked. */
  async ask(request: AgentRequest): Promise<unknown> {
    const to = this.#known.get(request.agent_id)?.process_id;
    if (to === undefined || !this.has(request.agent_id)) return null;
    this.#requests += 1;
    const request_id = `${this.#bus.process_id}-${this.#requests}`;
    const answer = new Promise<unknown>((resolve) => {
      const cancel = this.#clock.after(outcomeTimeoutMs, () => settle(null));
      const settle = (value: unknown) => {
        cancel();
        this.#waiting.delete(request_id);
        resolve(value);
      };
      this.#waiting.set(request_id, settle);
    });
    const message: Request = { to, request_id, request };
    this.#bus.publish('requests', message).catch(() => this.#waiting.get(request_id)?.(null));
    return answer;
  }

  close(): void {
    this.#cancelAnnouncement();
    this.announceGone([...this.#here.agents()].map(([agent_id]) => agent_id));
    for (const settle of [...this.#waiting.values()]) settle(null);
  }

  #announceRegularly(): void {
    this.#cancelAnnouncement = this.#clock.after(announceIntervalMs, () => {
      this.announce();
      this.#announceRegularly();
    });
  }

  /** What cannot be said now is said again within a second. */
  #say(message: Announcement): void {
    this.#bus.publish('agents', message).catch(() => {});
  }

  #hear({ who, here = [], gone = [] }: Announcement, { from, ageMs }: { from: string; ageMs: number }): void {
    const now = this.#clock.monotonicMs();
    const own = new Map(this.#here.agents());
    for (const [agent_id, connectedMs] of here) {
      this.#known.set(agent_id, { process_id: from, heardMs: now - ageMs });
      const sinceMs = own.get(agent_id);
      if (sinceMs !== undefined && connectedMs + ageMs < now - sinceMs) this.#here.supersede(agent_id);
    }
    for (const agent_id of gone)
      if (this.#known.get(agent_id)?.process_id === from) this.#known.delete(agent_id);
    if (who) this.announce();
  }

  async #serve({ to, request_id, request }: Request, { ageMs }: { ageMs: number }): Promise<void> {
    if (to !== this.#bus.process_id) return;
    const answer = ageMs > requestAgeMsMax ? null : await this.#here.serve(request, ageMs).catch(() => null);
    await this.#bus.publish('answers', { request_id, answer }).catch(() => {});
  }

  #answered({ request_id, answer }: Answer): void {
    this.#waiting.get(request_id)?.(answer);
  }
}

/** `here`: agents, and for how long they have been connected, in milliseconds; `who`: says that all should announce theirs. */
interface Announcement {
  here?: readonly (readonly [agent_id: number, connectedMs: number])[];
  gone?: readonly number[];
  who?: true;
}

interface Request {
  to: string;
  request_id: string;
  request: AgentRequest;
}

interface Answer {
  request_id: string;
  answer: unknown;
}
