import { schedulesPerGroupMax } from '../schedule.ts';
import { ScheduleAnswer } from '../schemas/answers/schedules.ts';
import { NewSchedule, ScheduleChange, ScheduleQuery } from '../schemas/schedules.ts';
import { list, nothing, type OperationDescription, record } from './operation.ts';

/* When the doors of a group open. */

export const scheduleOperations = {
  'schedules.list': {
    tag: 'Schedules',
    summary: 'List schedules',
    description:
      'The hours of groups; `scheduleable_type` and `scheduleable_id` together ask for those of one.',
    query: ScheduleQuery,
    answer: list(ScheduleAnswer),
  },
  'schedules.create': {
    tag: 'Schedules',
    summary: 'Create a schedule',
    description:
      "A group without schedules opens its doors at any hour; with several, any of them is enough. Times are those on the wall of the door's place, " +
      'but for `single_event`, which is the same instant everywhere. `ends_at_date` is the day after the last. A window whose end is not after ' +
      'its start runs past midnight.\n\nA schedule with `override` shuts the doors in its hours, whatever the others say: give every ' +
      "holiday one.\n\nWithout `type`, the fields decide, as Kisi does it. A recurring event has Kisi's days and times, or our `weekly` with several " +
      'windows, and `exceptions`: on their dates, these hours hold instead. Holiday calendars, and schedules that keep doors unlocked ' +
      `or belong to a lock, are not supported. A group has ${schedulesPerGroupMax} schedules at most.`,
    body: {
      noun: 'schedule',
      schema: NewSchedule,
      example: {
        name: 'Office hours',
        scheduleable_type: 'Group',
        scheduleable_id: 3,
        consequence: 'allow',
        enabled: true,
        type: 'recurring_event',
        monday: true,
        tuesday: true,
        starts_at_time: '08:00',
        ends_at_time: '18:00',
      },
    },
    answer: record(ScheduleAnswer),
  },
  'schedules.show': {
    tag: 'Schedules',
    summary: 'Show a schedule',
    description: 'One schedule, and when it next applies.',
    answer: record(ScheduleAnswer),
  },
  'schedules.change': {
    tag: 'Schedules',
    summary: 'Change a schedule',
    description:
      'Only the fields that are sent change, from the next decision on. Its group and its type stay.',
    body: { noun: 'schedule', schema: ScheduleChange, example: { ends_at_time: '20:00' } },
    answer: nothing,
  },
  'schedules.remove': {
    tag: 'Schedules',
    summary: 'Delete a schedule',
    description: "Without its last schedule, a group's doors open at any hour.",
    answer: nothing,
  },
} as const satisfies Record<string, OperationDescription>;
