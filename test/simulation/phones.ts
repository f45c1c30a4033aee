import { denials } from '../../domain/errors.ts';
import { type KnownDoor, type KnownLink, type KnownPass, termsOf } from './model.ts';
import { Line } from './network.ts';
import type { Call, Reply } from './server.ts';
import type { Result, World } from './world.ts';

const linksMax = 8;
const triesMax = 3;
/** What is told once more, and not done again, when a request is repeated (DESIGN §9). */
const keptStatuses = [200, 204, 403, 404, 422];

/** A visitor with a browser, a program or a picture of a QR code, and the links that they were sent. */
export class Phone {
  readonly name: string;
  readonly line: Line;
  links: KnownLink[] = [];
  readonly #world: World;
  readonly #cookies = new Map<number, string>();
  #keys = 0;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
    this.line = new Line(`the line of ${name}`);
  }

  receive(link: KnownLink): void {
    this.links = [...this.links, link].slice(-linksMax);
  }

  /** Holds the button on the page, sometimes too short, and sometimes sends the end of the press twice. */
  async press(link: KnownLink, door: KnownDoor): Promise<void> {
    const { chance, time, model } = this.#world;
    const cookie = await this.#cookie(link);
    if (cookie === null) return;
    const of = { id: link.id, cookie };
    const hold = await this.#ask(link, { operation: 'page.begin_hold', ...of, body: { lock_id: door.id } });
    if (hold?.status !== 200) return;
    await time.sleep(chance.pick([601, 650, 900, 1_500, 300, 31_000]));
    model.tally(link.id, door.id, 'web').asked += 1;
    const { nonce } = hold.body;
    const call: Call = { operation: 'page.unlock', ...of, body: { lock_id: door.id, nonce } };
    const replies = await Promise.all(
      Array.from({ length: chance.happens(0.1) ? 2 : 1 }, () => this.#ask(link, call)),
    );
    const opened = replies.filter((reply) => reply?.status === 200);
    if (opened.length > 1) this.#world.witness.complain(`one press of ${this.name} opened twice`);
    if (opened.length > 0) this.#world.witness.opened(link.id, door.id, 'web');
    else if (replies.some(isDenial)) this.#world.witness.refused(link.id, door.id, 'web');
    this.#world.note(`${this.name} pressed for door ${door.id} with ${link.name}: ${replies.map(words)}`);
  }

  /** Unlocks as a program does: with a key it asks again when it hears nothing, or twice at once. */
  async unlock(link: KnownLink, door: KnownDoor, isKeyed: boolean): Promise<void> {
    const { model } = this.#world;
    if (link.secret === null) return;
    model.tally(link.id, door.id, 'api').asked += 1;
    const authorization = `KISI-GROUP-LINK ${link.secret}`;
    const call: Call = { operation: 'doors.unlock', id: door.id, authorization };
    const replies = isKeyed
      ? await this.#world.withKey(() => this.#askAgain(link, call))
      : [await this.#ask(link, call)].filter((reply) => reply !== null);
    if (replies.some(({ status }) => status === 200)) this.#world.witness.opened(link.id, door.id, 'api');
    else if (replies.some(isDenial)) this.#world.witness.refused(link.id, door.id, 'api');
    this.#world.note(`${this.name} unlocked door ${door.id} with ${link.name}: ${replies.map(words)}`);
  }

  async look(link: KnownLink): Promise<void> {
    const { chance, model, time } = this.#world;
    if (link.secret !== null && chance.happens(0.5)) {
      const authorization = `KISI-LINK ${link.secret}`;
      const operation = chance.pick(['link.show', 'doors.list', 'link.show_qr_svg'] as const);
      await this.#ask(link, { operation, authorization });
      return;
    }
    const cookie = await this.#cookie(link);
    if (cookie === null) return;
    const before = termsOf(link);
    const page = await this.#ask(link, { operation: 'page.show_link', id: link.id, cookie });
    const text = page?.status === 200 ? page.body.pass : null;
    if (typeof text !== 'string' || model.passes.has(text)) return;
    model.learn(text, link, { obtained: time.moment, terms: [before, termsOf(link)] });
  }

  /** Shows a text to a reader: a pass, or anything else. */
  async present(text: string, door: KnownDoor, pass: KnownPass | null): Promise<string | null> {
    const { model, time, witness, stations } = this.#world;
    const station = stations.find(({ enrolled }) => enrolled.door_ids.includes(door.id));
    if (!station?.process) return null;
    if (pass) model.tally(pass.link.id, door.id, 'qr').asked += 1;
    const begun = time.moment;
    const shown = await station.process.present(door.id, text);
    const what = pass ? `a pass of ${pass.link.name}` : 'something';
    const answer = shown?.shown === 'denied' ? shown.reason : (shown?.shown ?? null);
    this.#world.note(`${this.name} showed ${what} at door ${door.id}: ${answer}`);
    if (answer === 'granted') {
      witness.admitted(text, door, begun);
      if (pass) witness.opened(pass.link.id, door.id, 'qr');
    }
    return answer;
  }

  async #cookie(link: KnownLink): Promise<string | null> {
    if (link.secret === null) return null;
    const known = this.#cookies.get(link.id);
    if (known !== undefined) return known;
    const reply = await this.#ask(link, { operation: 'page.open_session', body: { secret: link.secret } });
    if (reply?.cookie) this.#cookies.set(link.id, reply.cookie);
    return reply?.cookie ?? null;
  }

  async #ask(link: KnownLink, call: Call): Promise<Reply | null> {
    const result: Result = await this.#world.call(this.line, link.house, call);
    return 'reply' in result ? result.reply : null;
  }

  /** Under one key, until there is an answer that is kept, and sometimes beyond; all answers. */
  async #askAgain(link: KnownLink, call: Call): Promise<Reply[]> {
    const { chance } = this.#world;
    this.#keys += 1;
    const keyed = { ...call, key: `${this.name} ${this.#keys}` };
    const atOnce = chance.happens(0.2) ? 2 : 1;
    const replies: Reply[] = [];
    for (let tries = 0; tries < triesMax; tries++) {
      const some = await Promise.all(Array.from({ length: atOnce }, () => this.#ask(link, keyed)));
      replies.push(...some.filter((reply) => reply !== null));
      if (replies.some(({ status }) => keptStatuses.includes(status)) && chance.happens(0.8)) break;
    }
    this.#compare(replies);
    return replies;
  }

  /** However often a request is sent, what it was answered once it is answered always. */
  #compare(replies: readonly Reply[]): void {
    const kept = replies.filter(({ status }) => keptStatuses.includes(status));
    if (new Set(kept.map(({ status, text }) => `${status} ${text}`)).size > 1)
      this.#world.witness.complain(
        `one request of ${this.name} had two answers: ${kept.map(({ text }) => text)}`,
      );
  }
}

function isDenial(reply: Reply | null): boolean {
  return reply !== null && reply.reason !== null && reply.reason in denials;
}

function words(reply: Reply | null): string {
  if (!reply) return 'nothing';
  return `${reply.status}${reply.reason === null ? '' : ` ${reply.reason}`}${reply.replayed ? ' again' : ''}`;
}
