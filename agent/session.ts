import { Compile } from 'typebox/compile';
import {
  type AgentMessage,
  type DoorsMessage,
  heartbeatTimeoutMs,
  outcomesPerMessageMax,
  ServerMessage,
  type ToldOutcome,
} from '../domain/agent-protocol.ts';
import { obey, type UnlockMessage } from './commands.ts';
import type { DoorStates } from './door-states.ts';
import { Handshake, type Identity } from './handshake.ts';
import type { Lock } from './locks/lock.ts';
import type { AgentLog } from './log.ts';
import { decisionTimeoutMs, type Presentation, Questions } from './questions.ts';
import type { Answer } from './scan.ts';
import { openWebSocket, type ServerAddress, type SessionSocket } from './socket.ts';
import { isUpkeep, type Upkeep } from './upkeep.ts';

/** From the first packet to the welcome. */
export const handshakeTimeoutMs = 5_000;
/** How long a session that ends waits for the other side's goodbye. */
const goodbyeTimeoutMs = 1_000;
/** Of what an unproven server says, so much may reach the log. */
const closeReasonLengthMax = 120;
const policyViolation = 1008;

export interface SessionSettings extends ServerAddress {
  identity: Identity;
  readers: readonly { name: string; door_id: number }[];
  /** By door: what the agent offers and the server may command. */
  locks: ReadonlyMap<number, Lock>;
  /** What is known and what is told, over all sessions. */
  upkeep: Pick<Upkeep, 'begin' | 'receive' | 'end'>;
  /** The time, milliseconds since 1970; null: not known. */
  nowMs: () => number | null;
  /** How the doors stand, over all sessions. */
  doorStates: Pick<DoorStates, 'isLockedDown' | 'keep'>;
  /** Never goes back, and is not set by anyone. */
  monotonicMs: () => number;
  /** Does the work once so many milliseconds of that clock have passed, unless what this answers is called before. */
  after: (ms: number, work: () => void) => () => void;
  /** 32 fresh random bytes, base64url. */
  nonce: () => string;
  log: AgentLog;
  /** Told which of its doors the server gives the agent, and which not. */
  onDoors?: ((doors: DoorsMessage) => void) | undefined;
  /** How to reach the server; absent: by a WebSocket. */
  openSocket?: (address: ServerAddress) => SessionSocket;
  timeouts?: Partial<typeof timeoutDefaults>;
}

const timeoutDefaults = {
  handshake_ms: handshakeTimeoutMs,
  heartbeat_ms: heartbeatTimeoutMs,
  decision_ms: decisionTimeoutMs,
};

type Challenge = Extract<ServerMessage, { type: 'challenge' }>;
type Welcome = Extract<ServerMessage, { type: 'welcome' }>;
type DoorStatesMessage = Extract<ServerMessage, { type: 'door_states' }>;

const serverMessage = Compile(ServerMessage);

/**
 * One WebSocket, from hello to goodbye. Nothing the server says counts before it has proved itself with its
 * pinned key, and whatever is not the protocol ends the session: a new one costs 100 ms.
 */
export class Session {
  /** Whether the server proved itself: true at the welcome, false if the session ended without one. */
  readonly welcomed: Promise<boolean>;
  /** When nothing of it is left: a sentence that says why it ended. */
  readonly ended: Promise<string>;

  readonly #settings: SessionSettings;
  readonly #timeouts: typeof timeoutDefaults;
  readonly #socket: SessionSocket;
  readonly #handshake: Handshake;
  readonly #welcome = Promise.withResolvers<boolean>();
  readonly #end = Promise.withResolvers<string>();
  readonly #questions: Questions;
  #stage: 'hello' | 'proof' | 'open' | 'ended' = 'hello';
  #problem: string | null = null;
  #cancelSilence: () => void;
  #session = '';
  #sequence = 0;
  readonly #untold: ToldOutcome[] = [];
  /** Of each door, the newest revision that this session has told. */
  readonly #revisions = new Map<number, number>();

