import { Type } from 'typebox';
import { denialReasons } from '../../decide.ts';
import {
  alwaysFalse,
  alwaysNull,
  alwaysZero,
  count,
  dates,
  degrees,
  flag,
  id,
  instant,
  oftenNull,
  orNull,
  resourceType,
  text,
  word,
} from './fields.ts';

/* What is answered about doors: `lock` on the wire. */

const state = {
  configured: flag(true),
  online: flag(true),
  open: flag(),
  unlocked: alwaysFalse,
  unlocked_until: alwaysNull(instant()),
  locked_down: flag(),
  locked_down_since: oftenNull(instant()),
};

const policy = {
  static_offline_limit: Type.Integer({ minimum: 0, examples: [86_400] }),
  live_offline_limit: Type.Integer({ minimum: 0, examples: [86_400] }),
  live_only: flag(),
  unlock_duration: Type.Integer({ minimum: 1, maximum: 60, examples: [5] }),
  fail_secure: oftenNull(Type.Boolean()),
};

/** Of one door that is asked for by its id. */
const revocation = Type.Object({
  worst_case: Type.Integer({ minimum: 0, examples: [86_400] }),
  list_signed_at: orNull(instant()),
});

const place = {
  id: id(2),
  name: text('Harbour House'),
  latitude: orNull(degrees(53.5436)),
  longitude: orNull(degrees(9.9669)),
};

export const DoorAnswer = Type.Object(
  {
    id: id(5),
    resource_type: resourceType('Lock'),
    name: text('Front door'),
    description: oftenNull(text('The one with the blue frame')),
    ...dates,
    ...state,
    latitude: orNull(degrees(53.5436)),
    longitude: orNull(degrees(9.9669)),
    order_id: oftenNull(Type.Integer({ minimum: 0 })),
    ...policy,
    sensor: Type.Object({
      open: oftenNull(Type.Boolean()),
      locked: oftenNull(Type.Boolean()),
      reported_at: oftenNull(instant()),
    }),
    first_to_arrive_required_until: alwaysNull(instant()),
    first_to_arrive_satisfied: alwaysFalse,
    on_scheduled_unlock: alwaysFalse,
    geofence_restriction_enabled: alwaysFalse,
    geofence_restriction_radius: alwaysZero,
    reader_restriction_enabled: alwaysFalse,
    time_restriction_enabled: alwaysFalse,
    time_restriction_time_zone: text('Europe/Berlin'),
    place_id: id(2),
    place: Type.Object(place),
    floor_id: alwaysNull(Type.Integer()),
    groups_count: count(1),
    favorite: Type.Optional(alwaysFalse),
    revocation: Type.Optional(revocation),
  },
  { title: 'Lock' },
);

export const DoorOfLinkAnswer = Type.Object(
  {
    id: id(5),
    name: text('Front door'),
    description: oftenNull(text('The one with the blue frame')),
    ...state,
    place_id: id(2),
    place: Type.Object({ ...place, time_zone: text('Europe/Berlin') }),
    unlockable: flag(),
    reason: orNull({ ...word(denialReasons), examples: ['outside_schedule'] }),
    unlockable_at: orNull(instant('2026-12-02T08:00:00.000Z')),
  },
  { title: 'LockOfGroupLink' },
);

export const UnlockedAnswer = Type.Object({ message: Type.Literal('Unlocked!') }, { title: 'Unlocked' });

export const LockDownAnswer = Type.Object(
  {
    message: text('The door is locked down.'),
    reached: flag(true),
    id: id(5),
    name: text('Front door'),
    locked_down: flag(true),
    locked_down_since: orNull(instant()),
  },
  { title: 'LockDown' },
);

export const DecisionAnswer = Type.Object(
  {
    lock_id: id(5),
    group_link_id: id(7),
    at: instant('2026-12-01T18:30:00.000Z'),
    method: word(['web', 'api', 'qr']),
    success: flag(),
    reason: orNull({ ...word(denialReasons), examples: ['outside_schedule'] }),
    error_code: orNull(text('b96f34')),
    error_message: orNull(text('The door does not open at this hour.')),
    hint: orNull(text('Come back during its hours.')),
    next_opening_at: orNull(instant('2026-12-02T08:00:00.000Z')),
  },
  { title: 'Decision' },
);
