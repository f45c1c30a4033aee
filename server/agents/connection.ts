import { Compile } from 'typebox/compile';
import {
  AgentMessage,
  doorStatesPerMessageMax,
  doorStatesTimeoutMs,
  heartbeatIntervalMs,
  heartbeatTimeoutMs,
  type ServerMessage,
  type ToldDoorState,
  type UnlockCommand,
} from '../../domain/agent-protocol.ts';
import { PosternError } from '../../domain/errors.ts';
import type { Context } from '../context.ts';
import { isUnavailable } from '../database/database.ts';
import type { HostKey } from '../installation.ts';
import { noteReaders } from '../readers/readers.ts';
import type { PresentationResult, Presented } from '../unlocks/presentations.ts';
import { noteAgentSeen, noteSensors, noteStatus } from './agents.ts';
import { isSameKey } from './claims.ts';
import { Handshake, type ProvenAgent } from './handshake.ts';
import type { InformedSession } from './news.ts';
import { keepReports } from './reports.ts';
import type { AgentSession, DoorCommand } from './sessions.ts';
import type { AgentSocket } from './socket.ts';
import { selectAgent, selectDoorStatesOfAgent } from './store.ts';
import { ToldClock } from './told-clock.ts';

const handshakeTimeoutMs = 5_000;
/** How long a session that was ended waits for the other side's goodbye. */
const goodbyeTimeoutMs = 1_000;
const presentationsAtOnceMax = 64;
const checker = Compile(AgentMessage);

type Status = Extract<AgentMessage, { type: 'status' }>;

export interface AgentConnectionSettings {
  context: Context;
  hostKey: HostKey;
  log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  present(presentation: Presented): Promise<PresentationResult>;
  onSecondSession(agent: { organization_id: number; agent_id: number; name: string }): Promise<void>;
}

/** Speaks `domain/agent-protocol.ts` over one WebSocket, from hello to the end. */
export class AgentConnection implements AgentSession, InformedSession {
  agent_id = 0;
  organization_id = 0;
  readonly #socket: AgentSocket;
  readonly #settings: AgentConnectionSettings;
  readonly #handshake: Handshake;
  #agent: ProvenAgent | null = null;
  #isInformed = false;
  /** How far the agent's clock is ahead of ours; null: it knows no time. */
  #driftMs: number | null = null;
  #sequence = 0;
  #heartbeats = 0;
  readonly #agentClock = new ToldClock();
  #pending: UnlockCommand[] = [];
  #presentations = 0;
  #told = 0;
  readonly #untilKept = new Map<number, (isKept: boolean) => void>();
  #ended = false;
  #cancelTimer: () => void;