  constructor(settings: SessionSettings) {
    this.#settings = settings;
    this.#timeouts = { ...timeoutDefaults, ...settings.timeouts };
    this.#handshake = new Handshake(settings.identity, settings.nonce());
    this.#questions = new Questions({
      send: (message) => this.#send(message),
      after: settings.after,
      decision_ms: this.#timeouts.decision_ms,
      monotonicMs: settings.monotonicMs,
    });
    this.welcomed = this.#welcome.promise;
    this.ended = this.#end.promise;
    this.#cancelSilence = settings.after(this.#timeouts.handshake_ms, () =>
      this.#finish('The server did not complete the handshake in time.'),
    );
    this.#socket = (settings.openSocket ?? openWebSocket)(settings);
    this.#socket.on('open', () => this.#hello());
    this.#socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    this.#socket.on('error', (error) => this.#finish(`The connection failed: ${words(error)}`));
    this.#socket.on('close', (code, reason) => this.#closed(code, reason.toString()));
  }

  /** Asks the server about a text that a reader read. Null: no answer, for whatever reason. */
  ask(presentation: Presentation): Promise<Answer | null> {
    return this.#stage === 'open' ? this.#questions.ask(presentation) : Promise.resolve(null);
  }

  async close(): Promise<void> {
    this.#finish('The agent is stopping.', 1000);
    await this.ended;
  }

  #hello(): void {
    const { locks, readers } = this.#settings;
    this.#send(this.#handshake.hello({ door_ids: [...locks.keys()], readers: [...readers] }));
  }

  #receive(data: { toString(): string }, isBinary: boolean): void {
    if (this.#stage === 'ended') return;
    const message = isBinary ? null : parsed(data.toString());
    if (message === null) this.#finish('The server sent something that is no message of the protocol.');
    else if (this.#stage === 'open') this.#obey(message);
    else if (this.#stage === 'hello' && message.type === 'challenge') this.#prove(message);
    else if (this.#stage === 'proof' && message.type === 'welcome') this.#believe(message);
    else this.#finish('The server broke the order of the handshake.');
  }

  #prove({ nonce }: Challenge): void {
    this.#session = nonce;
    this.#send(this.#handshake.proof(nonce));
    this.#stage = 'proof';
  }

  #believe({ signature }: Welcome): void {
    if (!this.#handshake.proves(signature)) {
      this.#finish('The server could not prove that it is the one this agent was enrolled with.');
      return;
    }
    this.#stage = 'open';
    this.#awaitHeartbeat();
    this.#welcome.resolve(true);
    this.#settings.upkeep.begin((message) => this.#send(message));
  }

  #obey(message: ServerMessage): void {
    if (isUpkeep(message)) {
      const failed = (error: unknown) => this.#finish(`What the server sent was of no use: ${words(error)}`);
      this.#settings.upkeep.receive(message).catch(failed);
      return;
    }
    switch (message.type) {
      case 'heartbeat':
        this.#heartbeat(message.sequence);
        break;
      case 'unlock':
        this.#unlock(message);
        break;
      case 'decision':
        this.#questions.answer(message.presentation_id, { granted: message.granted, reason: message.reason });
        break;
      case 'doors':
        this.#settings.onDoors?.(message);
        break;
      case 'door_states':
        this.#keep(message);
        break;
      case 'challenge':
      case 'welcome':
        this.#finish('The server began a second handshake in one session.');
    }
  }

  #heartbeat(sequence: number): void {
    const { monotonicMs, nowMs } = this.#settings;
    this.#awaitHeartbeat();
    this.#send({ type: 'heartbeat', sequence, monotonic_ms: monotonicMs(), now_ms: nowMs() });
  }

  #awaitHeartbeat(): void {
    this.#cancelSilence();
    const silent = () => this.#finish('The server has been silent for too long.');
    this.#cancelSilence = this.#settings.after(this.#timeouts.heartbeat_ms, silent);
  }

  /** A later number than the next one says that a message was lost: only a new session knows where it stands. */
  #unlock(message: UnlockMessage): void {
    const next_sequence = this.#sequence + 1;
    const isOurs = message.session === this.#session;
    if (isOurs && message.sequence === next_sequence) this.#sequence = next_sequence;
    for (const { door_id } of message.commands) this.#questions.bePatient(door_id);
    const outcomes = message.commands.map((command) => this.#carryOut(message, command, next_sequence));
    if (!isOurs || message.sequence <= next_sequence) return;
    void Promise.all(outcomes).then(() => this.#finish('A message of the server was lost.'));
  }

  async #carryOut(
    message: UnlockMessage,
    command: UnlockMessage['commands'][number],
    next_sequence: number,
  ): Promise<void> {
    const { locks, doorStates, monotonicMs, log } = this.#settings;
    const { command_id, door_id } = command;
    const locked_down = doorStates.isLockedDown(door_id);
    const order = { message, command, session: this.#session, next_sequence, locked_down };
    const outcome = await obey({ ...order, now_ms: monotonicMs(), lock: locks.get(door_id) });
    if (outcome.outcome === 'not_done') log.warn({ command_id, door_id }, `Not done: ${outcome.message}`);
    this.#tell({ command_id, ...outcome });
  }

  /** What is known by the end of this turn of the event loop travels together. */
  #tell(outcome: ToldOutcome): void {
    this.#untold.push(outcome);
    if (this.#untold.length === 1) setImmediate(() => this.#tellAll());
  }

  #tellAll(): void {
    while (this.#untold.length > 0)
      this.#send({ type: 'outcomes', outcomes: this.#untold.splice(0, outcomesPerMessageMax) });
  }

  /** What is older than what is known is dropped; the server hears that it is kept when it is written down. */
  #keep({ message_id, doors }: DoorStatesMessage): void {
    const news = doors.filter(({ door_id, revision }) => revision >= (this.#revisions.get(door_id) ?? 0));
    for (const { door_id, revision } of news) this.#revisions.set(door_id, revision);
    this.#settings.doorStates.keep(news).then(
      () => this.#send({ type: 'door_states_kept', message_id }),
      (error: unknown) =>
        this.#settings.log.warn({ error: String(error) }, 'How the doors stand was not kept.'),
    );
  }

  #send(message: AgentMessage): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** Ends the session once, for the first reason there is. */
  #finish(problem: string, code = policyViolation): void {
    if (this.#stage === 'ended') return;
    this.#tellAll();
    if (this.#stage === 'open') this.#settings.upkeep.end();
    this.#stage = 'ended';
    this.#problem = problem;
    this.#cancelSilence();
    this.#cancelSilence = this.#settings.after(goodbyeTimeoutMs, () => this.#socket.terminate());
    this.#socket.close(code);
    this.#welcome.resolve(false);
    this.#questions.end();
  }

  #closed(code: number, reason: string): void {
    const said = reason === '' ? '' : `: ${reason.slice(0, closeReasonLengthMax)}`;
    this.#finish(`The server ended the session (${code}${said}).`);
    this.#cancelSilence();
    this.#end.resolve(this.#problem ?? 'The session ended.');
  }
}

function parsed(frame: string): ServerMessage | null {
  try {
    const message: unknown = JSON.parse(frame);
    return serverMessage.Check(message) ? message : null;
  } catch {
    return null;
  }
}

/** A host with several addresses fails with a list of errors, which has no message of its own. */
function words(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof AggregateError ? error.errors.map((each) => words(each)).join('; ') : error.message;
}
