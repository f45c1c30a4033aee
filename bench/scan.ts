import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Figure, median, quantile, rounded } from './measure.ts';
import type { RunningHouse } from './running-house.ts';

const recordBytes = 256;

/**
 * From a text at a reader to the answer after the lock has moved, one visitor after the other: reader, agent, server,
 * commit, command. Beside it what no door can do without: one verification and one record on the disk.
 */
export async function measureScans(
  { agent, passes }: RunningHouse,
  { rounds }: { rounds: number },
): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
  const file = openSync(join(folder, 'records'), 'w');
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const message = Buffer.alloc(recordBytes, 1);
  const signature = sign(null, message, privateKey);
  const bare = () => {
    verify(null, message, publicKey, signature);
    writeSync(file, message);
    fdatasyncSync(file);
  };
  const socket = connect({ port: agent.ready.readers[0]?.port ?? 0, host: '127.0.0.1', noDelay: true });
  const lines = createInterface(socket);
  const scans: number[] = [];
  const records: number[] = [];
  try {
    for (const pass of passes.slice(0, rounds)) {
      const began = performance.now();
      bare();
      records.push(performance.now() - began);
      const presented = performance.now();
      socket.write(`${pass}\n`);
      const [answer] = await once(lines, 'line');
      scans.push(performance.now() - presented);
      if (answer !== 'granted') throw new Error(`The reader said ${answer}.`);
    }
  } finally {
    socket.destroy();
    closeSync(file);
    rmSync(folder, { recursive: true, force: true });
  }
  return [
    {
      name: 'scan to the moved lock, against one verification and one fdatasync of 256 bytes',
      value: median(scans.map((ms, index) => ms / (records[index] ?? ms))),
      unit: 'ratio',
      better: 'lower',
      detail: `median ${rounded(median(scans))} ms, p99 ${rounded(quantile(scans, 0.99))} ms, against ${rounded(median(records))} ms`,
    },
  ];
}
