import { Type } from 'typebox';
import {
  Address,
  Description,
  Flag,
  Ignored,
  Latitude,
  Longitude,
  Name,
  Nullable,
  TimeZone,
} from './fields.ts';
import { favorites, listing, SortWithFavorites } from './lists.ts';

/* What callers send about places. */

const { Optional } = Type;

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

export const PlaceQuery = Type.Object({ ...listing, ...favorites, sort: SortWithFavorites });

export const PlaceShowQuery = Type.Object({ favorite: Optional(Nullable(Flag)) });
