import { isInstant, later, msBetween } from './instants.ts';
import { allows, nextOpening, type Schedule } from './schedule.ts';

/**
 * Every reason for which a door may stay shut, in the order in which they are checked: the first that applies
 * is the answer. The set is closed; the comment names the ONVIF Access Control term (`Denied` reason) it maps to.
 */
export const denialReasons = [
  'credential_unknown', // Unauthorized
  'clock_unknown', // Other
  'credential_revoked', // CredentialNotEnabled
  'credential_suspended', // CredentialNotEnabled
  'credential_not_active', // CredentialNotActive
  'credential_expired', // CredentialExpired
  'door_not_included', // Unauthorized
  'door_locked_down', // Other
  'outside_schedule', // NotPermittedAtThisTime
  'remote_unlock_not_allowed', // Other
  'live_code_required', // Other
  'revocation_list_too_old', // Other
  'online_check_required', // Other
  'reader_not_assigned', // Other
  'door_unreachable', // Other
  'use_limit_reached', // Other: last, because it is the only check that spends something
] as const;

export type DenialReason = (typeof denialReasons)[number];

/** What is said at a reader only, never to a page or a program. */
const saidAtReaders: readonly DenialReason[] = [
  ...(['credential_unknown', 'clock_unknown', 'live_code_required'] as const),
  ...(['revocation_list_too_old', 'online_check_required'] as const),
];

/** Why the page or the API may refuse to unlock. */
export const unlockDenials = denialReasons.filter((reason) => !saidAtReaders.includes(reason));

/** How the credential was presented: the visitor's page, the HTTP API, or a QR code at a reader. */
export type UnlockMethod = 'web' | 'api' | 'qr';

/** What is known of an access link at the moment of the decision. Instants are ISO 8601 UTC with milliseconds. */
export interface LinkCredential {
  kind: 'link';
  /** The link was revoked, or the presented pass was replaced by a narrower one. */
  revoked: boolean;
  suspended: boolean;
  /** First instant of validity; null: since always. */
  valid_from: string | null;
  /** First instant after validity: the range is half-open. */
  valid_until: string;
  /** Whether the link may be used from a browser or the API, not only by its QR code. */
  link_enabled: boolean;
  /** Whether the door belongs to the link's group. */
  includes_door: boolean;
  /** The group's schedules. None: always; several: any allows. */
  schedules: readonly Schedule[];
  /** How many grants the link allows over page, API and readers together; null: any number. */
  max_uses: number | null;
  /** How many were taken before this one. */
  uses: number;
  /** The one reader that the whole allowance was given to; null: none, the link works everywhere. */
  reader_id: number | null;
}

/** A member or an API key with the right to unlock: bound by the door's state only. */
export interface LoginCredential {
  kind: 'login';
}

export interface DoorState {
  locked_down: boolean;
  /** IANA zone of the door's place: schedules are wall time there. */
  time_zone: string;
  /** Whether an agent that can drive the lock is connected. */
  reachable: boolean;
  /** Of QR codes only those open it that change every few seconds: a picture of one is worthless. */
  live_only: boolean;
}

/** What an agent goes by that decides without the server. */
export interface Evidence {
  /** Until when it knows what was revoked: the later of its list's signing and the pass's own. ISO 8601. */
  at: string;
  /** How old that may be at this door, in milliseconds; 0: nothing is decided here without the server. */
  age_ms_max: number;
  /** The pass says that the server must be asked. */
  needs_server: boolean;
}

export interface DecisionRequest {
  /** The instant of the decision; null: the clock cannot be trusted. */
  at: string | null;
  method: UnlockMethod;
  /** The reader at which it was presented; null: at none that the server knows. */
  reader_id: number | null;
  /** Null: nothing known was presented. */
  credential: LinkCredential | LoginCredential | null;
  door: DoorState;
  /** Null: the server decides, and knows what was revoked. */
  evidence: Evidence | null;
}

export type Decision = { granted: true } | { granted: false; reason: DenialReason };

type LinkRequest = Omit<DecisionRequest, 'at' | 'credential'> & { at: string; link: LinkCredential };

/**
 * May this credential open this door at this instant? The only place in Postern that says yes: pure, so that
 * the server and the agent at the door give the same answer. Vectors: `testdata/decisions.json`.
 */
export function decide(request: DecisionRequest): Decision {
  const { at, credential, door } = request;
  if (credential === null) return denied('credential_unknown');
  // Instants are compared as text: another spelling than ours would compare as anything.
  if (at === null || !isInstant(at)) return denied('clock_unknown');
  if (credential.kind === 'login') return firstDenial(doorChecks, door);
  return firstDenial(linkChecks, { ...request, at, link: credential });
}

/**
 * When a door that was refused to a link for its hours alone will open for it: the first instant after `at` (ISO 8601
 * UTC with milliseconds) that is within the link's window and the group's schedules. Null: another reason, or not
 * before the link ends, or not within the days that `nextOpening` looks ahead.
 */
export function nextGrantAt(
  link: Pick<LinkCredential, 'valid_from' | 'valid_until' | 'schedules'>,
  refused: { at: string; reason: DenialReason; time_zone: string },
): string | null {
  const { at, reason, time_zone } = refused;
  if (reason !== 'credential_not_active' && reason !== 'outside_schedule') return null;
  const opening = nextOpening(link.schedules, time_zone, later(link.valid_from ?? at, at));
  return opening !== null && opening < link.valid_until ? opening : null;
}

type Check<Request> = readonly [DenialReason, (request: Request) => boolean];

const linkChecks: readonly Check<LinkRequest>[] = [
  ['credential_revoked', ({ link }) => link.revoked],
  ['credential_suspended', ({ link }) => link.suspended],
  ['credential_not_active', ({ link, at }) => link.valid_from !== null && at < link.valid_from],
  ['credential_expired', ({ link, at }) => at >= link.valid_until],
  ['door_not_included', ({ link }) => !link.includes_door],
  ['door_locked_down', ({ door }) => door.locked_down],
  ['outside_schedule', ({ link, door, at }) => !allows(link.schedules, door.time_zone, at)],
  ['remote_unlock_not_allowed', ({ link, method }) => method !== 'qr' && !link.link_enabled],
  ['live_code_required', ({ door, method }) => method === 'qr' && door.live_only],
  ['revocation_list_too_old', ({ evidence, at }) => evidence !== null && isTooOld(evidence, at)],
  ['online_check_required', ({ evidence }) => evidence?.needs_server === true],
  ['reader_not_assigned', ({ link, reader_id }) => link.reader_id !== null && link.reader_id !== reader_id],
  ['door_unreachable', ({ door }) => !door.reachable],
  ['use_limit_reached', ({ link }) => link.max_uses !== null && link.uses >= link.max_uses],
];

const doorChecks: readonly Check<DoorState>[] = [
  ['door_locked_down', (door) => door.locked_down],
  ['door_unreachable', (door) => !door.reachable],
];

/** Evidence from after the instant is as good as new: clocks of two machines differ a little. */
function isTooOld(evidence: Evidence, at: string): boolean {
  if (evidence.age_ms_max <= 0 || !isInstant(evidence.at)) return true;
  return msBetween(evidence.at, at) > evidence.age_ms_max;
}

function firstDenial<Request>(checks: readonly Check<Request>[], request: Request): Decision {
  for (const [reason, applies] of checks) if (applies(request)) return denied(reason);
  return { granted: true };
}

function denied(reason: DenialReason): Decision {
  return { granted: false, reason };
}
