import { invalidField, PosternError } from '../../domain/errors.ts';
import { DoorChange, DoorQuery, NewDoor } from '../../domain/schemas/doors.ts';
import { toWire } from '../../domain/wire.ts';
import type { Context, LinkCaller, LoginCaller } from '../context.ts';
import { causedBy, recordEvent } from '../events/events.ts';
import type { LoginRequest, Request } from '../http/handlers.ts';
import { bodyParser, parseId, queryParser } from '../http/parse.ts';
import { listDoorsOfLink } from '../links/view.ts';
import { selectPlace } from '../places/store.ts';
import { changeLockDown, type LockDown } from './doors.ts';
import {
  type DoorWithPlace,
  deleteGroupDoorsOf,
  insertDoor,
  selectDoor,
  selectDoors,
  updateDoor,
} from './store.ts';

const parseQuery = queryParser(DoorQuery);
const parseNew = bodyParser('lock', NewDoor);
const parseChange = bodyParser('lock', DoorChange);

/** With a login: all doors that it may see; with a link: its own, and whether each would open now. */
export async function listDoors(context: Context, request: Request<LoginCaller | LinkCaller>) {
  const { caller, query, reply } = request;
  const parsed = parseQuery(query);
  if (caller.kind !== 'login') {
    const { rows, range } = await listDoorsOfLink(context, caller, parsed);
    reply.header('x-collection-range', range);
    return rows;
  }
  const asked = { ...parsed, reachableAgents: context.agents.reachableAgents() };
  const { rows, range } = await selectDoors(context.database.of(caller.organization_id).read, caller, asked);
  reply.header('x-collection-range', range);
  return rows.map((door) => ({
    ...doorAnswer(context, door),
    ...(parsed.favorite === undefined ? {} : { favorite: false }),
  }));
}

export async function showDoor(context: Context, { caller, params }: LoginRequest) {
  const { read } = context.database.of(caller.organization_id);
  const door = await selectDoor(read, caller, parseId(params.id ?? ''));
  if (!door) throw new PosternError('not_found');
  return doorAnswer(context, door);
}

export async function createDoor(context: Context, { caller, body }: LoginRequest) {
  const input = parseNew(body);
  const { organization_id } = caller;
  const { name, place_id, description = null, latitude = null, longitude = null, order_id = null } = input;
  const at = context.clock.now();
  return context.database.of(organization_id).transaction(async (tx) => {
    await tx.lock('places', { organization_id, id: place_id }, 'as it is');
    if (!(await selectPlace(tx, caller, place_id))) {
      throw invalidField('place_id', 'must be the id of one of your places');
    }
    const row = { organization_id, place_id, name, description, latitude, longitude, order_id };
    const unset = { agent_id: null, locked_down_at: null, deleted_at: null };
    const id = await insertDoor(tx, { ...row, ...unset, created_at: at, updated_at: at });
    const message = `${caller.member_name} created the door ${name}`;
    const object = { type: 'Lock', id, name } as const;
    const event = { ...causedBy(caller), type: 'lock.create', at, object, place_id, message } as const;
    await recordEvent(context, tx, event);
    const door = await selectDoor(tx, { organization_id, group_ids: null }, id);
    return door && doorAnswer(context, door);
  });
}

export async function changeDoor(context: Context, { caller, params, body, reply }: LoginRequest) {
  const key = { organization_id: caller.organization_id, id: parseId(params.id ?? '') };
  const change = parseChange(body);
  const at = context.clock.now();
  await context.database.of(caller.organization_id).transaction(async (tx) => {
    await tx.lock('doors', key, 'to change');
    const door = await selectDoor(tx, caller, key.id);
    if (!door) throw new PosternError('not_found');
    await updateDoor(tx, key, { ...change, updated_at: at });
    const object = { type: 'Lock', id: key.id, name: change.name ?? door.name } as const;
    const message = `${caller.member_name} changed the door ${object.name}`;
    const { place_id } = door;
    const event = { ...causedBy(caller), type: 'lock.update', at, object, place_id, message } as const;
    await recordEvent(context, tx, event);
  });
  reply.code(204);
}

/** The door leaves its groups with it: no link opens it any more. */
export async function removeDoor(context: Context, { caller, params, reply }: LoginRequest) {
  const key = { organization_id: caller.organization_id, id: parseId(params.id ?? '') };
  const at = context.clock.now();
  await context.database.of(caller.organization_id).transaction(async (tx) => {
    await tx.lock('doors', key, 'to change');
    const door = await selectDoor(tx, caller, key.id);
    if (!door) throw new PosternError('not_found');
    await deleteGroupDoorsOf(tx, key);
    await updateDoor(tx, key, { deleted_at: at, agent_id: null, updated_at: at });
    const { name, place_id } = door;
    const message = `${caller.member_name} deleted the door ${name}`;
    const object = { type: 'Lock', id: key.id, name } as const;
    const event = { ...causedBy(caller), type: 'lock.destroy', at, object, place_id, message } as const;
    await recordEvent(context, tx, event);
  });
  reply.code(204);
}

export async function lockDownDoor(context: Context, { caller, params }: LoginRequest) {
  const changed = await changeLockDown(context, caller, { id: parseId(params.id ?? ''), down: true });
  return lockDownAnswer(changed, 'The door is locked down.');
}

export async function cancelLockDownOfDoor(context: Context, { caller, params }: LoginRequest) {
  const changed = await changeLockDown(context, caller, { id: parseId(params.id ?? ''), down: false });
  const stillDown = changed.door.locked_down_at !== null;
  return lockDownAnswer(
    changed,
    stillDown
      ? "The door's own lock-down is cancelled; its place is still locked down."
      : 'The door is no longer locked down.',
  );
}

function lockDownAnswer({ door, reached }: LockDown, message: string) {
  const { id, name, agent_id, locked_down_at } = door;
  const missed = agent_id === null ? 'No agent drives it.' : 'Its agent learns of it when it connects again.';
  return {
    message: reached ? message : `${message} ${missed}`,
    reached,
    id,
    name,
    locked_down: locked_down_at !== null,
    locked_down_since: locked_down_at,
  };
}

function doorAnswer(context: Context, door: DoorWithPlace) {
  const { id, name, description, latitude, longitude, order_id, place_id, created_at, updated_at } = door;
  return toWire({
    id,
    resource_type: 'Lock',
    name,
    description,
    created_at,
    updated_at,
    configured: door.agent_id !== null,
    online: context.agents.isReachable(door.agent_id),
    open: false,
    unlocked: false,
    unlocked_until: null,
    locked_down: door.locked_down_at !== null,
    locked_down_since: door.locked_down_at,
    latitude,
    longitude,
    order_id,
    first_to_arrive_required_until: null,
    first_to_arrive_satisfied: false,
    on_scheduled_unlock: false,
    geofence_restriction_enabled: false,
    geofence_restriction_radius: 0,
    reader_restriction_enabled: false,
    time_restriction_enabled: false,
    time_restriction_time_zone: door.place_time_zone,
    place_id,
    place: {
      id: place_id,
      name: door.place_name,
      latitude: door.place_latitude,
      longitude: door.place_longitude,
    },
    floor_id: null,
    groups_count: door.groups_count,
  });
}
