import { castOf } from './cast.ts';
import type { Template } from './house.ts';
import { recover, step } from './steps.ts';
import { type Fault, Violation, World } from './world.ts';

const shownLinesMax = 30;

export interface Run {
  seed: number;
  steps: number;
  fault?: Fault;
}

/** One world from its beginning to its end. Throws, with the last of what happened, when an invariant does not hold. */
export async function runWorld<T>(template: Template, run: Run, end: (world: World) => T): Promise<T> {
  const { seed, steps, fault = null } = run;
  const world = new World(template, seed, fault);
  try {
    const cast = castOf(world);
    for (world.step = 1; world.step <= steps; world.step++) await step(cast);
    await recover(cast);
    world.lookBack();
    return end(world);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    throw new Violation(story(world, error.message));
  } finally {
    await world.close();
  }
}

function story({ seed, step, trace }: World, violation: string): string {
  return [
    `World ${seed}, step ${step}: ${violation}`,
    ...trace.slice(-shownLinesMax),
    `Again: POSTERN_SEED=${seed} node --test --test-name-pattern=promise test/simulation/simulation.test.ts`,
  ].join('\n');
}
