import type { Static } from 'typebox';
import { invalidField } from '../../domain/errors.ts';
import { eventTypes } from '../../domain/event.ts';
import { parseInterval } from '../../domain/instants.ts';
import type { EventStreamQuery } from '../../domain/schemas/events.ts';

/** What of the events is wanted. Absent: all of them. */
export type EventFilters = Static<typeof EventStreamQuery>;

/** The filters in their one spelling. Throws `invalid` for an interval that is none and for a type that no event has. */
export function requireFilters(wanted: EventFilters): EventFilters {
  const { interval, event_type } = wanted;
  return {
    ...wanted,
    ...(interval === undefined ? {} : { interval: requireInterval(interval) }),
    ...(event_type === undefined ? {} : { event_type: requireTypes(event_type) }),
  };
}

/** The values between the commas. */
export function wordsOf(text: string): string[] {
  return text.split(',').map((word) => word.trim());
}

function requireInterval(text: string): string {
  const interval = parseInterval(text);
  if (interval) return `${interval.from}/${interval.to}`;
  throw invalidField('interval', 'must be an ISO 8601 interval such as 2026-12-01T00:00:00Z/P1D');
}

function requireTypes(text: string): string {
  const types = wordsOf(text);
  const unknown = types.filter((type) => !Object.hasOwn(eventTypes, type));
  if (unknown.length === 0) return types.join(',');
  throw invalidField('event_type', `must name types that GET /events/types lists, not ${unknown.join(', ')}`);
}
