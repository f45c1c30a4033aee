import { createHash } from 'node:crypto';
import { commandLifetimeMs } from '../domain/agent-protocol.ts';
import type { DenialReason } from '../domain/decide.ts';
import type { Outcome } from './commands.ts';
import { decideHere, isForServer, type Knowledge, type Verdict } from './door-decision.ts';
import type { Outbox } from './outbox.ts';
import type { Shown } from './readers/reader.ts';
import type { UnreadableTexts } from './unreadable.ts';

/** The same text at the same reader within this time of its last sighting is one presentation: scanners repeat. */
export const sightingWindowMs = 3_000;
/** How many texts a reader remembers for that; the one seen longest ago goes first. */
export const sightingsMax = 256;
/** A reader that needs the server and cannot reach it says this. */
const readerOffline: DenialReason = 'online_check_required';

/** What the server answered to a presentation. */
export interface Answer {
  granted: boolean;
  reason: string | null;
}

export interface ScanParts extends Knowledge {
  door_id: number;
  reader: string;
  /** Asks the server. Null: no answer, because nobody is connected or because it took too long. */
  ask: (text: string) => Promise<Answer | null>;
  outbox: Pick<Outbox, 'record' | 'settle'>;
  unreadable: Pick<UnreadableTexts, 'note'>;
  /** Moves the lock once. Never rejects. */
  pulse: (pulse: { command_id: string; pulse_ms: number }) => Promise<Outcome>;
  /** The agent's monotonic clock. */
  monotonicMs: () => number;
}

type Decided = Extract<Verdict, { kind: 'decided' }>;

/**
 * The whole story of a scan, for one reader. Texts are hostile: they are read strictly, compared and passed on, nothing
 * else. What can be decided here is decided here, connected or not.
 */
export function scanning(parts: ScanParts): (text: string) => Promise<Shown> {
  const sightings = new Map<string, number>();
  return async function scan(text) {
    const hash = createHash('sha256').update(text).digest('hex');
    if (sighted(sightings, hash, parts.monotonicMs())) return { shown: 'repeated' };
    const verdict = decideHere(parts, { ...parts, text });
    switch (verdict.kind) {
      case 'junk':
        parts.unreadable.note({ door_id: parts.door_id, reader: parts.reader }, parts.clock.now());
        return denied('credential_unknown');
      case 'unknown':
        return askServer(parts, text, parts.isLockedDown(parts.door_id) ? 'door_locked_down' : readerOffline);
      case 'decided':
        if (!verdict.decision.granted && isForServer(verdict.decision)) {
          const answer = await parts.ask(text);
          if (answer !== null) return shownOf(answer);
        }
        return carryOut(parts, verdict, hash);
    }
  };
}

async function askServer(parts: ScanParts, text: string, otherwise: DenialReason): Promise<Shown> {
  const answer = await parts.ask(text);
  return answer === null ? denied(otherwise) : shownOf(answer);
}

/** First the record, then the lock: what cannot be written down does not happen. */
async function carryOut(parts: ScanParts, verdict: Decided, pass_hash: string): Promise<Shown> {
  const { outbox, monotonicMs, pulse } = parts;
  const { decision, door } = verdict;
  const decidedMs = monotonicMs();
  const report = reportOf(parts, verdict, pass_hash);
  if (!decision.granted) {
    outbox.record(report, { isGrant: false, settled: true }).catch(() => {});
    return denied(decision.reason);
  }
  const recorded = await outbox.record(report, { isGrant: true, settled: false }).catch(() => null);
  if (recorded === null) return denied('unavailable');
  const obstacle = obstacleTo(parts, decidedMs);
  const { outcome }: Outcome = obstacle
    ? { outcome: 'not_done', message: '' }
    : await pulse({ command_id: recorded.uuid, pulse_ms: door.pulse_ms });
  outbox.settle(recorded.sequence, outcome);
  if (outcome === 'done') return { shown: 'granted' };
  return denied(outcome === 'unknown' ? 'outcome_unknown' : (obstacle ?? 'lock_failed'));
}

/** Writing took a while: the disk was slow, or the server was told meanwhile that the door is kept shut. */
function obstacleTo({ door_id, isLockedDown, monotonicMs }: ScanParts, decidedMs: number): string | null {
  if (monotonicMs() - decidedMs > commandLifetimeMs) return 'unavailable';
  return isLockedDown(door_id) ? 'door_locked_down' : null;
}

function reportOf({ door_id, reader }: ScanParts, { at, pass, decision }: Decided, pass_hash: string) {
  const { link_id, index } = pass;
  const reason = decision.granted ? null : decision.reason;
  return { kind: 'decision', at, door_id, reader, link_id, index, pass_hash, reason, outcome: null } as const;
}

/** Whether the text was seen just now; either way it has been seen now. The map is in the order of last sighting. */
function sighted(sightings: Map<string, number>, hash: string, now: number): boolean {
  const last = sightings.get(hash);
  sightings.delete(hash);
  for (const [seen, at] of sightings) {
    if (now - at < sightingWindowMs && sightings.size < sightingsMax) break;
    sightings.delete(seen);
  }
  sightings.set(hash, now);
  return last !== undefined && now - last < sightingWindowMs;
}

function shownOf({ granted, reason }: Answer): Shown {
  return granted ? { shown: 'granted' } : denied(reason);
}

/** A reason is one word on a reader's display; anything else is no answer. */
function denied(reason: string | null): Shown {
  const isWord = reason !== null && /^[a-z0-9_]{1,64}$/.test(reason);
  return { shown: 'denied', reason: isWord ? reason : readerOffline };
}
