/** What an event is about, in the words of the HTTP API. */
export type ObjectType =
  | 'Lock'
  | 'GroupLink'
  | 'Group'
  | 'GroupLock'
  | 'Schedule'
  | 'Place'
  | 'Organization'
  | 'Login'
  | 'User'
  | 'Agent'
  | 'Reader';

/** Every type of event, and what it says has happened. `GET /events/types` lists them; filters know no others. */
export const eventTypes = {
  'lock.unlock': 'Somebody asked for a door to be unlocked; `success` says whether it was granted.',
  'lock.unlock_failed':
    'A granted unlock did not move the lock, or the door did not say in time whether it did.',
  'lock.forced_open.alarm': "A door's contact says that it was opened, and nothing had unlocked it.",
  'lock.held_open.alarm': "A door's contact says that it has been open for too long.",
  'lock.closed': "A door's contact says that it is closed again, after an alarm.",
  'lock.create': 'A door was made.',
  'lock.update': 'A door was changed.',
  'lock.destroy': 'A door was deleted.',
  'lock.lock_down': 'A door was locked down: it opens for nobody.',
  'lock.cancel_lockdown': 'The lock-down of a door was cancelled.',
  'group_link.create': 'An access link was issued.',
  'group_link.update': 'An access link was changed, extended, shortened, suspended or resumed.',
  'group_link.destroy': 'An access link was revoked.',
  'group_link.reveal': 'Somebody was shown the secret and the QR code of an access link again.',
  'group.create': 'A group was made.',
  'group.update': 'A group was changed.',
  'group.destroy': 'A group was deleted.',
  'group_lock.create': 'A door was put into a group.',
  'group_lock.destroy': 'A door was taken out of a group.',
  'schedule.create': 'A group got a schedule.',
  'schedule.update': 'A schedule was changed.',
  'schedule.destroy': 'A schedule was deleted.',
  'place.create': 'A place was made.',
  'place.update': 'A place was changed.',
  'place.destroy': 'A place was deleted.',
  'place.lock_down': 'A place was locked down: none of its doors opens for anybody.',
  'place.cancel_lockdown': 'The lock-down of a place was cancelled.',
  'organization.create': 'The organization was made.',
  'organization.update': 'The organization was changed.',
  'login.create': 'An API key was made, or a member signed in.',
  'login.update': 'A login was given another name.',
  'login.destroy': 'An API key was revoked, or a member signed out.',
  'member.create': 'A member was added.',
  'member.update': 'A member was changed.',
  'member.destroy': 'A member was removed; their logins ended with that.',
  'member.invite': 'A one-time link was made by which a new member chooses a password.',
  'member.accept': 'A new member accepted the invitation and chose a password.',
  'user.password_reset': 'A one-time link was made by which a member chooses a new password.',
  'user.password_change': "A member's password changed; their other logins ended with that.",
  'reader.unreadable':
    'A reader saw codes that are no pass of this organization; at most one event a minute.',
  'reader.create': 'A tablet was made a reader.',
  'reader.update': 'A reader was given another name.',
  'reader.destroy': 'A reader was removed: its tablet is recognised no more.',
  'reader.enrollment_code': 'A code was made that enrolls a tablet as a reader.',
  'reader.enroll': 'A tablet was enrolled as a reader, with a key of its own.',
  'agent.create': 'An agent was made.',
  'agent.enroll': 'An agent was enrolled: it has a key from now on, and an earlier one is good no more.',
  'agent.update': 'An agent was changed, drives other doors than before, or was given a new enrolment code.',
  'agent.destroy': 'An agent was removed: its doors have none any more.',
  'agent.alarm':
    "Something about an agent needs a person's eye, such as a second session with its key, or two agents for one door.",
} as const satisfies Record<string, string>;

export type EventType = keyof typeof eventTypes;

/** Who did it: a link's recipient, or a member (an API key acts as its organization's service user). */
export interface Actor {
  type: 'GroupLink' | 'User';
  id: number;
  name: string;
  email: string | null;
}

/** What became of the command that a granted event sent: `unknown` when the door did not say in time. */
export type Outcome = 'done' | 'not_done' | 'unknown';
