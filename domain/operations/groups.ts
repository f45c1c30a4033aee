import { GroupAnswer, GroupDoorAnswer } from '../schemas/answers/groups.ts';
import { GroupChange, GroupDoorQuery, GroupQuery, NewGroup, NewGroupDoor } from '../schemas/groups.ts';
import { list, nothing, type OperationDescription, record } from './operation.ts';

/* Groups, and which doors are in them. */

export const groupOperations = {
  'groups.list': {
    tag: 'Groups',
    summary: 'List groups',
    description: 'The sets of doors that links are issued for.',
    query: GroupQuery,
    answer: list(GroupAnswer),
  },
  'groups.create': {
    tag: 'Groups',
    summary: 'Create a group',
    description: 'An empty set of doors: put doors into it by `POST /group_locks`.',
    body: { noun: 'group', schema: NewGroup, example: { name: 'Meeting rooms', place_id: 2 } },
    answer: record(GroupAnswer),
  },
  'groups.show': {
    tag: 'Groups',
    summary: 'Show a group',
    description: 'One group, and how many doors it holds.',
    answer: record(GroupAnswer),
  },
  'groups.change': {
    tag: 'Groups',
    summary: 'Change a group',
    description: 'Only the fields that are sent change.',
    body: { noun: 'group', schema: GroupChange, example: { name: 'Meeting rooms, ground floor' } },
    answer: nothing,
  },
  'groups.remove': {
    tag: 'Groups',
    summary: 'Delete a group',
    description: 'A group that links still belong to stays: they would silently open nothing.',
    answer: nothing,
    errors: ['conflict'],
  },
  'group_doors.list': {
    tag: 'Group locks',
    summary: 'List doors in groups',
    description: 'Which door is in which group; `group_id` or `lock_id` asks for one of them.',
    query: GroupDoorQuery,
    answer: list(GroupDoorAnswer),
  },
  'group_doors.create': {
    tag: 'Group locks',
    summary: 'Put a door into a group',
    description: 'Every link of the group opens the door from now on.',
    body: { noun: 'group_lock', schema: NewGroupDoor, example: { group_id: 3, lock_id: 5 } },
    answer: record(GroupDoorAnswer),
  },
  'group_doors.show': {
    tag: 'Group locks',
    summary: 'Show a door in a group',
    description: 'One membership of a door in a group.',
    answer: record(GroupDoorAnswer),
  },
  'group_doors.remove': {
    tag: 'Group locks',
    summary: 'Take a door out of a group',
    description: 'No link of the group opens the door any more, from the next decision on.',
    answer: nothing,
  },
} as const satisfies Record<string, OperationDescription>;
