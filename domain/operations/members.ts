import {
  ConfirmedUserAnswer,
  MemberAnswer,
  NewMemberAnswer,
  NewUserAnswer,
  OneTimeLinkAnswer,
  OwnUserAnswer,
  UserAnswer,
} from '../schemas/answers/members.ts';
import {
  AcceptedInvitation,
  KisiPasswordReset,
  MemberChange,
  MemberQuery,
  NewInvitation,
  NewMember,
  NewPasswordReset,
  OwnUserChange,
  PasswordReset,
  PasswordResetRequest,
} from '../schemas/members.ts';
import { list, nothing, type OperationDescription, record } from './operation.ts';

/* The people who sign in: as users and, in Kisi's older words for the same, as members. */

const creating =
  'Without a `password` the answer holds an `invitation`: a one-time link by which the member chooses one, within 7 days. It is ' +
  'shown this once, and whoever makes the member sends it on. A role is `viewer` unless said otherwise. Nobody gives ' +
  'a role above their own; an API key, none that may do more than the key.';
const changing =
  'Only the fields that are sent change. Only an owner makes or unmakes an owner, and the last one stays.';
const removing =
  'Ends whatever the member is signed in with. Only an owner removes an owner, and the last one stays.';
const example = { email: 'ada@example.org', name: 'Ada Lovelace', role: 'manager', group_ids: [3] };
const oneTimeSecret = 'psto_k3v9x2q7d4m8r6t1w5y0b2n4c7f9h3j6abcdefg';
const password = 'correct horse battery';

export const memberOperations = {
  'user.show': {
    tag: 'Users',
    summary: 'Show who is signed in',
    description: "Oneself and what one may do; for an API key, its organization's service user.",
    answer: record(OwnUserAnswer),
  },
  'user.change': {
    tag: 'Users',
    summary: "Change one's own name or password",
    description:
      'A new password needs the present one as `current_password`, and ends all other sessions of the member.',
    body: {
      noun: 'user',
      schema: OwnUserChange,
      example: { current_password: password, password: 'a longer horse battery' },
    },
    answer: nothing,
    errors: ['not_permitted', 'wrong_password', 'busy'],
  },
  'users.list': {
    tag: 'Users',
    summary: 'List users',
    description: 'The people of the organization.',
    query: MemberQuery,
    answer: list(UserAnswer),
  },
  'users.create': {
    tag: 'Users',
    summary: 'Add a user',
    description: creating,
    body: { noun: 'user', schema: NewMember, example },
    answer: record(NewUserAnswer),
    errors: ['not_permitted', 'busy'],
  },
  'users.show': {
    tag: 'Users',
    summary: 'Show a user',
    description: 'One of the people of the organization.',
    answer: record(UserAnswer),
  },
  'users.change': {
    tag: 'Users',
    summary: 'Change a user',
    description: changing,
    body: { noun: 'user', schema: MemberChange, example: { role: 'admin' } },
    answer: nothing,
    errors: ['not_permitted', 'last_owner'],
  },
  'users.remove': {
    tag: 'Users',
    summary: 'Remove a user',
    description: removing,
    answer: nothing,
    errors: ['not_permitted', 'last_owner'],
  },
  'users.request_password_reset': {
    tag: 'Users',
    summary: 'Ask for a password reset by e-mail',
    description:
      'Answers the same for every address, known or not. This server sends no mail yet, so nothing comes of it: an owner or ' +
      'admin makes the link with `POST /password_resets`.',
    body: {
      noun: 'user',
      schema: PasswordResetRequest,
      example: { email: 'ada@example.org', domain: 'harbour-house' },
    },
    answer: nothing,
  },
  'users.reset_password': {
    tag: 'Users',
    summary: "Choose a new password, in Kisi's words",
    description: 'The same as `POST /passwords/reset`.',
    body: {
      noun: 'user',
      schema: KisiPasswordReset,
      example: { reset_password_token: oneTimeSecret, password, password_confirmation: password },
    },
    answer: nothing,
    errors: ['one_time_link_over', 'too_many_requests', 'busy', 'unavailable'],
  },

  'members.list': {
    tag: 'Members',
    summary: 'List members',
    description: 'The people of the organization.',
    query: MemberQuery,
    answer: list(MemberAnswer),
  },
  'members.create': {
    tag: 'Members',
    summary: 'Add a member',
    description: creating,
    body: { noun: 'member', schema: NewMember, example },
    answer: record(NewMemberAnswer),
    errors: ['not_permitted', 'busy'],
  },
  'members.show': {
    tag: 'Members',
    summary: 'Show a member',
    description: 'One of the people of the organization.',
    answer: record(MemberAnswer),
  },
  'members.change': {
    tag: 'Members',
    summary: 'Change a member',
    description: changing,
    body: { noun: 'member', schema: MemberChange, example: { role: 'admin' } },
    answer: nothing,
    errors: ['not_permitted', 'last_owner'],
  },
  'members.remove': {
    tag: 'Members',
    summary: 'Remove a member',
    description: removing,
    answer: nothing,
    errors: ['not_permitted', 'last_owner'],
  },

  'invitations.create': {
    tag: 'Users',
    summary: 'Invite a user again',
    description: 'A new one-time link for somebody who has no password yet; the one before ends.',
    body: { noun: 'invitation', schema: NewInvitation, example: { user_id: 7 } },
    answer: record(OneTimeLinkAnswer),
    errors: ['not_permitted'],
  },
  'invitations.accept': {
    tag: 'Users',
    summary: 'Accept an invitation',
    description: 'Chooses a password; from then on one can sign in. The link works once.',
    body: { schema: AcceptedInvitation, example: { secret: oneTimeSecret, name: 'Ada Lovelace', password } },
    answer: record(ConfirmedUserAnswer),
    errors: ['one_time_link_over', 'too_many_requests', 'busy'],
  },
  'password_resets.create': {
    tag: 'Users',
    summary: 'Make a link to reset a password',
    description:
      'A one-time link, good for 24 hours, for whoever makes it to send on. It is shown this once. Only an owner makes one ' +
      'for an owner.',
    body: { noun: 'password_reset', schema: NewPasswordReset, example: { user_id: 7 } },
    answer: record(OneTimeLinkAnswer),
    errors: ['not_permitted'],
  },
  'passwords.reset': {
    tag: 'Users',
    summary: 'Choose a new password',
    description:
      'By the secret of a one-time link, which works once. Ends whatever the member was signed in with.',
    body: { schema: PasswordReset, example: { secret: oneTimeSecret, password } },
    answer: nothing,
    errors: ['one_time_link_over', 'too_many_requests', 'busy'],
  },
} as const satisfies Record<string, OperationDescription>;
