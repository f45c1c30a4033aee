import { type Endpoint, endpoints, type Operation } from '../../domain/endpoints.ts';
import { freshEmail, type Things } from './house.ts';

/** What a login may call. */
export type LoginOperation = {
  [Name in Operation]: 'login' extends (typeof endpoints)[Name]['callers'][number] ? Name : never;
}[Operation];

export interface Asked {
  path: string;
  body?: object;
  /** Of a list: what it is asked for by its id. */
  finds?: number;
}

/** Every operation that a login may call, with its methods. */
export const loginOperations = (Object.entries(endpoints) as [Operation, Endpoint][]) // the table's own keys
  .filter((entry): entry is [LoginOperation, Endpoint] => entry[1].callers.includes('login'));

const listed = (path: string, finds: number): Asked => ({ path: `${path}?ids=${finds}`, finds });
const eventsOf = (link: number) => ({ event_object_type: 'GroupLink', event_object_id: link });
const newMember = (group: number) => ({ email: freshEmail('new'), role: 'manager', group_ids: [group] });
const member = (path: string, { member }: Things) => `${path}/${member}`;

/** How each operation is asked for: naming things wherever it can name any. */
export const requests: Record<LoginOperation, (things: Things) => Asked> = {
  'links.create': ({ group }) => ({
    path: '/group_links',
    body: { group_link: { name: 'New', group_id: group } },
  }),
  'links.list': ({ link }) => listed('/group_links', link),
  'links.show': ({ link }) => ({ path: `/group_links/${link}` }),
  'links.change': ({ link }) => ({
    path: `/group_links/${link}`,
    body: { group_link: { suspended: true } },
  }),
  'links.revoke': ({ link }) => ({ path: `/group_links/${link}` }),
  'links.reveal': ({ link }) => ({ path: `/group_links/${link}/reveal` }),

  'doors.list': ({ door }) => listed('/locks', door),
  'doors.create': ({ place }) => ({ path: '/locks', body: { lock: { name: 'New', place_id: place } } }),
  'doors.show': ({ door }) => ({ path: `/locks/${door}` }),
  'doors.change': ({ door }) => ({ path: `/locks/${door}`, body: { lock: { name: 'Renamed' } } }),
  'doors.remove': ({ door }) => ({ path: `/locks/${door}` }),
  'doors.unlock': ({ door }) => ({ path: `/locks/${door}/unlock` }),
  'doors.lock_down': ({ door }) => ({ path: `/locks/${door}/lock_down` }),
  'doors.cancel_lockdown': ({ door }) => ({ path: `/locks/${door}/cancel_lockdown` }),
  'doors.decide': ({ door, link }) => ({
    path: `/locks/${door}/decision`,
    body: { decision: { group_link_id: link } },
  }),

  'places.list': ({ place }) => listed('/places', place),
  'places.create': () => ({ path: '/places', body: { place: { name: 'New', address: 'x' } } }),
  'places.show': ({ place }) => ({ path: `/places/${place}` }),
  'places.change': ({ place }) => ({ path: `/places/${place}`, body: { place: { name: 'Renamed' } } }),
  'places.remove': ({ place }) => ({ path: `/places/${place}` }),
  'places.lock_down': ({ place }) => ({ path: `/places/${place}/lock_down` }),
  'places.cancel_lockdown': ({ place }) => ({ path: `/places/${place}/cancel_lockdown` }),

  'groups.list': ({ group }) => listed('/groups', group),
  'groups.create': ({ place }) => ({ path: '/groups', body: { group: { name: 'New', place_id: place } } }),
  'groups.show': ({ group }) => ({ path: `/groups/${group}` }),
  'groups.change': ({ group }) => ({ path: `/groups/${group}`, body: { group: { name: 'Renamed' } } }),
  // The other one: links hold the first.
  'groups.remove': ({ otherGroup }) => ({ path: `/groups/${otherGroup}` }),

  'group_doors.list': ({ groupDoor }) => listed('/group_locks', groupDoor),
  'group_doors.create': ({ otherGroup, door }) => ({
    path: '/group_locks',
    body: { group_lock: { group_id: otherGroup, lock_id: door } },
  }),
  'group_doors.show': ({ groupDoor }) => ({ path: `/group_locks/${groupDoor}` }),
  'group_doors.remove': ({ groupDoor }) => ({ path: `/group_locks/${groupDoor}` }),

  'schedules.list': ({ schedule }) => listed('/schedules', schedule),
  'schedules.create': ({ group }) => ({
    path: '/schedules',
    body: { schedule: { scheduleable_type: 'Group', scheduleable_id: group, friday: true } },
  }),
  'schedules.show': ({ schedule }) => ({ path: `/schedules/${schedule}` }),
  'schedules.change': ({ schedule }) => ({
    path: `/schedules/${schedule}`,
    body: { schedule: { enabled: false } },
  }),
  'schedules.remove': ({ schedule }) => ({ path: `/schedules/${schedule}` }),

  'events.list': ({ link }) => ({
    path: `/events?event_object_type=GroupLink&event_object_id=${link}`,
    finds: link,
  }),
  'events.list_types': () => ({ path: '/events/types' }),
  // There is no such type: a stream that begins has no end.
  'events.stream': () => ({ path: '/events/stream?event_type=none' }),
  'event_sets.create': ({ place, link }) => ({
    path: '/event_sets',
    body: { event_set: { ...eventsOf(link), place_id: place } },
  }),
  'event_sets.show': ({ eventSet, link }) => ({ path: `/event_sets/${eventSet}`, finds: link }),

  'logins.create': () => ({ path: '/logins', body: { login: { type: 'api', name: 'New' } } }),
  'logins.list': ({ login }) => listed('/logins', login),
  'logins.show': ({ login }) => ({ path: `/logins/${login}` }),
  'logins.end': ({ login }) => ({ path: `/logins/${login}` }),

  'login.show': () => ({ path: '/login' }),
  'login.change': () => ({ path: '/login', body: { login: { name: 'Renamed' } } }),
  'login.end': () => ({ path: '/login' }),
  'login.end_elsewhere': () => ({ path: '/login/elsewhere' }),
  'user.show': () => ({ path: '/user' }),
  'user.change': () => ({ path: '/user', body: { user: { name: 'Renamed' } } }),

  'users.list': ({ member }) => listed('/users', member),
  'users.create': ({ group }) => ({ path: '/users', body: { user: newMember(group) } }),
  'users.show': (things) => ({ path: member('/users', things) }),
  'users.change': (things) => ({ path: member('/users', things), body: { user: { name: 'Renamed' } } }),
  'users.remove': (things) => ({ path: member('/users', things) }),
  'members.list': ({ member }) => listed('/members', member),
  'members.create': ({ group }) => ({ path: '/members', body: { member: newMember(group) } }),
  'members.show': (things) => ({ path: member('/members', things) }),
  'members.change': (things) => ({
    path: member('/members', things),
    body: { member: { role: 'manager', group_ids: [things.group] } },
  }),
  'members.remove': (things) => ({ path: member('/members', things) }),
  'invitations.create': ({ member }) => ({
    path: '/invitations',
    body: { invitation: { user_id: member } },
  }),
  'password_resets.create': ({ member }) => ({
    path: '/password_resets',
    body: { password_reset: { user_id: member } },
  }),

  'organizations.list': ({ organization }) => ({ path: '/organizations', finds: organization }),
  'organizations.show': ({ organization }) => ({ path: `/organizations/${organization}` }),
  'organizations.change': ({ organization }) => ({
    path: `/organizations/${organization}`,
    body: { organization: { validity_s_max: 31_622_400 } },
  }),

  'agents.create': () => ({ path: '/agents', body: { agent: { name: 'New' } } }),
  'agents.create_enrollment_code': ({ agent }) => ({ path: `/agents/${agent}/enrollment_code` }),
  'agents.list': ({ agent }) => listed('/agents', agent),
  'agents.show': ({ agent }) => ({ path: `/agents/${agent}` }),
  'agents.change': ({ agent }) => ({ path: `/agents/${agent}`, body: { agent: { name: 'Renamed' } } }),
  'agents.remove': ({ agent }) => ({ path: `/agents/${agent}` }),

  'readers.list': ({ reader }) => listed('/readers', reader),
  'readers.create': ({ door }) => ({ path: '/readers', body: { reader: { name: 'New', lock_id: door } } }),
  'readers.show': ({ reader }) => ({ path: `/readers/${reader}` }),
  'readers.change': ({ reader }) => ({ path: `/readers/${reader}`, body: { reader: { name: 'Renamed' } } }),
  'readers.remove': ({ reader }) => ({ path: `/readers/${reader}` }),
  'readers.create_enrollment_code': ({ reader }) => ({ path: `/readers/${reader}/enrollment_code` }),

  'health.show_readiness': () => ({ path: '/ready' }),
  'health.show_metrics': () => ({ path: '/metrics' }),
};
