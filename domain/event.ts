/** What an event is about, in the words of the HTTP API. */
export type ObjectType =
  | 'Lock'
  | 'GroupLink'
  | 'Group'
  | 'GroupLock'
  | 'Place'
  | 'Organization'
  | 'Login'
  | 'Agent'
  | 'Reader';

export type EventType =
  | 'lock.unlock'
  | 'lock.unlock_failed'
  | 'lock.create'
  | 'lock.update'
  | 'lock.delete'
  | 'group_link.create'
  | 'group_link.update'
  | 'group_link.delete'
  | 'group.create'
  | 'group.update'
  | 'group.delete'
  | 'group_lock.create'
  | 'group_lock.delete'
  | 'place.create'
  | 'place.update'
  | 'place.delete'
  | 'organization.create'
  | 'login.create'
  | 'login.delete'
  | 'reader.unreadable'
  | 'agent.alarm';

/** Who did it: a link's recipient, or a member (an API key acts as its organization's service user). */
export interface Actor {
  type: 'GroupLink' | 'User';
  id: number;
  name: string;
  email: string | null;
}

/** What became of the command that a granted event sent: `unknown` when the door did not say in time. */
export type Outcome = 'done' | 'not_done' | 'unknown';
