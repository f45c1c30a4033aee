import type { Static } from 'typebox';
import { invalidField, PosternError } from '../../domain/errors.ts';
import type { EventType } from '../../domain/event.ts';
import { schedulesPerGroupMax } from '../../domain/schedule.ts';
import type { NewSchedule, ScheduleChange } from '../../domain/schemas/schedules.ts';
import type { Context, LoginCaller } from '../context.ts';
import { only, type Transaction } from '../database/database.ts';
import { causedBy, recordEvent } from '../events/events.ts';
import { selectGroup } from '../groups/store.ts';
import {
  countSchedules,
  deleteSchedule,
  insertSchedule,
  type ScheduleWithGroup,
  selectSchedule,
  updateSchedule,
} from './store.ts';
import { termsOf } from './terms.ts';

/*
 * Every change holds the group, as an unlock does: what is decided after the answer to a change knows the change.
 */

export async function createSchedule(
  context: Context,
  caller: LoginCaller,
  input: Static<typeof NewSchedule>,
): Promise<ScheduleWithGroup> {
  const terms = termsOf(input, null);
  const { organization_id } = caller;
  const { name = null, enabled = true, override = false, scheduleable_id: group_id } = input;
  const at = context.clock.now();
  return context.database.of(organization_id).transaction(async (tx) => {
    const group = { organization_id, id: group_id };
    await tx.lock('groups', group, 'to change');
    if (!(await selectGroup(tx, caller, group_id)))
      throw invalidField('scheduleable_id', 'must be the id of one of your groups');
    if ((await countSchedules(tx, group)) >= schedulesPerGroupMax)
      throw invalidField(
        'scheduleable_id',
        `must be a group with less than ${schedulesPerGroupMax} schedules`,
      );
    const flags = { enabled: Number(enabled), override: Number(override) };
    const row = { organization_id, group_id, name, ...flags, ...terms, created_at: at, updated_at: at };
    const id = await insertSchedule(tx, row);
    const schedule = only(await selectSchedule(tx, caller, id));
    await recordChange(context, tx, { caller, schedule, at, type: 'schedule.create', did: 'added' });
    return schedule;
  });
}

export async function changeSchedule(
  context: Context,
  caller: LoginCaller,
  { id, change }: { id: number; change: Static<typeof ScheduleChange> },
): Promise<void> {
  const at = context.clock.now();
  await context.database.of(caller.organization_id).transaction(async (tx) => {
    const before = await holdSchedule(tx, caller, id);
    const { name = before.name, enabled, override, scheduleable_id = before.group_id } = change;
    if (scheduleable_id !== before.group_id)
      throw invalidField('scheduleable_id', 'cannot be changed: make another schedule');
    const flags = {
      enabled: enabled === undefined ? before.enabled : Number(enabled),
      override: override === undefined ? before.override : Number(override),
    };
    const terms = termsOf(change, before);
    await updateSchedule(tx, before, { name, ...flags, ...terms, updated_at: at });
    const schedule = { ...before, name };
    await recordChange(context, tx, { caller, schedule, at, type: 'schedule.update', did: 'changed' });
  });
}

export async function removeSchedule(context: Context, caller: LoginCaller, id: number): Promise<void> {
  const at = context.clock.now();
  await context.database.of(caller.organization_id).transaction(async (tx) => {
    const schedule = await holdSchedule(tx, caller, id);
    await deleteSchedule(tx, schedule);
    await recordChange(context, tx, { caller, schedule, at, type: 'schedule.destroy', did: 'removed' });
  });
}

async function holdSchedule(tx: Transaction, caller: LoginCaller, id: number): Promise<ScheduleWithGroup> {
  const seen = await selectSchedule(tx, caller, id);
  if (!seen) throw new PosternError('not_found');
  await tx.lock('groups', { organization_id: caller.organization_id, id: seen.group_id }, 'to change');
  const held = await selectSchedule(tx, caller, id); // while we waited, it may have changed or gone
  if (!held) throw new PosternError('not_found');
  return held;
}

async function recordChange(
  context: Context,
  tx: Transaction,
  facts: { caller: LoginCaller; schedule: ScheduleWithGroup; at: string; type: EventType; did: string },
): Promise<void> {
  const { caller, schedule, at, type, did } = facts;
  const { id, group_name, place_id } = schedule;
  const name = schedule.name ?? `Hours of ${group_name}`;
  const message = `${caller.member_name} ${did} the schedule ${name} of the group ${group_name}`;
  const object = { type: 'Schedule', id, name } as const;
  await recordEvent(context, tx, { ...causedBy(caller), type, at, object, place_id, message });
}
