import { Type } from 'typebox';
import { Flag, Id, Name } from './fields.ts';
import { Limit } from './lists.ts';

/* What callers ask of the events. */

const { Optional } = Type;

const Words = Type.String({ maxLength: 500, description: 'one or more values with commas between them' });

export const EventQuery = Type.Object({
  limit: Optional(Limit),
  cursor: Optional(Type.String({ pattern: '^[0-9]{1,16}$', description: 'the cursor of an earlier answer' })),
  interval: Optional(Type.String({ maxLength: 80, description: 'two instants with a slash between them' })),
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
});
