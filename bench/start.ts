import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { askOnce } from './load.ts';
import { type Figure, median, rounded } from './measure.ts';
import { unlockRequest } from './running-house.ts';

const postern = fileURLToPath(new URL('../postern.ts', import.meta.url));

/** From the command to an open door, as somebody who tries Postern lives it: on nothing, and then on what that made. */
export async function measureStart({ rounds }: { rounds: number }): Promise<Figure[]> {
  const first: number[] = [];
  const after: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
    try {
      first.push(await secondsToFirstUnlock(folder));
      after.push(await secondsToFirstUnlock(folder));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const what = 'the demo: process, tables, keys, agent, one unlock over HTTP';
  const range = (values: number[]) => `${rounded(Math.min(...values))} to ${rounded(Math.max(...values))} s`;
  const common = { unit: 's', better: 'lower' } as const;
  return [
    {
      ...common,
      name: 'start to first unlock, from nothing',
      value: median(first),
      bound: 2.5,
      detail: `${what}; ${range(first)}`,
    },
    {
      ...common,
      name: 'start to first unlock, again',
      value: median(after),
      bound: 1.5,
      detail: `the same on its data; ${range(after)}`,
    },
  ];
}

async function secondsToFirstUnlock(folder: string): Promise<number> {
  const began = performance.now();
  const child = spawn(process.execPath, [postern, 'demo', '--json'], {
    env: {
      ...process.env,
      POSTERN_DATA: join(folder, 'data'),
      POSTERN_PORT: '0',
      NODE_COMPILE_CACHE: join(folder, 'compile-cache'),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), once(child, 'exit')]);
    const { url, link, locks } = JSON.parse(String(line)); // what `demo --json` prints
    await askOnce(Number(new URL(url).port), unlockRequest(link.secret, locks[0].id));
    return (performance.now() - began) / 1000;
  } finally {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    if (child.exitCode === null) await ended;
  }
}
