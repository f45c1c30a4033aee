import type { Static } from 'typebox';
import { invalidField, invalidFields } from '../../domain/errors.ts';
import type { Schedule } from '../../domain/schedule.ts';
import { type NewSchedule, type ScheduleChange, weekdays } from '../../domain/schemas/schedules.ts';
import type { StoredSchedule } from './store.ts';

export type ScheduleInput = Static<typeof NewSchedule> | Static<typeof ScheduleChange>;

/** When a schedule applies, as it lies in the database. */
export type Terms = Pick<
  StoredSchedule,
  'type' | 'weekly' | 'exceptions' | 'starts_at' | 'ends_at' | 'starts_at_date' | 'ends_at_date'
>;

type Type = StoredSchedule['type'];
type Window = Schedule['weekly'][number];

const dayFields = [...weekdays, 'starts_at_time', 'ends_at_time'] as const;
const fieldsOf = {
  recurring_event: [...dayFields, 'weekly', 'exceptions'],
  single_event: ['starts_at', 'ends_at'],
  single_all_day_event: ['starts_at_date', 'ends_at_date'],
} as const;

const none: Omit<Terms, 'type'> = {
  ...{ weekly: '[]', exceptions: '[]' },
  ...{ starts_at: null, ends_at: null, starts_at_date: null, ends_at_date: null },
};

/**
 * What the caller wants, beside what was there before. Throws `invalid` naming the fields that are missing, that
 * contradict each other, or that ask for what Kisi has and Postern has not.
 */
export function termsOf(input: ScheduleInput, before: StoredSchedule | null): Terms {
  refuseUnsupported(input);
  const type = typeOf(input, before);
  refuseFieldsOfOthers(input, type);
  switch (type) {
    case 'recurring_event':
      return { ...none, type, ...recurring(input, before) };
    case 'single_event': {
      const starts_at = wholeMinutes(input.starts_at ?? before?.starts_at ?? null);
      const ends_at = wholeMinutes(input.ends_at ?? before?.ends_at ?? null);
      requireOrder({ starts_at, ends_at });
      return { ...none, type, starts_at, ends_at };
    }
    case 'single_all_day_event': {
      const starts_at_date = input.starts_at_date ?? before?.starts_at_date ?? null;
      const ends_at_date = input.ends_at_date ?? before?.ends_at_date ?? null;
      requireOrder({ starts_at_date, ends_at_date });
      return { ...none, type, starts_at_date, ends_at_date };
    }
  }
}

function refuseUnsupported(input: ScheduleInput): void {
  const { consequence = 'allow', scheduleable_type = 'Group', type } = input;
  const problems: Record<string, string[]> = {};
  const refuse = (field: string, why: string) => {
    problems[field] = [`is not supported: ${why}`];
  };
  if (consequence !== 'allow') refuse('consequence', 'a schedule can only be `allow`');
  if (scheduleable_type !== 'Group') refuse('scheduleable_type', 'only a Group has schedules');
  if (type === 'holiday_calendar')
    refuse('type', 'give each holiday a schedule of its own with `override: true`');
  for (const field of ['region', 'observed', 'ignored_holidays'] as const)
    if (isGiven(input[field])) refuse(field, 'there are no holiday calendars');
  if (Object.keys(problems).length > 0) throw invalidFields(problems);
}

/** As Kisi guesses it where it is not said: by which of the fields there are. */
function typeOf(input: ScheduleInput, before: StoredSchedule | null): Type {
  const given = (fields: readonly (keyof ScheduleInput)[]) => fields.some((field) => isGiven(input[field]));
  if (before) {
    if (input.type !== undefined && input.type !== before.type)
      throw invalidField('type', 'cannot be changed: make another schedule');
    return before.type;
  }
  if (input.type !== undefined && input.type !== 'holiday_calendar') return input.type;
  if (given(fieldsOf.single_event)) return 'single_event';
  return given(fieldsOf.single_all_day_event) ? 'single_all_day_event' : 'recurring_event';
}

function refuseFieldsOfOthers(input: ScheduleInput, type: Type): void {
  const problems: Record<string, string[]> = {};
  for (const [other, fields] of Object.entries(fieldsOf)) {
    if (other === type) continue;
    for (const field of fields)
      if (isGiven(input[field])) problems[field] = [`has no meaning for a ${type}: leave it out`];
  }
  if (Object.keys(problems).length > 0) throw invalidFields(problems);
}

/** Programs send all fields along: what is null, false or empty says nothing. */
function isGiven(value: unknown): boolean {
  return (
    value !== undefined && value !== null && value !== false && !(Array.isArray(value) && value.length === 0)
  );
}

function recurring(
  input: ScheduleInput,
  before: StoredSchedule | null,
): Pick<Terms, 'weekly' | 'exceptions'> {
  const asKisi = dayFields.some((field) => input[field] !== undefined && input[field] !== null);
  const was: Window[] = before ? JSON.parse(before.weekly) : [];
  if (input.weekly && asKisi)
    throw invalidField('weekly', 'must not be given together with days and times outside of it');
  const weekly = input.weekly ?? (before && !asKisi ? was : [windowOf(input, was)]);
  const exceptions = input.exceptions ?? (before ? JSON.parse(before.exceptions) : []);
  requireHours('weekly', weekly);
  for (const { hours } of exceptions as Schedule['exceptions']) requireHours('exceptions', hours);
  return { weekly: JSON.stringify(weekly), exceptions: JSON.stringify(exceptions) };
}

/** One window in Kisi's shape; what is not given is as it was. Without times it is the whole day. */
function windowOf(input: ScheduleInput, was: readonly Window[]): Window {
  if (was.length > 1)
    throw invalidField(
      'weekly',
      'must be given instead of days and times: this schedule has several windows',
    );
  const [before = { days: [], start: '00:00', end: '24:00' }] = was;
  const days = weekdays.flatMap((weekday, index) =>
    (input[weekday] ?? before.days.includes(index + 1)) ? [index + 1] : [],
  );
  if (days.length === 0) throw invalidField('monday', 'or another day of the week must be true');
  const start = input.starts_at_time ?? before.start;
  const end = input.ends_at_time ?? before.end;
  if (start === end)
    throw invalidField('ends_at_time', 'must differ from starts_at_time; for whole days leave both out');
  return { days, start, end };
}

function requireHours(field: string, hours: readonly { start: string; end: string }[]): void {
  if (hours.some(({ start, end }) => start === end))
    throw invalidField(field, 'must have an end that differs from its start; a whole day is 00:00 to 24:00');
}

/** Two fields of one form, whose texts sort as what they stand for: a start, and an end that is not part of it. */
function requireOrder(range: Record<string, string | null>): void {
  const [[startField = '', start = null] = [], [endField = '', end = null] = []] = Object.entries(range);
  if (start === null) throw invalidField(startField, `is required, with ${endField}`);
  if (end === null) throw invalidField(endField, `is required, with ${startField}`);
  if (end > start) return;
  const days = endField.endsWith('date') ? ': it is the day after the last' : '';
  throw invalidField(endField, `must be later than ${startField}${days}`);
}

/** Kisi ignores the seconds, and so do we. */
function wholeMinutes(instant: string | null): string | null {
  return instant && `${instant.slice(0, 16)}:00.000Z`;
}
