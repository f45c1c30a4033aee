import type { Bug } from './bug.ts';

const secondOpinion = 'test/second-opinion/postgres-decisions.test.ts';

/** When a door opens: the decision and its schedules. */
export const decisionBugs: readonly Bug[] = [
  {
    name: 'a window holds its own end',
    file: 'domain/decide.ts',
    find: 'at >= link.valid_until',
    replace: 'at > link.valid_until',
    test: 'domain/decide.test.ts',
  },
  {
    name: 'a suspended link opens',
    file: 'domain/decide.ts',
    find: '({ link }) => link.suspended]',
    replace: '() => false]',
    test: 'domain/decide.test.ts',
  },
  {
    name: 'one use more than there are',
    file: 'domain/decide.ts',
    find: 'link.uses >= link.max_uses',
    replace: 'link.uses > link.max_uses',
    test: 'domain/decide.test.ts',
  },
  {
    name: 'any text will do for a clock',
    file: 'domain/decide.ts',
    find: 'at === null || !isInstant(at)',
    replace: 'at === null',
    test: 'domain/decide.test.ts',
  },
  {
    name: 'lock-down is no reason',
    file: 'domain/decide.ts',
    find: "['door_locked_down', ({ door }) => door.locked_down]",
    replace: "['door_locked_down', () => false]",
    test: 'domain/decide.test.ts',
  },
  {
    name: 'hours are those of UTC',
    file: 'domain/schedule.ts',
    find: 'toZonedDateTimeISO(timeZone)',
    replace: "toZonedDateTimeISO('UTC')",
    test: 'domain/decide.test.ts',
  },
  {
    name: 'time is counted from midnight on, not read off the wall: wrong after a gap or a repeated hour',
    file: 'domain/schedule.ts',
    find: 'minute: time.hour * 60 + time.minute',
    replace: "minute: Math.floor(time.startOfDay().until(time).total('minutes'))",
    test: 'domain/schedule.test.ts',
  },
  {
    name: 'the second pass of a repeated hour is forgotten',
    file: 'domain/schedule.ts',
    find: 'if (compare(earlier, later) !== 0) yield later;',
    replace: '',
    test: 'domain/schedule.test.ts',
  },
  {
    name: 'a night belongs to the day on which it ends',
    file: 'domain/schedule.ts',
    find: 'hoursStartingOn(yesterday, schedule)',
    replace: 'hoursStartingOn(today, schedule)',
    test: secondOpinion,
    database: 'postgres',
  },
  {
    name: 'an override that cannot be read opens',
    file: 'domain/schedule.ts',
    find: 'contains(hours, of) ?? unreadable',
    replace: 'contains(hours, of) ?? false',
    test: secondOpinion,
    database: 'postgres',
  },
  {
    name: 'two reasons are asked in the wrong order',
    file: 'domain/decide.ts',
    find: "['outside_schedule', ({ link, door, at }) => !allows(",
    replace:
      "['door_unreachable', ({ door }) => !door.reachable],\n  ['outside_schedule', ({ link, door, at }) => !allows(",
    test: secondOpinion,
    database: 'postgres',
  },
];
