import type { Insertable } from 'kysely';
import { PosternError } from '../../domain/errors.ts';
import { NewPlace, PlaceChange, PlaceQuery, PlaceShowQuery } from '../../domain/schemas/places.ts';
import { toWire } from '../../domain/wire.ts';
import type { Context } from '../context.ts';
import type { Tables } from '../database/tables.ts';
import { causedBy, recordEvent } from '../events/events.ts';
import { detachGroups } from '../groups/store.ts';
import type { LoginRequest } from '../http/handlers.ts';
import { bodyParser, parseId, queryParser } from '../http/parse.ts';
import { changeLockDownOfPlace, lockPlaceAndDoors, type PlaceLockDown } from './places.ts';
import {
  countDoors,
  insertPlace,
  type PlaceWithCounts,
  selectPlace,
  selectPlaces,
  updatePlace,
} from './store.ts';

const parseQuery = queryParser(PlaceQuery);
const parseShow = queryParser(PlaceShowQuery);
const parseNew = bodyParser('place', NewPlace);
const parseChange = bodyParser('place', PlaceChange);

export async function listPlaces(context: Context, { caller, query, reply }: LoginRequest) {
  const parsed = parseQuery(query);
  const { read } = context.database.of(caller.organization_id);
  const { rows, range } = await selectPlaces(read, caller, parsed);
  reply.header('x-collection-range', range);
  return rows.map((place) => answerTo(place, parsed));
}

export async function showPlace(context: Context, { caller, params, query }: LoginRequest) {
  const parsed = parseShow(query);
  const { read } = context.database.of(caller.organization_id);
  const place = await selectPlace(read, caller, parseId(params.id ?? ''));
  if (!place) throw new PosternError('not_found');
  return answerTo(place, parsed);
}

/** A place without a zone is in UTC: schedules need one, and Kisi's clients may leave it out. */
export async function createPlace(context: Context, { caller, body }: LoginRequest) {
  const input = parseNew(body);
  const at = context.clock.now();
  const { organization_id } = caller;
  return context.database.of(organization_id).transaction(async (tx) => {
    const id = await insertPlace(tx, { ...placeRow(input), organization_id, created_at: at, updated_at: at });
    const object = { type: 'Place', id, name: input.name } as const;
    const message = `${caller.member_name} created the place ${input.name}`;
    const event = { ...causedBy(caller), type: 'place.create', at, object, place_id: id, message } as const;
    await recordEvent(context, tx, event);
    const place = await selectPlace(tx, { organization_id, group_ids: null }, id);
    return place && placeAnswer(place);
  });
}

export async function changePlace(context: Context, { caller, params, body, reply }: LoginRequest) {
  const id = parseId(params.id ?? '');
  const change = parseChange(body);
  const at = context.clock.now();
  const { organization_id } = caller;
  await context.database.of(organization_id).transaction(async (tx) => {
    await lockPlaceAndDoors(tx, { organization_id, id });
    const place = await selectPlace(tx, caller, id);
    if (!place) throw new PosternError('not_found');
    const time_zone = change.time_zone === null ? 'UTC' : change.time_zone;
    await updatePlace(tx, place, { ...change, time_zone, updated_at: at });
    const object = { type: 'Place', id, name: change.name ?? place.name } as const;
    const message = `${caller.member_name} changed the place ${object.name}`;
    const event = { ...causedBy(caller), type: 'place.update', at, object, place_id: id, message } as const;
    await recordEvent(context, tx, event);
  });
  reply.code(204);
}

/** A place that still has doors stays: its zone is what their schedules mean. */
export async function removePlace(context: Context, { caller, params, reply }: LoginRequest) {
  const id = parseId(params.id ?? '');
  const at = context.clock.now();
  const { organization_id } = caller;
  await context.database.of(organization_id).transaction(async (tx) => {
    await tx.lock('places', { organization_id, id }, 'to change');
    const place = await selectPlace(tx, caller, id);
    if (!place) throw new PosternError('not_found');
    if ((await countDoors(tx, { organization_id, id })) > 0) {
      const message = `The place ${place.name} still has doors. Delete its locks first.`;
      throw new PosternError('conflict', { message });
    }
    await detachGroups(tx, organization_id, id);
    await updatePlace(tx, place, { deleted_at: at, updated_at: at });
    const object = { type: 'Place', id, name: place.name } as const;
    const message = `${caller.member_name} deleted the place ${place.name}`;
    const event = { ...causedBy(caller), type: 'place.destroy', at, object, place_id: id, message } as const;
    await recordEvent(context, tx, event);
  });
  reply.code(204);
}

export async function lockDownPlace(context: Context, { caller, params }: LoginRequest) {
  const id = parseId(params.id ?? '');
  const changed = await changeLockDownOfPlace(context, caller, { id, down: true });
  return lockDownAnswer(changed, 'The place is locked down.');
}

export async function cancelLockDownOfPlace(context: Context, { caller, params }: LoginRequest) {
  const id = parseId(params.id ?? '');
  const changed = await changeLockDownOfPlace(context, caller, { id, down: false });
  return lockDownAnswer(changed, 'The place is no longer locked down.');
}

function lockDownAnswer({ place, unreached }: PlaceLockDown, message: string) {
  const { id, name, locked_down_at } = place;
  const missed = 'Some doors could not be told: their agents learn of it when they connect.';
  return {
    message: unreached.length === 0 ? message : `${message} ${missed}`,
    reached: unreached.length === 0,
    unreached_locks: unreached.map((door) => ({ id: door.id, name: door.name })),
    id,
    name,
    locked_down: locked_down_at !== null,
    locked_down_since: locked_down_at,
  };
}

/** Nobody has favourites here; who asks about them is told so. */
function answerTo(place: PlaceWithCounts, { favorite }: { favorite?: string | boolean | null }) {
  return {
    ...placeAnswer(place),
    ...(favorite === undefined || favorite === null ? {} : { favorite: false }),
  };
}

type PlaceInput = ReturnType<typeof parseNew>;

function placeRow(
  input: PlaceInput,
): Omit<Insertable<Tables['places']>, 'organization_id' | 'created_at' | 'updated_at' | 'folded'> {
  const { name, address, description = null, latitude = null, longitude = null, time_zone } = input;
  return { name, address, description, latitude, longitude, time_zone: time_zone ?? 'UTC' };
}

function placeAnswer(place: PlaceWithCounts) {
  const { id, name, description, address, latitude, longitude, time_zone, created_at, updated_at } = place;
  return toWire({
    id,
    resource_type: 'Place',
    name,
    description,
    address,
    latitude,
    longitude,
    image: null,
    time_zone,
    tz_time_zone: time_zone,
    created_at,
    updated_at,
    doors_count: place.doors_count,
    integrations_count: 0,
    locked_down: place.locked_down_at !== null,
    locked_down_since: place.locked_down_at,
    occupancy_rate: null,
    organization_id: place.organization_id,
    organization: {
      id: place.organization_id,
      resource_type: 'Organization',
      name: place.organization_name,
      domain: place.organization_domain,
    },
    color: null,
    logo: null,
    user_id: null,
    members_count: 0,
  });
}
