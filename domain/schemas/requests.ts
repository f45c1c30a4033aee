import { Type } from 'typebox';
import {
  Address,
  Choice,
  Description,
  Email,
  Flag,
  Id,
  Ignored,
  Instant,
  Latitude,
  Longitude,
  Name,
  Nullable,
  Phone,
  TimeZone,
} from './fields.ts';

/*
 * What callers send, in the words of the HTTP API. Bodies come as `{ "<noun>": { fields } }`; each schema here is
 * the inner object. Required fields are those that are not optional.
 */

const { Optional } = Type;

const MaxUses = Type.Integer({
  minimum: 1,
  maximum: 1_000_000,
  description: 'a whole number from 1 to 1000000',
});
const Metadata = Type.Unsafe<Record<string, string>>({
  type: 'object',
  additionalProperties: { type: 'string', maxLength: 500 },
  maxProperties: 50,
  description: 'an object of up to 50 texts of up to 500 characters each',
});

const linkFields = {
  name: Name,
  group_id: Id,
  email: Optional(Nullable(Email)),
  phone: Optional(Nullable(Phone)),
  valid_from: Optional(Nullable(Instant)),
  valid_until: Optional(Nullable(Instant)),
  link_enabled: Optional(Flag),
  quick_response_code_type: Optional(Nullable(Choice(['online', 'offline']))),
  max_uses: Optional(Nullable(MaxUses)),
  metadata: Optional(Nullable(Metadata)),
};
export const NewLink = Type.Object(linkFields);
export const LinkChange = Type.Partial(Type.Object({ ...linkFields, suspended: Flag }));

const placeFields = {
  name: Name,
  address: Address,
  description: Optional(Nullable(Description)),
  latitude: Optional(Nullable(Latitude)),
  longitude: Optional(Nullable(Longitude)),
  time_zone: Optional(Nullable(TimeZone)),
  image: Optional(Ignored),
};
export const NewPlace = Type.Object(placeFields);
export const PlaceChange = Type.Partial(Type.Object(placeFields));

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
  geofence_restriction_enabled: Optional(Ignored),
  reader_restriction_enabled: Optional(Ignored),
  time_restriction_enabled: Optional(Ignored),
  floor_id: Optional(Ignored),
  favorite: Optional(Ignored),
};
export const NewDoor = Type.Object({ ...doorFields, place_id: Id });
export const DoorChange = Type.Partial(Type.Object(doorFields));

const groupFields = {
  name: Name,
  description: Optional(Nullable(Description)),
  place_id: Optional(Nullable(Id)),
  login_enabled: Optional(Ignored),
  geofence_restriction_enabled: Optional(Ignored),
  geofence_restriction_radius: Optional(Ignored),
  primary_device_restriction_enabled: Optional(Ignored),
  managed_device_restriction_enabled: Optional(Ignored),
  reader_restriction_enabled: Optional(Ignored),
  time_restriction_enabled: Optional(Ignored),
  time_restriction_time_zone: Optional(Ignored),
  tap_to_access_restriction_enabled: Optional(Ignored),
};
export const NewGroup = Type.Object(groupFields);
export const GroupChange = Type.Partial(Type.Object(groupFields));

export const NewGroupDoor = Type.Object({ group_id: Id, lock_id: Id });

/** What Kisi's apps send with an unlock: where the phone is and what it can do. Not used here. */
export const UnlockContext = Type.Object({ context: Optional(Ignored), lock: Optional(Ignored) });

export const PageSecret = Type.Object({
  secret: Type.String({ maxLength: 200, description: "the link's secret" }),
});
export const PageHold = Type.Object({ lock_id: Id });
export const PageUnlock = Type.Object({
  lock_id: Id,
  nonce: Type.String({ maxLength: 500, description: 'what the hold answered' }),
});

/** How many entries a page holds at most, and how far `offset` reaches. */
export const pageLimitMax = 250;
export const pageOffsetMax = 20_000;
const Limit = Type.Integer({
  minimum: 1,
  maximum: pageLimitMax,
  description: `a whole number from 1 to ${pageLimitMax}`,
});
const paging = {
  limit: Optional(Limit),
  offset: Optional(
    Type.Integer({
      minimum: 0,
      maximum: pageOffsetMax,
      description: `a whole number from 0 to ${pageOffsetMax}`,
    }),
  ),
};
const listing = {
  ...paging,
  ids: Optional(
    Type.String({
      pattern: '^[0-9]{1,16}(,[0-9]{1,16}){0,249}$',
      description: 'up to 250 ids with commas between them',
    }),
  ),
  query: Optional(
    Type.String({ maxLength: 200, pattern: '^[^\\u0000]*$', description: 'up to 200 characters' }),
  ),
};
const SortByName = Optional(Choice(['name', '-name']));

export const LinkQuery = Type.Object({
  ...listing,
  group_id: Optional(Id),
  sort: Optional(
    Choice([
      'name',
      '-name',
      'unlock',
      '-unlock',
      'valid_until',
      '-valid_until',
      'group_name',
      '-group_name',
    ]),
  ),
  state: Optional(Choice(['active', 'ended'])),
});
const favorites = { favorite: Optional(Choice(['true', 'false', '*'])) };
const SortWithFavorites = Optional(Choice(['name', '-name', 'favorite']));
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
export const PlaceQuery = Type.Object({ ...listing, ...favorites, sort: SortWithFavorites });
export const GroupQuery = Type.Object({
  ...listing,
  place_id: Optional(Id),
  lock_id: Optional(Id),
  elevator_stop_id: Optional(Id),
  scope: Optional(Choice(['organization', 'place'])),
  sort: SortByName,
});
export const GroupDoorQuery = Type.Object({ ...listing, group_id: Optional(Id), lock_id: Optional(Id) });

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

export const QrCodeQuery = Type.Object({
  size: Optional(
    Type.Integer({ minimum: 64, maximum: 2048, description: 'pixels, a whole number from 64 to 2048' }),
  ),
});
