import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { after, before, describe, it } from 'node:test';
import { figure, report } from '../figures.ts';
import { seed } from '../seed.ts';
import { makeTemplate, type Template } from './house.ts';
import { runLanes } from './lanes.ts';
import { runWorld } from './run.ts';

/*
 * Whole installations on a clock, a network and a disk that are made up: the server, its agents, visitors and operators
 * run as they are, everything that happens to them comes out of one seed, and after each step all of ARCHITECTURE's
 * "What always holds" is looked at from the outside. A world that fails prints the command that shows it again.
 */

const small = 300;
const worlds = figure({ small, large: 5_000 });
/** In `npm test` other files run at the same time; the long run has the machine for itself. */
const lanes = worlds > small ? availableParallelism() : 1;
const msPerWorldMax = 6_000;
const steps = 500;

let template: Template;

before(async () => {
  template = await makeTemplate();
});
after(() => template[Symbol.dispose]());

describe(`a simulated installation (POSTERN_SEED=${seed})`, () => {
  it(`keeps every promise in each of ${worlds} worlds of ${steps} steps`, {
    timeout: worlds * msPerWorldMax,
  }, async (t) => {
    const { grants, crashes } = await runLanes({ seed, worlds, steps }, lanes);
    const figures = { worlds, steps, grants, 'server crashes': crashes, violations: 0, seed };
    report(t, 'simulated installations', figures);
    assert.ok(grants > worlds && crashes > worlds, 'too little has happened to show anything');
  });

  it('goes exactly the same way again: each line of its story, each row of its tables', async () => {
    const run = { seed, steps };
    const once = await runWorld(template, run, (world) => world.fingerprint());
    const again = await runWorld(template, run, (world) => world.fingerprint());
    const other = await runWorld(template, { ...run, seed: seed + 1 }, (world) => world.fingerprint());
    assert.equal(again, once);
    assert.notEqual(other, once);
  });
});
