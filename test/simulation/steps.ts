import { type Cast, linesOf } from './cast.ts';
import {
  change,
  freeHours,
  hours,
  issue,
  lockDown,
  lookAsOperator,
  release,
  revoke,
  toggle,
  unlockByKey,
} from './management.ts';
import {
  crashAnAgent,
  crashInTheMiddle,
  crashServer,
  fillTheDisk,
  freeTheDisk,
  goToAnEdge,
  mend,
  mendLines,
  mendTheDisk,
  outlastAnAgent,
  sleep,
  stallACommand,
  troubleALine,
  waitALittle,
  waitLonger,
} from './troubles.ts';
import { impersonate, look, present, presentJunk, press, pry, unlock } from './visits.ts';
import type { World } from './world.ts';

type Step = (cast: Cast) => void | Promise<void>;

/** What may happen next, and how often it does, of about a thousand. */
const steps: readonly [weight: number, Step][] = [
  [120, press],
  [230, unlock],
  [30, look],
  [170, present],
  [60, presentJunk],
  [18, issue],
  [50, change],
  [10, revoke],
  [22, lockDown],
  [40, release],
  [12, hours],
  [14, freeHours],
  [14, toggle],
  [15, unlockByKey],
  [15, lookAsOperator],
  [20, pry],
  [12, impersonate],
  [110, waitALittle],
  [10, waitLonger],
  [2, sleep],
  [24, goToAnEdge],
  [25, troubleALine],
  [12, stallACommand],
  [8, outlastAnAgent],
  [30, mendLines],
  [2, crashServer],
  [3, crashInTheMiddle],
  [8, crashAnAgent],
  [8, fillTheDisk],
  [10, mendTheDisk],
];

const weights = steps.reduce((sum, [weight]) => sum + weight, 0);

/** One step of the world, and a little time. */
export async function step(cast: Cast): Promise<void> {
  const { chance } = cast.world;
  let left = chance.fraction() * weights;
  for (const [weight, act] of steps) {
    left -= weight;
    if (left >= 0) continue;
    await act(cast);
    break;
  }
  await cast.world.pass(chance.happens(0.3) ? 0 : chance.between(1, 400));
}

/** Everything is mended, and then the doors must open: nothing may be stuck for good. */
export async function recover({ world, operators }: Cast): Promise<void> {
  for (const line of linesOf({ world, operators, phones: [] })) {
    mend(world, line);
    line.lossPercent = 0;
  }
  world.disk.slownessMsMax = 0;
  await world.pass(7_000);
  if (world.disk.isFull) await freeTheDisk(world);
  await world.pass(20_000);
  for (const operator of operators)
    for (const { id } of operator.house.doors) {
      const door = world.model.door(id);
      await finished(world, operator.lockDown(door, false));
      await finished(world, operator.lockDownPlace(door.place_id, false));
      let isOpen = false;
      for (let tries = 0; tries < 8 && !isOpen; tries++)
        isOpen = (await finished(world, operator.unlock(door)))?.status === 200;
      if (!isOpen) world.witness.complain(`door ${id} does not open any more`);
    }
  await world.pass(5_000);
  for (let tries = 0; tries < 30 && !world.witness.knowsAll; tries++) await world.pass(1_000);
}

/** Time passes until it is done. */
async function finished<T>(world: World, work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  done.catch(() => {});
  for (let tries = 0; tries < 400 && !isDone; tries++) await world.pass(100);
  if (!isDone) world.witness.complain('something is never finished');
  return done;
}
