import { createHash } from 'node:crypto';
import type { Database } from '../../server/database/database.ts';
import { AgentDisk } from './agent-disk.ts';
import { type AgentFault, AgentProcess, type Enrolled } from './agents.ts';
import { Chance } from './chance.ts';
import { Disk } from './disk.ts';
import { type House, start, type Template } from './house.ts';
import { Model } from './model.ts';
import { type End, Line, Wires } from './network.ts';
import { type Call, type Reply, ServerProcess } from './server.ts';
import { type Life, settle, Time } from './time.ts';
import { Witness } from './witness.ts';

const traceLinesMax = 400;
const dialMsMax = 40;
/** Well below the day for which answers are kept. */
const keyAgeMsMax = 20 * 3_600_000;
/** What the server has heard is answered within this, whatever else happens. */
const answerMsMax = 30_000;

/** Something planted, for which the invariants have to notice it. */
export interface Fault {
  name: string;
  /** Stands between the server and its database. */
  database?(inner: Database, world: World): Database;
  /** What an agent is told, before it hears it; `nowMs`: on its own clock. */
  told?(text: string, nowMs: number): string;
  agent?: AgentFault;
  forgetfulDisk?: true;
}

export interface Station {
  enrolled: Enrolled;
  line: Line;
  disk: AgentDisk;
  /** Null while it is off. */
  process: AgentProcess | null;
}

/** What became of a request. `lost`: its sender heard nothing; `arrived`: the server may have done it. */
export type Result = { reply: Reply } | { lost: true; arrived: boolean };

/** An invariant that did not hold. */
export class Violation extends Error {}

/** Two houses, their server and agents, and everybody who has to do with them, out of one seed. */
export class World {
  readonly seed: number;
  readonly time = new Time(start);
  readonly chance: Chance;
  readonly model: Model;
  readonly witness: Witness;
  readonly disk: Disk;
  readonly stations: readonly Station[];
  readonly trace: string[] = [];
  readonly fault: Fault | null;
  step = 0;
  crashes = 0;
  /** Null while it is off. */
  server: ServerProcess | null = null;
  readonly #template: Template;
  readonly #wires: Wires;
  readonly #traceHash = createHash('sha256');
  #keyed = 0;
  #jumpedMs = 0;

  constructor(template: Template, seed: number, fault: Fault | null = null) {
    this.seed = seed;
    this.#template = template;
    this.fault = fault;
    this.chance = new Chance(seed);
    const { time } = this;
    const { folder, file } = template;
    this.disk = new Disk({ folder, template: file, time, chance: this.chance.fork() });
    this.disk.forgets = fault?.forgetfulDisk ?? false;
    this.#wires = new Wires(time, this.chance.fork());
    this.model = new Model(template);
    this.stations = template.agents.map((enrolled) => ({
      enrolled,
      line: new Line(`the line of agent ${enrolled.agent_id}`),
      disk: new AgentDisk({ time, chance: this.chance.fork() }),
      process: null,
    }));
    const agents = this.stations.map(({ enrolled, disk }) => ({ ...enrolled, disk }));
    this.witness = new Witness({ model: this.model, time, disk: this.disk, agents });
    this.startServer();
    for (const station of this.stations) this.startAgent(station);
  }

  note(what: string): void {
    const line = `${String(this.step).padStart(4)} ${String(Math.round(this.time.nowMs)).padStart(8)} ms  ${what}`;
    this.#traceHash.update(line);
    this.trace.push(line);
    if (this.trace.length > 2 * traceLinesMax) this.trace.splice(0, traceLinesMax);
  }

