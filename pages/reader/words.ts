import type { DenialReason } from '../../domain/decide.ts';

/** Every word that is read or heard at a tablet: another language is one more file that exports these names. */
export const title = 'Reader';
export const loading = 'One moment…';
export const start = 'Start';
export const startTitle = 'Ready';
export const startText =
  'Tap once. The browser then asks for the camera: allow it, and for good if it offers that.';
export const hint = 'Hold your QR code up to the camera';
export const takeAway = 'This code was just read. Take it away, then show it again.';
export const checking = 'Checking…';
export const otherCamera = 'Other camera';
export const soundOff = 'Tap the screen once to switch the sound on.';

export const lineUp = 'Connected';
export const lineUnknown = 'Connecting…';
export const lineLost = 'No connection';
export const lineLostTitle = 'No connection';
export const lineLostText =
  'This reader must ask the server and cannot reach it, so nothing opens here. It goes on by itself.';

export const welcome = 'Welcome';
export const opened = (door: string) => `${isolated(door)} is open. Push the door.`;
export const refused = 'No entry';

export const enroll = 'Enroll';
export const enrolling = 'Enrolling…';
export const codeTitle = 'Set up this tablet';
export const codeText =
  'Make a reader for this door on the server, then open its address here, or type its code. It works for ten minutes.';
export const codeLabel = 'Code';
export const codeOver = 'This code was used, has ended or is not right. Check it, or make a new one.';
export const codeNoConnection = 'No connection. Check the network of this tablet, then try again.';
export const codeTooMany = 'Too many tries. Wait a minute, then try again.';
export const codeFailed = 'That did not work. Try again in a moment.';
export const keepsNothing =
  'This browser keeps nothing for this page, so it cannot be enrolled. Leave the private window, or let it keep data.';
export const removedTitle = 'This tablet is not enrolled any more';
export const removedText = 'Make a new code for its reader, and open its address here or type the code.';
export const insecureTitle = 'This page needs https';
export const insecureText =
  'Browsers give camera and keys only to pages by https. Open it under the https address.';
export const cameraTitle = 'No camera';
export const cameraText =
  'No camera was found, or something else is using it. The page tries again by itself.';
export const cameraRefused =
  "The camera may not be used here. Allow it in the browser's settings for this site, then start again.";

const askHost = 'Please ask your host.';

/** What a denial means for the person in front of the tablet, and what to do about it. */
const denials: Record<DenialReason, string> = {
  credential_unknown: 'This is not a code for this door.',
  clock_unknown: 'The door does not know the time yet. Try again in a moment.',
  credential_revoked: `This code is no longer valid. If you have a newer one, show that; or ask your host.`,
  credential_suspended: `Your access is paused. ${askHost}`,
  credential_not_active: 'Your access has not started yet.',
  credential_expired: `Your access has ended. ${askHost}`,
  door_not_included: 'Your code is for another door.',
  door_locked_down: `This door is locked down for now. ${askHost}`,
  outside_schedule: 'This door is closed at this hour.',
  remote_unlock_not_allowed: `This code does not open this door. ${askHost}`,
  live_code_required: 'This door wants the moving code from the page of your link, not a picture of it.',
  revocation_list_too_old: 'Your code cannot be checked right now. Try again in a moment.',
  online_check_required: 'Your code cannot be checked right now. Try again in a moment.',
  reader_not_assigned: 'Your code opens the door at another reader.',
  door_unreachable: 'The door cannot be reached right now. Try again in a moment, or ring the bell.',
  use_limit_reached: `Your code has been used as often as it may be. ${askHost}`,
};

const others: Record<string, string> = {
  ...denials,
  no_connection: 'No connection. This reader must ask the server and cannot reach it.',
  no_answer: 'No answer. The door may be open: try it. If it is shut, show the code again.',
  outcome_unknown: 'The door did not confirm. Try it; if it is shut, show the code again.',
  lock_failed: 'The lock did not move. Try again, or ring the bell.',
  too_many_requests: 'Too many tries. Wait a moment, then show the code again.',
  reader_not_enrolled: 'This tablet is not enrolled any more.',
};

/** What to say for a reason; `message` is the server's own sentence. */
export function reasonText(reason: string, message: string): string {
  return (
    (Object.hasOwn(others, reason) ? others[reason] : undefined) ?? (message || 'Try again in a moment.')
  );
}

/** A name made safe inside a sentence: an isolate that takes its direction from its own first letter. */
function isolated(name: string): string {
  return `\u2068${cleaned(name)}\u2069`;
}

/** A name without the characters that would turn its own letters around. */
export function cleaned(name: string): string {
  return name.replace(/[\u202a-\u202e\u2066-\u2069]/g, '');
}
