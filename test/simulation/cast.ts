import type { House } from './house.ts';
import type { KnownDoor, KnownLink } from './model.ts';
import type { Line } from './network.ts';
import { Operator } from './operators.ts';
import { Phone } from './phones.ts';
import type { World } from './world.ts';

const phonesCount = 5;

/** Everybody who acts in a world. */
export interface Cast {
  world: World;
  phones: readonly Phone[];
  operators: readonly Operator[];
}

export function castOf(world: World): Cast {
  return {
    world,
    phones: Array.from({ length: phonesCount }, (_, index) => new Phone(world, `phone ${index + 1}`)),
    operators: world.model.houses.map((house) => new Operator(world, house)),
  };
}

export function doorFor({ chance, model }: World, link: KnownLink, isAtHome: boolean): KnownDoor {
  const house = isAtHome ? link.house : model.otherThan(link.house);
  const inGroup = [...model.group(link.group_id).doors].filter(([, member]) => member.may(Boolean));
  const wanted = isAtHome && chance.happens(0.85) ? chance.maybePick(inGroup)?.[0] : undefined;
  return model.door(wanted ?? chance.pick(house.doors).id);
}

export function someLink({ world }: Cast): KnownLink | undefined {
  return world.chance.maybePick([...world.model.links.values()].slice(-16));
}

export function linksOf({ world }: Cast, house: House): KnownLink[] {
  return [...world.model.links.values()].filter((link) => link.house === house);
}

export function operatorOf({ operators }: Cast, house: House): Operator {
  const found = operators.find((operator) => operator.house === house);
  if (!found) throw new Error('every house has one');
  return found;
}

export function linesOf({ world, phones, operators }: Cast): Line[] {
  return [...world.stations, ...phones, ...operators].map(({ line }) => line);
}
