import type { Size } from './grow.ts';
import { askOnce, runLoad } from './load.ts';
import { type Figure, interleaved, median, middleOf, rounded } from './measure.ts';
import { type RunningHouse, startHouse } from './running-house.ts';

const manyConnections = 64;
const firstLinks = 300;

/** What people look at: an operator's lists and searches, one page each. */
const pages = {
  'the first page of links': '/group_links?limit=50',
  'a link by its name': '/group_links?query=Visitor%20777',
  'the newest events': '/events?limit=50',
  'the events of one link': '/events?limit=50&event_actor_type=GroupLink&event_actor_id=1000777',
};

interface GrowthSize {
  small: Size;
  large: Size;
  rounds: number;
  durationMs: number;
  pageRounds: number;
}

/** The same on a small house and on a large one: unlocks, and the pages that people look at. */
export async function measureGrowth(size: GrowthSize): Promise<Figure[]> {
  // A small house's links are asked for more often than any visitor would.
  const environment = { POSTERN_RATE_LIMITS: 'off' };
  await using small = await startHouse({ linkCount: firstLinks, grown: size.small, environment });
  await using large = await startHouse({ linkCount: firstLinks, grown: size.large, environment });
  return [...(await unlockFigures({ small, large }, size)), ...(await pageFigures({ small, large }, size))];
}

type Houses = Record<'small' | 'large', RunningHouse>;

async function unlockFigures(houses: Houses, size: GrowthSize): Promise<Figure[]> {
  const load = async (house: RunningHouse, connections: number) =>
    runLoad({ port: house.port, connections, durationMs: size.durationMs, next: house.nextUnlock });
  const latency = (house: RunningHouse) => async () => median((await load(house, 1)).latenciesMs);
  const busy = (house: RunningHouse) => async () => 1000 / (await load(house, manyConnections)).perSecond;
  const figures: Figure[] = [];
  for (const [what, measure, bound] of [
    ['an unlock', latency, 1.25],
    [`one of many unlocks at once (${manyConnections} connections)`, busy, undefined],
  ] as const) {
    const contenders = { small: measure(houses.small), large: measure(houses.large) };
    const results = await interleaved(size.rounds, contenders);
    figures.push({
      name: `${what} in a large house, against a small one`,
      value: median(results.map((result) => result.large / result.small)),
      unit: 'ratio',
      better: 'lower',
      ...(bound === undefined ? {} : { bound }),
      detail: `${middleOf(results, 'large')} against ${middleOf(results, 'small')} ms; ${sizeWords(size.large)} against ${sizeWords(size.small)}`,
    });
  }
  return figures;
}

async function pageFigures({ small, large }: Houses, { pageRounds }: GrowthSize): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [what, path] of Object.entries(pages)) {
    const times = { small: [] as number[], large: [] as number[] };
    for (let round = 0; round < pageRounds; round++) {
      times.small.push(await millisecondsOf(small, path));
      times.large.push(await millisecondsOf(large, path));
    }
    figures.push({
      name: `${what} in a large house, against a small one`,
      value: median(times.large) / median(times.small),
      unit: 'ratio',
      better: 'lower',
      detail: `${rounded(median(times.large))} against ${rounded(median(times.small))} ms`,
    });
  }
  return figures;
}

function sizeWords({ links, events }: Size): string {
  return `${links.toLocaleString('en')} links and ${events.toLocaleString('en')} events`;
}

async function millisecondsOf({ port, house }: RunningHouse, path: string): Promise<number> {
  const began = performance.now();
  await askOnce(
    port,
    Buffer.from(
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: KISI-LOGIN ${house.api_key}\r\n\r\n`,
    ),
  );
  return performance.now() - began;
}
