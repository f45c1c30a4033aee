import { Type } from 'typebox';
import {
  alwaysFalse,
  alwaysNull,
  count,
  dates,
  id,
  neutral,
  orNull,
  resourceType,
  text,
  word,
} from './fields.ts';

/* What is answered about the organization. */

const unknownText = alwaysNull(Type.String());

export const OrganizationAnswer = Type.Object(
  {
    id: id(1),
    resource_type: resourceType('Organization'),
    name: text('Harbour House Coworking'),
    domain: text('harbour-house'),
    logo: unknownText,
    address: unknownText,
    description: unknownText,
    device_logins_expire_after: count(2_592_000),
    places_count: count(2),
    scim_enabled: alwaysFalse,
    sso_flow_enabled: alwaysFalse,
    sso_expiration_override_enabled: alwaysFalse,
    sso_expiration_override: alwaysNull(Type.Integer()),
    metadata: unknownText,
    time_zone: neutral(Type.String(), 'UTC'),
    web_authentication_api_enabled: alwaysFalse,
    apple_pass_enabled: alwaysFalse,
    ...dates,
    user_id: orNull(id(7)),
    transfer_to_id: alwaysNull(Type.Integer()),
    image: unknownText,
    color: unknownText,
    default_quick_response_code_type: word(['offline', 'online']),
    default_validity_s: count(604_800),
    validity_s_max: count(31_622_400),
  },
  { title: 'Organization' },
);
