import { PosternError } from '../../domain/errors.ts';
import { OrganizationChange } from '../../domain/schemas/organizations.ts';
import type { Context, LoginCaller } from '../context.ts';
import type { LoginRequest } from '../http/handlers.ts';
import { rangeOf } from '../http/lists.ts';
import { bodyParser, parseId } from '../http/parse.ts';
import { sessionMs } from '../logins/sessions.ts';
import { changeOrganization, type Organization, showOrganization } from './organizations.ts';

const parseChange = bodyParser('organization', OrganizationChange);

/** Everybody belongs to one. */
export async function listOrganizations(context: Context, { caller, reply }: LoginRequest) {
  reply.header('x-collection-range', rangeOf(1, 0, 1));
  return [organizationAnswer(await showOrganization(context, caller.organization_id))];
}

export async function showOwnOrganization(context: Context, { caller, params }: LoginRequest) {
  return organizationAnswer(await showOrganization(context, ownId(caller, params.id)));
}

export async function changeOwnOrganization(context: Context, request: LoginRequest) {
  const { caller, params, body, reply } = request;
  ownId(caller, params.id);
  await changeOrganization(context, caller, parseChange(body));
  reply.code(204);
}

/** Another organization is as good as none. */
function ownId({ organization_id }: LoginCaller, id: string | undefined): number {
  if (id !== undefined && parseId(id) !== organization_id) throw new PosternError('not_found');
  return organization_id;
}

function organizationAnswer(organization: Organization) {
  return {
    id: organization.id,
    resource_type: 'Organization',
    name: organization.name,
    domain: organization.domain,
    logo: null,
    address: null,
    description: null,
    device_logins_expire_after: sessionMs / 1000,
    places_count: organization.places_count,
    scim_enabled: false,
    sso_flow_enabled: false,
    sso_expiration_override_enabled: false,
    sso_expiration_override: null,
    metadata: null,
    time_zone: 'UTC',
    web_authentication_api_enabled: false,
    apple_pass_enabled: false,
    created_at: organization.created_at,
    updated_at: organization.updated_at,
    user_id: organization.owner_id,
    transfer_to_id: null,
    image: null,
    color: null,
    default_quick_response_code_type: organization.default_quick_response_code_type,
    default_validity_s: organization.default_validity_s,
    validity_s_max: organization.validity_s_max,
  };
}
