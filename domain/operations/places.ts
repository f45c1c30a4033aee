import { PlaceAnswer } from '../schemas/answers/places.ts';
import { NewPlace, PlaceChange, PlaceQuery } from '../schemas/places.ts';
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
} as const satisfies Record<string, OperationDescription>;
