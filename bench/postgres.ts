import { tmpdir } from 'node:os';
import { createDatabase, prepareTemplate, startPostgres } from '../test/postgres.ts';
import { runLoad } from './load.ts';
import { type Figure, interleaved, median, middleOf } from './measure.ts';
import { startProcess } from './processes.ts';
import type { RawLoopSettings } from './programs/raw-postgres.ts';
import { startHouse } from './running-house.ts';

const connections = 64;

/**
 * Unlocks over HTTP on PostgreSQL, against a loop over `pg` that runs the statements of an unlock and nothing else: the
 * same texts, over as many connections. Its data lies on the disk, and every commit waits for it.
 */
export async function measurePostgres(size: {
  rounds: number;
  durationMs: number;
  linkCount: number;
}): Promise<Figure[]> {
  const { rounds, durationMs, linkCount } = size;
  const postgres = await startPostgres([], tmpdir());
  try {
    await prepareTemplate(postgres.adminUrl);
    const database = await createDatabase(postgres.adminUrl);
    await using house = await startHouse({
      linkCount,
      environment: { POSTERN_DATABASE_URL: database.url },
    });
    const { port, nextUnlock: next, linkIds } = house;
    const statements = house.house.unlockStatements;
    const settings: RawLoopSettings = { url: database.url, statements, linkIds };
    await using raw = await startProcess('raw-postgres', settings);
    const load = (at: number) => async () =>
      (await runLoad({ port: at, connections, durationMs, next })).perSecond;
    const contenders = { postern: load(port), raw: () => raw.ask<number>(durationMs) };
    const results = await interleaved(rounds, contenders);
    return [
      {
        name: 'unlocks over HTTP on PostgreSQL, against the same statements over pg',
        value: median(results.map((result) => result.postern / result.raw)),
        unit: 'ratio',
        better: 'higher',
        bound: 0.7,
        detail: `${middleOf(results, 'postern')} against ${middleOf(results, 'raw')} a second; ${statements.length} statements each`,
      },
    ];
  } finally {
    await postgres.stop();
  }
}
