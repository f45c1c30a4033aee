import type { SessionSocket } from '../../agent/socket.ts';
import type { AgentSocket } from '../../server/agents/socket.ts';
import type { Chance } from './chance.ts';
import type { Life, Time } from './time.ts';

/** How two machines reach each other at the moment. */
export class Line {
  readonly name: string;
  delayMsMax = 20;
  /** Nothing arrives. `cut` loses what is under way, and the connections with it; `stalled` holds it back until the line is mended. */
  state: 'up' | 'cut' | 'stalled' = 'up';
  /** How many of a hundred messages of requests are lost. */
  lossPercent = 1;

  constructor(name: string) {
    this.name = name;
  }
}

type Item = { text: string } | { closed: number };

/** Connections between agents and the server: messages keep their order, and a connection that is cut is over. */
export class Wires {
  readonly #time: Time;
  readonly #chance: Chance;
  readonly #open = new Set<Wire>();

  constructor(time: Time, chance: Chance) {
    this.#time = time;
    this.#chance = chance;
  }

  /** Two ends that know each other; neither is open yet. */
  lay(line: Line, [one, other]: readonly [Life, Life | null]): Wire {
    const wire = new Wire({ time: this.#time, chance: this.#chance, line, lives: [one, other] });
    this.#open.add(wire);
    return wire;
  }

  mend(line: Line): void {
    line.state = 'up';
    for (const wire of this.#of(line)) wire.release();
  }

  /** Both sides find out, each in its own time. */
  reset(line: Line): void {
    for (const wire of this.#of(line)) wire.break();
  }

  /** The machines have slept: what was under way is lost, and with it the connections. */
  sleep(): void {
    for (const wire of this.#open) if (wire.isBusy) wire.break();
  }

  /** The machine of a process that is no more says so to whoever was connected. */
  closeThoseOf(life: Life): void {
    for (const wire of this.#open) wire.abandon(life);
  }

  #of(line: Line): Wire[] {
    for (const wire of this.#open) if (wire.isOver) this.#open.delete(wire);
    return [...this.#open].filter((wire) => wire.line === line);
  }
}

interface WireParts {
  time: Time;
  chance: Chance;
  line: Line;
  lives: readonly [Life, Life | null];
}

class Wire {
  readonly line: Line;
  readonly agentEnd: End;
  readonly serverEnd: End;
  readonly #parts: WireParts;
  readonly #held: { to: End; item: Item }[] = [];
  #lastMs = new Map<End, number>();
  #underWay = 0;
  #hasLost = false;
  #isBroken = false;

  constructor(parts: WireParts) {
    this.#parts = parts;
    this.line = parts.line;
    this.agentEnd = new End(this, parts.lives[0]);
    this.serverEnd = new End(this, parts.lives[1]);
  }

  get isOver(): boolean {
    return this.#isBroken || (this.agentEnd.isOver && this.serverEnd.isOver);
  }

  get isBusy(): boolean {
    return this.#underWay > 0 || this.#held.length > 0;
  }

  otherThan(end: End): End {
    return end === this.agentEnd ? this.serverEnd : this.agentEnd;
  }

  later(ms: number, work: () => void, life: Life | null): void {
    this.#parts.time.after(ms, work, life ?? undefined);
  }

  delay(): number {
    return this.#parts.chance.between(0, this.line.delayMsMax);
  }

  carry(to: End, item: Item): void {
    const { time } = this.#parts;
    const atMs = Math.max(this.#lastMs.get(to) ?? 0, time.nowMs + this.delay());
    this.#lastMs.set(to, atMs);
    this.#underWay += 1;
    time.after(atMs - time.nowMs, () => {
      this.#underWay -= 1;
      if (this.#isBroken) return;
      if (this.line.state === 'cut') this.#hasLost = true;
      else if (this.line.state === 'stalled' || this.#held.some((held) => held.to === to))
        this.#held.push({ to, item });
      else to.receive(item);
    });
  }

  /** A connection that has lost something cannot go on: what comes next would not be what was sent next. */
  release(): void {
    if (this.#hasLost) return this.break();
    for (const { to, item } of this.#held.splice(0)) this.carry(to, item);
  }

  break(): void {
    this.#isBroken = true;
    for (const end of [this.agentEnd, this.serverEnd])
      this.later(this.delay(), () => end.over(1006), end.life);
  }

  abandon(life: Life): void {
    for (const end of [this.agentEnd, this.serverEnd])
      if (end.life === life && !end.isOver) this.carry(this.otherThan(end), { closed: 1006 });
  }
}

type Listener = (...parameters: never[]) => void;

/** One end, as `ws` would have it. */
export class End implements SessionSocket, AgentSocket {
  readonly OPEN = 1;
  readyState = 0;
  readonly life: Life | null;
  readonly #wire: Wire;
  readonly #listeners = new Map<string, Listener[]>();
  /** Changes what arrives here, for faults. */
  alter: (text: string) => string = (text) => text;

  constructor(wire: Wire, life: Life | null) {
    this.#wire = wire;
    this.life = life;
  }

  get isOver(): boolean {
    return this.readyState === 3;
  }

  on(event: string, listener: Listener): void {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
  }

  opened(): void {
    if (this.life?.ended || this.readyState !== 0) return;
    this.readyState = 1;
    this.#emit('open');
  }

  send(text: string): void {
    if (this.readyState === 1 && !this.life?.ended) this.#wire.carry(this.#wire.otherThan(this), { text });
  }

  close(code: number): void {
    if (this.readyState >= 2) return;
    this.readyState = 2;
    if (!this.life?.ended) this.#wire.carry(this.#wire.otherThan(this), { closed: code });
  }

  terminate(): void {
    if (this.isOver || this.life?.ended) return;
    this.#wire.carry(this.#wire.otherThan(this), { closed: 1006 });
    this.#wire.later(0, () => this.over(1006), this.life);
  }

  receive(item: Item): void {
    if (this.isOver || this.life?.ended) return;
    if ('text' in item) return this.#emit('message', this.alter(item.text), false);
    if (this.readyState === 1) this.close(item.closed); // the goodbye is answered
    this.over(item.closed);
  }

  over(code: number): void {
    if (this.isOver || this.life?.ended) return;
    this.readyState = 3;
    this.#emit('close', code, '');
  }

  #emit(event: string, ...parameters: unknown[]): void {
    for (const listener of this.#listeners.get(event) ?? [])
      (listener as (...all: unknown[]) => void)(...parameters); // as `on` takes them
  }
}
