import { addMs } from '../../domain/instants.ts';
import type { House } from './house.ts';
import { type Hours, type KnownDoor, type KnownGroup, type KnownLink, termsOf } from './model.ts';
import { Line } from './network.ts';
import { Possible, type Write } from './possible.ts';
import type { Call, Reply } from './server.ts';
import type { Result, World } from './world.ts';

const schedulesMax = 2;
const secondMs = 1_000;

/** What is asked to be written, and where the world keeps it. */
interface Change<T> {
  of: Possible<T>;
  value: T;
}

/** Who runs a house, by its API key. */
export class Operator {
  readonly house: House;
  readonly line: Line;
  readonly #world: World;
  #made = 0;

  constructor(world: World, house: House) {
    this.#world = world;
    this.house = house;
    this.line = new Line(`the line of ${house.canary}`);
  }

  /** Issues a link. Null: it was refused, or nobody heard. */
  async issue(
    terms: Partial<{ from: string | null; until: string; usesMax: number | null; isWeb: boolean }>,
  ): Promise<KnownLink | null> {
    const { chance, model, time } = this.#world;
    this.#made += 1;
    const name = `${this.house.canary} guest ${this.#made}`;
    const group_id = chance.pick(this.house.groups).id;
    const now = time.instant();
    const seconds = chance.pick([30, 120, 600, 7_200, 86_400, 400_000, 400_000]);
    const { from = null, until = addMs(now, seconds * secondMs), usesMax = null, isWeb = true } = terms;
    const fields = {
      name,
      group_id,
      valid_from: from,
      valid_until: until,
      max_uses: usesMax,
      link_enabled: isWeb,
    };
    const quick_response_code_type = chance.pick(['online', 'offline', null] as const);
    const call: Call = {
      operation: 'links.create',
      body: { group_link: { ...fields, quick_response_code_type } },
    };
    const reply = await (chance.happens(0.5)
      ? this.#world.withKey(
          async () => (await this.#ask({ ...call, key: name })) ?? this.#ask({ ...call, key: name }),
        )
      : this.#ask(call));
    this.#world.note(`${this.house.canary} issued ${name} until ${until}: ${words(reply)}`);
    if (reply?.status !== 200) return null;
    const { id, secret, quick_response_code_token: pass } = reply.body;
    const link: KnownLink = {
      ...{ id, name, house: this.house, group_id, secret, grants: 0, type: quick_response_code_type },
      ...{ from: new Possible<string | null>(from), until: new Possible(until) },
      ...{
        usesMax: new Possible<number | null>(usesMax),
        suspended: new Possible(false),
        revoked: new Possible(false),
      },
    };
    if (model.links.has(id)) this.#world.witness.complain(`${name} has the id of another link`);
    model.links.set(id, link);
    if (pass) model.learn(pass, link, { obtained: time.moment, terms: [termsOf(link)] });
    return link;
  }

  async extend(link: KnownLink, ms: number): Promise<void> {
    const until = addMs(this.#latest(link), ms);
    await this.#changeLink(link, { valid_until: until }, { changes: [{ of: link.until, value: until }] });
  }

  async shorten(link: KnownLink, until: string): Promise<void> {
    const isEarlier = link.until.must((known) => until < known);
    const changes = [{ of: link.until, value: until }];
    await this.#changeLink(link, { valid_until: until }, { changes, narrows: isEarlier });
  }

  async moveStart(link: KnownLink, from: string): Promise<void> {
    const isLater = link.from.must((known) => known === null || known < from);
    const changes = [{ of: link.from, value: from as string | null }];
    await this.#changeLink(link, { valid_from: from }, { changes, narrows: isLater });
  }

  async limitUses(link: KnownLink, max: number | null): Promise<void> {
    const isLess = max !== null && link.usesMax.must((known) => known === null || max < known);
    await this.#changeLink(
      link,
      { max_uses: max },
      { changes: [{ of: link.usesMax, value: max }], narrows: isLess },
    );
  }

  async suspend(link: KnownLink, suspended: boolean): Promise<void> {
    const changes = [{ of: link.suspended, value: suspended }];
    await this.#changeLink(link, { suspended }, { changes, narrows: suspended });
  }

  async revoke(link: KnownLink): Promise<void> {
    const call: Call = { operation: 'links.revoke', id: link.id };
    const begun = this.#world.time.moment;
    const reply = await this.#write(call, [{ of: link.revoked, value: true }]);
    if (reply?.status === 204) this.#world.model.endPasses(link, begun, this.#world.time);
    this.#world.note(`${this.house.canary} revoked ${link.name}: ${words(reply)}`);
  }

  async lockDown(door: KnownDoor, down: boolean): Promise<void> {
    const operation = down ? 'doors.lock_down' : 'doors.cancel_lockdown';
    if (!down) door.kept = Number.POSITIVE_INFINITY;
    const reply = await this.#write({ operation, id: door.id }, [{ of: door.down, value: down }]);
    if (reply?.status === 200 && reply.body.reached && door.down.must(Boolean))
      door.kept = Math.min(door.kept, this.#world.time.moment);
    this.#world.note(
      `${this.house.canary} ${down ? 'locked down' : 'released'} door ${door.id}: ${words(reply)}`,
    );
  }

  async lockDownPlace(id: number, down: boolean): Promise<void> {
    const operation = down ? 'places.lock_down' : 'places.cancel_lockdown';
    const reply = await this.#write({ operation, id }, [
      { of: this.#world.model.place(id).down, value: down },
    ]);
    this.#world.note(
      `${this.house.canary} ${down ? 'locked down' : 'released'} place ${id}: ${words(reply)}`,
    );
  }

  /** Puts the door into the group, or takes it out, as it finds it. */
  async toggle(group: KnownGroup, door: KnownDoor): Promise<void> {
    const found = await this.#ask({ operation: 'group_doors.list', query: { group_id: String(group.id) } });
    if (found?.status !== 200) return;
    const rows: { id: number; lock_id: number }[] = found.body;
    const row = rows.find(({ lock_id }) => lock_id === door.id);
    const of = group.doors.get(door.id);
    if (!of) return;
    const body = { group_lock: { group_id: group.id, lock_id: door.id } };
    const reply = await this.#changing(group, () =>
      row
        ? this.#write({ operation: 'group_doors.remove', id: row.id }, [{ of, value: false }])
        : this.#write({ operation: 'group_doors.create', body }, [{ of, value: true }]),
    );
    this.#world.note(
      `${this.house.canary} ${row ? 'took' : 'put'} door ${door.id} and group ${group.id}: ${words(reply)}`,
    );
  }

  async addSchedule(group: KnownGroup, hours: Hours): Promise<void> {
    if (group.schedules.filter(({ present }) => present.may(Boolean)).length >= schedulesMax) return;
    this.#made += 1;
    const name = `${this.house.canary} hours ${this.#made}`;
    const schedule = { name, hours, present: new Possible(false), id: null as number | null };
    group.schedules.push(schedule);
    const body = {
      schedule: { scheduleable_type: 'Group', scheduleable_id: group.id, name, ...hoursOnWire(hours) },
    };
    const reply = await this.#changing(group, () =>
      this.#write({ operation: 'schedules.create', body }, [{ of: schedule.present, value: true }]),
    );
    if (reply?.status === 200) schedule.id = reply.body.id;
    this.#world.note(`${this.house.canary} gave hours to group ${group.id}: ${words(reply)}`);
  }

  /** Also those whose creation was never acknowledged: the list says which they are. */
  async removeSchedules(group: KnownGroup): Promise<void> {
    const query = { scheduleable_type: 'Group', scheduleable_id: String(group.id) };
    const listed = await this.#ask({ operation: 'schedules.list', query });
    if (listed?.status !== 200) return;
    for (const { id, name } of listed.body as { id: number; name: string }[]) {
      const schedule = group.schedules.find((known) => known.name === name);
      if (!schedule) continue;
      const reply = await this.#changing(group, () =>
        this.#write({ operation: 'schedules.remove', id }, [{ of: schedule.present, value: false }]),
      );
      this.#world.note(`${this.house.canary} took hours from group ${group.id}: ${words(reply)}`);
    }
    group.schedules = group.schedules.filter(({ present }) => present.may(Boolean));
  }

  /** Opens a door with the key itself. */
  async unlock(door: KnownDoor): Promise<Reply | null> {
    this.#world.model.tally(this.house, door.id, 'api').asked += 1;
    const reply = await this.#ask({ operation: 'doors.unlock', id: door.id });
    if (reply?.status === 200) this.#world.witness.opened(this.house, door.id, 'api');
    this.#world.note(`${this.house.canary} unlocked door ${door.id}: ${words(reply)}`);
    return reply;
  }

  async look(link: KnownLink | undefined): Promise<void> {
    const { chance } = this.#world;
    const operation = chance.pick(['links.list', 'events.list', 'doors.list', 'agents.list'] as const);
    await this.#ask({ operation });
    if (!link) return;
    await this.#ask({ operation: 'links.show', id: link.id });
    const decision = { group_link_id: link.id, method: chance.pick(['web', 'api', 'qr']) };
    await this.#ask({ operation: 'doors.decide', id: chance.pick(this.house.doors).id, body: { decision } });
  }

  /** The same question about a thing of somebody else and about nothing: the answers must not differ. */
  async pry(of: (id: number) => Call, foreign: number): Promise<void> {
    const [one, other] = [await this.#ask(of(foreign)), await this.#ask(of(987_654_321))];
    if (!one || !other || [one.status, other.status].includes(503)) return;
    const differs = one.status !== other.status || one.text !== other.text;
    if (differs || one.status < 400)
      this.#world.witness.complain(
        `${of(foreign).operation} tells a foreign id from none: ${one.text} ${other.text}`,
      );
    this.#world.note(`${this.house.canary} pried with ${of(foreign).operation}: ${words(one)}`);
  }

  async #changing<T>(group: KnownGroup, work: () => Promise<T>): Promise<T> {
    group.changes += 1;
    try {
      return await work();
    } finally {
      group.changes -= 1;
      group.changedMs = this.#world.time.wallMs;
    }
  }

  async #changeLink<T>(
    link: KnownLink,
    group_link: object,
    { changes, narrows = false }: { changes: Change<T>[]; narrows?: boolean },
  ): Promise<void> {
    const begun = this.#world.time.moment;
    const reply = await this.#write(
      { operation: 'links.change', id: link.id, body: { group_link } },
      changes,
    );
    if (reply?.status === 200 && narrows) this.#world.model.endPasses(link, begun, this.#world.time);
    this.#world.note(
      `${this.house.canary} changed ${link.name} to ${JSON.stringify(group_link)}: ${words(reply)}`,
    );
  }

  /** What a refusal names was not done; what nobody answered, or answered 503, may have been. */
  async #write<T>(call: Call, changes: Change<T>[]): Promise<Reply | null> {
    const { time } = this.#world;
    const writes = changes.map(({ of, value }): [Possible<T>, Write<T>] => [
      of,
      of.begin(value, time.moment),
    ]);
    time.moment += 1;
    const result = await this.#send(call);
    time.moment += 1;
    for (const [of, write] of writes) {
      if ('lost' in result) {
        if (result.arrived) of.lose(write, time.moment);
        else of.refuse(write);
      } else if (result.reply.status < 300) of.acknowledge(write, time.moment);
      else if (result.reply.status === 503) of.lose(write, time.moment);
      else of.refuse(write);
    }
    return 'reply' in result ? result.reply : null;
  }

  async #ask(call: Call): Promise<Reply | null> {
    const result = await this.#send(call);
    return 'reply' in result ? result.reply : null;
  }

  #send(call: Call): Promise<Result> {
    return this.#world.call(this.line, this.house, { ...call, authorization: this.house.authorization });
  }

  #latest(link: KnownLink): string {
    return [...link.until.values, this.#world.time.instant()].sort().at(-1) ?? '';
  }
}

function hoursOnWire(hours: Hours): object {
  if (hours.kind === 'span') return { type: 'single_event', starts_at: hours.from, ends_at: hours.until };
  const time = (minute: number) =>
    `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
  const window = { days: hours.days, start: time(hours.startMinute), end: time(hours.endMinute) };
  return { type: 'recurring_event', weekly: [window] };
}

function words(reply: Reply | null): string {
  if (!reply) return 'nothing';
  return `${reply.status}${reply.reason === null ? '' : ` ${reply.reason}`}`;
}
