import { peopleEndpoints } from './endpoints/people.ts';
import { readerEndpoints } from './endpoints/readers.ts';
import type { Scope } from './scopes.ts';

/**
 * Who may call. `anyone`: no credential. `login`: an API key or a signed-in member. `link`: an access link's
 * secret. `page`: the visitor's page, by its sealed cookie. `agent`: by the signed handshake.
 */
export type CallerKind = 'anyone' | 'login' | 'link' | 'page' | 'agent';

export interface Endpoint {
  methods: readonly ('GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE')[];
  /** More than one: older spellings of the same operation that real programs still send. */
  paths: readonly string[];
  callers: readonly CallerKind[];
  /** What a login needs for it; null: being signed in is enough. Of no meaning to other callers. */
  scope?: Scope | null;
  /** Passwords are looked at: refused while too many wrong ones come from the caller's address. */
  guessable?: true;
  /** The answer goes on until somebody ends it: a server that stops does not wait for it. */
  endless?: true;
}

/**
 * Every operation of the HTTP API: the authorization table and the URL map in one. A route that is not here
 * cannot be registered, and an operation without a handler does not compile.
 */
export const endpoints = {
  'health.show': { methods: ['GET'], paths: ['/health'], callers: ['anyone'] },
  // Strangers hear yes or no; details are there for installation:read.
  'health.show_readiness': {
    methods: ['GET'],
    paths: ['/ready'],
    callers: ['anyone', 'login'],
    scope: null,
  },
  'health.show_metrics': {
    methods: ['GET'],
    paths: ['/metrics'],
    callers: ['login'],
    scope: 'installation:read',
  },

  'reference.show_document': { methods: ['GET'], paths: ['/openapi.json'], callers: ['anyone'] },
  'reference.show_page': { methods: ['GET'], paths: ['/docs'], callers: ['anyone'] },
  'reference.show_style': { methods: ['GET'], paths: ['/docs/assets/:name'], callers: ['anyone'] },
  'reference.list_errors': { methods: ['GET'], paths: ['/docs/errors'], callers: ['anyone'] },
  'reference.show_error': { methods: ['GET'], paths: ['/docs/errors/:name'], callers: ['anyone'] },

  'links.create': { methods: ['POST'], paths: ['/group_links'], callers: ['login'], scope: 'links:write' },
  'links.list': { methods: ['GET'], paths: ['/group_links'], callers: ['login'], scope: 'links:read' },
  'links.show': { methods: ['GET'], paths: ['/group_links/:id'], callers: ['login'], scope: 'links:read' },
  'links.change': {
    methods: ['PATCH', 'PUT'],
    paths: ['/group_links/:id'],
    callers: ['login'],
    scope: 'links:write',
  },
  'links.revoke': {
    methods: ['DELETE'],
    paths: ['/group_links/:id'],
    callers: ['login'],
    scope: 'links:write',
  },

  'links.reveal': {
    methods: ['POST'],
    paths: ['/group_links/:id/reveal'],
    callers: ['login'],
    scope: 'links:reveal',
  },

  'link.show': { methods: ['GET'], paths: ['/group_link'], callers: ['link'] },
  'link.show_qr_svg': { methods: ['GET'], paths: ['/group_link/qr_code.svg'], callers: ['link'] },
  'link.show_qr_png': { methods: ['GET'], paths: ['/group_link/qr_code.png'], callers: ['link'] },

  'doors.list': { methods: ['GET'], paths: ['/locks'], callers: ['login', 'link'], scope: 'doors:read' },
  'doors.create': { methods: ['POST'], paths: ['/locks'], callers: ['login'], scope: 'doors:write' },
  'doors.show': { methods: ['GET'], paths: ['/locks/:id'], callers: ['login'], scope: 'doors:read' },
  'doors.change': {
    methods: ['PATCH', 'PUT'],
    paths: ['/locks/:id'],
    callers: ['login'],
    scope: 'doors:write',
  },
  'doors.remove': { methods: ['DELETE'], paths: ['/locks/:id'], callers: ['login'], scope: 'doors:write' },
  'doors.unlock': {
    methods: ['POST'],
    paths: ['/locks/:id/unlock', '/locks/:id/access'],
    callers: ['login', 'link'],
    scope: 'doors:unlock',
  },

  'doors.lock_down': {
    methods: ['POST'],
    paths: ['/locks/:id/lock_down'],
    callers: ['login'],
    scope: 'doors:lock_down',
  },
  'doors.cancel_lockdown': {
    methods: ['POST'],
    paths: ['/locks/:id/cancel_lockdown'],
    callers: ['login'],
    scope: 'doors:lock_down',
  },
  // Besides, it asks for `links:read`.
  'doors.decide': {
    methods: ['POST'],
    paths: ['/locks/:id/decision'],
    callers: ['login'],
    scope: 'doors:read',
  },

  'places.list': { methods: ['GET'], paths: ['/places'], callers: ['login'], scope: 'places:read' },
  'places.create': { methods: ['POST'], paths: ['/places'], callers: ['login'], scope: 'places:write' },
  'places.show': { methods: ['GET'], paths: ['/places/:id'], callers: ['login'], scope: 'places:read' },
  'places.change': {
    methods: ['PATCH', 'PUT'],
    paths: ['/places/:id'],
    callers: ['login'],
    scope: 'places:write',
  },
  'places.remove': { methods: ['DELETE'], paths: ['/places/:id'], callers: ['login'], scope: 'places:write' },
  'places.lock_down': {
    methods: ['POST'],
    paths: ['/places/:id/lock_down'],
    callers: ['login'],
    scope: 'doors:lock_down',
  },
  'places.cancel_lockdown': {
    methods: ['POST'],
    paths: ['/places/:id/cancel_lockdown'],
    callers: ['login'],
    scope: 'doors:lock_down',
  },

  'groups.list': { methods: ['GET'], paths: ['/groups'], callers: ['login'], scope: 'groups:read' },
  'groups.create': { methods: ['POST'], paths: ['/groups'], callers: ['login'], scope: 'groups:write' },
  'groups.show': { methods: ['GET'], paths: ['/groups/:id'], callers: ['login'], scope: 'groups:read' },
  'groups.change': {
    methods: ['PATCH', 'PUT'],
    paths: ['/groups/:id'],
    callers: ['login'],
    scope: 'groups:write',
  },
  'groups.remove': { methods: ['DELETE'], paths: ['/groups/:id'], callers: ['login'], scope: 'groups:write' },

  'group_doors.list': { methods: ['GET'], paths: ['/group_locks'], callers: ['login'], scope: 'groups:read' },
  'group_doors.create': {
    methods: ['POST'],
    paths: ['/group_locks'],
    callers: ['login'],
    scope: 'groups:write',
  },
  'group_doors.show': {
    methods: ['GET'],
    paths: ['/group_locks/:id'],
    callers: ['login'],
    scope: 'groups:read',
  },
  'group_doors.remove': {
    methods: ['DELETE'],
    paths: ['/group_locks/:id'],
    callers: ['login'],
    scope: 'groups:write',
  },

  'schedules.list': { methods: ['GET'], paths: ['/schedules'], callers: ['login'], scope: 'schedules:read' },
  'schedules.create': {
    methods: ['POST'],
    paths: ['/schedules'],
    callers: ['login'],
    scope: 'schedules:write',
  },
  'schedules.show': {
    methods: ['GET'],
    paths: ['/schedules/:id'],
    callers: ['login'],
    scope: 'schedules:read',
  },
  'schedules.change': {
    methods: ['PATCH', 'PUT'],
    paths: ['/schedules/:id'],
    callers: ['login'],
    scope: 'schedules:write',
  },
  'schedules.remove': {
    methods: ['DELETE'],
    paths: ['/schedules/:id'],
    callers: ['login'],
    scope: 'schedules:write',
  },

  'events.list': { methods: ['GET'], paths: ['/events'], callers: ['login'], scope: 'events:read' },
  'events.list_types': {
    methods: ['GET'],
    paths: ['/events/types'],
    callers: ['login'],
    scope: 'events:read',
  },
  'events.stream': {
    methods: ['GET'],
    paths: ['/events/stream'],
    callers: ['login'],
    scope: 'events:read',
    endless: true,
  },
  'event_sets.create': {
    methods: ['POST'],
    paths: ['/event_sets'],
    callers: ['login'],
    scope: 'events:read',
  },
  'event_sets.show': {
    methods: ['GET'],
    paths: ['/event_sets/:id'],
    callers: ['login'],
    scope: 'events:read',
  },

  ...peopleEndpoints,
  ...readerEndpoints,

  'page.show': { methods: ['GET'], paths: ['/l/:id', '/grouplinks/:secret'], callers: ['anyone'] },
  'page.show_asset': { methods: ['GET'], paths: ['/page/assets/:name'], callers: ['anyone'] },
  'page.open_session': { methods: ['POST'], paths: ['/page/sessions'], callers: ['anyone'] },
  'page.show_link': { methods: ['GET'], paths: ['/page/links/:id'], callers: ['page'] },
  'page.begin_hold': { methods: ['POST'], paths: ['/page/links/:id/holds'], callers: ['page'] },
  'page.unlock': { methods: ['POST'], paths: ['/page/links/:id/unlock'], callers: ['page'] },

  'lan.show_authority': { methods: ['GET'], paths: ['/lan/ca.crt'], callers: ['anyone'] },

  'agents.list': { methods: ['GET'], paths: ['/agents'], callers: ['login'], scope: 'agents:read' },
  'agents.create': { methods: ['POST'], paths: ['/agents'], callers: ['login'], scope: 'agents:write' },
  // The credential is the one-time code in the body.
  'agents.enroll': { methods: ['POST'], paths: ['/agents/enroll'], callers: ['anyone'] },
  'agents.create_enrollment_code': {
    methods: ['POST'],
    paths: ['/agents/:id/enrollment_code'],
    callers: ['login'],
    scope: 'agents:write',
  },
  'agents.show': { methods: ['GET'], paths: ['/agents/:id'], callers: ['login'], scope: 'agents:read' },
  'agents.change': {
    methods: ['PATCH', 'PUT'],
    paths: ['/agents/:id'],
    callers: ['login'],
    scope: 'agents:write',
  },
  'agents.remove': { methods: ['DELETE'], paths: ['/agents/:id'], callers: ['login'], scope: 'agents:write' },
  'agents.connect': { methods: ['GET'], paths: ['/agents/connect'], callers: ['agent'] },
} as const satisfies Record<string, Endpoint>;

export type Operation = keyof typeof endpoints;
