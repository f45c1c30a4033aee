import { Type } from 'typebox';
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
} from './fields.ts';

/* What is answered about places. */

export const PlaceAnswer = Type.Object(
  {
    id: id(2),
    resource_type: resourceType('Place'),
    name: text('Harbour House'),
    description: oftenNull(text('Former customs office')),
    address: text('1 Gate Lane'),
    latitude: orNull(degrees(53.5436)),
    longitude: orNull(degrees(9.9669)),
    image: alwaysNull(Type.Object({})),
    time_zone: text('Europe/Berlin'),
    tz_time_zone: text('Europe/Berlin'),
    ...dates,
    locks_count: count(4),
    integrations_count: alwaysZero,
    locked_down: flag(),
    locked_down_since: oftenNull(instant()),
    occupancy_rate: alwaysNull(Type.Number()),
    organization_id: id(1),
    organization: Type.Object({
      id: id(1),
      resource_type: resourceType('Organization'),
      name: text('Harbour House Coworking'),
      domain: text('harbour-house'),
    }),
    color: alwaysNull(Type.String()),
    logo: alwaysNull(Type.Object({})),
    user_id: alwaysNull(Type.Integer()),
    members_count: alwaysZero,
    favorite: Type.Optional(alwaysFalse),
  },
  { title: 'Place' },
);

export const PlaceLockDownAnswer = Type.Object(
  {
    message: text('The place is locked down.'),
    reached: flag(true),
    unreached_locks: Type.Array(Type.Object({ id: id(5), name: text('Front door') }), { examples: [[]] }),
    id: id(2),
    name: text('Harbour House'),
    locked_down: flag(true),
    locked_down_since: orNull(instant()),
  },
  { title: 'PlaceLockDown' },
);
