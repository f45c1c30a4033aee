import { createHash } from 'node:crypto';
import { type House, offlineLimitMs, type Template } from './house.ts';
import { Possible } from './possible.ts';

/*
 * What the world knows of its houses by what it asked for and what it was answered: independent of the server's code
 * and tables, and all that the invariants are judged by.
 */

/** An agent counts from the server's word when it arrives: it may have been under way for so long. */
export const lateMsMax = 40_000;
/** How much earlier than its word on what is revoked the server may have told the agent its doors and hours. */
const newsMsMax = 5_000;

export interface KnownLink {
  id: number;
  name: string;
  house: House;
  group_id: number;
  type: 'online' | 'offline' | null;
  /** Null: it has no web link. */
  secret: string | null;
  from: Possible<string | null>;
  until: Possible<string>;
  usesMax: Possible<number | null>;
  suspended: Possible<boolean>;
  revoked: Possible<boolean>;
  /** How often it opened a door, as far as the server knows. */
  grants: number;
}

/** What a link may have been when a pass of it was signed. */
export interface Terms {
  from: (string | null)[];
  until: string[];
  usesMax: (number | null)[];
}

/** A text that is a pass, as somebody was given it. */
export interface KnownPass {
  text: string;
  link: KnownLink;
  obtained: number;
  terms: Terms;
  /** From when on an acknowledged change has ended it; and what the clocks on the walls showed then. */
  ended: number;
  endedMs: number;
}

export type Hours =
  | { kind: 'span'; from: string; until: string }
  | { kind: 'weekly'; days: number[]; startMinute: number; endMinute: number };

export interface KnownSchedule {
  name: string;
  hours: Hours;
  present: Possible<boolean>;
  /** Null: the answer that named it was lost. */
  id: number | null;
}

export interface KnownGroup {
  id: number;
  house: House;
  doors: Map<number, Possible<boolean>>;
  schedules: KnownSchedule[];
  /** How many changes of its doors and hours are under way, and when the last one was over, on the clocks on the walls. */
  changes: number;
  changedMs: number;
}

export interface KnownDoor {
  id: number;
  house: House;
  place_id: number;
  down: Possible<boolean>;
  /** Since when its agent has said that it keeps the door shut, and nobody has released it; infinite: it does not. */
  kept: number;
}

interface KnownPlace {
  id: number;
  house: House;
  offsetMinutes: number;
  down: Possible<boolean>;
}

/** Requests for an unlock by somebody at a door, and what came of them. */
interface Tally {
  /** Requests, by those who sent them; answers of either kind, as they heard them. */
  asked: number;
  opened: number;
  refused: number;
  /** Events of either kind. */
  granted: number;
  denied: number;
  pulsed: number;
}

export class Model {
  readonly houses: readonly [House, House];
  readonly links = new Map<number, KnownLink>();
  readonly passes = new Map<string, KnownPass>();
  readonly groups = new Map<number, KnownGroup>();
  readonly doors = new Map<number, KnownDoor>();
  readonly places = new Map<number, KnownPlace>();
  readonly #passesByHash = new Map<string, KnownPass>();
  readonly #tallies = new Map<string, Tally>();

  constructor({ houses }: Template) {
    this.houses = houses;
    for (const house of houses) {
      for (const { id, offsetMinutes } of house.places)
        this.places.set(id, { id, house, offsetMinutes, down: new Possible(false) });
      for (const { id, place_id } of house.doors)
        this.doors.set(id, {
          id,
          house,
          place_id,
          down: new Possible(false),
          kept: Number.POSITIVE_INFINITY,
        });
      for (const { id, door_ids } of house.groups) {
        const doors = new Map(house.doors.map((door) => [door.id, new Possible(door_ids.includes(door.id))]));
        const changes = { changes: 0, changedMs: Number.NEGATIVE_INFINITY };
        this.groups.set(id, { id, house, doors, schedules: [], ...changes });
      }
    }
  }

