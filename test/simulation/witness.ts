import { hash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import type { Pulse } from '../../agent/locks/lock.ts';
import type { Disk } from './disk.ts';
import type { House } from './house.ts';
import { LocalDecisions, type LocalDecisionsParts } from './local-decisions.ts';
import type { KnownDoor, KnownLink, Model } from './model.ts';
import { type EventRow, eventOf, fingerprintOf, prepare, type Statements } from './reading.ts';
import type { Reply } from './server.ts';
import type { Time } from './time.ts';

/** How long after its decision a lock may move at most. */
const commandAgeMsMax = 5_000;

interface Grant {
  door_id: number;
  decidedMs: number;
  pulsed: boolean;
  failed: boolean;
  who: number | House;
  method: string;
  /** The pass that an agent let in alone. */
  local: string | null;
}

export interface WitnessParts {
  model: Model;
  time: Time;
  disk: Pick<Disk, 'file' | 'transactions'>;
  agents: LocalDecisionsParts['agents'];
}

/** Watches a world from the outside: the locks, the answers, and over a connection of its own the file. */
export class Witness {
  readonly violations: string[] = [];
  readonly #model: Model;
  readonly #time: Time;
  readonly #disk: Pick<Disk, 'file' | 'transactions'>;
  readonly #grants = new Map<string, Grant>();
  readonly #local: LocalDecisions;
  /** When a door moved last for a pass that its agent had let in alone. */
  readonly #letIn = new Map<string, number>();
  #database: DatabaseSync;
  #statements: Statements;
  #transactions = 0;
  #lastPosition = 0;
  #hash = '';
  /** A request is being answered that may not change anything. */
  #isReading = false;

  constructor(parts: WitnessParts) {
    this.#model = parts.model;
    this.#time = parts.time;
    this.#disk = parts.disk;
    this.#local = new LocalDecisions({ ...parts, complain: (violation) => this.#report(violation) });
    this.#database = new DatabaseSync(parts.disk.file, { readOnly: true });
    this.#statements = prepare(this.#database);
    for (const row of this.#statements.events.iterate(0)) this.#chain(eventOf(row));
  }

  /** The server was killed: what it had told anybody must be in the file that is left. */
  reopen(): void {
    this.#database.close();
    this.#database = new DatabaseSync(this.#disk.file, { readOnly: true });
    this.#statements = prepare(this.#database);
    this.#lookAtEvents();
    this.lookAtEverything();
  }

  close(): void {
    this.#database.close();
  }

  /** A hash of all that is in the file. */
  fingerprint(): string {
    return fingerprintOf(this.#database);
  }

  reads(): void {
    this.#isReading = true;
  }

  /** After everything that happens. */
  look(): void {
    this.#lookAtAgents();
    if (this.#disk.transactions !== this.#transactions) {
      this.#transactions = this.#disk.transactions;
      if (this.#isReading) this.#report('a request that only reads has written');
      this.#lookAtEvents();
    }
    this.#isReading = false;
  }

  /** A door moves. `commanded`: when its lock was told to. */
  pulse(door_id: number, { command_id }: Pulse, commanded: number): void {
    const grant = this.#grants.get(command_id);
    const row = grant?.local ? null : this.#statements.event.get(command_id);
    if (row !== null && (row?.['type'] !== 'lock.unlock' || row['success'] !== 1))
      return this.#report(`door ${door_id} moved without a grant that is written down (${command_id})`);
    if (!grant) return this.#report(`door ${door_id} moved before its event was there`);
    if (grant.pulsed) this.#report(`door ${door_id} moved twice for one event`);
    if (this.#model.door(door_id).kept < commanded)
      this.#report(`door ${door_id} moved, which its agent keeps shut`);
    if (grant.door_id !== door_id)
      this.#report(`door ${door_id} moved for the event of door ${grant.door_id}`);
    const ageMs = this.#time.nowMs - grant.decidedMs;
    if (ageMs > commandAgeMsMax) this.#report(`door ${door_id} moved ${ageMs} ms after the decision`);
    grant.pulsed = true;
    if (grant.local) this.#letIn.set(`${door_id} ${grant.local}`, this.#time.moment);
    this.#model.tally(grant.who, door_id, grant.method).pulsed += 1;
  }

  /** Any answer, to somebody of a house or to a stranger who was shown it. */
  answer(house: House, reply: Reply): void {
    if (reply.status >= 500 && reply.status !== 503)
      this.#report(`an answer was ${reply.status}: ${reply.text}`);
    if (reply.text.includes(this.#model.otherThan(house).canary))
      this.#report(`an answer to ${house.canary} names ${this.#model.otherThan(house).canary}`);
  }

  /** Somebody was told, for one request, that the door opened. */
  opened(who: number | House, door_id: number, method: string): void {
    const tally = this.#model.tally(who, door_id, method);
    tally.opened += 1;
    if (tally.opened > tally.pulsed)
      this.#report(`door ${door_id} was said to have opened, and has not moved`);
  }

  /** Somebody was told, for one request, that the door stays shut. */
  refused(who: number, door_id: number, method: string): void {
    const tally = this.#model.tally(who, door_id, method);
    tally.refused += 1;
    if (tally.refused > tally.denied)
      this.#report(`door ${door_id} was refused, and nothing of it is written down`);
  }

  /** A reader let somebody in who showed this text. `begun`: when it was shown. What agents do alone is judged elsewhere. */
  admitted(text: string, { id, house }: KnownDoor, begun: number): void {
    const pass = this.#model.passes.get(text);
    if (!pass) return this.#report(`a text that is no pass opened a door of ${house.canary}`);
    if ((this.#letIn.get(`${id} ${text}`) ?? -1) >= begun) return;
    if (pass.link.house !== house)
      this.#report(`a pass of another organization opened a door of ${house.canary}`);
    if (pass.ended < begun) this.#report(`a pass of ${pass.link.name} opened that a change had ended`);
  }

  complain(violation: string): void {
    this.#report(violation);
  }

  /** What takes longer: all that is in the file against all that is known. */
  lookAtEverything(): void {
    const [before, lastPosition] = [this.#hash, this.#lastPosition];
    [this.#hash, this.#lastPosition] = ['', 0];
    for (const row of this.#statements.events.iterate(0)) this.#chain(eventOf(row));
    if (before !== this.#hash || lastPosition !== this.#lastPosition)
      this.#report('events that were written have changed, or are gone');
    const rows = new Map(this.#statements.links.all().map((row) => [row['id'], row]));
    for (const link of this.#model.links.values()) this.#compareLink(link, rows.get(link.id));
    if (new Set([...rows.values()].map((row) => row['name'])).size < rows.size)
      this.#report('one request has issued two links');
    this.#compareHouse();
  }

  /** Whether the server was told of all that agents have written down. */
  get knowsAll(): boolean {
    return this.#local.untold === 0;
  }

  /** Everything is mended: nothing that an agent has written down is lost. */
  lookBack(): void {
    this.lookAtEverything();
    this.#local.lookBack();
  }

  #lookAtAgents(): void {
    for (const { uuid, door_id, pass } of this.#local.fresh()) {
      const who = pass.link.id;
      this.#grants.set(uuid, { ...this.#grantAt(door_id, 'qr'), who, local: pass.text });
      this.#countGranted(this.#model.tally(who, door_id, 'qr'), `grant ${uuid}`);
    }
  }

  #lookAtEvents(): void {
    for (const row of this.#statements.events.iterate(this.#lastPosition)) {
      const event = eventOf(row);
      this.#chain(event);
      const { houses } = this.#model;
      const house = houses.find(({ organization_id }) => organization_id === event.organization_id);
      if (!house) return this.#report(`event ${event.position} is of no organization`);
      if (event.whole.includes(this.#model.otherThan(house).canary))
        this.#report(`event ${event.position} of ${house.canary} names another organization`);
      if (event.agent_id !== null) this.#lookAtReport(event);
      else if (event.type === 'lock.unlock' && event.success === 1) this.#judge(event, house);
      else if (event.type === 'lock.unlock') this.#tallyOf(event, house).denied += 1;
      if (event.type === 'lock.unlock_failed') this.#judgeFailure(event, house);
    }
  }

  /** The event of a grant was judged and counted when it came onto the agent's disk; its use is counted now. */
  #lookAtReport(event: EventRow): void {
    if (event.type === 'lock.unlock_failed') return;
    this.#local.told(event);
    const link = this.#model.links.get(event.actor_id ?? 0);
    if (link && event.type === 'lock.unlock' && event.success === 1) link.grants += 1;
  }

  #grantAt(door_id: number, method: string) {
    const decidedMs = this.#time.nowMs;
    return { door_id, decidedMs, pulsed: false, failed: false, method, local: null };
  }

  #countGranted(tally: { granted: number; asked: number }, grant: string): void {
    tally.granted += 1;
    if (tally.granted > tally.asked) this.#report(`${grant} was not asked for`);
  }

  #judge(event: EventRow, house: House): void {
    const { position, uuid, created_at: at, object_id: door_id, method } = event;
    const who = whoOf(event, house);
    this.#grants.set(uuid, { ...this.#grantAt(door_id, method), who });
    if (at !== this.#time.instant())
      this.#report(`grant ${position} is dated ${at}, at ${this.#time.instant()}`);
    this.#countGranted(this.#tallyOf(event, house), `grant ${position}`);
    const door = this.#model.door(door_id);
    if (typeof who !== 'number') {
      if (door.house !== house) this.#report(`grant ${position}: the door is of another organization`);
      if (door.down.must(Boolean) || this.#model.place(door.place_id).down.must(Boolean))
        this.#report(`grant ${position}: the door was locked down`);
      return;
    }
    const link = this.#model.links.get(who);
    if (!link) return this.#report(`grant ${position} is of a link that nobody was given`);
    const objection = this.#model.objection(link, door, { at, method });
    if (objection) this.#report(`grant ${position} (${link.name}, door ${door_id}, ${method}): ${objection}`);
    link.grants += 1;
  }

  #tallyOf(event: EventRow, house: House) {
    return this.#model.tally(whoOf(event, house), event.object_id, event.method);
  }

  #judgeFailure({ position, sequence }: EventRow, house: House): void {
    const grant = this.#grants.get(sequence);
    if (!grant) return this.#report(`event ${position} of ${house.canary} is about no grant`);
    if (grant.failed) this.#report(`event ${position} tells of a failure a second time`);
    grant.failed = true;
  }

  #chain(event: EventRow): void {
    if (event.position !== this.#lastPosition + 1)
      this.#report(`event ${event.position} comes after event ${this.#lastPosition}`);
    this.#lastPosition = event.position;
    this.#hash = hash('sha256', this.#hash + event.whole);
  }

  #compareLink(link: KnownLink, row: Record<string, unknown> | undefined): void {
    if (!row) return this.#report(`${link.name}, whose creation was acknowledged, is gone`);
    const differs = (what: string) => this.#report(`${link.name}: ${what} is not as it was acknowledged`);
    if (!link.from.may((from) => from === row['valid_from'])) differs('valid_from');
    if (!link.until.may((until) => until === row['valid_until'])) differs('valid_until');
    if (!link.usesMax.may((max) => max === row['max_uses'])) differs('max_uses');
    if (!link.suspended.may((is) => is === (row['suspended_at'] !== null))) differs('suspended');
    if (!link.revoked.may((is) => is === (row['revoked_at'] !== null))) differs('revoked');
    if (row['uses'] !== link.grants)
      this.#report(`${link.name} has ${row['uses']} uses, and ${link.grants} grants`);
  }

  #compareHouse(): void {
    for (const { id, down } of this.#statements.doors.all())
      if (!this.#model.door(Number(id)).down.may((is) => is === (down === 1))) this.#differs(`door ${id}`);
    for (const { id, down } of this.#statements.places.all())
      if (!this.#model.place(Number(id)).down.may((is) => is === (down === 1))) this.#differs(`place ${id}`);
    const inside = new Set(
      this.#statements.groupDoors.all().map((row) => `${row['group_id']} ${row['door_id']}`),
    );
    for (const group of this.#model.groups.values())
      for (const [door_id, member] of group.doors)
        if (!member.may((is) => is === inside.has(`${group.id} ${door_id}`)))
          this.#differs(`group ${group.id}`);
  }

  #differs(what: string): void {
    this.#report(`${what} is not as it was acknowledged`);
  }

  #report(violation: string): void {
    this.violations.push(violation);
  }
}

function whoOf({ actor_type, actor_id }: EventRow, house: House): number | House {
  return actor_type === 'GroupLink' ? (actor_id ?? 0) : house;
}
