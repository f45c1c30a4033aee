import {
  doorStatesPerMessageMax,
  outcomeTimeoutMs,
  type ToldDoorState,
} from '../../domain/agent-protocol.ts';
import type { Outcome } from '../../domain/event.ts';
import { type AgentRequest, Elsewhere, type ElsewhereSettings } from './elsewhere.ts';

/** What an unlock asks of the agent at the door. */
export interface DoorCommand {
  command_id: string;
  door_id: number;
  pulse_ms: number;
  /** How long ago it was decided: so much less time is left for it. */
  age_ms?: number;
}

/** One agent that is connected and has proved who it is. */
export interface AgentSession {
  agent_id: number;
  /** Puts the command into the next message; all of one turn of the event loop travel together. */
  send(command: DoorCommand): void;
  /** Answers whether the agent has said in time that it keeps how these doors stand. */
  tellDoorStates(doors: readonly ToldDoorState[]): Promise<boolean>;
  /** Ends the session, telling why in the log. */
  end(why: string): void;
  /** A second session of the same agent began, here or at another process: ends this one and raises the alarm. */
  giveWay(): void;
}

/** Which agents are connected, and which commands wait for an outcome. Nothing is kept for an absent agent. */
export class AgentSessions {
  readonly #sessions = new Map<number, AgentSession>();
  readonly #since = new Map<number, number>();
  readonly #elsewhere: Elsewhere;
  readonly #clock: ElsewhereSettings['clock'];
  readonly #waiting = new Map<string, { session: AgentSession; settle(outcome: Outcome): void }>();

  constructor(settings: ElsewhereSettings) {
    this.#clock = settings.clock;
    this.#elsewhere = new Elsewhere(settings);
    this.#elsewhere.begin({
      agents: () => this.#since,
      supersede: (agent_id) => this.#sessions.get(agent_id)?.giveWay(),
      serve: (request, ageMs) => this.#serve(request, ageMs),
    });
  }

  isReachable(agent_id: number | null): boolean {
    return agent_id !== null && (this.#sessions.has(agent_id) || this.#elsewhere.has(agent_id));
  }

  reachableAgents(): number[] {
    return [...new Set([...this.#sessions.keys(), ...this.#elsewhere.ids()])];
  }

  /** A second session of the same agent ends the first: the process that has the first sees to that. */
  add(session: AgentSession): void {
    const earlier = this.#sessions.get(session.agent_id);
    this.#sessions.set(session.agent_id, session);
    this.#since.set(session.agent_id, this.#clock.monotonicMs());
    this.#elsewhere.announce();
    earlier?.giveWay();
  }

  remove(session: AgentSession): void {
    if (this.#sessions.get(session.agent_id) === session) {
      this.#sessions.delete(session.agent_id);
      this.#since.delete(session.agent_id);
      this.#elsewhere.announceGone([session.agent_id]);
    }
    // It will not say any more what became of its commands.
    for (const waiting of [...this.#waiting.values()])
      if (waiting.session === session) waiting.settle('unknown');
  }

  /** Sends a command whose event is committed, and answers what became of it; `unknown` when nobody said in time. */
  async unlock(agent_id: number, command: DoorCommand): Promise<Outcome> {
    const session = this.#sessions.get(agent_id);
    if (session) return this.#unlockHere(session, command);
    const request: AgentsRequest = { kind: 'unlock', agent_id, command };
    const answer = await this.#elsewhere.ask(request);
    return isOutcome(answer) ? answer : 'unknown';
  }

  #unlockHere(session: AgentSession, command: DoorCommand): Promise<Outcome> {
    return new Promise((resolve) => {
      const settle = (outcome: Outcome) => {
        cancel();
        this.#waiting.delete(command.command_id);
        resolve(outcome);
      };
      const cancel = this.#clock.after(outcomeTimeoutMs, () => settle('unknown'));
      this.#waiting.set(command.command_id, { session, settle });
      session.send(command);
    });
  }

  /** An agent reports what became of a command. Only the session that was given it may; what nobody waits for is dropped. */
  report(session: AgentSession, command_id: string, outcome: Outcome): void {
    const waiting = this.#waiting.get(command_id);
    if (waiting?.session === session) waiting.settle(outcome);
  }

  /** Tells an agent how doors of it stand. Answers whether it has said in time that it keeps all of that. */
  async tellDoorState(agent_id: number, doors: readonly ToldDoorState[]): Promise<boolean> {
    const told: Promise<boolean>[] = [];
    for (let start = 0; start < doors.length; start += doorStatesPerMessageMax)
      told.push(this.#tell(agent_id, doors.slice(start, start + doorStatesPerMessageMax)));
    return (await Promise.all(told)).every(Boolean);
  }

  async #tell(agent_id: number, doors: readonly ToldDoorState[]): Promise<boolean> {
    const session = this.#sessions.get(agent_id);
    if (session) return session.tellDoorStates(doors);
    const request: AgentsRequest = { kind: 'door_states', agent_id, doors };
    return (await this.#elsewhere.ask(request)) === true;
  }

  /** Ends the agent's session, if it has one. */
  async end(agent_id: number, why: string): Promise<void> {
    const session = this.#sessions.get(agent_id);
    if (session) return session.end(why);
    const request: AgentsRequest = { kind: 'end', agent_id, why };
    await this.#elsewhere.ask(request);
  }

  /** Ends every session: the server is stopping. What waits for an outcome will not hear of it. */
  close(): void {
    this.#elsewhere.close();
    for (const { settle } of [...this.#waiting.values()]) settle('unknown');
    for (const session of this.#sessions.values()) session.end('the server is stopping');
  }

  /** What another process asks of an agent that is connected here. */
  async #serve(request: AgentRequest, ageMs: number): Promise<unknown> {
    const session = this.#sessions.get(request.agent_id);
    if (!session) return null;
    const asked = request as AgentsRequest; // our own processes ask nothing else
    switch (asked.kind) {
      case 'unlock':
        return this.#unlockHere(session, {
          ...asked.command,
          age_ms: (asked.command.age_ms ?? 0) + ageMs,
        });
      case 'door_states':
        return session.tellDoorStates(asked.doors);
      case 'end':
        return session.end(asked.why);
    }
  }
}

type AgentsRequest = AgentRequest &
  (
    | { kind: 'unlock'; command: DoorCommand }
    | { kind: 'door_states'; doors: readonly ToldDoorState[] }
    | { kind: 'end'; why: string }
  );

function isOutcome(answer: unknown): answer is Outcome {
  return answer === 'done' || answer === 'not_done' || answer === 'unknown';
}
