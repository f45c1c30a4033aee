import { Type } from 'typebox';
import { eventTypes } from '../event.ts';
import { EventAnswer, EventSetAnswer } from '../schemas/answers/events.ts';
import { EventQuery, EventSetQuery, EventStreamQuery, NewEventSet } from '../schemas/events.ts';
import { file, type OperationDescription, record } from './operation.ts';

/* The log of what happened: to list, to query and to follow. */

const LastEventId = Type.Object({
  'Last-Event-ID': Type.Optional(
    Type.String({ pattern: '^\\d{0,15}$', description: 'the `id` of an event that a stream has sent' }),
  ),
});

const types = Object.entries(eventTypes).map(([type, meaning]) => `- \`${type}\`: ${meaning}`);

export const eventOperations = {
  'events.list': {
    tag: 'Events',
    summary: 'List events, newest first',
    description:
      'The log, page by page: `X-Next-Cursor` names the `cursor` of the next page, and so does the `Link` header. Neither ' +
      'is there on the last page. Every event is on exactly one page, even while new ones are written.',
    query: EventQuery,
    answer: { kind: 'list', of: EventAnswer, pages: ['by cursor'] },
  },
  'events.list_types': {
    tag: 'Events',
    summary: 'List the types of events',
    description: `The names that \`event_type\` takes:\n\n${types.join('\n')}`,
    answer: record(Type.Array(Type.String({ examples: ['lock.unlock'] }))),
  },
  'events.stream': {
    tag: 'Events',
    summary: 'Follow events as they happen',
    description:
      'Server-sent events (`text/event-stream`): `data` is an event, `id` its place in the log. Read it with `fetch`, which ' +
      'can send the `Authorization` header, and come back with `Last-Event-ID` to miss nothing. The login is looked at ' +
      'again every 30 seconds, and the stream ends when it may not read events any more.',
    query: EventStreamQuery,
    headers: LastEventId,
    answer: file('text/event-stream'),
    errors: ['limit_reached'],
  },
  'event_sets.create': {
    tag: 'Event sets',
    summary: 'Create an event set',
    description:
      'Holds on to a question about the events as they are now, for 24 hours, and answers its first page: ask ' +
      '`GET /event_sets/{id}` with `cursor` for the next ones until it is null. Every event is on exactly one page, and ' +
      'none that is written later. The interval is at most 90 days long; without one it is the last 90 days.',
    body: {
      noun: 'event_set',
      schema: NewEventSet,
      example: { interval: '2026-12-01T00:00:00Z/P1D', event_type: 'lock.unlock', event_success: false },
    },
    answer: record(EventSetAnswer),
    errors: ['limit_reached'],
  },
  'event_sets.show': {
    tag: 'Event sets',
    summary: 'Show a page of an event set',
    description:
      'The first page, or the one that `cursor` names. Pages hold 50 events unless `limit` says otherwise.',
    query: EventSetQuery,
    answer: record(EventSetAnswer),
  },
} as const satisfies Record<string, OperationDescription>;
