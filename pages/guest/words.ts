import type { DenialReason } from '../../domain/decide.ts';
import type { Day } from './time.ts';

/**
 * Every word that the visitor reads or hears: another language is one more file that exports these names. What
 * others wrote (doors, places) goes into a sentence by `isolated`, so that it cannot turn the sentence around.
 */
export const title = 'Your access';
export const holdToOpen = 'Hold to open';
export const holdAgain = 'Hold to try again';
export const keepHolding = 'Keep holding…';
export const opening = 'Opening…';
export const open = 'Open — push the door';
export const closed = 'Closed now';
export const unavailable = 'Not available';
export const holdNote =
  'Press and hold for about a second. With a screen reader or a switch: activate, then confirm; or double-tap and hold.';

export const releasedEarly = 'Keep holding until the door opens.';
export const opened = (door: string) => `${isolated(door)} is open. Push the door.`;
export const question = (door: string) => `Open ${isolated(door)} now?`;
export const confirm = (door: string) => `Open ${isolated(door)}`;
export const dismiss = 'Not now';
export const confirmTooSoon = 'One moment. Then press again to open.';
export const confirmByHolding = 'Press and hold the large button to open the door.';

export const passTitle = 'Show this at the reader';
export const passNote = 'Hold it about a hand away from the reader.';
export const passLater = 'It works as soon as the doors open.';
export const passOnly = 'This link opens its doors with the QR code only.';
export const passShow = 'Show the QR code';
export const passLabel = 'QR code for the reader at the door';
export const passEnlarge = 'QR code for the reader at the door. Enlarge.';
export const fullNote = 'Turn up the brightness if the reader does not see it.';
export const close = 'Close';

export const usesLeft = (left: number) => (left === 1 ? 'Opens one more time' : `Opens ${left} more times`);
export const zone = (place: string, zone: string) => `Local time at ${isolated(place)}: ${zone}`;

export const today = 'Today';
export const tomorrow = 'Tomorrow';
export const yesterday = 'Yesterday';
export const midnight = 'midnight';
export const range = (day: string, from: string, until: string) => `${day}, ${from} – ${until}`;
export const until = (when: string) => `Until ${when}`;
export const fromUntil = (from: string, until: string) => `From ${from} until ${until}`;
export const dayAt = (day: Day, time: string) => `${day.distance === 0 ? 'today' : relative(day)} at ${time}`;
export const at = (day: Day, time: string) =>
  day.distance === 0 ? `at ${time}` : `${onDay(day)} at ${time}`;
export const startsAt = (at: string) => `Your access starts ${at}.`;
export const opensAgain = (at: string) => `Opens again ${at}.`;
export const endedAt = (at: string) => `Your access ended ${at}.`;
export const inDays = (days: number) => `in ${days} days`;
export const inHours = (hours: number, minutes: number) => `in ${hours} h ${minutes} min`;
export const inMinutes = (minutes: number, seconds: number) =>
  `in ${minutes}:${String(seconds).padStart(2, '0')}`;
export const anyMoment = 'any moment now';

export const notYet = 'Not yet';
export const notYetText = 'This page wakes up by itself.';
export const outsideSchedule = 'Closed at this hour';
export const outsideScheduleText = 'The doors are closed at this time. Please ask your host.';
export const expired = 'This link has ended';
export const expiredText = 'If you still need to get in, ask your host for more time.';
export const suspended = 'This link is paused';
export const suspendedText = 'Your host has paused it. This page wakes up by itself when they resume it.';
export const revoked = 'This link was ended by the host';
export const revokedText = 'It opens no door any more. Please ask your host for a new one.';
export const usedUp = 'This link has been used';
export const usedUpText = 'It has opened as often as it was made for. Please ask your host for a new one.';
export const unknownLink = 'This link does not work';
export const unknownLinkText =
  'It may be incomplete or no longer valid. Open it from your message again, or ask your host for a new one.';
export const noSession = 'Open the link from your message again';
export const noSessionText =
  'For your safety this page does not keep the link. Go back to the message and tap it there.';
export const noConnection = 'No connection';
export const noConnectionText = 'Check that your phone is online. This page tries again by itself.';
export const serverError = 'The door system does not answer';
export const serverErrorText = 'This page tries again by itself. Meanwhile, ring the bell.';
export const busy = 'One moment';
export const busyText = 'There were too many tries. This page goes on by itself.';
export const passMayHelp = 'The QR code may still work at the reader.';
export const retry = 'Try again';

export const holdTooShort = 'That was a little too short. Press and hold once more.';
export const pressAgain = 'That took too long. Press and hold once more.';
export const pressNoConnection = 'No connection. Check that your phone is online, then hold again.';
export const noAnswer = 'No answer. The door may be open: try it. If it is shut, hold again.';
export const outcomeUnknown = 'The door did not confirm. Try it; if it is shut, hold again.';
export const lockFailed = 'The lock did not move. Try again, or ring the bell.';
export const tooManyTries = (seconds: number) => `Too many tries. Wait ${seconds} s, then hold again.`;
export const stayedShut = 'The door stayed shut. Try again in a moment, or ring the bell.';

/** What a denial means for the person at the door, and what to do about it. */
export const denials: Record<DenialReason, string> = {
  credential_unknown: unknownLink,
  clock_unknown: 'The door does not know the time yet. Try again in a moment, or ring the bell.',
  credential_revoked: revoked,
  credential_suspended: suspended,
  credential_not_active: notYet,
  credential_expired: expired,
  door_not_included: 'This door is no longer part of your link.',
  door_locked_down: 'This door is locked down for now. Please ask your host.',
  outside_schedule: 'Closed at this time. Please ask your host.',
  remote_unlock_not_allowed: 'This door opens only with the QR code, at its reader.',
  live_code_required: 'This door wants the code from this page, not a picture of it.',
  revocation_list_too_old: 'The reader cannot check your code right now. Hold the button instead.',
  online_check_required: 'The reader cannot check your code right now. Hold the button instead.',
  reader_not_assigned: 'Your link opens the door at one reader only. Show your QR code there.',
  door_unreachable: 'The door cannot be reached right now. Try again in a moment, or ring the bell.',
  use_limit_reached: usedUp,
};

/** A name made safe inside a sentence: an isolate that takes its direction from its own first letter. */
export function isolated(name: string): string {
  return `\u2068${cleaned(name)}\u2069`;
}

/** A name without the characters that would turn its own letters around. */
export function cleaned(name: string): string {
  return name.replace(/[\u202a-\u202e\u2066-\u2069]/g, '');
}

function relative(day: Day): string {
  if (day.distance === 1) return 'tomorrow';
  return day.distance === -1 ? 'yesterday' : day.name;
}

function onDay(day: Day): string {
  return Math.abs(day.distance) === 1 ? relative(day) : `on ${day.name}`;
}
