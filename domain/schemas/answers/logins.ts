import { Type } from 'typebox';
import { scopes } from '../../scopes.ts';
import {
  alwaysFalse,
  alwaysNull,
  alwaysZero,
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

/* What is answered about logins: API keys and sessions of members. */

const unknownText = alwaysNull(Type.String());
const version = Type.Object({ name: unknownText, version: unknownText });

const loginFields = {
  id: id(11),
  ...dates,
  type: word(['api', 'device']),
  name: text('Booking system'),
  primary: alwaysFalse,
  expire: flag(),
  last_used_at: alwaysNull(instant()),
  device_brand: unknownText,
  device_model: unknownText,
  os_name: unknownText,
  user_id: id(2),
  user: Type.Object({
    id: id(2),
    resource_type: resourceType('User'),
    email: text('api@harbour-house.invalid'),
    name: text('Harbour House API'),
  }),
  app: version,
  user_agent: version,
  device: Type.Object({ brand: unknownText, model: unknownText }),
  os: version,
  scram_credentials: alwaysNull(Type.Object({})),
  scopes: orNull(Type.Array(word(scopes))),
  expires_at: oftenNull(instant('2027-12-01T09:00:00.000Z')),
};

const exampleSecret = 'pstk_k3v9x2q7d4m8r6t1w5y0b2n4c7f9h3j6abcdefg';

export const LoginAnswer = Type.Object(loginFields, { title: 'Login' });

export const NewLoginAnswer = Type.Object(
  {
    ...loginFields,
    secret: text(exampleSecret),
    authentication_token: text(exampleSecret),
    has_primary_device: alwaysFalse,
    email: text('api@harbour-house.invalid'),
    notifications_unread_count: alwaysZero,
    otp_required_for_login: alwaysFalse,
    otp_enabled_at: alwaysNull(instant()),
    image: alwaysNull(Type.String()),
    primary_login_exists: alwaysFalse,
  },
  { title: 'NewLogin' },
);
