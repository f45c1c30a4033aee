import type { DenialReason } from './decide.ts';

/** One entry of the closed set of errors. */
export interface ErrorEntry {
  /** Six characters, stable for ever: what Kisi's clients compare. */
  code: string;
  /** HTTP status (RFC 9110). */
  status: number;
  /** What happened, as a sentence for a person. */
  title: string;
  /** What to do about it. */
  hint: string;
}

/** What to do about what passes by itself. */
export const again = 'Try again in a moment.';

/** Every denial as an error of the API: 403, and 503 for a door that cannot be reached. */
export const denials: Record<DenialReason, ErrorEntry> = {
  credential_unknown: entry(
    '0d7be1',
    403,
    'This credential is not known here.',
    'Ask the host for a new link.',
  ),
  clock_unknown: entry(
    'f8b210',
    403,
    'The time is not known here, so nothing opens.',
    'Set the clock, then try again.',
  ),
  credential_revoked: entry('93e5a7', 403, 'The link was revoked.', 'Ask the host for a new link.'),
  credential_suspended: entry('2b60fd', 403, 'The link is suspended.', 'Ask the host to resume it.'),
  credential_not_active: entry('c4198e', 403, 'The link is not valid yet.', 'Come back when it starts.'),
  credential_expired: entry('7f03d6', 403, 'The link has ended.', 'Ask the host to extend it.'),
  door_not_included: entry(
    'e25c9b',
    403,
    'This door is not part of the link.',
    'Try a door that the link names.',
  ),
  door_locked_down: entry(
    '48d1a0',
    403,
    'The door is locked down for everyone.',
    'Wait until the lock-down is lifted.',
  ),
  outside_schedule: entry(
    'b96f34',
    403,
    'The door does not open at this hour.',
    'Come back during its hours.',
  ),
  remote_unlock_not_allowed: entry(
    '1ce87d',
    403,
    'This link opens doors only with its QR code at a reader.',
    'Show the QR code at the reader.',
  ),
  live_code_required: entry(
    '2f9c71',
    403,
    'This door needs the QR code that changes, from the page itself.',
    'Open the link on your phone and show the code from there.',
  ),
  revocation_list_too_old: entry(
    'ba07e6',
    403,
    'The reader has not heard from the server for too long.',
    'Open the door from the page of the link, or ask the host.',
  ),
  online_check_required: entry(
    '6e5d18',
    403,
    'The reader must ask the server and cannot reach it.',
    'Open the door from the page of the link, or try again in a moment.',
  ),
  reader_not_assigned: entry(
    'c8b3f2',
    403,
    'This link works at one reader only, and this is not the one.',
    'Show the QR code at the reader that the host named.',
  ),
  door_unreachable: entry('d5a40c', 503, 'The door cannot be reached right now.', again),
  use_limit_reached: entry(
    '8e72b3',
    403,
    'The link was used as often as it may be.',
    'Ask the host for a new link.',
  ),
};

export function entry(code: string, status: number, title: string, hint: string): ErrorEntry {
  return { code, status, title, hint };
}
