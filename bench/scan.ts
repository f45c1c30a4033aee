import {
  createHash,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  randomUUIDv7,
  sign,
  verify,
} from 'node:crypto';
import { closeSync, fdatasyncSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { deflateSync } from 'node:zlib';
import { type AgentCore, composeAgent } from '../agent/composition.ts';
import { keptFile } from '../agent/kept-file.ts';
import { outside } from '../agent/main.ts';
import { logStore } from '../agent/outbox-file.ts';
import { scanning } from '../agent/scan.ts';
import { type PassSigner, signPass } from '../domain/pass.ts';
import type { Replica } from '../domain/replica.ts';
import { hex, listDigest, segmentBytes, statementBytes } from '../domain/revocation-list.ts';
import { type Figure, median, quantile, rounded } from './measure.ts';

const recordBytes = 256;
const warmUpScans = 20;
const [organization_id, group_id, door_id] = [7, 12, 1];
const silent = { info() {}, warn() {} };
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();

/**
 * From a text at a reader to the command at the lock, one visitor after the other, on an agent that has lost the network: it
 * checks the pass, decides, and writes its record to the disk. Beside it, taking turns, what no door can do without: one
 * verification and one record on the disk.
 */
export async function measureScans({ rounds }: { rounds: number }): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const agent = await cutOffAgent(folder, { publicKey, privateKey });
  const bare = bareDoor(join(folder, 'bare'), { publicKey, privateKey });
  const scans: number[] = [];
  const records: number[] = [];
  try {
    for (let round = -warmUpScans; round < rounds; round++) {
      const pass = agent.passes.next();
      // What runs first finds the disk otherwise than what runs second.
      const [first, second] = round % 2 === 0 ? [records, scans] : [scans, records];
      for (const into of [first, second]) into.push(into === scans ? await agent.scan(pass) : bare.record());
    }
  } finally {
    bare.close();
    await agent.core.close();
    rmSync(folder, { recursive: true, force: true });
  }
  for (const times of [scans, records]) times.splice(0, warmUpScans);
  return [
    {
      name: 'scan to the moved lock, against one verification and one fdatasync of 256 bytes',
      value: median(scans.map((ms, index) => ms / (records[index] ?? ms))),
      unit: 'ratio',
      better: 'lower',
      bound: 2,
      detail: `decided at the door, the network cut; median ${rounded(median(scans))} ms, p99 ${rounded(quantile(scans, 0.99))} ms, against ${rounded(median(records))} ms`,
    },
  ];
}

interface KeyPair {
  publicKey: KeyObject;
  privateKey: KeyObject;
}

/** The parts of a real agent, on a real disk, with what the server told it before the line went dead. */
async function cutOffAgent(folder: string, keys: KeyPair) {
  mkdirSync(join(folder, 'outbox'));
  const disk = logStore(join(folder, 'outbox'));
  let written = Promise.resolve();
  const append = (text: string) => {
    written = disk.append(text);
    return written;
  };
  const core = composeAgent({
    file: (name) => keptFile(join(folder, name)),
    store: { ...disk, append },
    systemMs: Date.now,
    ...{ monotonicMs: outside.monotonicMs, after: outside.after, nonce: outside.nonce },
    ...{ uuid: randomUUIDv7, version: 'measured', log: silent },
  });
  await core.open();
  const signer: PassSigner = {
    kid: randomBytes(4),
    sign: (bytes) => sign(null, bytes, keys.privateKey),
  };
  await teach(core, signer, keys.publicKey);
  let movedAt = Number.NaN;
  const { replica, revocations, clock, outbox, unreadable } = core;
  const scan = scanning({
    ...{ door_id, reader: 'Reader', replica, revocations, clock, outbox, unreadable },
    monotonicMs: outside.monotonicMs,
    isLockedDown: () => false,
    ask: () => Promise.resolve(null),
    async pulse() {
      movedAt = performance.now();
      return { outcome: 'done', message: '' };
    },
  });
  return {
    core,
    passes: passesInTurn(signer),
    /** How long it took until the lock was told to move, in milliseconds. */
    async scan(pass: string) {
      const began = performance.now();
      const shown = await scan(pass);
      if (shown.shown !== 'granted') throw new Error(`The reader showed ${JSON.stringify(shown)}.`);
      await nextTurn(); // what became of the lock is written after it: not while the other side is measured
      await written;
      return movedAt - began;
    },
  };
}

/** As the server would: one door, one group, a list on which nobody is. */
async function teach(
  { replica, upkeep }: AgentCore,
  signer: PassSigner,
  publicKey: KeyObject,
): Promise<void> {
  const known: Replica = {
    ...{ organization_id, revision: 1, readers: [] },
    keys: [{ kid: hex(signer.kid), public_key: publicKey.export({ format: 'jwk' }).x ?? '' }],
    groups: [{ id: group_id, schedules: [] }],
    doors: [
      {
        ...{ id: door_id, name: 'Front door', time_zone: 'Europe/Berlin', pulse_ms: 3_000 },
        ...{
          static_offline_limit: 86_400,
          live_offline_limit: 86_400,
          live_only: false,
          group_ids: [group_id],
        },
      },
    ],
  };
  await upkeep.receive({ type: 'replica', part: 0, parts: 1, text: JSON.stringify(known) });
  const bits = new Uint8Array(segmentBytes);
  const deflated = deflateSync(bits).toString('base64');
  await upkeep.receive({ type: 'revocation_segment', segment: 0, bits: deflated });
  const digest = listDigest(new Map([[0, hex(sha256(bits))]]), sha256);
  const signed_at = new Date().toISOString();
  const unsigned = { organization_id, epoch: 1, signed_at, length: 100_000, digest };
  const signature = Buffer.from(signer.sign(statementBytes(unsigned))).toString('base64url');
  const statement = { ...unsigned, kid: hex(signer.kid), signature };
  await upkeep.receive({ type: 'revocation_statement', statement, whole: true });
  if (replica.door(door_id) === null) throw new Error('The agent did not take what it was told.');
}

/** Each of a visitor of its own. */
function passesInTurn(signer: PassSigner) {
  const issued_at = Math.floor(Date.now() / 1000) - 60;
  let index = 0;
  return {
    next() {
      index += 1;
      const window = { issued_at, not_before: issued_at, expires_at: issued_at + 604_800 };
      const claims = { organization_id, link_id: 100_000 + index, group_id, index, online: false, ...window };
      return signPass(claims, signer);
    },
  };
}

/** One verification, and one record of 256 bytes that would survive a power cut. */
function bareDoor(path: string, { publicKey, privateKey }: KeyPair) {
  const file = openSync(path, 'w');
  const message = Buffer.alloc(recordBytes, 1);
  const signature = sign(null, message, privateKey);
  return {
    record() {
      const began = performance.now();
      if (!verify(null, message, publicKey, signature)) throw new Error('A signature of ours was refused.');
      writeSync(file, message);
      fdatasyncSync(file);
      return performance.now() - began;
    },
    close: () => closeSync(file),
  };
}
