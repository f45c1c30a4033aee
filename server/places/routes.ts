import type { Insertable } from 'kysely';
import { PosternError } from '../../domain/errors.ts';
import { NewPlace, PlaceChange, PlaceQuery } from '../../domain/schemas/places.ts';
import { toWire } from '../../domain/wire.ts';
import type { Context } from '../context.ts';
import type { Tables } from '../database/tables.ts';
import { causedBy, recordEvent } from '../events/events.ts';
import { detachGroups } from '../groups/store.ts';
import type { LoginRequest } from '../http/handlers.ts';
import { bodyParser, parseId, queryParser } from '../http/parse.ts';
import {
  countDoors,
  insertPlace,
  type PlaceWithCounts,
  selectPlace,
  selectPlaces,
  updatePlace,
} from './store.ts';

const parseQuery = queryParser(PlaceQuery);
const parseNew = bodyParser('place', NewPlace);
const parseChange = bodyParser('place', PlaceChange);

export async function listPlaces(context: Context, { caller, query, reply }: LoginRequest) {
  const { rows, range } = await selectPlaces(
    context.database.of(caller.organization_id).read,
    caller.organization_id,
    parseQuery(query),
  );
  reply.header('x-collection-range', range);
  return rows.map(placeAnswer);
}

export async function showPlace(context: Context, { caller, params }: LoginRequest) {
  const place = await selectPlace(
    context.database.of(caller.organization_id).read,
    caller.organization_id,
    parseId(params.id ?? ''),
  );
  if (!place) throw new PosternError('not_found');
  return placeAnswer(place);
}

/** A place without a zone is in UTC: schedules need one, and Kisi's clients may leave it out. */
export async function createPlace(context: Context, { caller, body }: LoginRequest) {
  const input = parseNew(body);
  const at = context.clock.now();
  const { organization_id } = caller;
  return context.database.of(caller.organization_id).transaction(async (tx) => {
    const id = await insertPlace(tx, { ...placeRow(input), organization_id, created_at: at, updated_at: at });
    const object = { type: 'Place', id, name: input.name } as const;
    const message = `${caller.member_name} created the place ${input.name}`;
    await recordEvent(context, tx, {
      ...causedBy(caller),
      type: 'place.create',
      at,
      object,
      place_id: id,
      message,
    });
    const place = await selectPlace(tx, organization_id, id);
    return place && placeAnswer(place);
  });
}

export async function changePlace(context: Context, { caller, params, body, reply }: LoginRequest) {
  const id = parseId(params.id ?? '');
  const change = parseChange(body);
  const at = context.clock.now();
  await context.database.of(caller.organization_id).transaction(async (tx) => {
    const place = await selectPlace(tx, caller.organization_id, id);
    if (!place) throw new PosternError('not_found');
    const time_zone = change.time_zone === null ? 'UTC' : change.time_zone;
    await updatePlace(
      tx,
      { organization_id: caller.organization_id, id },
      { ...change, time_zone, updated_at: at },
    );
    const object = { type: 'Place', id, name: change.name ?? place.name } as const;
    const message = `${caller.member_name} changed the place ${object.name}`;
    await recordEvent(context, tx, {
      ...causedBy(caller),
      type: 'place.update',
      at,
      object,
      place_id: id,
      message,
    });
  });
  reply.code(204);
}

/** A place that still has doors stays: its zone is what their schedules mean. */
export async function removePlace(context: Context, { caller, params, reply }: LoginRequest) {
  const id = parseId(params.id ?? '');
  const at = context.clock.now();
  await context.database.of(caller.organization_id).transaction(async (tx) => {
    const place = await selectPlace(tx, caller.organization_id, id);
    if (!place) throw new PosternError('not_found');
    if ((await countDoors(tx, caller.organization_id, id)) > 0) {
      throw new PosternError('conflict', {
        message: `The place ${place.name} still has doors. Delete its locks first.`,
      });
    }
    await detachGroups(tx, caller.organization_id, id);
    await updatePlace(
      tx,
      { organization_id: caller.organization_id, id },
      { deleted_at: at, updated_at: at },
    );
    const object = { type: 'Place', id, name: place.name } as const;
    const message = `${caller.member_name} deleted the place ${place.name}`;
    await recordEvent(context, tx, {
      ...causedBy(caller),
      type: 'place.delete',
      at,
      object,
      place_id: id,
      message,
    });
  });
  reply.code(204);
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
    locked_down: false,
    locked_down_since: null,
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
