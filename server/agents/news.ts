import {
  replicaPartLengthMax,
  revocationsPerMessageMax,
  type ServerMessage,
} from '../../domain/agent-protocol.ts';
import {
  hex,
  type RevocationStatement,
  statementBytes,
  statementIntervalMs,
} from '../../domain/revocation-list.ts';
import type { Bus } from '../bus/bus.ts';
import type { Clock } from '../context.ts';
import type { Database } from '../database/database.ts';
import type { OrganizationKeys } from '../organizations/keys.ts';
import { type ReplicaSource, readReplicaSource, replicaOf } from './replicas.ts';
import { type ListChanges, RevocationLists } from './revocation-lists.ts';
import { selectRevisions } from './revocation-store.ts';

/** How soon after a commit the agents are told, so that what comes together is told together. */
const soonMs = 20;
/** How often it is looked anyway, in case nobody said that something changed. */
const lookMs = 1_000;
/** Whoever has just come sets the clock by its first statement: that is not older than this. */
const freshMsMax = 1_000;
/** A change that was expected and never came, because its transaction failed, is waited for no longer. */
const expectedMsMax = 5_000;

/** One agent that is connected here. */
export interface InformedSession {
  agent_id: number;
  organization_id: number;
  say(message: ServerMessage): void;
}

/** What the agent has by now; null: nothing, or not known. */
interface Told {
  epoch: number | null;
  content: string | null;
}

interface Followed {
  sessions: Map<InformedSession, Told>;
  revision: number;
  epoch: number;
  statedMs: number;
  statement: RevocationStatement | null;
}

export interface AgentNewsParts {
  database: Database;
  keys: OrganizationKeys;
  clock: Clock;
  bus: Bus;
  onError: (error: unknown) => void;
}

/**
 * Keeps the agents that are connected to this process up to date: with what they need to decide alone, and at least
 * every minute with the server's signed word on what is revoked.
 */
export class AgentNews {
  readonly #parts: AgentNewsParts;
  readonly #lists: RevocationLists;
  readonly #followed = new Map<number, Followed>();
  /** Organizations in which something is about to be committed, and since when. */
  readonly #expected = new Map<number, number>();
  #looking: Promise<void> | null = null;
  #lookAgain = false;
  #cancel = () => {};
  #dueMs = Number.POSITIVE_INFINITY;
  #isBehind = false;
  #isClosed = false;