  /** Time passes, and what is due is done, one after the other. Throws at the first thing that must not be. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.time.nowMs + ms;
    await this.#settle();
    for (let work = this.time.next(untilMs); work !== null; work = this.time.next(untilMs)) {
      this.time.moment += 1;
      work();
      await this.#settle();
    }
    for (const { call, sinceMs } of this.server?.waiting.values() ?? [])
      if (this.time.nowMs - sinceMs > answerMsMax)
        this.witness.complain(`${call.operation} is never answered`);
    this.#judge();
  }

  /**
   * The clocks on the wall are put forward; unless a key of a request that is under way would be forgotten by that, or
   * what the server is writing down would be told when it is long over.
   */
  jump(ms: number): boolean {
    if (this.disk.dawdling > 0) return false;
    if (this.#keyed > 0 && this.#jumpedMs + ms > keyAgeMsMax) return false;
    this.#jumpedMs += ms;
    this.time.jump(ms);
    this.#wires.sleep();
    return true;
  }

  /** Something that is asked for with an Idempotency-Key, once or more often. */
  async withKey<T>(work: () => Promise<T>): Promise<T> {
    if (this.#keyed === 0) this.#jumpedMs = 0;
    this.#keyed += 1;
    try {
      return await work();
    } finally {
      this.#keyed -= 1;
    }
  }

  /** Goes on by itself, as time passes. */
  begin(script: () => Promise<void>): void {
    script().catch((error: unknown) => {
      this.witness.complain(
        `somebody could not go on: ${error instanceof Error ? error.stack : String(error)}`,
      );
    });
  }

  /** One request, over a line, as somebody of this house. */
  async call(line: Line, house: House, call: Call): Promise<Result> {
    const { chance, time } = this;
    const isLost = () => line.state !== 'up' || chance.happens(line.lossPercent / 100);
    await time.sleep(chance.between(0, line.delayMsMax));
    if (isLost() || !this.server) return { lost: true, arrived: false };
    if (reading.has(call.operation)) this.witness.reads();
    const reply = await this.server.handle(call);
    await time.sleep(chance.between(0, line.delayMsMax));
    if (reply === null || isLost()) return { lost: true, arrived: true };
    this.witness.answer(house, reply);
    return { reply };
  }

  startServer(): void {
    const opened = this.disk.open();
    const database = this.fault?.database?.(opened, this) ?? opened;
    this.server = new ServerProcess({
      database,
      time: this.time,
      chance: this.chance.fork(),
      secretKey: this.#template.secretKey,
      onError: (error) =>
        this.witness.complain(`the server failed: ${error instanceof Error ? error.stack : String(error)}`),
    });
  }

  /** Between two instructions: whatever was under way stays as it is. */
  crashServer(): void {
    const { server } = this;
    if (!server) return;
    this.note('the server is killed');
    this.crashes += 1;
    const clearAway = this.disk.crash();
    server.kill();
    this.server = null;
    this.#wires.closeThoseOf(server.life);
    this.witness.reopen();
    this.begin(clearAway);
    this.time.after(this.chance.between(1, 3_000), () => {
      this.note('the server starts');
      this.startServer();
    });
  }

  startAgent(station: Station): void {
    const { time, stations } = this;
    station.process = new AgentProcess({
      enrolled: station.enrolled,
      time,
      chance: this.chance.fork(),
      disk: station.disk,
      fault: this.fault?.agent ?? {},
      openSocket: (life) => this.#dial(station, life),
      onPulse: (door_id, pulse, commanded) => {
        this.note(`door ${door_id} moves`);
        this.witness.pulse(door_id, pulse, commanded);
      },
    });
    if (!stations.includes(station)) throw new Error('it is none of ours');
  }

  crashAgent(station: Station): void {
    const { process } = station;
    if (!process) return;
    this.note(`agent ${station.enrolled.agent_id} is killed`);
    process.kill();
    station.process = null;
    this.#wires.closeThoseOf(process.life);
    this.time.after(this.chance.between(1, 5_000), () => {
      this.note(`agent ${station.enrolled.agent_id} starts`);
      this.startAgent(station);
    });
  }

  mend(line: Line): void {
    this.#wires.mend(line);
  }

  reset(line: Line): void {
    this.#wires.reset(line);
  }

  /** The last look at everything. */
  lookBack(): void {
    this.witness.lookBack();
    this.#judge();
  }

  /** Hashes of all that it left in its trace and in its file. */
  fingerprint(): string {
    return `${this.#traceHash.copy().digest('hex')} ${this.witness.fingerprint()}`;
  }

  async close(): Promise<void> {
    for (const { process } of this.stations) process?.kill();
    this.server?.kill();
    await settle();
    this.witness.close();
    await this.disk.close();
  }

  #dial(station: Station, life: Life): End {
    const { server } = this;
    const { line } = station;
    const wire = this.#wires.lay(line, [life, server?.life ?? null]);
    const { agentEnd, serverEnd } = wire;
    const { told } = this.fault ?? {};
    if (told) agentEnd.alter = (text) => told(text, station.process?.nowMs() ?? 0);
    this.time.after(this.chance.between(1, dialMsMax), () => {
      if (line.state !== 'up' || !server || this.server !== server) return agentEnd.over(1006);
      serverEnd.opened();
      agentEnd.opened();
      void server.accept(serverEnd);
    });
    return agentEnd;
  }

  async #settle(): Promise<void> {
    await settle();
    this.witness.look();
    this.#judge();
  }

  #judge(): void {
    if (this.witness.violations.length > 0) throw new Violation(this.witness.violations.join('\n'));
  }
}

/** What may be asked as often as anybody likes: nothing is changed by it. */
const reading = new Set<Call['operation']>([
  ...(['link.show', 'doors.list', 'links.list', 'links.show', 'events.list', 'doors.show'] as const),
  ...([
    'group_doors.list',
    'schedules.list',
    'page.open_session',
    'page.show_link',
    'page.begin_hold',
  ] as const),
  ...(['doors.decide', 'groups.list', 'places.list', 'link.show_qr_svg', 'agents.list'] as const),
]);
