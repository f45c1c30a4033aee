import { earlier } from '../../domain/instants.ts';
import type { Report } from '../../domain/reports.ts';
import type { AgentDisk } from './agent-disk.ts';
import { type KnownPass, lateMsMax, type Model } from './model.ts';
import type { EventRow } from './reading.ts';
import type { Time } from './time.ts';

/** What is on the disk for so long was there when somebody was let in whose record has just come onto it. */
const decidingMsMax = 500;

type Decision = Extract<Report, { kind: 'decision' }>;

/** Somebody was let in by an agent alone: that is on its disk, and the door has not moved yet. */
export interface LocalGrant {
  uuid: string;
  door_id: number;
  pass: KnownPass;
}

export interface LocalDecisionsParts {
  model: Model;
  time: Time;
  agents: readonly { agent_id: number; door_ids: readonly number[]; disk: AgentDisk }[];
  complain(violation: string): void;
}

/** Watches what agents decide alone: their disks, and what comes of that on the server's. */
export class LocalDecisions {
  readonly #parts: LocalDecisionsParts;
  /** What the server has not been told of, by the uuid. */
  readonly #untold = new Map<string, { agent_id: number; report: Report }>();
  /** Of each agent, the number of the report that the server was told last. */
  readonly #told = new Map<number, number>();

  constructor(parts: LocalDecisionsParts) {
    this.#parts = parts;
  }

  /** How many reports the server was not told of yet. */
  get untold(): number {
    return this.#untold.size;
  }

  /** The grants that have come onto a disk since this was asked last. */
  fresh(): LocalGrant[] {
    const grants: LocalGrant[] = [];
    for (const { agent_id, door_ids, disk } of this.#parts.agents)
      for (const report of disk.takeFresh()) {
        this.#untold.set(report.uuid, { agent_id, report });
        if (report.kind !== 'decision' || report.reason !== null) continue;
        const problem = this.#problemOf(report, { door_ids, disk });
        const pass = this.#parts.model.passOfHash(report.pass_hash);
        if (problem) this.#parts.complain(`agent ${agent_id} opened door ${report.door_id}: ${problem}`);
        if (pass) grants.push({ uuid: report.uuid, door_id: report.door_id, pass });
      }
    return grants;
  }

  /** An event of the server's that is due to an agent's report. */
  told({ position, uuid, agent_id, ...event }: EventRow): void {
    const { complain, time } = this.#parts;
    const found = this.#untold.get(uuid);
    if (!found || found.agent_id !== agent_id)
      return complain(
        `event ${position} is of agent ${agent_id}, which has no such report, or had it told before`,
      );
    this.#untold.delete(uuid);
    const { report } = found;
    if (report.sequence <= (this.#told.get(agent_id) ?? 0))
      complain(`event ${position}: a later report of agent ${agent_id} was told before`);
    this.#told.set(agent_id, report.sequence);
    const now = time.instant();
    const at = report.at ?? now;
    if (event.created_at !== earlier(at, now)) complain(`event ${position} is not dated as it was reported`);
    if (report.kind !== 'decision') return;
    const isSame = event.type === 'lock.unlock' && event.object_id === report.door_id;
    const isSameLink = event.actor_type === 'GroupLink' && event.actor_id === report.link_id;
    if (!isSame || !isSameLink || event.success !== Number(report.reason === null))
      complain(`event ${position} is not what agent ${agent_id} reported`);
    if (!event.isVerified) complain(`event ${position} is said to be of a pass that the server never signed`);
  }

  /** Everything is mended, and there was time. */
  lookBack(): void {
    for (const { agent_id, report } of this.#untold.values())
      this.#parts.complain(`report ${report.sequence} of agent ${agent_id}, a ${report.kind}, is lost`);
  }

  #problemOf(
    { at, door_id, link_id, pass_hash }: Decision,
    { door_ids, disk }: { door_ids: readonly number[]; disk: AgentDisk },
  ): string | null {
    const { model, time } = this.#parts;
    const pass = model.passOfHash(pass_hash);
    if (!pass) return 'nobody was given such a pass';
    if (pass.link.id !== link_id) return 'the pass is of another link';
    if (!door_ids.includes(door_id)) return 'it does not drive it';
    if (at === null) return 'it did not know the time';
    const nowMs = time.wallMsWithoutJumps(decidingMsMax); // or later: it was decided before a jump, or after it
    const atMs = Date.parse(at);
    if (atMs < nowMs - lateMsMax || atMs > time.wallMs) return `its clock showed ${at}, at ${time.instant()}`;
    const knownUntilMs = disk.knownUntilMs(time.nowMs - decidingMsMax);
    const objection = model.localObjection(pass, model.door(door_id), {
      at,
      knownUntilMs,
      nowMs,
    });
    return objection && `${objection} (${pass.link.name})`;
  }
}