  constructor(parts: AgentNewsParts) {
    this.#parts = parts;
    this.#lists = new RevocationLists(parts.database);
    parts.bus.subscribe('news', () => this.#lookSoon(soonMs));
  }

  /** From now on the agent is told; at once what it has not. `epoch`: of the revocation list that it has. */
  join(session: InformedSession, epoch: number | null): void {
    const { organization_id } = session;
    const none = { sessions: new Map(), revision: -1, epoch: -1, statedMs: Number.NEGATIVE_INFINITY };
    const followed: Followed = this.#followed.get(organization_id) ?? { ...none, statement: null };
    followed.sessions.set(session, { epoch, content: null });
    this.#followed.set(organization_id, followed);
    this.#lookSoon(0);
  }

  /** The agent cannot make sense of the changes: it gets the whole list. */
  tellWhole(session: InformedSession): void {
    const told = this.#followed.get(session.organization_id)?.sessions.get(session);
    if (!told) return;
    told.epoch = null;
    this.#lookSoon(0);
  }

  leave(session: InformedSession): void {
    const followed = this.#followed.get(session.organization_id);
    followed?.sessions.delete(session);
    if (followed?.sessions.size !== 0) return;
    this.#followed.delete(session.organization_id);
    this.#lists.forget(session.organization_id);
  }

  /** Called in a transaction that changes what agents know. */
  expect(organization_id: number): void {
    this.#expected.set(organization_id, this.#parts.clock.monotonicMs());
  }

  /** Something was committed: perhaps what was expected. */
  committed(): void {
    if (this.#expected.size === 0) return;
    this.#lookSoon(soonMs);
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  #lookSoon(ms: number): void {
    const { clock } = this.#parts;
    const dueMs = clock.monotonicMs() + ms;
    if (this.#isClosed || dueMs >= this.#dueMs) return;
    this.#cancel();
    this.#dueMs = dueMs;
    this.#cancel = clock.after(ms, () => {
      this.#dueMs = Number.POSITIVE_INFINITY;
      if (this.#looking) this.#lookAgain = true;
      else this.#looking = this.#look().finally(() => this.#looked());
    });
  }

  #looked(): void {
    this.#looking = null;
    const again = this.#lookAgain;
    this.#lookAgain = false;
    if (this.#followed.size > 0 || this.#expected.size > 0) this.#lookSoon(again ? soonMs : lookMs);
  }

  async #look(): Promise<void> {
    try {
      const asked = [...new Set([...this.#followed.keys(), ...this.#expected.keys()])];
      if (asked.length === 0) return;
      for (const row of await selectRevisions(this.#parts.database.everywhere.read, asked)) {
        this.#forgetExpected(row);
        const followed = this.#followed.get(row.id);
        if (followed) await this.#tell(row.id, followed, row);
      }
    } catch (error) {
      this.#parts.onError(error);
    }
  }

  /** What changed here is news for the other processes as well. */
  #forgetExpected({ id }: { id: number }): void {
    const since = this.#expected.get(id);
    if (since === undefined) return;
    void this.#parts.bus.publish('news', { organization_id: id }).catch(() => {});
    if (this.#parts.clock.monotonicMs() - since > expectedMsMax) this.#expected.delete(id);
  }

  async #tell(
    organization_id: number,
    followed: Followed,
    { agent_revision, revocation_epoch }: { agent_revision: number; revocation_epoch: number },
  ): Promise<void> {
    const isNew = [...followed.sessions.values()].some(({ content }) => content === null);
    if (isNew || followed.revision !== agent_revision) {
      const source = await readReplicaSource(this.#parts.database.of(organization_id).read, organization_id);
      const isChanged = followed.revision !== agent_revision;
      followed.revision = agent_revision;
      if (isChanged) this.#expected.delete(organization_id);
      for (const [session, told] of followed.sessions)
        if (isChanged || told.content === null) tellReplica(session, told, source, agent_revision);
    }
    const nowMs = this.#parts.clock.monotonicMs();
    const isDue = nowMs - followed.statedMs >= (isNew ? freshMsMax : statementIntervalMs);
    if (isDue || followed.epoch !== revocation_epoch) await this.#state(organization_id, followed, nowMs);
    const { statement } = followed;
    if (statement) this.#tellOthers(followed, statement);
  }

  /** Signs anew, and tells those who have what was signed before. */
  async #state(organization_id: number, followed: Followed, nowMs: number): Promise<void> {
    const { clock, keys, onError } = this.#parts;
    const stated = await this.#lists.state(organization_id, clock.now());
    if (stated === null) {
      if (!this.#isBehind) onError(new Error(clockIsBehind));
      this.#isBehind = true;
      return;
    }
    this.#isBehind = false;
    const signer = await keys.signer(organization_id);
    const signature = Buffer.from(signer.sign(statementBytes(stated.statement))).toString('base64url');
    const statement = { ...stated.statement, kid: hex(signer.kid), signature };
    const before = followed.epoch;
    if (before !== statement.epoch) this.#expected.delete(organization_id);
    for (const [session, told] of followed.sessions)
      if (told.epoch === before && before !== -1) tellChanges(session, told, { ...stated, statement });
    Object.assign(followed, { epoch: statement.epoch, statedMs: nowMs, statement });
  }

  /** Those who have just come, or lost track. One who has this epoch needs the statement alone. */
  #tellOthers(followed: Followed, statement: RevocationStatement): void {
    for (const [session, told] of followed.sessions) {
      if (told.epoch === statement.epoch && toldStatement.get(session) === statement) continue;
      if (told.epoch !== statement.epoch)
        for (const packed of this.#lists.packed(statement.organization_id))
          session.say({ type: 'revocation_segment', ...packed });
      say(session, statement, told.epoch !== statement.epoch);
      told.epoch = statement.epoch;
    }
  }
}

/** Of each session, the statement that it was sent last. */
const toldStatement = new WeakMap<InformedSession, RevocationStatement>();

const clockIsBehind =
  'The clock of the server is behind what it last signed: nothing is signed until it has caught up. Set the clock.';

function say(session: InformedSession, statement: RevocationStatement, whole: boolean): void {
  session.say({ type: 'revocation_statement', statement, whole });
  toldStatement.set(session, statement);
}

function tellChanges(
  session: InformedSession,
  told: Told,
  { statement, changes }: { statement: RevocationStatement; changes: ListChanges },
): void {
  const { revoked, dropped } = changes;
  if (Math.max(revoked.length, dropped.length) > revocationsPerMessageMax) {
    told.epoch = null;
    return;
  }
  if (revoked.length + dropped.length > 0) session.say({ type: 'revocation_changes', revoked, dropped });
  say(session, statement, false);
  told.epoch = statement.epoch;
}

function tellReplica(session: InformedSession, told: Told, source: ReplicaSource, revision: number): void {
  const content = replicaOf(source, session.agent_id);
  const text = JSON.stringify(content);
  if (text === told.content) return;
  told.content = text;
  const whole = JSON.stringify({ ...content, revision });
  const parts = Math.max(1, Math.ceil(whole.length / replicaPartLengthMax));
  for (let part = 0; part < parts; part++) {
    const start = part * replicaPartLengthMax;
    session.say({ type: 'replica', part, parts, text: whole.slice(start, start + replicaPartLengthMax) });
  }
}
