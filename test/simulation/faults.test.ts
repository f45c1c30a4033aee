import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { seed } from '../seed.ts';
import { faults } from './faults.ts';
import { makeTemplate, type Template } from './house.ts';
import { runWorld } from './run.ts';
import { Violation } from './world.ts';

/* What the simulated installations are worth: bugs that are planted in them are noticed. */

const worldsMax = 120;
const steps = 500;

let template: Template;

before(async () => {
  template = await makeTemplate();
});
after(() => template[Symbol.dispose]());

describe(`a simulated installation with a fault (POSTERN_SEED=${seed})`, () => {
  for (const fault of faults) {
    it(`is found out: ${fault.name}`, async (t) => {
      for (let world = 0; world < worldsMax; world++) {
        const violation = await violationOf({ seed: seed + world, steps, fault });
        if (violation) return t.diagnostic(`noticed in world ${world + 1}: ${violation}`);
      }
      assert.fail(`${worldsMax} worlds, and nobody noticed`);
    });
  }
});

async function violationOf(run: Parameters<typeof runWorld>[1]): Promise<string | null> {
  try {
    return await runWorld(template, run, () => null);
  } catch (error) {
    assert.ok(error instanceof Violation, String(error));
    return error.message.split('\n', 1)[0] ?? '';
  }
}