  constructor(socket: AgentSocket, settings: AgentConnectionSettings) {
    this.#socket = socket;
    this.#settings = settings;
    this.#handshake = new Handshake(settings.context, settings.hostKey);
    this.#cancelTimer = this.#after(handshakeTimeoutMs, () => this.end('the handshake took too long'));
    // One message after the other: a proof must not overtake the hello it belongs to.
    let turn: Promise<void> = Promise.resolve();
    socket.on('message', (data, isBinary) => {
      turn = turn.then(() => this.#receive(data, isBinary)).catch((error) => this.end(String(error)));
    });
    socket.on('close', () => this.#closed());
    socket.on('error', (error) => this.end(error.message));
  }

  send({ age_ms = 0, ...command }: DoorCommand): void {
    this.#pending.push({ ...command, deadline_ms: this.#agentClock.deadline(this.#now()) - age_ms });
    if (this.#pending.length === 1) setImmediate(() => this.#flush());
  }

  tellDoorStates(doors: readonly ToldDoorState[]): Promise<boolean> {
    if (this.#ended) return Promise.resolve(false);
    this.#told += 1;
    const message_id = this.#told;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const cancel = this.#after(doorStatesTimeoutMs, () => this.#kept(message_id, false));
    this.#untilKept.set(message_id, (isKept) => {
      cancel();
      this.#untilKept.delete(message_id);
      resolve(isKept);
    });
    this.say({ type: 'door_states', message_id, doors: [...doors] });
    return promise;
  }

  end(why: string): void {
    if (this.#ended) return;
    this.#settings.log.info({ agent_id: this.agent_id, why }, 'agent session ends');
    this.#socket.close(1008);
    this.#after(goodbyeTimeoutMs, () => this.#socket.terminate());
    this.#closed();
  }

  giveWay(): void {
    if (this.#ended) return;
    this.end('another session of the same agent began');
    const { context, onSecondSession } = this.#settings;
    if (this.#agent) onSecondSession(this.#agent).catch(context.onBackgroundError);
  }

  #closed(): void {
    const wasOpen = !this.#ended;
    this.#ended = true;
    this.#cancelTimer();
    this.#settings.context.agents.remove(this);
    this.#settings.context.agentNews.leave(this);
    for (const message_id of [...this.#untilKept.keys()]) this.#kept(message_id, false);
    if (this.#agent && wasOpen) this.#inBackground(noteAgentSeen(this.#settings.context, this.#agent));
  }

  async #receive(data: unknown, isBinary: boolean): Promise<void> {
    if (this.#ended) return;
    const message = isBinary ? null : parse(String(data));
    if (message === null) return this.end('it sent something that is no message');
    if (this.#agent === null) return this.#shakeHands(message);
    switch (message.type) {
      case 'heartbeat':
        this.#driftMs = this.#driftOf(message.now_ms ?? null);
        return this.#noteHeartbeat(message.monotonic_ms, message.sequence);
      case 'outcomes':
        for (const { command_id, outcome } of message.outcomes)
          this.#settings.context.agents.report(this, command_id, outcome);
        return;
      case 'presentation':
        return this.#present(this.#agent, message);
      case 'door_states_kept':
        return this.#kept(message.message_id, true);
      case 'status':
        return this.#noteStatus(this.#agent, message);
      case 'revocations_wanted':
        return this.#settings.context.agentNews.tellWhole(this);
      case 'reports':
        return this.#keepReports(this.#agent, message);
      case 'sensors':
        return noteSensors(this.#settings.context, this.#agent, message.doors);
      case 'hello':
      case 'proof':
        return this.end('it began the handshake twice');
    }
  }

  async #shakeHands(message: AgentMessage): Promise<void> {
    const step = await this.#handshake.step(message);
    if ('problem' in step) return this.end(step.problem);
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    for (const message of step.say) this.say(message);
    if (step.agent === null) return;
    this.#agent = step.agent;
    this.agent_id = step.agent.agent_id;
    this.organization_id = step.agent.organization_id;
    this.#cancelTimer();
    this.#beat();
  }

  #beat(): void {
    const clock = this.#agentClock;
    if (clock.silentMs(this.#now()) > heartbeatTimeoutMs) return this.end('its heartbeats stopped');
    if (!clock.isKnown && this.#heartbeats > heartbeatTimeoutMs / heartbeatIntervalMs)
      return this.end('it never sent a heartbeat');
    this.#heartbeats += 1;
    clock.asked(this.#now());
    this.say({ type: 'heartbeat', sequence: this.#heartbeats });
    this.#cancelTimer = this.#after(heartbeatIntervalMs, () => this.#beat());
  }

  /** The agent can be given commands from its first heartbeat on: before it, no deadline could be named. */
  #noteHeartbeat(agentMs: number, sequence: number): void {
    if (sequence > this.#heartbeats) return this.end('it answered a heartbeat that was not sent');
    if (sequence < this.#heartbeats) return;
    const isFirst = !this.#agentClock.isKnown;
    this.#agentClock.answered(agentMs, this.#now());
    if (!isFirst || this.#agent === null) return;
    this.#settings.log.info({ agent_id: this.agent_id }, 'agent connected');
    this.#settings.context.agents.add(this);
    // Only now are its doors read: what changes after that is told to this session by whoever changes it.
    this.#inBackground(this.#tellAllDoors(this.#agent));
    this.#inBackground(noteAgentSeen(this.#settings.context, this.#agent));
    this.#inBackground(noteReaders(this.#settings.context, this.#agent));
  }

  async #tellAllDoors({ organization_id, agent_id }: ProvenAgent): Promise<void> {
    const { read } = this.#settings.context.database.of(organization_id);
    const now = await selectAgent(read, agent_id);
    if (!now || !isSameKey(now, this.#agent?.row ?? null))
      return this.end('the agent was removed or enrolled again meanwhile');
    const doors = await selectDoorStatesOfAgent(read, { organization_id, id: agent_id });
    for (let start = 0; start < doors.length; start += doorStatesPerMessageMax)
      void this.tellDoorStates(doors.slice(start, start + doorStatesPerMessageMax));
  }

  /** What must not hold up the session's messages: the answer that it waits for may be among them. */
  #inBackground(work: Promise<void>): void {
    work.catch(this.#settings.context.onBackgroundError);
  }

  #driftOf(now_ms: number | null): number | null {
    return now_ms === null ? null : Math.round(now_ms - Date.parse(this.#settings.context.clock.now()));
  }

  /** What an agent has is known from its first status on: only then is it told what it lacks. */
  async #noteStatus(agent: ProvenAgent, status: Status): Promise<void> {
    const { context } = this.#settings;
    const { type: _, ...said } = status;
    const sequence = await noteStatus(context, agent, { ...said, clock_drift_ms: this.#driftMs });
    this.say({ type: 'reports_kept', outbox_id: status.outbox.id, sequence });
    if (this.#isInformed) return;
    this.#isInformed = true;
    context.agentNews.join(this, status.revocation_epoch);
  }

  async #keepReports(
    agent: ProvenAgent,
    { outbox_id, reports }: Extract<AgentMessage, { type: 'reports' }>,
  ): Promise<void> {
    const sequence = await keepReports(this.#settings.context, agent, { outbox_id, reports });
    this.say({ type: 'reports_kept', outbox_id, sequence });
  }

  #kept(message_id: number, isKept: boolean): void {
    this.#untilKept.get(message_id)?.(isKept);
  }

  #flush(): void {
    const commands = this.#pending;
    this.#pending = [];
    // Larger than one frame's worth of commands: several frames.
    for (let start = 0; start < commands.length; start += 256)
      this.#sendUnlock(commands.slice(start, start + 256));
  }

  #sendUnlock(commands: UnlockCommand[]): void {
    this.#sequence += 1;
    this.say({ type: 'unlock', session: this.#handshake.nonce, sequence: this.#sequence, commands });
  }

  #present(agent: ProvenAgent, message: Extract<AgentMessage, { type: 'presentation' }>): void {
    const { presentation_id, monotonic_ms, door_id, reader, text } = message;
    const decided = (granted: boolean, reason: string | null) =>
      this.say({ type: 'decision', presentation_id, granted, reason });
    if (!agent.door_ids.has(door_id)) return decided(false, 'not_found');
    // The reader has refused what was held up for so long: nobody waits, and no door opens behind anybody's back.
    const isPast = this.#agentClock.isPast(monotonic_ms, this.#now());
    if (isPast || this.#presentations >= presentationsAtOnceMax) return decided(false, 'unavailable');
    this.#presentations += 1;
    const { organization_id, agent_id } = agent;
    this.#settings
      .present({ organization_id, agent_id, door_id, reader, text })
      .then(
        ({ granted, reason }) => decided(granted, reason),
        (error: unknown) => {
          if (error instanceof PosternError) return decided(false, error.reason);
          if (isUnavailable(error)) return decided(false, 'unavailable');
          this.#settings.log.warn({ err: error }, 'a presentation failed');
          return decided(false, 'internal');
        },
      )
      .finally(() => {
        this.#presentations -= 1;
      });
  }

  say(message: ServerMessage): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #now(): number {
    return this.#settings.context.clock.monotonicMs();
  }

  #after(ms: number, work: () => void): () => void {
    return this.#settings.context.clock.after(ms, work);
  }
}

function parse(text: string): AgentMessage | null {
  try {
    const message: unknown = JSON.parse(text);
    return checker.Check(message) ? message : null;
  } catch {
    return null;
  }
}
