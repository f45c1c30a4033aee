import { Type } from 'typebox';
import { passwordLengthMax, passwordLengthMin } from '../password.ts';
import { roles } from '../scopes.ts';
import { anyText, Choice, Description, Email, Flag, Id, Ignored, Name, Nullable } from './fields.ts';
import { listing } from './lists.ts';
import { UserFilter } from './logins.ts';

/* What callers send about members, which Kisi calls users too, and what a member sends about themselves. */

const { Optional } = Type;

/** Any characters at all but halves of one, which have no UTF-8. */
export const NewPassword = Type.String({
  minLength: passwordLengthMin,
  maxLength: passwordLengthMax,
  pattern: '^[^\\ud800-\\udfff]*$',
  description: `a password of ${passwordLengthMin} to ${passwordLengthMax} characters`,
});

const PresentPassword = Type.String({ maxLength: 1000, description: 'the present password' });

const OneTimeSecret = Type.String({ maxLength: 200, description: 'the secret of a one-time link' });

const GroupIds = Type.Array(Id, {
  maxItems: 250,
  description: 'a list of up to 250 ids of groups',
});

const MemberMetadata = Type.Unsafe<Record<string, string | number | boolean | null>>({
  type: 'object',
  propertyNames: { maxLength: 50 },
  additionalProperties: {
    anyOf: [{ type: 'string', maxLength: 500 }, { type: 'number' }, { type: 'boolean' }, { type: 'null' }],
  },
  maxProperties: 50,
  description: 'an object of up to 50 plain values, under names of up to 50 characters',
});

/** Members sign in with a password here: switching that off would mean that they cannot. */
const PasswordFlow = Type.Unsafe<true>({
  type: 'boolean',
  enum: [true],
  description: 'true: members sign in with a password',
});

const memberFields = {
  name: Optional(Nullable(Name)),
  role: Optional(Choice(roles)),
  group_ids: Optional(GroupIds),
  access_enabled: Optional(Flag),
  notes: Optional(Nullable(Description)),
  metadata: Optional(Nullable(MemberMetadata)),
  image: Optional(Ignored),
  password_flow_enabled: Optional(PasswordFlow),
};

export const NewMember = Type.Object({
  email: Email,
  ...memberFields,
  password: Optional(Nullable(NewPassword)),
  send_emails: Optional(Ignored),
  confirm: Optional(Ignored),
});

export const MemberChange = Type.Partial(Type.Object({ email: Email, ...memberFields }));

export const MemberQuery = Type.Object({
  ...listing,
  email: Optional(Type.String({ maxLength: 254, pattern: anyText, description: 'an e-mail address' })),
  user_id: Optional(UserFilter),
  group_id: Optional(Id),
  place_id: Optional(Id),
  sort: Optional(Choice(['name', '-name', 'unlock', '-unlock', 'access_enabled', '-access_enabled'])),
});

export const OwnUserChange = Type.Object({
  name: Optional(Name),
  current_password: Optional(Nullable(PresentPassword)),
  password: Optional(Nullable(NewPassword)),
  password_confirmation: Optional(
    Nullable(Type.String({ maxLength: 1000, description: 'the same password' })),
  ),
  image: Optional(Ignored),
  locale: Optional(Ignored),
  last_read_at: Optional(Ignored),
  announcements_last_seen_at: Optional(Ignored),
});

export const NewInvitation = Type.Object({ user_id: Id });

export const AcceptedInvitation = Type.Object({
  secret: OneTimeSecret,
  name: Optional(Nullable(Name)),
  password: NewPassword,
});

export const NewPasswordReset = Type.Object({ user_id: Id });

export const PasswordReset = Type.Object({ secret: OneTimeSecret, password: NewPassword });

/** The same in Kisi's words. */
export const KisiPasswordReset = Type.Object({
  reset_password_token: OneTimeSecret,
  password: NewPassword,
  password_confirmation: Optional(
    Nullable(Type.String({ maxLength: 1000, description: 'the same password' })),
  ),
});

export const PasswordResetRequest = Type.Object({
  email: Type.String({ maxLength: 1000, pattern: anyText, description: 'an e-mail address' }),
  domain: Optional(
    Nullable(
      Type.String({ maxLength: 1000, pattern: anyText, description: 'the domain of an organization' }),
    ),
  ),
});
