import { Type } from 'typebox';
import { exceptionsPerScheduleMax, hoursPerExceptionMax, windowsPerScheduleMax } from '../schedule.ts';
import { Choice, Flag, Id, Instant, Name, Nullable } from './fields.ts';
import { listing, paging } from './lists.ts';

/* What callers send about schedules, in Kisi's shape; `weekly` and `exceptions` are ours. */

const { Optional } = Type;

/** The kinds of schedule there are, and what Kisi knows besides: named so that it can be refused by name. */
export const scheduleTypes = [
  'recurring_event',
  'single_event',
  'single_all_day_event',
  'holiday_calendar',
] as const;
export const consequences = ['allow', 'first_to_arrive', 'permit', 'unlock'] as const;
export const scheduleableTypes = ['Group', 'Lock', 'ElevatorStop'] as const;

/** In the order of ISO 8601: Monday is 1. */
export const weekdays = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
] as const;

const time = '([01]\\d|2[0-3]):[0-5]\\d';
const StartTime = Type.String({ pattern: `^${time}$`, description: 'a time of day such as 08:00' });
const EndTime = Type.String({
  pattern: `^(${time}|24:00)$`,
  description: 'a time of day such as 18:00, or 24:00 for the end of the day',
});
const CalendarDate = Type.String({ format: 'date', description: 'a date such as 2026-12-24' });
const Day = Type.Integer({ minimum: 1, maximum: 7 });

const strict = { additionalProperties: false };
const Hours = Type.Object({ start: StartTime, end: EndTime }, strict);
const Window = Type.Object(
  {
    days: Type.Array(Day, { minItems: 1, maxItems: 7, uniqueItems: true }),
    start: StartTime,
    end: EndTime,
  },
  strict,
);
const Exception = Type.Object(
  { date: CalendarDate, hours: Type.Array(Hours, { maxItems: hoursPerExceptionMax }) },
  strict,
);

const Weekly = Type.Array(Window, {
  minItems: 1,
  maxItems: windowsPerScheduleMax,
  description: `1 to ${windowsPerScheduleMax} objects { days, start, end }: days from 1 (Monday) to 7, times as HH:MM`,
});
const Exceptions = Type.Array(Exception, {
  maxItems: exceptionsPerScheduleMax,
  description:
    `up to ${exceptionsPerScheduleMax} objects { date, hours }: a date such as 2026-12-24 and up to ` +
    `${hoursPerExceptionMax} objects { start, end }, none for closed`,
});

/** What Kisi's holiday calendars are made of. */
const Unsupported = Type.Unknown({ description: 'left out: holiday calendars are not supported' });

const scheduleFields = {
  name: Optional(Nullable(Name)),
  enabled: Optional(Flag),
  override: Optional(Flag),
  consequence: Optional(Choice(consequences)),
  type: Optional(Choice(scheduleTypes)),
  monday: Optional(Nullable(Flag)),
  tuesday: Optional(Nullable(Flag)),
  wednesday: Optional(Nullable(Flag)),
  thursday: Optional(Nullable(Flag)),
  friday: Optional(Nullable(Flag)),
  saturday: Optional(Nullable(Flag)),
  sunday: Optional(Nullable(Flag)),
  starts_at_time: Optional(Nullable(StartTime)),
  ends_at_time: Optional(Nullable(EndTime)),
  weekly: Optional(Nullable(Weekly)),
  exceptions: Optional(Nullable(Exceptions)),
  starts_at: Optional(Nullable(Instant)),
  ends_at: Optional(Nullable(Instant)),
  starts_at_date: Optional(Nullable(CalendarDate)),
  ends_at_date: Optional(Nullable(CalendarDate)),
  region: Optional(Unsupported),
  observed: Optional(Unsupported),
  ignored_holidays: Optional(Unsupported),
};

export const NewSchedule = Type.Object({
  scheduleable_type: Choice(scheduleableTypes),
  scheduleable_id: Id,
  ...scheduleFields,
});

export const ScheduleChange = Type.Object({
  scheduleable_type: Optional(Choice(scheduleableTypes)),
  scheduleable_id: Optional(Id),
  ...scheduleFields,
});

export const ScheduleQuery = Type.Object({
  ...paging,
  ids: listing.ids,
  consequence: Optional(Choice(consequences)),
  scheduleable_type: Optional(Choice(scheduleableTypes)),
  scheduleable_id: Optional(Id),
});
