import { invalidField, PosternError } from '../../domain/errors.ts';
import { GroupChange, GroupQuery, NewGroup } from '../../domain/schemas/groups.ts';
import { toWire } from '../../domain/wire.ts';
import type { Context, LoginCaller } from '../context.ts';
import type { Transaction } from '../database/database.ts';
import { causedBy, recordEvent } from '../events/events.ts';
import type { LoginRequest } from '../http/handlers.ts';
import { bodyParser, parseId, queryParser } from '../http/parse.ts';
import { selectPlace } from '../places/store.ts';
import { deleteSchedulesOfGroup } from '../schedules/store.ts';
import {
  countLiveLinks,
  deleteDoorsOfGroup,
  type GroupWithCounts,
  insertGroup,
  selectGroup,
  selectGroups,
  updateGroup,
} from './store.ts';

const parseQuery = queryParser(GroupQuery);
const parseNew = bodyParser('group', NewGroup);
const parseChange = bodyParser('group', GroupChange);

export async function listGroups(context: Context, { caller, query, reply }: LoginRequest) {
  const { read } = context.database.of(caller.organization_id);
  const { rows, range } = await selectGroups(read, caller, parseQuery(query));
  reply.header('x-collection-range', range);
  return rows.map(groupAnswer);
}

export async function showGroup(context: Context, { caller, params }: LoginRequest) {
  const { read } = context.database.of(caller.organization_id);
  const group = await selectGroup(read, caller, parseId(params.id ?? ''));
  if (!group) throw new PosternError('not_found');
  return groupAnswer(group);
}

export async function createGroup(context: Context, { caller, body }: LoginRequest) {
  const { name, description = null, place_id = null } = parseNew(body);
  const { organization_id } = caller;
  const at = context.clock.now();
  return context.database.of(organization_id).transaction(async (tx) => {
    await requirePlace(tx, caller, place_id);
    const row = { organization_id, name, description, place_id, created_at: at, updated_at: at };
    const id = await insertGroup(tx, { ...row, deleted_at: null });
    const object = { type: 'Group', id, name } as const;
    const message = `${caller.member_name} created the group ${name}`;
    const event = { ...causedBy(caller), type: 'group.create', at, object, place_id, message } as const;
    await recordEvent(context, tx, event);
    const group = await selectGroup(tx, { organization_id, group_ids: null }, id);
    return group && groupAnswer(group);
  });
}

export async function changeGroup(context: Context, { caller, params, body, reply }: LoginRequest) {
  const key = { organization_id: caller.organization_id, id: parseId(params.id ?? '') };
  const change = parseChange(body);
  const at = context.clock.now();
  await context.database.of(caller.organization_id).transaction(async (tx) => {
    await requirePlace(tx, caller, change.place_id ?? null);
    await tx.lock('groups', key, 'to change');
    const group = await selectGroup(tx, caller, key.id);
    if (!group) throw new PosternError('not_found');
    await updateGroup(tx, key, { ...change, updated_at: at });
    const object = { type: 'Group', id: key.id, name: change.name ?? group.name } as const;
    const message = `${caller.member_name} changed the group ${object.name}`;
    const { place_id } = group;
    const event = { ...causedBy(caller), type: 'group.update', at, object, place_id, message } as const;
    await recordEvent(context, tx, event);
  });
  reply.code(204);
}

/** A group that links still depend on stays: they would silently open nothing. */
export async function removeGroup(context: Context, { caller, params, reply }: LoginRequest) {
  const key = { organization_id: caller.organization_id, id: parseId(params.id ?? '') };
  const at = context.clock.now();
  await context.database.of(caller.organization_id).transaction(async (tx) => {
    await tx.lock('groups', key, 'to change');
    const group = await selectGroup(tx, caller, key.id);
    if (!group) throw new PosternError('not_found');
    const live = await countLiveLinks(tx, key, at);
    if (live > 0) throw new PosternError('conflict', { message: stillInUse(group.name, live) });
    await deleteDoorsOfGroup(tx, key);
    await deleteSchedulesOfGroup(tx, key);
    await updateGroup(tx, key, { deleted_at: at, updated_at: at });
    const object = { type: 'Group', id: key.id, name: group.name } as const;
    const message = `${caller.member_name} deleted the group ${group.name}`;
    const { place_id } = group;
    const event = { ...causedBy(caller), type: 'group.destroy', at, object, place_id, message } as const;
    await recordEvent(context, tx, event);
  });
  reply.code(204);
}

function stillInUse(name: string, live: number): string {
  const first = live === 1 ? '1 access link still belongs' : `${live} access links still belong`;
  return `${first} to the group ${name}. Delete or change ${live === 1 ? 'it' : 'them'} first.`;
}

/** Holds the place, so that it is still there when the group is. */
async function requirePlace(tx: Transaction, caller: LoginCaller, place_id: number | null): Promise<void> {
  if (place_id === null) return;
  await tx.lock('places', { organization_id: caller.organization_id, id: place_id }, 'as it is');
  if (await selectPlace(tx, caller, place_id)) return;
  throw invalidField('place_id', 'must be the id of one of your places, or null');
}

function groupAnswer(group: GroupWithCounts) {
  const { id, name, description, place_id, created_at, updated_at } = group;
  return toWire({
    id,
    resource_type: 'Group',
    name,
    description,
    created_at,
    updated_at,
    geofence_restriction_enabled: false,
    geofence_restriction_radius: 0,
    primary_device_restriction_enabled: false,
    managed_device_restriction_enabled: false,
    reader_restriction_enabled: false,
    time_restriction_enabled: Number(group.schedules_count) > 0,
    tap_to_access_restriction_enabled: false,
    login_enabled: true,
    users_count: 0,
    doors_count: group.doors_count,
    elevator_stops_count: 0,
    place_id,
    ...(place_id === null ? {} : { place: { id: place_id, resource_type: 'Place', name: group.place_name } }),
    time_restriction_time_zone: null,
    members_count: 0,
  });
}
