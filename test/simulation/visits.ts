import { type Cast, doorFor, linksOf, someLink } from './cast.ts';
import { issue } from './management.ts';
import type { KnownDoor, KnownLink } from './model.ts';
import type { Phone } from './phones.ts';
import type { World } from './world.ts';

/* What visitors do, and what strangers try. */

const junkLengthMax = 400;
/** A reader says the same to a foreign pass as to anything that is none. */
const answersToJunk = [
  'credential_unknown',
  'online_check_required',
  'door_locked_down',
  'repeated',
  'unavailable',
];

export function press(cast: Cast): void {
  withLink(cast, (phone, link, door) => phone.press(link, door));
}

export function unlock(cast: Cast): void {
  withLink(cast, (phone, link, door) => phone.unlock(link, door, cast.world.chance.happens(0.2)));
}

export function look(cast: Cast): void {
  withLink(cast, (phone, link) => phone.look(link));
}

export function present(cast: Cast): void {
  const { world } = cast;
  const pass = world.chance.maybePick([...world.model.passes.values()].slice(-30));
  if (!pass) return;
  const phone = world.chance.pick(cast.phones);
  const isAtHome = world.chance.happens(0.9);
  const door = doorFor(world, pass.link, isAtHome);
  world.begin(async () => {
    const shown = await phone.present(pass.text, door, pass);
    const isForeign = door.house !== pass.link.house;
    if (isForeign && shown !== null && !answersToJunk.includes(shown))
      world.witness.complain(`a foreign pass was answered ${shown}`);
  });
}

export function presentJunk({ world, phones }: Cast): void {
  const { chance, model } = world;
  const door = chance.pick([...model.doors.values()]);
  const text = junk(world);
  if (model.passes.has(text)) return;
  world.begin(async () => {
    const shown = await chance.pick(phones).present(text, door, null);
    if (shown !== null && !answersToJunk.includes(shown))
      world.witness.complain(`junk was answered ${shown}`);
  });
}

export function pry(cast: Cast): void {
  const { world, operators } = cast;
  const { chance, model } = world;
  const operator = chance.pick(operators);
  const other = model.otherThan(operator.house);
  const door = chance.pick(other.doors).id;
  const link = chance.maybePick(linksOf(cast, other))?.id;
  const group = chance.pick(other.groups).id;
  const own = chance.pick(operator.house.groups).id;
  if (link === undefined) return;
  const [of, foreign] = chance.pick([
    [(id: number) => ({ operation: 'doors.unlock', id }) as const, door],
    [(id: number) => ({ operation: 'doors.lock_down', id }) as const, door],
    [(id: number) => ({ operation: 'doors.show', id }) as const, door],
    [(id: number) => ({ operation: 'links.show', id }) as const, link],
    [(id: number) => ({ operation: 'links.revoke', id }) as const, link],
    [
      (id: number) => ({ operation: 'links.change', id, body: { group_link: { suspended: true } } }) as const,
      link,
    ],
    [
      (id: number) =>
        ({ operation: 'links.create', body: { group_link: { name: 'X', group_id: id } } }) as const,
      group,
    ],
    [
      (id: number) =>
        ({ operation: 'group_doors.create', body: { group_lock: { group_id: own, lock_id: id } } }) as const,
      door,
    ],
  ]);
  world.begin(() => operator.pry(of, foreign));
}

/** Credentials that are none, or are used for what they are not for; and doors of another house. */
export function impersonate(cast: Cast): void {
  const { world, phones } = cast;
  const { chance, model } = world;
  const link = someLink(cast);
  const phone = chance.pick(phones);
  if (!link) return;
  const foreign = chance.pick(model.otherThan(link.house).doors).id;
  const secret = link.secret ?? 'a'.repeat(32);
  const wrong = `${secret.slice(0, -1)}${secret.endsWith('a') ? 'b' : 'a'}`;
  const attempts = [
    { operation: 'doors.unlock', id: foreign, authorization: `KISI-GROUP-LINK ${secret}` },
    {
      operation: 'doors.unlock',
      id: chance.pick(link.house.doors).id,
      authorization: `KISI-GROUP-LINK ${wrong}`,
    },
    {
      operation: 'doors.unlock',
      id: chance.pick(link.house.doors).id,
      authorization: `KISI-LOGIN ${secret}`,
    },
    { operation: 'links.list', authorization: `KISI-GROUP-LINK ${secret}` },
    { operation: 'doors.unlock', id: foreign },
  ] as const;
  const attempt = chance.pick(attempts);
  world.begin(async () => {
    const result = await world.call(phone.line, link.house, attempt);
    if ('reply' in result && result.reply.status < 400)
      world.witness.complain(`somebody without a right was answered ${result.reply.status}`);
  });
}

function withLink(cast: Cast, act: (phone: Phone, link: KnownLink, door: KnownDoor) => Promise<void>): void {
  const { world } = cast;
  const phone = world.chance.pick(cast.phones);
  const link = world.chance.maybePick(phone.links);
  if (!link) return issue(cast);
  const door = doorFor(world, link, true);
  world.begin(() => act(phone, link, door));
}

function junk({ chance, model }: World): string {
  const known = chance.maybePick([...model.passes.keys()]);
  const noise = Array.from({ length: chance.between(1, junkLengthMax) }, () =>
    String.fromCharCode(chance.between(32, 126)),
  ).join('');
  if (known === undefined) return noise;
  const at = chance.between(0, known.length - 1);
  const other = chance.pick([...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:']);
  return chance.pick([
    noise,
    `PSN1:${noise}`,
    known.slice(0, at),
    known.slice(0, at) + other + known.slice(at + 1),
    `${known}${other}`,
    known.toLowerCase(),
  ]);
}
