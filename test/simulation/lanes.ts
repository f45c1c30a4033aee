import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { makeTemplate } from './house.ts';
import { runWorld } from './run.ts';

/** Worlds with seeds one after the other. */
export interface Lane {
  seed: number;
  worlds: number;
  steps: number;
}

/** What happened in worlds in which nothing happened that must not. */
export interface Sum {
  grants: number;
  crashes: number;
}

/** Throws at the first world in which an invariant does not hold. */
export async function runLane({ seed, worlds, steps }: Lane): Promise<Sum> {
  using template = await makeTemplate();
  const sum: Sum = { grants: 0, crashes: 0 };
  for (let world = 0; world < worlds; world++) {
    await runWorld(template, { seed: seed + world, steps }, (ended) => {
      for (const link of ended.model.links.values()) sum.grants += link.grants;
      sum.crashes += ended.crashes;
    });
  }
  return sum;
}

/** The same worlds in several threads, which have nothing to do with each other. */
export async function runLanes({ seed, worlds, steps }: Lane, lanes: number): Promise<Sum> {
  if (lanes === 1) return runLane({ seed, worlds, steps });
  const share = Math.ceil(worlds / lanes);
  const sums = await Promise.all(
    Array.from({ length: lanes }, (_, lane) => {
      const first = lane * share;
      return inThread({ seed: seed + first, worlds: Math.min(share, worlds - first), steps });
    }),
  );
  return {
    grants: sums.reduce((sum, { grants }) => sum + grants, 0),
    crashes: sums.reduce((sum, { crashes }) => sum + crashes, 0),
  };
}

/** Rejects with what the thread threw. */
async function inThread(lane: Lane): Promise<Sum> {
  const worker = new Worker(new URL(import.meta.url), { workerData: lane });
  try {
    const [sum] = await once(worker, 'message');
    return sum as Sum; // the last line of this file posts it
  } finally {
    await worker.terminate();
  }
}

if (!isMainThread && parentPort) parentPort.postMessage(await runLane(workerData as Lane)); // as `inThread` gives it
