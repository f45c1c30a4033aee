import { type Decision, type DecisionRequest, decide, type Evidence } from '../domain/decide.ts';
import { instantOfSeconds, later, msBetween } from '../domain/instants.ts';
import { type PassClaims, readPass } from '../domain/pass.ts';
import type { ReplicaDoor } from '../domain/replica.ts';
import { type AgentClock, stepMsMax } from './clock.ts';
import type { KnownReplica } from './replica.ts';
import type { Revocations } from './revocations.ts';

/** What this agent knows, and decides by. */
export interface Knowledge {
  replica: Pick<KnownReplica, 'organization_id' | 'verifyPass' | 'door' | 'schedulesOf' | 'readerId'>;
  revocations: Pick<Revocations, 'statement' | 'isRevoked'>;
  clock: Pick<AgentClock, 'now'>;
  /** What the server last said of the door. */
  isLockedDown: (door_id: number) => boolean;
}

export type Verdict =
  /** Nothing is known of the door here: only the server can decide. */
  | { kind: 'unknown' }
  /** No pass of this organization. */
  | { kind: 'junk' }
  | { kind: 'decided'; at: string | null; pass: PassClaims; door: ReplicaDoor; decision: Decision };

/** Decides what a reader read at a door, by what is known here and nothing else. The text may be anything. */
export function decideHere(
  known: Knowledge,
  { door_id, reader, text }: { door_id: number; reader: string; text: string },
): Verdict {
  const { replica, clock } = known;
  const door = replica.door(door_id);
  if (replica.organization_id === null || door === null) return { kind: 'unknown' };
  const reading = readPass(text, replica.verifyPass);
  if (!reading.ok || reading.claims.organization_id !== replica.organization_id) return { kind: 'junk' };
  const pass = reading.claims;
  const at = clock.now();
  const decision = decide({
    at,
    method: 'qr',
    reader_id: replica.readerId(reader),
    credential: credentialOf(known, { pass, door }),
    door: {
      locked_down: known.isLockedDown(door_id),
      time_zone: door.time_zone,
      reachable: true,
      live_only: door.live_only,
    },
    evidence: evidenceOf(known, { pass, door, at }),
  });
  return { kind: 'decided', at, pass, door, decision };
}

/** What is not decided here for want of the server, and is for it to decide if it can be asked. */
export function isForServer(decision: Decision): boolean {
  if (decision.granted) return false;
  return decision.reason === 'revocation_list_too_old' || decision.reason === 'online_check_required';
}

function credentialOf(
  { replica, revocations }: Knowledge,
  { pass, door }: { pass: PassClaims; door: ReplicaDoor },
): DecisionRequest['credential'] {
  return {
    kind: 'link',
    revoked: revocations.statement !== null && revocations.isRevoked(pass), // without a list: too old
    suspended: false, // a link that is suspended has no pass: the bits of all of them are set
    valid_from: instantOfSeconds(pass.not_before),
    valid_until: instantOfSeconds(pass.expires_at),
    link_enabled: true, // of no meaning for a QR code
    includes_door: door.group_ids.includes(pass.group_id),
    schedules: replica.schedulesOf(pass.group_id) ?? [],
    max_uses: null, // a link with a limit says that the server must be asked
    uses: 0,
    reader_id: null,
  };
}

/** Until when it is known what was revoked. Without a list nothing is. A time that is far ahead of now proves nothing. */
function evidenceOf(
  { revocations }: Knowledge,
  { pass, door, at }: { pass: PassClaims; door: ReplicaDoor; at: string | null },
): Evidence {
  const { statement } = revocations;
  const issued_at = instantOfSeconds(pass.issued_at);
  const isCredible = (signed_at: string) => at === null || msBetween(at, signed_at) <= stepMsMax;
  const times = [statement?.signed_at ?? '', issued_at].filter((time) => time !== '' && isCredible(time));
  return {
    at: times.reduce(later, ''),
    age_ms_max: statement === null ? 0 : door.static_offline_limit * 1_000,
    needs_server: pass.online,
  };
}
