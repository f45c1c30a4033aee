import { Type } from 'typebox';
import { anyText, Flag, Id, Name, Nullable } from './fields.ts';
import { Limit } from './lists.ts';

/* What callers ask of the events. */

const { Optional } = Type;

const Words = Type.String({
  maxLength: 10_000,
  pattern: '^[^,\\u0000]+(,[^,\\u0000]+){0,249}$',
  description: 'up to 250 values with commas between them',
});

const Interval = Type.String({
  maxLength: 80,
  pattern: anyText,
  description: 'two instants with a slash between them, or an instant and a duration',
});

const Cursor = Type.String({ pattern: '^[0-9]{1,16}$', description: 'the cursor of an earlier answer' });

const filters = {
  interval: Optional(Interval),
  event_type: Optional(Words),
  event_uuid: Optional(Words),
  event_sequence: Optional(Words),
  event_actor_type: Optional(Name),
  event_actor_id: Optional(Id),
  event_authenticated_by_type: Optional(Name),
  event_authenticated_by_id: Optional(Id),
  event_object_type: Optional(Name),
  event_object_id: Optional(Id),
  event_place_id: Optional(Id),
  event_success: Optional(Flag),
};

export const EventQuery = Type.Object({ limit: Optional(Limit), cursor: Optional(Cursor), ...filters });

export const EventStreamQuery = Type.Object(filters);

export const NewEventSet = Type.Object({
  interval: Optional(Nullable(Interval)),
  event_type: Optional(Nullable(Words)),
  event_uuid: Optional(Nullable(Words)),
  event_sequence: Optional(Nullable(Words)),
  event_actor_type: Optional(Nullable(Name)),
  event_actor_id: Optional(Nullable(Id)),
  event_authenticated_by_type: Optional(Nullable(Name)),
  event_authenticated_by_id: Optional(Nullable(Id)),
  event_object_type: Optional(Nullable(Name)),
  event_object_id: Optional(Nullable(Id)),
  event_place_id: Optional(Nullable(Id)),
  event_success: Optional(Nullable(Flag)),
  place_id: Optional(Nullable(Id)),
});

export const EventSetQuery = Type.Object({ limit: Optional(Limit), cursor: Optional(Cursor) });
