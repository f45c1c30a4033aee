import { after, before, describe, it } from 'node:test';
import { type Cut, CutLine } from './cut-line.ts';
import { CutOffHouse, serveAlone } from './cut-off-house.ts';
import { tellTheStory } from './cut-off-story.ts';

/*
 * The whole system with the line between server and agent cut: both as processes of their own, a scanner on a real tty, a lock
 * behind a real MQTT broker, and codes that another decoder reads in their pictures.
 */

for (const how of ['reset', 'stall'] as const satisfies Cut[]) {
  describe(`a door whose line to the server is cut (${how})`, { timeout: 120_000 }, () => {
    const open = new AsyncDisposableStack();
    let house: CutOffHouse;
    let line: CutLine;
    before(async () => {
      const { folder, key, server } = open.use(await serveAlone());
      line = open.use(await CutLine.open(server));
      house = open.use(await CutOffHouse.build({ folder, key, road: { server, line_url: line.url } }));
    });
    after(() => open.disposeAsync());

    it('opens for whom it has never heard of, refuses whom it should, and tells all of it once', async () => {
      await tellTheStory(house, {
        cut: () => line.cut(how),
        heal: () => line.heal(),
      });
    });
  });
}
