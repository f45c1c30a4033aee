import { PlaceAnswer, PlaceLockDownAnswer } from '../schemas/answers/places.ts';
import { NewPlace, PlaceChange, PlaceQuery, PlaceShowQuery } from '../schemas/places.ts';
import { list, nothing, type OperationDescription, record } from './operation.ts';

export const placeOperations = {
  'places.list': {
    tag: 'Places',
    summary: 'List places',
    description: 'The sites of the organization.',
    query: PlaceQuery,
    answer: list(PlaceAnswer),
  },
  'places.create': {
    tag: 'Places',
    summary: 'Create a place',
    description: "A site. Schedules of its doors mean its time zone; a place without one is in 'UTC'.",
    body: {
      noun: 'place',
      schema: NewPlace,
      example: { name: 'Harbour House', address: '1 Gate Lane', time_zone: 'Europe/Berlin' },
    },
    answer: record(PlaceAnswer),
  },
  'places.show': {
    tag: 'Places',
    summary: 'Show a place',
    description: 'One place, and how many doors it has.',
    query: PlaceShowQuery,
    answer: record(PlaceAnswer),
  },
  'places.change': {
    tag: 'Places',
    summary: 'Change a place',
    description:
      'Only the fields that are sent change. Another time zone moves the hours of its doors at once.',
    body: { noun: 'place', schema: PlaceChange, example: { time_zone: 'Europe/London' } },
    answer: nothing,
  },
  'places.remove': {
    tag: 'Places',
    summary: 'Delete a place',
    description: 'A place that still has doors stays: delete them first. Its groups remain, without a place.',
    answer: nothing,
    errors: ['conflict'],
  },
  'places.lock_down': {
    tag: 'Places',
    summary: 'Lock a place down',
    description:
      'None of its doors opens for anybody from the next decision on, also not one that is added later. `unreached_locks` are the ' +
      'doors whose agents have not confirmed in time that they refuse as well.',
    answer: record(PlaceLockDownAnswer),
  },
  'places.cancel_lockdown': {
    tag: 'Places',
    summary: "Cancel a place's lock-down",
    description: 'Its doors open again as they did before. A door that was locked down by itself stays so.',
    answer: record(PlaceLockDownAnswer),
  },
} as const satisfies Record<string, OperationDescription>;
