import { runLoad } from './load.ts';
import { type Figure, interleaved, median, quantile, rounded } from './measure.ts';
import { startProcess } from './processes.ts';
import type { RunningHouse } from './running-house.ts';

const connections = 64;

/**
 * Unlocking over HTTP: every request is that of another link, and is answered only after its event is on the disk and
 * the agent has moved the lock. Beside it a bare `node:http` server that answers the same bytes.
 */
export async function measureUnlocks(
  { server, port, nextUnlock: next, answer }: RunningHouse,
  { rounds, durationMs, linkCount }: { rounds: number; durationMs: number; linkCount: number },
): Promise<Figure[]> {
  const atRest = await server.memoryMb();
  await using bare = await startProcess<{ port: number }>('bare', partsOf(answer));
  const p99s = { bare: [] as number[], postern: [] as number[] };
  const load = (name: keyof typeof p99s, at: number) => async () => {
    const { perSecond, latenciesMs } = await runLoad({ port: at, connections, durationMs, next });
    p99s[name].push(quantile(latenciesMs, 0.99));
    return perSecond;
  };
  const contenders = { bare: load('bare', bare.ready.port), postern: load('postern', port) };
  await interleaved(2, contenders); // the compilers have their say first
  for (const name of ['bare', 'postern'] as const) p99s[name] = [];
  const results = await interleaved(rounds, contenders);
  const underLoad = await server.memoryMb();
  const speed = (name: keyof typeof p99s) => rounded(median(results.map((result) => result[name])));
  const common = { better: 'lower' } as const;
  return [
    {
      name: 'unlocks over HTTP, against bare node:http',
      value: median(results.map((result) => result.postern / result.bare)),
      unit: 'ratio',
      better: 'higher',
      bound: 0.2,
      detail: `${speed('postern')} against ${speed('bare')} a second; ${connections} connections, ${linkCount} links`,
    },
    {
      ...common,
      name: 'p99 of those unlocks, against bare node:http',
      value: median(p99s.postern.map((ms, index) => ms / (p99s.bare[index] ?? ms))),
      unit: 'ratio',
      detail: `${rounded(median(p99s.postern))} against ${rounded(median(p99s.bare))} ms`,
    },
    {
      ...common,
      name: 'memory of the server at rest',
      value: atRest,
      unit: 'MB',
      detail: 'resident, after its first unlock',
    },
    {
      ...common,
      name: 'memory of the server under load',
      value: underLoad,
      unit: 'MB',
      detail: 'resident, after the unlocks above',
    },
  ];
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