  /** `who`: a link's id, or the house whose key it is. */
  tally(who: number | House, door_id: number, method: string): Tally {
    const name = typeof who === 'number' ? `link ${who}` : who.canary;
    const key = `${name} ${door_id} ${method}`;
    const known = this.#tallies.get(key) ?? {
      asked: 0,
      opened: 0,
      refused: 0,
      granted: 0,
      denied: 0,
      pulsed: 0,
    };
    this.#tallies.set(key, known);
    return known;
  }

  /** An acknowledged change that began at this moment has ended the passes that somebody had before. */
  endPasses(link: KnownLink, begun: number, { moment, wallMs }: { moment: number; wallMs: number }): void {
    for (const pass of this.passes.values()) {
      if (pass.link !== link || pass.obtained >= begun) continue;
      pass.ended = Math.min(pass.ended, moment);
      pass.endedMs = Math.min(pass.endedMs, wallMs);
    }
  }

  /** Somebody was given a pass. `terms`: what the link may have been before and after they asked for it. */
  learn(text: string, link: KnownLink, { obtained, terms }: { obtained: number; terms: Terms[] }): void {
    const all = {
      from: terms.flatMap(({ from }) => from),
      until: terms.flatMap(({ until }) => until),
      usesMax: terms.flatMap(({ usesMax }) => usesMax),
    };
    const never = Number.POSITIVE_INFINITY;
    const pass = { text, link, obtained, terms: all, ended: never, endedMs: never };
    this.passes.set(text, pass);
    this.#passesByHash.set(createHash('sha256').update(text).digest('hex'), pass);
  }

  passOfHash(hash: string): KnownPass | undefined {
    return this.#passesByHash.get(hash);
  }

  door(id: number): KnownDoor {
    return found(this.doors.get(id));
  }

  group(id: number): KnownGroup {
    return found(this.groups.get(id));
  }

  place(id: number): KnownPlace {
    return found(this.places.get(id));
  }

  otherThan(house: House): House {
    const [one, other] = this.houses;
    return house === one ? other : one;
  }

  /** Why this grant cannot have been right at the instant; null: it can. */
  objection(link: KnownLink, door: KnownDoor, { at, method }: { at: string; method: string }): string | null {
    const group = this.group(link.group_id);
    if (link.house !== door.house) return 'the door is of another organization';
    if (!link.from.may((from) => from === null || from <= at)) return 'the link was not valid yet';
    if (!link.until.may((until) => at < until)) return 'the link was not valid any more';
    if (link.revoked.must(Boolean)) return 'the link was revoked';
    if (link.suspended.must(Boolean)) return 'the link was suspended';
    if (!link.usesMax.may((max) => max === null || link.grants < max)) return 'the link had no use left';
    if (!group.doors.get(door.id)?.may(Boolean)) return 'the door was not in the group';
    if (door.down.must(Boolean)) return 'the door was locked down';
    if (this.place(door.place_id).down.must(Boolean)) return 'the place was locked down';
    if (!this.#allowed(group, door, at)) return 'it was outside the schedules';
    if (method !== 'qr' && link.secret === null) return 'the link has no web link';
    return null;
  }

  /**
   * Why an agent that decided alone cannot have been right; null: it can. `knownUntilMs`: until when it surely knows what
   * the server knew; milliseconds on the clocks on the walls, like `nowMs`.
   */
  localObjection(
    { link, terms, endedMs }: KnownPass,
    door: KnownDoor,
    { at, knownUntilMs, nowMs }: { at: string; knownUntilMs: number; nowMs: number },
  ): string | null {
    const group = this.group(link.group_id);
    if (link.house !== door.house) return 'the door is of another organization';
    if (!terms.from.some((from) => from === null || from <= at)) return 'the pass was not valid yet';
    if (!terms.until.some((until) => at < until)) return 'the pass was not valid any more';
    if (link.type !== 'offline') return 'the server must be asked about the link';
    if (!terms.usesMax.includes(null)) return 'its uses are counted by the server';
    if (endedMs <= knownUntilMs) return 'its agent knew that a change had ended the pass';
    if (nowMs - endedMs > offlineLimitMs + lateMsMax) return 'a change had ended the pass long before';
    if (group.changes > 0 || group.changedMs + newsMsMax > knownUntilMs) return null;
    if (!group.doors.get(door.id)?.may(Boolean)) return 'the door was not in the group, as its agent knew';
    if (!this.#allowed(group, door, at)) return 'it was outside the schedules, as its agent knew';
    return null;
  }

  #allowed({ schedules }: KnownGroup, { place_id }: KnownDoor, at: string): boolean {
    if (schedules.every(({ present }) => present.may((is) => !is))) return true;
    const { offsetMinutes } = this.place(place_id);
    return schedules.some(({ present, hours }) => present.may(Boolean) && contains(hours, at, offsetMinutes));
  }
}

/** What a link may be at the moment. */
export function termsOf({ from, until, usesMax }: KnownLink): Terms {
  return { from: from.values, until: until.values, usesMax: usesMax.values };
}

function contains(hours: Hours, at: string, offsetMinutes: number): boolean {
  if (hours.kind === 'span') return hours.from <= at && at < hours.until;
  const minutes = Math.floor(Date.parse(at) / 60_000) + offsetMinutes;
  const minute = minutes % 1440;
  const day = ((Math.floor(minutes / 1440) + 3) % 7) + 1; // 1970 began on a Thursday
  return hours.days.includes(day) && hours.startMinute <= minute && minute < hours.endMinute;
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the world knows nothing of it');
  return value;
}
