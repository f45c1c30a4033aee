import { Type } from 'typebox';
import { Choice, Ignored, Name } from './fields.ts';

/* What callers send about their organization. */

const { Optional } = Type;

/** The shortest and longest that an organization may set: a minute, and five years. */
const validitySMin = 60;
const validitySMax = 5 * 366 * 86_400;

const Validity = Type.Integer({
  minimum: validitySMin,
  maximum: validitySMax,
  description: `seconds, a whole number from ${validitySMin} to ${validitySMax}`,
});

export const OrganizationChange = Type.Object({
  name: Optional(Name),
  default_quick_response_code_type: Optional(Choice(['online', 'offline'])),
  default_validity_s: Optional(Validity),
  validity_s_max: Optional(Validity),
  logo: Optional(Ignored),
  address: Optional(Ignored),
  description: Optional(Ignored),
  time_zone: Optional(Ignored),
  metadata: Optional(Ignored),
  scim_enabled: Optional(Ignored),
  web_authentication_api_enabled: Optional(Ignored),
  identity_provider_issuer_url: Optional(Ignored),
});
