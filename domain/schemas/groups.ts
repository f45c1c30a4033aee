import { Type } from 'typebox';
import { Choice, Description, Id, Ignored, Name, Nullable } from './fields.ts';
import { listing, SortByName } from './lists.ts';

/* What callers send about groups and the doors in them. */

const { Optional } = Type;

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

export const GroupQuery = Type.Object({
  ...listing,
  place_id: Optional(Id),
  lock_id: Optional(Id),
  elevator_stop_id: Optional(Id),
  scope: Optional(Choice(['organization', 'place'])),
  sort: SortByName,
});

export const GroupDoorQuery = Type.Object({ ...listing, group_id: Optional(Id), lock_id: Optional(Id) });
