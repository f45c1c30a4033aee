import type { Endpoint } from '../endpoints.ts';

/** Part of the table of endpoints: readers, and the page of a tablet that is one. */
export const readerEndpoints = {
  'readers.list': { methods: ['GET'], paths: ['/readers'], callers: ['login'], scope: 'readers:read' },
  'readers.create': { methods: ['POST'], paths: ['/readers'], callers: ['login'], scope: 'readers:write' },
  'readers.show': { methods: ['GET'], paths: ['/readers/:id'], callers: ['login'], scope: 'readers:read' },
  'readers.change': {
    methods: ['PATCH', 'PUT'],
    paths: ['/readers/:id'],
    callers: ['login'],
    scope: 'readers:write',
  },
  'readers.remove': {
    methods: ['DELETE'],
    paths: ['/readers/:id'],
    callers: ['login'],
    scope: 'readers:write',
  },
  'readers.create_enrollment_code': {
    methods: ['POST'],
    paths: ['/readers/:id/enrollment_code'],
    callers: ['login'],
    scope: 'readers:write',
  },

  'tablet.show': { methods: ['GET'], paths: ['/reader'], callers: ['anyone'] },
  // By a one-time code in the body; then by what the tablet's own key has signed.
  'tablet.enroll': { methods: ['POST'], paths: ['/reader/enrollments'], callers: ['anyone'] },
  'tablet.begin_presentation': { methods: ['POST'], paths: ['/reader/nonces'], callers: ['anyone'] },
  'tablet.present': { methods: ['POST'], paths: ['/reader/presentations'], callers: ['anyone'] },
} as const satisfies Record<string, Endpoint>;
