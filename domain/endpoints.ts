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
}

/**
 * Every operation of the HTTP API: the authorization table and the URL map in one. A route that is not here
 * cannot be registered, and an operation without a handler does not compile.
 */
export const endpoints = {
  'health.show': { methods: ['GET'], paths: ['/health'], callers: ['anyone'] },

  'links.create': { methods: ['POST'], paths: ['/group_links'], callers: ['login'] },
  'links.list': { methods: ['GET'], paths: ['/group_links'], callers: ['login'] },
  'links.show': { methods: ['GET'], paths: ['/group_links/:id'], callers: ['login'] },
  'links.change': { methods: ['PATCH', 'PUT'], paths: ['/group_links/:id'], callers: ['login'] },
  'links.revoke': { methods: ['DELETE'], paths: ['/group_links/:id'], callers: ['login'] },

  'link.show': { methods: ['GET'], paths: ['/group_link'], callers: ['link'] },
  'link.show_qr_svg': { methods: ['GET'], paths: ['/group_link/qr_code.svg'], callers: ['link'] },
  'link.show_qr_png': { methods: ['GET'], paths: ['/group_link/qr_code.png'], callers: ['link'] },

  'doors.list': { methods: ['GET'], paths: ['/locks'], callers: ['login', 'link'] },
  'doors.create': { methods: ['POST'], paths: ['/locks'], callers: ['login'] },
  'doors.show': { methods: ['GET'], paths: ['/locks/:id'], callers: ['login'] },
  'doors.change': { methods: ['PATCH', 'PUT'], paths: ['/locks/:id'], callers: ['login'] },
  'doors.remove': { methods: ['DELETE'], paths: ['/locks/:id'], callers: ['login'] },
  'doors.unlock': {
    methods: ['POST'],
    paths: ['/locks/:id/unlock', '/locks/:id/access'],
    callers: ['login', 'link'],
  },

  'places.list': { methods: ['GET'], paths: ['/places'], callers: ['login'] },
  'places.create': { methods: ['POST'], paths: ['/places'], callers: ['login'] },
  'places.show': { methods: ['GET'], paths: ['/places/:id'], callers: ['login'] },
  'places.change': { methods: ['PATCH', 'PUT'], paths: ['/places/:id'], callers: ['login'] },
  'places.remove': { methods: ['DELETE'], paths: ['/places/:id'], callers: ['login'] },

  'groups.list': { methods: ['GET'], paths: ['/groups'], callers: ['login'] },
  'groups.create': { methods: ['POST'], paths: ['/groups'], callers: ['login'] },
  'groups.show': { methods: ['GET'], paths: ['/groups/:id'], callers: ['login'] },
  'groups.change': { methods: ['PATCH', 'PUT'], paths: ['/groups/:id'], callers: ['login'] },
  'groups.remove': { methods: ['DELETE'], paths: ['/groups/:id'], callers: ['login'] },

  'group_doors.list': { methods: ['GET'], paths: ['/group_locks'], callers: ['login'] },
  'group_doors.create': { methods: ['POST'], paths: ['/group_locks'], callers: ['login'] },
  'group_doors.show': { methods: ['GET'], paths: ['/group_locks/:id'], callers: ['login'] },
  'group_doors.remove': { methods: ['DELETE'], paths: ['/group_locks/:id'], callers: ['login'] },

  'events.list': { methods: ['GET'], paths: ['/events'], callers: ['login'] },

  'page.show': { methods: ['GET'], paths: ['/l/:id', '/grouplinks/:secret'], callers: ['anyone'] },
  'page.show_asset': { methods: ['GET'], paths: ['/page/assets/:name'], callers: ['anyone'] },
  'page.open_session': { methods: ['POST'], paths: ['/page/sessions'], callers: ['anyone'] },
  'page.show_link': { methods: ['GET'], paths: ['/page/links/:id'], callers: ['page'] },
  'page.begin_hold': { methods: ['POST'], paths: ['/page/links/:id/holds'], callers: ['page'] },
  'page.unlock': { methods: ['POST'], paths: ['/page/links/:id/unlock'], callers: ['page'] },

  'agents.connect': { methods: ['GET'], paths: ['/agents/connect'], callers: ['agent'] },
} as const satisfies Record<string, Endpoint>;

export type Operation = keyof typeof endpoints;
