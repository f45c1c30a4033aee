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
  'readers:read',
  'readers:write',
  'installation:read',
] as const;

export type Scope = (typeof scopes)[number];

/** From the highest to the lowest. */
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

export interface LoginRights {
  role: Role;
  /** What the login was made for; null: all that the role may. A scope that the role does not have is of no use. */
  own: readonly Scope[] | null;
  /** False: the member opens no door, whatever the role. */
  access_enabled: boolean;
}

/** What a login may do. */
export function scopesOfLogin({ role, own, access_enabled }: LoginRights): ReadonlySet<Scope> {
  const most = scopesOfRole[role];
  const allowed = own === null ? most : new Set(own.filter((scope) => most.has(scope)));
  return access_enabled ? allowed : allowed.difference(new Set(['doors:unlock']));
}

/** Whether a role is as high as the other, or higher: nobody makes, changes or removes somebody above themselves. */
export function isAsHighAs(role: Role, other: Role): boolean {
  return roles.indexOf(role) <= roles.indexOf(other);
}
