import { Type } from 'typebox';
import { roles, scopes } from '../../scopes.ts';
import {
  alwaysFalse,
  alwaysNull,
  alwaysTrue,
  alwaysZero,
  count,
  dates,
  flag,
  id,
  instant,
  oftenNull,
  orNull,
  resourceType,
  text,
  word,
} from './fields.ts';

/* What is answered about members, as Kisi's `Member` and `User`, and to a member about themselves. */

const name = text('Ada Lovelace');
const email = text('ada@example.org');
const role = word(roles);
const group_ids = Type.Array(id(3));

const metadata = Type.Unsafe<Record<string, unknown>>({
  type: 'object',
  additionalProperties: { type: ['string', 'number', 'boolean', 'null'] },
  examples: [{ desk: '12' }],
});

const memberFields = {
  id: id(7),
  resource_type: resourceType('Member'),
  name,
  email,
  image: alwaysNull(Type.String()),
  password_flow_enabled: alwaysTrue,
  access_enabled: flag(true),
  scim_access_enabled: alwaysTrue,
  last_accessed_at: alwaysNull(instant()),
  ...dates,
  role_id: role,
  role,
  group_ids,
  notes: oftenNull(text('Reception')),
  metadata,
  organization_id: id(1),
  user_id: id(7),
  user: Type.Object({
    id: id(7),
    resource_type: resourceType('User'),
    email,
    name,
    otp_required_for_login: alwaysFalse,
  }),
  place_id: alwaysNull(Type.Integer()),
  shares_count: alwaysZero,
  confirmed: flag(true),
};

const userFields = {
  id: id(7),
  resource_type: resourceType('User'),
  name,
  email,
  ...dates,
  metadata,
  image: alwaysNull(Type.String()),
  otp_required_for_login: alwaysFalse,
  password_flow_enabled: alwaysTrue,
  access_enabled: flag(true),
  last_accessed_at: alwaysNull(instant()),
  scim_access_enabled: alwaysTrue,
  notes: oftenNull(text('Reception')),
  organization_id: id(1),
  confirmed: flag(true),
  groups_count: count(),
  role,
  group_ids,
};

const exampleSecret = 'psto_k3v9x2q7d4m8r6t1w5y0b2n4c7f9h3j6abcdefg';

export const OneTimeLinkAnswer = Type.Object(
  {
    url: text(`https://doors.example.org/invitations#${exampleSecret}`),
    secret: text(exampleSecret),
    expires_at: instant('2026-12-08T09:00:00.000Z'),
  },
  { title: 'OneTimeLink' },
);

const invitation = orNull(OneTimeLinkAnswer);

export const MemberAnswer = Type.Object(memberFields, { title: 'Member' });
export const UserAnswer = Type.Object(userFields, { title: 'User' });
export const NewMemberAnswer = Type.Object({ ...memberFields, invitation }, { title: 'NewMember' });
export const NewUserAnswer = Type.Object({ ...userFields, invitation }, { title: 'NewUser' });

const ownUserFields = {
  id: id(7),
  resource_type: resourceType('User'),
  name,
  email,
  image: alwaysNull(Type.String()),
  locale: alwaysNull(Type.String()),
  notifications_unread_count: alwaysZero,
  otp_required_for_login: alwaysFalse,
  otp_enabled_at: alwaysNull(instant()),
  primary_login_exists: alwaysFalse,
  ...dates,
  announcements_last_seen_at: alwaysNull(instant()),
  last_read_at: alwaysNull(Type.Object({})),
  notes: oftenNull(text('Reception')),
  organization_id: id(1),
  organization: Type.Object({
    id: id(1),
    resource_type: resourceType('Organization'),
    name: text('Harbour House Coworking'),
    domain: text('harbour-house'),
  }),
  role,
  group_ids,
};

export const ConfirmedUserAnswer = Type.Object(ownUserFields, { title: 'ConfirmedUser' });

export const OwnUserAnswer = Type.Object(
  { ...ownUserFields, group_ids: orNull(group_ids), scopes: Type.Array(word(scopes)) },
  { title: 'OwnUser' },
);
