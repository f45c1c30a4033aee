import { invalidField, PosternError } from '../../domain/errors.ts';
import { GroupDoorQuery, NewGroupDoor } from '../../domain/schemas/groups.ts';
import { toWire } from '../../domain/wire.ts';
import type { Context } from '../context.ts';
import { selectDoor } from '../doors/store.ts';
import { causedBy, recordEvent } from '../events/events.ts';
import type { LoginRequest } from '../http/handlers.ts';
import { bodyParser, parseId, queryParser } from '../http/parse.ts';
import {
  deleteGroupDoor,
  type GroupDoorWithNames,
  insertGroupDoor,
  selectGroup,
  selectGroupDoor,
  selectGroupDoors,
} from './store.ts';

const parseQuery = queryParser(GroupDoorQuery);
const parseNew = bodyParser('group_lock', NewGroupDoor);

export async function listGroupDoors(context: Context, { caller, query, reply }: LoginRequest) {
  const { read } = context.database.of(caller.organization_id);
  const { rows, range } = await selectGroupDoors(read, caller, parseQuery(query));
  reply.header('x-collection-range', range);
  return rows.map(groupDoorAnswer);
}

export async function showGroupDoor(context: Context, { caller, params }: LoginRequest) {
  const { read } = context.database.of(caller.organization_id);
  const found = await selectGroupDoor(read, caller, parseId(params.id ?? ''));
  if (!found) throw new PosternError('not_found');
  return groupDoorAnswer(found);
}

/** Puts a door into a group: every link of the group opens it from now on. */
export async function createGroupDoor(context: Context, { caller, body }: LoginRequest) {
  const { group_id, lock_id: door_id } = parseNew(body);
  const { organization_id } = caller;
  const at = context.clock.now();
  return context.database.of(organization_id).transaction(async (tx) => {
    await tx.lock('doors', { organization_id, id: door_id }, 'as it is');
    await tx.lock('groups', { organization_id, id: group_id }, 'to change');
    const group = await selectGroup(tx, caller, group_id);
    if (!group) throw invalidField('group_id', 'must be the id of one of your groups');
    const door = await selectDoor(tx, caller, door_id);
    if (!door) throw invalidField('lock_id', 'must be the id of one of your locks');
    const row = { organization_id, group_id, door_id, created_at: at, updated_at: at };
    const id = await insertGroupDoor(tx, row);
    if (id === undefined) throw invalidField('lock_id', 'must be a lock that is not in the group yet');
    const object = { type: 'GroupLock', id, name: `${group.name}: ${door.name}` } as const;
    const message = `${caller.member_name} put the door ${door.name} into the group ${group.name}`;
    const { place_id } = door;
    const event = { ...causedBy(caller), type: 'group_lock.create', at, object, place_id, message } as const;
    await recordEvent(context, tx, event);
    const created = await selectGroupDoor(tx, caller, id);
    return created && groupDoorAnswer(created);
  });
}

/** Takes a door out of a group: no link of the group opens it any more. */
export async function removeGroupDoor(context: Context, { caller, params, reply }: LoginRequest) {
  const key = { organization_id: caller.organization_id, id: parseId(params.id ?? '') };
  const at = context.clock.now();
  await context.database.of(caller.organization_id).transaction(async (tx) => {
    const { group_id } = requireGroupDoor(await selectGroupDoor(tx, caller, key.id));
    await tx.lock('groups', { ...key, id: group_id }, 'to change');
    const found = requireGroupDoor(await selectGroupDoor(tx, caller, key.id)); // while we waited, it may have gone
    await deleteGroupDoor(tx, key);
    const { group_name, door_name, place_id } = found;
    const object = { type: 'GroupLock', id: key.id, name: `${group_name}: ${door_name}` } as const;
    const message = `${caller.member_name} took the door ${door_name} out of the group ${group_name}`;
    const event = { ...causedBy(caller), type: 'group_lock.destroy', at, object, place_id, message } as const;
    await recordEvent(context, tx, event);
  });
  reply.code(204);
}

function requireGroupDoor(found: GroupDoorWithNames | undefined): GroupDoorWithNames {
  if (!found) throw new PosternError('not_found');
  return found;
}

function groupDoorAnswer(found: GroupDoorWithNames) {
  const { id, group_id, door_id, place_id, created_at, updated_at } = found;
  return toWire({
    id,
    resource_type: 'GroupLock',
    created_at,
    updated_at,
    group_id,
    group: { id: group_id, resource_type: 'Group', name: found.group_name },
    door_id,
    door: { id: door_id, description: found.door_description, name: found.door_name },
    place_id,
    place: { id: place_id, resource_type: 'Place', name: found.place_name },
  });
}
