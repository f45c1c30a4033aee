import { addMs } from '../../domain/instants.ts';
import { type Cast, linksOf, operatorOf, someLink } from './cast.ts';
import type { Hours } from './model.ts';
import type { World } from './world.ts';

/* What operators do. */

export function issue(cast: Cast): void {
  const { world, phones } = cast;
  const { chance, time } = world;
  const operator = chance.pick(cast.operators);
  const from = chance.happens(0.3) ? addMs(time.instant(), chance.between(1, 30_000)) : null;
  const usesMax = chance.pick([null, null, 1, 1, 2, 5]);
  const isWeb = chance.happens(0.9);
  const phone = chance.pick(phones);
  world.begin(async () => {
    const link = await operator.issue({ from, usesMax, isWeb });
    if (link) phone.receive(link);
  });
}

export function change(cast: Cast): void {
  const { world } = cast;
  const { chance, time } = world;
  const link = someLink(cast);
  if (!link) return;
  const operator = operatorOf(cast, link.house);
  const now = time.instant();
  world.begin(() =>
    chance.pick([
      () => operator.extend(link, chance.between(1_000, 600_000)),
      () => operator.shorten(link, addMs(now, chance.between(-20_000, 60_000))),
      () => operator.moveStart(link, addMs(now, chance.between(-60_000, 20_000))),
      () => operator.suspend(link, true),
      () => operator.suspend(link, true),
      () => operator.suspend(link, false),
      () => operator.suspend(link, false),
      () => operator.limitUses(link, chance.pick([null, 1, 2, 3, 6])),
    ])(),
  );
}

export function revoke(cast: Cast): void {
  const link = someLink(cast);
  if (link) cast.world.begin(() => operatorOf(cast, link.house).revoke(link));
}

export function lockDown({ world, operators }: Cast): void {
  const { chance, model } = world;
  const operator = chance.pick(operators);
  const door = model.door(chance.pick(operator.house.doors).id);
  const isWhole = chance.happens(0.3);
  world.begin(() => (isWhole ? operator.lockDownPlace(door.place_id, true) : operator.lockDown(door, true)));
}

export function release(cast: Cast): void {
  const { world } = cast;
  const { chance, model } = world;
  const door = chance.maybePick([...model.doors.values()].filter(({ down }) => down.may(Boolean)));
  const place = chance.maybePick([...model.places.values()].filter(({ down }) => down.may(Boolean)));
  if (door) world.begin(() => operatorOf(cast, door.house).lockDown(door, false));
  if (place) world.begin(() => operatorOf(cast, place.house).lockDownPlace(place.id, false));
}

export function hours({ world, operators }: Cast): void {
  const { chance, model } = world;
  const operator = chance.pick(operators);
  const group = model.group(chance.pick(operator.house.groups).id);
  const chosen = someHours(world);
  world.begin(() => operator.addSchedule(group, chosen));
}

export function freeHours({ world, operators }: Cast): void {
  const operator = world.chance.pick(operators);
  const group = world.model.group(world.chance.pick(operator.house.groups).id);
  world.begin(() => operator.removeSchedules(group));
}

export function toggle({ world, operators }: Cast): void {
  const { chance, model } = world;
  const operator = chance.pick(operators);
  const group = model.group(chance.pick(operator.house.groups).id);
  const door = model.door(chance.pick(operator.house.doors).id);
  world.begin(() => operator.toggle(group, door));
}

export function unlockByKey({ world, operators }: Cast): void {
  const operator = world.chance.pick(operators);
  const door = world.model.door(world.chance.pick(operator.house.doors).id);
  world.begin(async () => void (await operator.unlock(door)));
}

export function lookAsOperator(cast: Cast): void {
  const operator = cast.world.chance.pick(cast.operators);
  const link = cast.world.chance.maybePick(linksOf(cast, operator.house));
  cast.world.begin(() => operator.look(link));
}

function someHours({ chance, time }: World): Hours {
  const minuteMs = 60_000;
  const now = new Date(Math.floor(time.wallMs / minuteMs) * minuteMs).toISOString();
  if (chance.happens(0.5)) {
    const from = addMs(now, chance.between(-60, 1) * minuteMs);
    return { kind: 'span', from, until: addMs(from, chance.between(1, 120) * minuteMs) };
  }
  const startMinute = chance.between(0, 20) * 60;
  const days = [1, 2, 3, 4, 5, 6, 7].filter(() => chance.happens(0.7));
  return { kind: 'weekly', days: days.length > 0 ? days : [1], startMinute, endMinute: startMinute + 180 };
}
