import { Type } from 'typebox';
import { alwaysNull, flag, id, instant, oftenNull, orNull, text, word } from './fields.ts';

/* What is answered about events. */

const uuid = Type.String({ format: 'uuid', examples: ['019ae0f0-7c00-7000-8000-5a1f0c2d3e4b'] });

const details = Type.Object({
  method: orNull(word(['web', 'qr', 'live_qr', 'api'])),
  reader: oftenNull(text('Front door reader')),
  recorded_at: instant(),
  reason: oftenNull(text('outside_schedule')),
  outcome: orNull(word(['done', 'not_done', 'unknown'])),
  agent_id: oftenNull(Type.Integer({ minimum: 1 })),
  unverified: flag(),
});

export const EventAnswer = Type.Object(
  {
    uuid,
    type: text('lock.unlock'),
    created_at: instant(),
    actor_type: orNull(word(['GroupLink', 'User'])),
    actor_id: orNull(id(7)),
    actor_name: orNull(text('Robin Guest')),
    actor_email: orNull(text('robin@example.org')),
    authenticated_by_type: orNull(word(['GroupLink', 'Login'])),
    authenticated_by_id: orNull(id(7)),
    authorized_by_type: alwaysNull(Type.String()),
    authorized_by_id: alwaysNull(Type.Integer()),
    authorized_by_role_id: alwaysNull(Type.String()),
    object_type: text('Lock'),
    object_id: id(5),
    object_name: text('Front door'),
    object: Type.Object({ id: id(5), name: text('Front door') }),
    action: text('unlock'),
    message: orNull(text('Robin Guest unlocked Front door')),
    success: flag(true),
    code: alwaysNull(Type.String()),
    error_code: oftenNull(text('b96f34')),
    error_message: oftenNull(text('The door does not open at this hour.')),
    sequence: uuid,
    organization_id: id(1),
    place_id: orNull(id(2)),
    details,
    via: { ...Type.Object({}), neutral: true },
  },
  { title: 'Event' },
);

export const EventSetAnswer = Type.Object(
  {
    id: id(12),
    created_at: instant(),
    status: Type.Literal('finished'),
    interval: text('2026-12-01T00:00:00.000Z/2026-12-02T00:00:00.000Z'),
    event_actor_id: oftenNull(id(7)),
    event_actor_type: oftenNull(text('GroupLink')),
    event_authenticated_by_id: oftenNull(id(7)),
    event_authenticated_by_type: oftenNull(text('GroupLink')),
    event_object_id: oftenNull(id(5)),
    event_object_type: oftenNull(text('Lock')),
    event_place_id: oftenNull(id(2)),
    event_success: orNull(flag()),
    event_sequence: oftenNull(text('019ae0f0-7c00-7000-8000-5a1f0c2d3e4b')),
    event_type: orNull(text('lock.unlock')),
    event_uuid: oftenNull(text('019ae0f0-7c00-7000-8000-5a1f0c2d3e4b')),
    events: Type.Array(EventAnswer),
    cursor: orNull(text('1041')),
    place_id: oftenNull(id(2)),
  },
  { title: 'EventSet' },
);
