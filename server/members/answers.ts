import type { LoginCaller } from '../context.ts';
import type { OneTimeLink } from './one-time-links.ts';
import type { Member } from './store.ts';

/* Members as Kisi's clients read them: as `Member`, as `User`, and as the user who is signed in. */

export function memberAnswer(member: Member) {
  const { id, name, email } = member;
  return {
    id,
    resource_type: 'Member',
    name,
    email,
    image: null,
    password_flow_enabled: true,
    access_enabled: member.access_enabled === 1,
    scim_access_enabled: true,
    last_accessed_at: null,
    created_at: member.created_at,
    updated_at: member.updated_at,
    role_id: member.role,
    role: member.role,
    group_ids: member.group_ids,
    notes: member.notes,
    metadata: metadataOf(member),
    organization_id: member.organization_id,
    user_id: id,
    user: { id, resource_type: 'User', email, name, otp_required_for_login: false },
    place_id: null,
    shares_count: 0,
    confirmed: member.confirmed_at !== null,
  };
}

export function userAnswer(member: Member) {
  return {
    id: member.id,
    resource_type: 'User',
    name: member.name,
    email: member.email,
    created_at: member.created_at,
    updated_at: member.updated_at,
    metadata: metadataOf(member),
    image: null,
    otp_required_for_login: false,
    password_flow_enabled: true,
    access_enabled: member.access_enabled === 1,
    last_accessed_at: null,
    scim_access_enabled: true,
    notes: member.notes,
    organization_id: member.organization_id,
    confirmed: member.confirmed_at !== null,
    groups_count: member.group_ids.length,
    role: member.role,
    group_ids: member.group_ids,
  };
}

export interface NamedOrganization {
  id: number;
  name: string;
  domain: string;
}

/** A user to themselves, or to the page on which they chose a password. */
export function ownUserAnswer(member: Member, { id, name, domain }: NamedOrganization) {
  return {
    id: member.id,
    resource_type: 'User',
    name: member.name,
    email: member.email,
    image: null,
    locale: null,
    notifications_unread_count: 0,
    otp_required_for_login: false,
    otp_enabled_at: null,
    primary_login_exists: false,
    created_at: member.created_at,
    updated_at: member.updated_at,
    announcements_last_seen_at: null,
    last_read_at: null,
    notes: member.notes,
    organization_id: id,
    organization: { id, resource_type: 'Organization', name, domain },
    role: member.role,
    group_ids: member.group_ids,
  };
}

/** What this login may do, for whoever builds a page on it. */
export function rightsAnswer({ scopes, group_ids }: LoginCaller) {
  return { scopes: [...scopes], group_ids };
}

export function linkAnswer({ url, secret, expires_at }: OneTimeLink) {
  return { url, secret, expires_at };
}

function metadataOf({ metadata }: Member): unknown {
  return metadata === null ? {} : JSON.parse(metadata);
}
