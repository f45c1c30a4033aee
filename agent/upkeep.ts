import type { AgentMessage, ServerMessage } from '../domain/agent-protocol.ts';
import type { AgentClock } from './clock.ts';
import type { Contacts } from './contacts.ts';
import type { AgentLog } from './log.ts';
import type { Outbox } from './outbox.ts';
import type { KnownReplica } from './replica.ts';
import type { Revocations } from './revocations.ts';

/** What the agent has is said again at most so often. */
const statusIntervalMs = 10_000;

const kinds = [
  'replica',
  'revocation_segment',
  'revocation_changes',
  'revocation_statement',
  'reports_kept',
] as const;
export type UpkeepMessage = Extract<ServerMessage, { type: (typeof kinds)[number] }>;

export function isUpkeep(message: ServerMessage): message is UpkeepMessage {
  return kinds.some((kind) => kind === message.type);
}

export interface UpkeepParts {
  version: string;
  replica: KnownReplica;
  revocations: Revocations;
  clock: AgentClock;
  outbox: Outbox;
  contacts: Contacts;
  after: (ms: number, work: () => void) => () => void;
  log: AgentLog;
}

/** Over all sessions: keeps up to date what the agent knows, and tells the server what happened here. */
export class Upkeep {
  readonly #parts: UpkeepParts;
  #say: ((message: AgentMessage) => void) | null = null;
  /** Up to which report the server has been told in this session; null: it has not said where to begin. */
  #told: number | null = null;
  #isWaiting = false;
  #cancelStatus: (() => void) | null = null;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
    parts.outbox.onNews = () => this.#tellReports();
    parts.contacts.onNews = (door_id, said) =>
      this.#say?.({ type: 'sensors', doors: [{ door_id, ...said }] });
  }

  /** A session is open. */
  begin(say: (message: AgentMessage) => void): void {
    this.end();
    this.#say = say;
    this.#tellStatus();
    const doors = this.#parts.contacts.all();
    if (doors.length > 0) say({ type: 'sensors', doors });
  }

  end(): void {
    this.#say = null;
    this.#told = null;
    this.#isWaiting = false;
    this.#cancelStatus?.();
    this.#cancelStatus = null;
  }

  /** Rejects when the message makes no sense: the session ends then, and a new one begins from the beginning. */
  async receive(message: UpkeepMessage): Promise<void> {
    const { replica, revocations } = this.#parts;
    switch (message.type) {
      case 'replica':
        await replica.take(message);
        return this.#tellStatusSoon();
      case 'revocation_segment':
        return revocations.takeSegment(message);
      case 'revocation_changes':
        return revocations.takeChanges(message);
      case 'revocation_statement':
        await this.#takeStatement(message);
        return this.#tellStatusSoon();
      case 'reports_kept':
        return this.#noteKept(message);
    }
  }

  async #takeStatement({
    statement,
    whole,
  }: Extract<UpkeepMessage, { type: 'revocation_statement' }>): Promise<void> {
    const { revocations, clock, log } = this.#parts;
    const { problem, kept } = revocations.takeStatement(statement, whole);
    if (problem === null || problem === 'unknown_list') clock.learn(statement.signed_at);
    if (problem === null) return kept;
    log.warn({ epoch: statement.epoch, problem }, 'The revocation list was not taken.');
    if (problem === 'unknown_list' && !whole) this.#say?.({ type: 'revocations_wanted' });
  }

  async #noteKept({ outbox_id, sequence }: Extract<UpkeepMessage, { type: 'reports_kept' }>): Promise<void> {
    const { outbox } = this.#parts;
    const say = this.#say;
    if (outbox_id !== outbox.status.id) return;
    await outbox.acknowledge(sequence);
    if (this.#say !== say) return; // that session is over
    this.#told = sequence;
    this.#isWaiting = false;
    this.#tellReports();
  }

  /** One message at a time: the next goes when the server keeps this one. */
  #tellReports(): void {
    if (this.#say === null || this.#told === null || this.#isWaiting) return;
    const { outbox } = this.#parts;
    const reports = outbox.next(this.#told);
    if (reports.length === 0) return;
    this.#isWaiting = true;
    this.#say({ type: 'reports', outbox_id: outbox.status.id, reports });
  }

  #tellStatusSoon(): void {
    this.#cancelStatus ??= this.#parts.after(statusIntervalMs, () => {
      this.#cancelStatus = null;
      this.#tellStatus();
    });
  }

  #tellStatus(): void {
    const { version, replica, revocations, outbox } = this.#parts;
    this.#say?.({
      type: 'status',
      version,
      replica_revision: replica.revision,
      revocation_epoch: revocations.statement?.epoch ?? null,
      revocation_signed_at: revocations.statement?.signed_at ?? null,
      outbox: outbox.status,
    });
  }
}
