import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { scanning } from './scan.ts';
import { memoryCore } from './stand-in-disk.ts';
import { packed, StandInHouse, segmentOf } from './stand-in-house.ts';

/*
 * What docs/concepts/offline.md says in words. In a cell stands what happens at the door: `open`: the agent opens, with
 * and without the server; `live`: it refuses, with and without; `old` and `ask`: the server decides, and while the line is
 * cut the reader shows that the list is too old or that the server is needed.
 */

const ages = {
  ...{ '1 min ahead': -60, '1 min': 60, '60 min': 3_600, 'a bit more': 3_601 },
  ...{ '24 h': 86_400, 'a bit more than 24 h': 86_401, '30 days': 30 * 86_400, none: null },
};
const policies = {
  never: { static_offline_limit: 0, live_only: false },
  '1 h': { static_offline_limit: 3_600, live_only: false },
  '24 h': { static_offline_limit: 86_400, live_only: false },
  live: { static_offline_limit: 86_400, live_only: true },
};
const kinds = {
  /** Of a visitor who came before, or never; signed long ago. */
  offline: { online: false, issued: 20 * 86_400 },
  /** Of type `online`, or of a link with a limit of uses: their passes say the same. */
  online: { online: true, issued: 20 * 86_400 },
  /** Signed half an hour ago: nobody can have revoked it before that. */
  fresh: { online: false, issued: 1_800 },
};

type Cell = 'open' | 'live' | 'old' | 'ask';
type Row = Record<keyof typeof policies, Cell>;

const cells: Record<keyof typeof kinds, Record<keyof typeof ages, Row>> = {
  offline: {
    '1 min ahead': { never: 'old', '1 h': 'open', '24 h': 'open', live: 'live' },
    '1 min': { never: 'old', '1 h': 'open', '24 h': 'open', live: 'live' },
    '60 min': { never: 'old', '1 h': 'open', '24 h': 'open', live: 'live' },
    'a bit more': { never: 'old', '1 h': 'old', '24 h': 'open', live: 'live' },
    '24 h': { never: 'old', '1 h': 'old', '24 h': 'open', live: 'live' },
    'a bit more than 24 h': { never: 'old', '1 h': 'old', '24 h': 'old', live: 'live' },
    '30 days': { never: 'old', '1 h': 'old', '24 h': 'old', live: 'live' },
    none: { never: 'old', '1 h': 'old', '24 h': 'old', live: 'live' },
  },
  online: {
    '1 min ahead': { never: 'old', '1 h': 'ask', '24 h': 'ask', live: 'live' },
    '1 min': { never: 'old', '1 h': 'ask', '24 h': 'ask', live: 'live' },
    '60 min': { never: 'old', '1 h': 'ask', '24 h': 'ask', live: 'live' },
    'a bit more': { never: 'old', '1 h': 'old', '24 h': 'ask', live: 'live' },
    '24 h': { never: 'old', '1 h': 'old', '24 h': 'ask', live: 'live' },
    'a bit more than 24 h': { never: 'old', '1 h': 'old', '24 h': 'old', live: 'live' },
    '30 days': { never: 'old', '1 h': 'old', '24 h': 'old', live: 'live' },
    none: { never: 'old', '1 h': 'old', '24 h': 'old', live: 'live' },
  },
  fresh: {
    '1 min ahead': { never: 'old', '1 h': 'open', '24 h': 'open', live: 'live' },
    '1 min': { never: 'old', '1 h': 'open', '24 h': 'open', live: 'live' },
    '60 min': { never: 'old', '1 h': 'open', '24 h': 'open', live: 'live' },
    'a bit more': { never: 'old', '1 h': 'open', '24 h': 'open', live: 'live' },
    '24 h': { never: 'old', '1 h': 'open', '24 h': 'open', live: 'live' },
    'a bit more than 24 h': { never: 'old', '1 h': 'open', '24 h': 'open', live: 'live' },
    '30 days': { never: 'old', '1 h': 'open', '24 h': 'open', live: 'live' },
    none: { never: 'old', '1 h': 'old', '24 h': 'old', live: 'live' },
  },
};

const shown = {
  open: { shown: 'granted' },
  live: { shown: 'denied', reason: 'live_code_required' },
  old: { shown: 'denied', reason: 'revocation_list_too_old' },
  ask: { shown: 'denied', reason: 'online_check_required' },
};

const house = new StandInHouse((bytes) => createHash('sha256').update(bytes).digest());
const nowMs = Date.parse('2026-06-15T12:00:00.000Z');
const ago = (seconds: number) => nowMs - seconds * 1_000;
const keysOf = <Key extends string>(table: Record<Key, unknown>) => Object.keys(table) as Key[]; // its own keys

interface Asked {
  age: keyof typeof ages;
  policy: keyof typeof policies;
  kind: keyof typeof kinds;
  isConnected: boolean;
}

/** A visitor whom nothing here has heard of shows a pass: what happens. */
async function happens({ age, policy, kind, isConnected }: Asked) {
  const core = memoryCore();
  await core.open();
  core.clock.set(new Date(nowMs).toISOString());
  await core.replica.take({
    ...{ type: 'replica', part: 0, parts: 1 },
    text: JSON.stringify(house.replica(policies[policy])),
  });
  const seconds = ages[age];
  const bits = segmentOf([7]);
  if (seconds !== null) {
    core.revocations.takeSegment({ segment: 0, bits: packed(bits) });
    const list = { epoch: 1, signed_at: new Date(ago(seconds)).toISOString(), length: 100 };
    const { problem } = core.revocations.takeStatement(house.statement(list, new Map([[0, bits]])), true);
    assert.equal(problem, null);
  }
  const done = { asked: 0, pulses: 0 };
  const scan = scanning({
    ...core,
    ...{ door_id: 1, reader: 'front', isLockedDown: () => false, monotonicMs: () => 0 },
    ask: async () => {
      done.asked++;
      return isConnected ? { granted: false, reason: 'use_limit_reached' } : null;
    },
    pulse: async () => {
      done.pulses++;
      return { outcome: 'done' };
    },
  });
  const { online, issued } = kinds[kind];
  const issued_at = Math.floor(ago(issued) / 1_000);
  // What was signed after the list is not on it.
  const index = seconds !== null && issued < seconds ? 100 : 5;
  const said = await scan(house.pass({ online, issued_at, index }));
  await core.close(); // a refusal is written when nobody waits any more
  const reports = core.outbox.next(0).length;
  return { ...done, said, reports };
}

describe('a pass at a reader, by the age of the revocation list', () => {
  for (const kind of keysOf(kinds))
    for (const policy of keysOf(policies))
      it(`${kind} at a door with ${policy}: exactly the table`, async () => {
        for (const age of keysOf(ages))
          for (const isConnected of [false, true]) {
            const cell = cells[kind][age][policy];
            const where = `${kind}, ${policy}, ${age}, ${isConnected ? 'connected' : 'cut off'}: ${cell}`;
            const { asked, pulses, said, reports } = await happens({ age, policy, kind, isConnected });
            const isForServer = cell === 'old' || cell === 'ask';
            const answered = { shown: 'denied', reason: 'use_limit_reached' };
            assert.deepEqual(said, isForServer && isConnected ? answered : shown[cell], where);
            assert.deepEqual([asked, pulses], [isForServer ? 1 : 0, cell === 'open' ? 1 : 0], where);
            assert.equal(reports, isForServer && isConnected ? 0 : 1, where);
          }
      });
});
