/** Everything that a login may be allowed to do, by the noun that it is done to. An API key holds some of these. */
export const scopes = [
  'organization:read',
  'organization:write',
  'members:read',
  'members:write',
  'logins:read',
  'logins:write',
  'places:read',
  'places:write',
  'doors:read',
  'doors:write',
  'doors:unlock',
  'doors:lock_down',
  'groups:read',
  'groups:write',
  'schedules:read',
  'schedules:write',
  'links:read',
  'links:write',
  'links:reveal',
  'events:read',
  'agents:read',
  'agents:write',
  'installation:read',
] as const;

export type Scope = (typeof scopes)[number];

export const roles = ['owner', 'admin', 'manager', 'viewer'] as const;

/**
 * What a member is to the organization. `owner` and `admin` may do everything, and only an owner makes or unmakes an
 * owner. A `manager` runs the links of named groups and opens their doors. A `viewer` reads, and opens nothing.
 */
export type Role = (typeof roles)[number];

const reading = scopes.filter((scope) => scope.endsWith(':read'));
const viewing = reading.filter((scope) => !['logins:read', 'installation:read'].includes(scope));
const managing: readonly Scope[] = [
  'organization:read',
  'places:read',
  'doors:read',
  'doors:unlock',
  'groups:read',
  'schedules:read',
  'links:read',
  'links:write',
  'links:reveal',
  'events:read',
];

/** What each role may do. A manager's scopes reach no further than the named groups. */
export const scopesOfRole: Readonly<Record<Role, ReadonlySet<Scope>>> = {
  owner: new Set(scopes),
  admin: new Set(scopes),
  manager: new Set(managing),
  viewer: new Set(viewing),
};
