import type { Endpoint } from '../endpoints.ts';

/** Part of the table of endpoints: signing in, API keys, members, and the organization itself. */
export const peopleEndpoints = {
  // An API key is made by whoever holds logins:write or sends a password; signing in needs the password alone.
  'logins.create': {
    methods: ['POST'],
    paths: ['/logins'],
    callers: ['anyone', 'login'],
    scope: null,
    guessable: true,
  },
  // One's own sessions need no scope; API keys are there for logins:read, and end for logins:write.
  'logins.list': { methods: ['GET'], paths: ['/logins'], callers: ['login'], scope: null },
  'logins.show': { methods: ['GET'], paths: ['/logins/:id'], callers: ['login'], scope: null },
  'logins.end': { methods: ['DELETE'], paths: ['/logins/:id'], callers: ['login'], scope: null },

  'login.show': { methods: ['GET'], paths: ['/login'], callers: ['login'], scope: null },
  'login.change': { methods: ['PUT', 'PATCH'], paths: ['/login'], callers: ['login'], scope: null },
  'login.end': { methods: ['DELETE'], paths: ['/login'], callers: ['login'], scope: null },
  'login.end_elsewhere': {
    methods: ['DELETE'],
    paths: ['/login/elsewhere'],
    callers: ['login'],
    scope: null,
  },

  'user.show': { methods: ['GET'], paths: ['/user'], callers: ['login'], scope: null },
  'user.change': {
    methods: ['PATCH', 'PUT'],
    paths: ['/user'],
    callers: ['login'],
    scope: null,
    guessable: true,
  },

  'users.list': { methods: ['GET'], paths: ['/users'], callers: ['login'], scope: 'members:read' },
  'users.create': { methods: ['POST'], paths: ['/users'], callers: ['login'], scope: 'members:write' },
  'users.show': { methods: ['GET'], paths: ['/users/:id'], callers: ['login'], scope: 'members:read' },
  'users.change': {
    methods: ['PATCH', 'PUT'],
    paths: ['/users/:id'],
    callers: ['login'],
    scope: 'members:write',
  },
  'users.remove': { methods: ['DELETE'], paths: ['/users/:id'], callers: ['login'], scope: 'members:write' },

  'members.list': { methods: ['GET'], paths: ['/members'], callers: ['login'], scope: 'members:read' },
  'members.create': { methods: ['POST'], paths: ['/members'], callers: ['login'], scope: 'members:write' },
  'members.show': { methods: ['GET'], paths: ['/members/:id'], callers: ['login'], scope: 'members:read' },
  'members.change': {
    methods: ['PATCH', 'PUT'],
    paths: ['/members/:id'],
    callers: ['login'],
    scope: 'members:write',
  },
  'members.remove': {
    methods: ['DELETE'],
    paths: ['/members/:id'],
    callers: ['login'],
    scope: 'members:write',
  },

  'invitations.create': {
    methods: ['POST'],
    paths: ['/invitations'],
    callers: ['login'],
    scope: 'members:write',
  },
  'invitations.accept': { methods: ['POST'], paths: ['/invitations/accept'], callers: ['anyone'] },

  'password_resets.create': {
    methods: ['POST'],
    paths: ['/password_resets'],
    callers: ['login'],
    scope: 'members:write',
  },
  'passwords.reset': { methods: ['POST'], paths: ['/passwords/reset'], callers: ['anyone'] },
  // Kisi's two operations for the same.
  'users.request_password_reset': { methods: ['POST'], paths: ['/users/password'], callers: ['anyone'] },
  'users.reset_password': { methods: ['PATCH'], paths: ['/users/password'], callers: ['anyone'] },

  'organizations.list': {
    methods: ['GET'],
    paths: ['/organizations'],
    callers: ['login'],
    scope: 'organization:read',
  },
  'organizations.show': {
    methods: ['GET'],
    paths: ['/organizations/:id', '/organization'],
    callers: ['login'],
    scope: 'organization:read',
  },
  'organizations.change': {
    methods: ['PATCH', 'PUT'],
    paths: ['/organizations/:id', '/organization'],
    callers: ['login'],
    scope: 'organization:write',
  },
} as const satisfies Record<string, Endpoint>;
