import { Type } from 'typebox';
import {
  Choice,
  Description,
  Flag,
  Id,
  Ignored,
  Instant,
  Latitude,
  Longitude,
  Name,
  Nullable,
} from './fields.ts';
import { favorites, listing, SortWithFavorites } from './lists.ts';

/* What callers send about doors. */

const { Optional } = Type;

const validity_s_max = 31_622_400;
const offlineLimit = Type.Integer({
  minimum: 0,
  maximum: validity_s_max,
  description: 'a whole number of seconds from 0 to 31622400 (366 days)',
});

const doorFields = {
  name: Name,
  description: Optional(Nullable(Description)),
  latitude: Optional(Nullable(Latitude)),
  longitude: Optional(Nullable(Longitude)),
  order_id: Optional(
    Nullable(
      Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'a whole number from 0 to 1000000' }),
    ),
  ),
  static_offline_limit: Optional(offlineLimit),
  live_offline_limit: Optional(offlineLimit),
  live_only: Optional(Flag),
  unlock_duration: Optional(
    Type.Integer({ minimum: 1, maximum: 60, description: 'a whole number of seconds from 1 to 60' }),
  ),
  fail_secure: Optional(Nullable(Flag)),
  geofence_restriction_enabled: Optional(Ignored),
  reader_restriction_enabled: Optional(Ignored),
  time_restriction_enabled: Optional(Ignored),
  floor_id: Optional(Ignored),
  favorite: Optional(Ignored),
};

export const NewDoor = Type.Object({ ...doorFields, place_id: Id });

export const DoorChange = Type.Partial(Type.Object(doorFields));

/** What Kisi's apps send with an unlock: where the phone is and what it can do. Not used here. */
export const UnlockContext = Type.Object({ context: Optional(Ignored), lock: Optional(Ignored) });

/** Asks whether a link would open the door: at `at` (absent: now), presented by `method` (absent: on its page). */
export const DecisionQuestion = Type.Object({
  group_link_id: Id,
  at: Optional(Nullable(Instant)),
  method: Optional(Choice(['web', 'api', 'qr'])),
});

export const DoorQuery = Type.Object({
  ...listing,
  ...favorites,
  place_id: Optional(Id),
  floor_id: Optional(Id),
  configured: Optional(Flag),
  online: Optional(Flag),
  unlocked: Optional(Flag),
  locked_down: Optional(Flag),
  sort: SortWithFavorites,
});
