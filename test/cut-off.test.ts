import { after, before, describe, it } from 'node:test';
import { CutLine } from './cut-line.ts';
import { CutOffHouse, serveAlone } from './cut-off-house.ts';
import { commandDuringCuts, tellTheStory } from './cut-off-story.ts';
import { type Figures, figure, report } from './figures.ts';

/*
 * The whole system with the line between server and agent cut: both as processes of their own, a scanner on a real tty, a lock
 * behind a real MQTT broker, and codes that another decoder reads in their pictures.
 */

const cuts: Figures = { small: 20, large: 250 };

describe('a door whose line to the server is cut', { timeout: figure(cuts) * 15_000 }, () => {
  const open = new AsyncDisposableStack();
  let house: CutOffHouse;
  let line: CutLine;
  before(async () => {
    const { folder, key, server } = open.use(await serveAlone());
    line = open.use(await CutLine.open(server));
    house = open.use(await CutOffHouse.build({ folder, key, road: { server, line_url: line.url } }));
  });
  after(() => open.disposeAsync());

  for (const how of ['reset', 'stall'] as const) {
    it(`opens for whom it has never heard of, refuses whom it should, and tells each once (${how})`, async () => {
      await tellTheStory(house, { cut: () => line.cut(how), heal: () => line.heal() });
    });
  }

  it('never opens late, or twice, for what was commanded meanwhile', async (context) => {
    const done = await commandDuringCuts(house, figure(cuts), (cut) => {
      const how = cut % 4 === 0 ? 'reset' : 'stall';
      return { cut: () => line.cut(how), heal: () => line.heal() };
    });
    report(context, 'cuts with commands', done);
  });
});
