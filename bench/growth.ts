import { performance } from 'node:perf_hooks';
import type { Size } from './grow.ts';
import { askOnce, runLoad } from './load.ts';
import { type Figure, interleaved, median, rounded } from './measure.ts';
import { type RunningHouse, startHouse } from './running-house.ts';

const connections = 64;
const firstLinks = 300;

/** What people look at: an operator's lists and searches, one page each. */
const pages = {
  'the first page of links': '/group_links?limit=50',
  'a link by its name': '/group_links?query=Visitor%20777',
  'the newest events': '/events?limit=50',
  'the events of one link': '/events?limit=50&event_actor_type=GroupLink&event_actor_id=1000777',
};

/** The same on a small house and on a large one: unlocks, and the pages that people look at. */
export async function measureGrowth(size: {
  small: Size;
  large: Size;
  rounds: number;
  durationMs: number;
  pageRounds: number;
}): Promise<Figure[]> {
  await using small = await startHouse({ linkCount: firstLinks, grown: size.small });
  await using large = await startHouse({ linkCount: firstLinks, grown: size.large });
  const load = (house: RunningHouse) => async () => {
    const { port, nextUnlock: next } = house;
    return 1e6 / (await runLoad({ port, connections, durationMs: size.durationMs, next })).perSecond;
  };
  const contenders = { small: load(small), large: load(large) };
  await interleaved(2, contenders); // the compilers have their say first
  const results = await interleaved(size.rounds, contenders);
  const sizes = `${sizeWords(size.large)} against ${sizeWords(size.small)}`;
  const unlock: Figure = {
    name: 'an unlock in a large house, against a small one',
    value: median(results.map((result) => result.large / result.small)),
    unit: 'ratio',
    better: 'lower',
    bound: 1.25,
    detail: `${micros(results, 'large')} against ${micros(results, 'small')} µs; ${sizes}`,
  };
  const figures = [unlock];
  for (const [what, path] of Object.entries(pages)) {
    const times = { small: [] as number[], large: [] as number[] };
    for (let round = 0; round < size.pageRounds; round++) {
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

function micros(results: Record<'small' | 'large', number>[], name: 'small' | 'large'): string {
  return rounded(median(results.map((result) => result[name])));
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
