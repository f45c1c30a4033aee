import { Type } from 'typebox';
import {
  alwaysFalse,
  alwaysNull,
  alwaysTrue,
  alwaysZero,
  briefly,
  count,
  dates,
  flag,
  id,
  oftenNull,
  orNull,
  resourceType,
  text,
} from './fields.ts';

/* What is answered about groups and the doors in them. */

const place = briefly('Place', 'Harbour House');

export const GroupAnswer = Type.Object(
  {
    id: id(3),
    resource_type: resourceType('Group'),
    name: text('Meeting rooms'),
    description: oftenNull(text('Ground floor')),
    ...dates,
    geofence_restriction_enabled: alwaysFalse,
    geofence_restriction_radius: alwaysZero,
    primary_device_restriction_enabled: alwaysFalse,
    managed_device_restriction_enabled: alwaysFalse,
    reader_restriction_enabled: alwaysFalse,
    time_restriction_enabled: flag(),
    tap_to_access_restriction_enabled: alwaysFalse,
    login_enabled: alwaysTrue,
    users_count: alwaysZero,
    locks_count: count(2),
    elevator_stops_count: alwaysZero,
    place_id: orNull(id(2)),
    place: Type.Optional(place),
    time_restriction_time_zone: alwaysNull(Type.String()),
    members_count: alwaysZero,
  },
  { title: 'Group' },
);

export const GroupDoorAnswer = Type.Object(
  {
    id: id(9),
    resource_type: resourceType('GroupLock'),
    ...dates,
    group_id: id(3),
    group: briefly('Group', 'Meeting rooms'),
    lock_id: id(5),
    lock: Type.Object({
      id: id(5),
      description: oftenNull(text('The one with the blue frame')),
      name: text('Front door'),
    }),
    place_id: id(2),
    place,
  },
  { title: 'GroupLock' },
);
