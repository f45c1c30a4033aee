import { invalidField, PosternError } from '../../domain/errors.ts';
import { nextOccurrence, type Schedule } from '../../domain/schedule.ts';
import { NewSchedule, ScheduleChange, ScheduleQuery, weekdays } from '../../domain/schemas/schedules.ts';
import type { Context } from '../context.ts';
import type { LoginRequest } from '../http/handlers.ts';
import { bodyParser, parseId, queryParser } from '../http/parse.ts';
import { changeSchedule, createSchedule, removeSchedule } from './schedules.ts';
import { listSchedules, type ScheduleWithGroup, scheduleOf, selectSchedule } from './store.ts';

const parseQuery = queryParser(ScheduleQuery);
const parseNew = bodyParser('schedule', NewSchedule);
const parseChange = bodyParser('schedule', ScheduleChange);

export async function listSchedulesOfGroups(context: Context, { caller, query, reply }: LoginRequest) {
  const parsed = parseQuery(query);
  if ((parsed.scheduleable_id === undefined) !== (parsed.scheduleable_type === undefined))
    throw invalidField('scheduleable_type', 'must be given together with scheduleable_id');
  const { rows, range } = await listSchedules(
    context.database.of(caller.organization_id).read,
    caller,
    parsed,
  );
  reply.header('x-collection-range', range);
  return rows.map((schedule) => scheduleAnswer(context, schedule));
}

export async function showSchedule(context: Context, { caller, params }: LoginRequest) {
  const { read } = context.database.of(caller.organization_id);
  const schedule = await selectSchedule(read, caller, parseId(params.id ?? ''));
  if (!schedule) throw new PosternError('not_found');
  return scheduleAnswer(context, schedule);
}

export async function createScheduleFromBody(context: Context, { caller, body }: LoginRequest) {
  return scheduleAnswer(context, await createSchedule(context, caller, parseNew(body)));
}

export async function changeScheduleById(context: Context, { caller, params, body, reply }: LoginRequest) {
  await changeSchedule(context, caller, { id: parseId(params.id ?? ''), change: parseChange(body) });
  reply.code(204);
}

export async function removeScheduleById(context: Context, { caller, params, reply }: LoginRequest) {
  await removeSchedule(context, caller, parseId(params.id ?? ''));
  reply.code(204);
}

function scheduleAnswer(context: Context, schedule: ScheduleWithGroup) {
  const { id, group_id, group_name, place_id, created_at, updated_at } = schedule;
  return {
    id,
    resource_type: 'Schedule',
    created_at,
    updated_at,
    name: schedule.name,
    enabled: schedule.enabled === 1,
    override: schedule.override === 1,
    consequence: 'allow',
    scheduleable_type: 'Group',
    scheduleable_id: group_id,
    scheduleable: { id: group_id, type: 'Group', name: group_name },
    place_id,
    ...(place_id === null
      ? {}
      : { place: { id: place_id, resource_type: 'Place', name: schedule.place_name } }),
    integration_id: null,
    type: schedule.type,
    ...hoursAnswer(context, schedule),
  };
}

function hoursAnswer(context: Context, schedule: ScheduleWithGroup) {
  const { type, starts_at, ends_at, starts_at_date, ends_at_date } = schedule;
  if (type === 'single_event') return { starts_at, ends_at };
  if (type === 'single_all_day_event') return { starts_at_date, ends_at_date };
  const hours = scheduleOf(schedule);
  const { weekly, exceptions } = hours;
  const next_occurence = nextOccurrence(hours, schedule.time_zone ?? 'UTC', context.clock.now());
  return { ...daysAnswer(weekly), next_occurence, weekly, exceptions };
}

/** Kisi's recurring event has one window. Of several, it shows all the days, and the hours from first to last. */
function daysAnswer(weekly: Schedule['weekly']) {
  const days = new Set(weekly.flatMap((window) => window.days));
  return {
    ...Object.fromEntries(weekdays.map((weekday, index) => [weekday, days.has(index + 1)])),
    starts_at_time: weekly.map(({ start }) => start).sort()[0] ?? '00:00',
    ends_at_time:
      weekly
        .map(({ end }) => end)
        .sort()
        .at(-1) ?? '24:00',
  };
}
