import type { Static } from 'typebox';
import { invalidField, PosternError } from '../../domain/errors.ts';
import { DoorChange, DoorQuery, NewDoor } from '../../domain/schemas/doors.ts';
import { toWire } from '../../domain/wire.ts';
import { selectAgentStatus } from '../agents/store.ts';
import type { Context, LinkCaller, LoginCaller } from '../context.ts';
import type { Connection } from '../database/database.ts';
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
  return { ...doorAnswer(context, door), revocation: await revocationOf(read, door) };
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
    const row = {
      organization_id,
      place_id,
      name,
      description,
      latitude,
      longitude,
      order_id,
      ...policyOf(input),
    };
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
    const { name, description, latitude, longitude, order_id } = change;
    const plain = defined({ name, description, latitude, longitude, order_id });
    await updateDoor(tx, key, { ...plain, ...policyOf(change), updated_at: at });
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

type Policy = Pick<
  Static<typeof DoorChange>,
  'static_offline_limit' | 'live_offline_limit' | 'live_only' | 'unlock_duration' | 'fail_secure'
>;

/** What of a body is about how the door is opened, as it lies in the database. */
function policyOf({ static_offline_limit, live_offline_limit, ...policy }: Policy) {
  const { live_only, unlock_duration, fail_secure } = policy;
  return defined({
    static_offline_limit,
    live_offline_limit,
    live_only: live_only === undefined ? undefined : Number(live_only),
    pulse_ms: unlock_duration === undefined ? undefined : unlock_duration * 1000,
    fail_secure: typeof fail_secure === 'boolean' ? Number(fail_secure) : fail_secure,
  });
}

/** Without the fields that are undefined. */
function defined<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> } {
  // What is left is not undefined.
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Fields]?: Exclude<Fields[Name], undefined>;
  };
}

/** How long a pass that was revoked may still open the door, in seconds, while its agent cannot be reached. */
async function revocationOf(read: Connection, door: DoorWithPlace) {
  const { static_offline_limit, live_offline_limit, live_only, agent_id, organization_id } = door;
  const status = agent_id === null ? null : await selectAgentStatus(read, { organization_id, id: agent_id });
  return {
    worst_case: Math.max(live_only === 1 ? 0 : static_offline_limit, live_offline_limit),
    list_signed_at: status?.revocation_signed_at ?? null,
  };
}

function flagOrNull(value: number | null): boolean | null {
  return value === null ? null : value === 1;
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
    open: door.sensor_open === 1,
    unlocked: false,
    unlocked_until: null,
    locked_down: door.locked_down_at !== null,
    locked_down_since: door.locked_down_at,
    latitude,
    longitude,
    order_id,
    static_offline_limit: door.static_offline_limit,
    live_offline_limit: door.live_offline_limit,
    live_only: door.live_only === 1,
    unlock_duration: Math.ceil(door.pulse_ms / 1000),
    fail_secure: flagOrNull(door.fail_secure),
    sensor: {
      open: flagOrNull(door.sensor_open),
      locked: flagOrNull(door.sensor_locked),
      reported_at: door.sensor_at,
    },
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
