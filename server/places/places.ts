import { PosternError } from '../../domain/errors.ts';
import type { Context, LoginCaller } from '../context.ts';
import type { RowKey, Transaction } from '../database/database.ts';
import { tellAgents } from '../doors/doors.ts';
import { type DoorWithPlace, selectDoorsOfPlace } from '../doors/store.ts';
import { causedBy, recordEvent } from '../events/events.ts';
import { type PlaceWithCounts, selectPlace, updatePlaceLockDown } from './store.ts';

/** How a place stands after its lock-down was changed, and the doors whose agents have not said that they keep that. */
export interface PlaceLockDown {
  place: PlaceWithCounts;
  unreached: DoorWithPlace[];
}

/**
 * Shuts all doors of a place for everybody, also those that are added later, or lets them open again. A door that was
 * locked down by itself stays so. Doing it twice is doing it once.
 */
export async function changeLockDownOfPlace(
  context: Context,
  caller: LoginCaller,
  { id, down }: { id: number; down: boolean },
): Promise<PlaceLockDown> {
  const key = { organization_id: caller.organization_id, id };
  const at = context.clock.now();
  const { place, doors } = await context.database.of(caller.organization_id).transaction(async (tx) => {
    await lockPlaceAndDoors(tx, key);
    const before = await selectPlace(tx, caller, id);
    if (!before) throw new PosternError('not_found');
    if ((before.locked_down_at !== null) !== down) {
      await updatePlaceLockDown(tx, key, down ? at : null);
      const object = { type: 'Place', id, name: before.name } as const;
      const message = down
        ? `${caller.member_name} locked down the place ${before.name}`
        : `${caller.member_name} cancelled the lock-down of the place ${before.name}`;
      const type = down ? 'place.lock_down' : 'place.cancel_lockdown';
      await recordEvent(context, tx, { ...causedBy(caller), type, at, object, place_id: id, message });
    }
    return { place: await selectPlace(tx, caller, id), doors: await selectDoorsOfPlace(tx, caller, id) };
  });
  if (!place) throw new PosternError('not_found');
  const reached = await tellAgents(context, doors);
  return { place, unreached: doors.filter((door) => !reached.has(door.id)) };
}

/**
 * Holds a place that is to change, and with it its doors: an unlock holds its door, and with that all that it reads of
 * the place. Doors in the order of their ids, so that two of these do not wait for each other.
 */
export async function lockPlaceAndDoors(tx: Transaction, { organization_id, id }: RowKey): Promise<void> {
  await tx.lock('places', { organization_id, id }, 'to change');
  for (const door of await selectDoorsOfPlace(tx, { organization_id, group_ids: null }, id))
    await tx.lock('doors', { organization_id, id: door.id }, 'to change');
}
