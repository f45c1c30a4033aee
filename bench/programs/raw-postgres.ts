import { randomUUIDv7 } from 'node:crypto';
import { Pool } from 'pg';
import { asProgram } from '../processes.ts';
import type { RecordedStatement, RecordedValue } from '../recorded-unlock.ts';

/** As many as the server has, and as many at once as the load on it. */
const connections = 20;
const atOnce = 64;

export interface RawLoopSettings {
  url: string;
  statements: RecordedStatement[];
  linkIds: number[];
}

/** Runs the statements of an unlock over and over, of another link each time. */
await asProgram(async ({ url, statements, linkIds }: RawLoopSettings) => {
  const pool = new Pool({ connectionString: url, max: connections });
  pool.on('connect', (client) => {
    void client.query("select set_config('postern.organization', '*', false)");
  });
  let turn = 0;
  const once = async () => {
    const facts = { link: linkIds[turn++ % linkIds.length], uuid: randomUUIDv7() };
    const client = await pool.connect();
    try {
      for (const { values, ...statement } of statements)
        await client.query({ ...statement, values: values.map((value) => played(value, facts)) });
    } finally {
      client.release();
    }
  };
  const run = async (durationMs: number) => {
    const began = performance.now();
    let count = 0;
    const loop = async () => {
      for (; performance.now() < began + durationMs; count++) await once();
    };
    await Promise.all(Array.from({ length: atOnce }, loop));
    return (count * 1000) / (performance.now() - began);
  };
  return { ready: {}, answer: (durationMs) => run(Number(durationMs)), close: () => pool.end() };
});

function played(value: RecordedValue, facts: { link: number | undefined; uuid: string }): unknown {
  if ('bytes' in value) return Buffer.from(value.bytes, 'base64');
  return value.is === 'same' ? value.value : facts[value.is];
}
