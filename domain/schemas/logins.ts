import { Type } from 'typebox';
import { scopes } from '../scopes.ts';
import { anyText, Choice, Ignored, Instant, Name, Nullable } from './fields.ts';
import { paging } from './lists.ts';

/* What callers send to sign in, and about API keys. */

const { Optional } = Type;

/** What somebody typed into a form to sign in: whatever it is, the answer is that it is right or wrong. */
const Typed = Type.String({
  maxLength: 1000,
  pattern: anyText,
  description: 'up to 1000 characters, none of them U+0000',
});

export const Scopes = Type.Array(Choice(scopes), {
  minItems: 1,
  maxItems: scopes.length,
  description: `a list of one or more of ${scopes.join(', ')}`,
});

export const LoginBody = Type.Object({
  login: Optional(Type.Unknown({ description: 'an object' })),
  user: Optional(Type.Unknown({ description: 'an object' })),
});

/** `device` is Kisi's word for a member who signs in; absent means the same. */
export const NewLogin = Type.Object({
  type: Optional(Nullable(Choice(['api', 'device', 'login']))),
  name: Optional(Nullable(Name)),
  scopes: Optional(Nullable(Scopes)),
  expires_at: Optional(Nullable(Instant)),
  expire: Optional(Ignored),
  device_brand: Optional(Ignored),
  device_model: Optional(Ignored),
  device_uid: Optional(Ignored),
  os_name: Optional(Ignored),
  push_token: Optional(Ignored),
  ios_voip_push_token: Optional(Ignored),
});

export const Credentials = Type.Object({
  domain: Optional(Nullable(Typed)),
  email: Optional(Nullable(Typed)),
  password: Optional(Nullable(Typed)),
  authentication_info: Optional(Ignored),
  otp_attempt: Optional(Ignored),
});

export const LoginChange = Type.Object({
  name: Optional(Nullable(Name)),
  push_token: Optional(Ignored),
  ios_voip_push_token: Optional(Ignored),
});

export const UserFilter = Type.String({
  pattern: '^(me|[1-9][0-9]{0,15})$',
  description: 'the id of a user, or me',
});

export const LoginQuery = Type.Object({
  ...paging,
  ids: Optional(
    Type.String({
      pattern: '^[0-9]{1,16}(,[0-9]{1,16}){0,249}$',
      description: 'up to 250 ids with commas between them',
    }),
  ),
  user_id: Optional(UserFilter),
  scope: Optional(Choice(['me', 'all'])),
});
