import { Type } from 'typebox';
import { scheduleTypes } from '../schedules.ts';
import {
  briefly,
  dates,
  flag,
  id,
  instant,
  neutral,
  oftenNull,
  orNull,
  resourceType,
  text,
  word,
} from './fields.ts';

/* What is answered about schedules. */

const hours = { start: text('08:00'), end: text('18:00') };
const days = { examples: [[1, 2, 3, 4, 5]] };
const weekly = Type.Array(
  Type.Object({ days: Type.Array(Type.Integer({ minimum: 1, maximum: 7 }), days), ...hours }),
);
const exceptions = Type.Array(
  Type.Object({ date: text('2026-12-24'), hours: Type.Array(Type.Object(hours)) }),
);
const next = Type.Object({
  starts_at: instant('2026-12-02T07:00:00.000Z'),
  ends_at: orNull(instant('2026-12-02T17:00:00.000Z')),
});
const { Optional } = Type;

export const ScheduleAnswer = Type.Object(
  {
    id: id(8),
    resource_type: resourceType('Schedule'),
    ...dates,
    name: orNull(text('Office hours')),
    enabled: flag(true),
    override: flag(),
    consequence: Type.Literal('allow'),
    scheduleable_type: Type.Literal('Group'),
    scheduleable_id: id(3),
    scheduleable: Type.Object({ id: id(3), type: Type.Literal('Group'), name: text('Meeting rooms') }),
    place_id: orNull(id(2)),
    place: Optional(briefly('Place', 'Harbour House')),
    integration_id: neutral(orNull(Type.Integer()), null),
    type: word(scheduleTypes.filter((type) => type !== 'holiday_calendar')),
    monday: Optional(flag(true)),
    tuesday: Optional(flag(true)),
    wednesday: Optional(flag(true)),
    thursday: Optional(flag(true)),
    friday: Optional(flag(true)),
    saturday: Optional(flag()),
    sunday: Optional(flag()),
    starts_at_time: Optional(text('08:00')),
    ends_at_time: Optional(text('18:00')),
    next_occurence: Optional(orNull(next)),
    weekly: Optional(weekly),
    exceptions: Optional(exceptions),
    starts_at: Optional(oftenNull(instant())),
    ends_at: Optional(oftenNull(instant())),
    starts_at_date: Optional(oftenNull(text('2026-12-24'))),
    ends_at_date: Optional(oftenNull(text('2026-12-27'))),
  },
  { title: 'Schedule' },
);
