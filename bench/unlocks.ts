import { type LoadResult, runLoad, runOrdinaryLoad } from './load.ts';
import { type Figure, interleaved, median, quantile, rounded } from './measure.ts';
import { startProcess } from './processes.ts';
import { type RunningHouse, requestParts } from './running-house.ts';

const connections = 64;
const clients = ['ordinary', 'lean'] as const;
const servers = ['bare', 'postern'] as const;
type Contender = `${(typeof servers)[number]}, ${(typeof clients)[number]}`;

interface Size {
  rounds: number;
  durationMs: number;
  linkCount: number;
}

/**
 * Unlocking over HTTP: every request is that of another link, and is answered only after its event is on the disk and
 * the agent has moved the lock. Beside it a bare `node:http` server that answers the same bytes. Asked by the client
 * that programs on Node have, and by one that costs next to nothing and so shows the servers alone.
 */
export async function measureUnlocks(house: RunningHouse, size: Size): Promise<Figure[]> {
  const { server, port, answer } = house;
  const atRest = await server.memoryMb();
  await using bare = await startProcess<{ port: number }>('bare', partsOf(answer));
  const p99s = new Map<Contender, number[]>();
  const measured = (name: Contender, load: () => Promise<LoadResult>) => async () => {
    const { perSecond, latenciesMs } = await load();
    p99s.set(name, [...(p99s.get(name) ?? []), quantile(latenciesMs, 0.99)]);
    return perSecond;
  };
  const loads = (at: number) => ({
    ordinary: () => runOrdinaryLoad({ ...load(at), next: () => requestParts(house.nextUnlock()) }),
    lean: () => runLoad({ ...load(at), next: house.nextUnlock }),
  });
  const load = (at: number) => ({ port: at, connections, durationMs: size.durationMs });
  const [ofBare, ofPostern] = [loads(bare.ready.port), loads(port)];
  const contenders: Record<Contender, () => Promise<number>> = {
    'bare, ordinary': measured('bare, ordinary', ofBare.ordinary),
    'postern, ordinary': measured('postern, ordinary', ofPostern.ordinary),
    'bare, lean': measured('bare, lean', ofBare.lean),
    'postern, lean': measured('postern, lean', ofPostern.lean),
  };
  const results = await interleaved(size.rounds, contenders);
  const underLoad = await server.memoryMb();
  return [
    ...clients.flatMap((client) => figuresOf(client, results, { p99s, size })),
    memory('at rest', atRest, 'after its first unlock'),
    memory('under load', underLoad, 'after the unlocks above'),
  ];
}

function figuresOf(
  client: (typeof clients)[number],
  results: Record<Contender, number>[],
  { p99s, size }: { p99s: ReadonlyMap<Contender, number[]>; size: Size },
): Figure[] {
  const of = (server: (typeof servers)[number]) => results.map((result) => result[`${server}, ${client}`]);
  const late = (server: (typeof servers)[number]) =>
    (p99s.get(`${server}, ${client}`) ?? []).slice(-size.rounds);
  const ratio = (some: number[], others: number[]) =>
    median(some.map((value, round) => value / (others[round] ?? value)));
  const words = client === 'lean' ? 'a client that costs next to nothing' : 'node:http as the client';
  const speeds = `${rounded(median(of('postern')))} against ${rounded(median(of('bare')))} a second`;
  return [
    {
      name: `unlocks over HTTP, against a bare node:http server (${words})`,
      value: ratio(of('postern'), of('bare')),
      unit: 'ratio',
      better: 'higher',
      ...(client === 'ordinary' ? { bound: 0.2 } : {}),
      detail: `${speeds}; ${connections} connections, ${size.linkCount} links`,
    },
    {
      name: `p99 of those unlocks, against the bare server's (${words})`,
      value: ratio(late('postern'), late('bare')),
      unit: 'ratio',
      better: 'lower',
      detail: `${rounded(median(late('postern')))} against ${rounded(median(late('bare')))} ms`,
    },
  ];
}

function memory(when: string, value: number, detail: string): Figure {
  return {
    name: `memory of the server ${when}`,
    value,
    unit: 'MB',
    better: 'lower',
    detail: `resident, ${detail}`,
  };
}

/** The answer once more, for the bare server: without what node:http adds by itself. */
function partsOf(answer: string): { headers: [string, string][]; body: string } {
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  const headers = head
    .split('\r\n')
    .slice(1)
    .map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    })
    .filter(([name]) => !/^(date|connection|keep-alive)$/i.test(name));
  return { headers, body };
}
