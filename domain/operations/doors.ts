import { Type } from 'typebox';
import { unlockDenials } from '../decide.ts';
import {
  DecisionAnswer,
  DoorAnswer,
  DoorOfLinkAnswer,
  LockDownAnswer,
  UnlockedAnswer,
} from '../schemas/answers/doors.ts';
import { DecisionQuestion, DoorChange, DoorQuery, NewDoor, UnlockContext } from '../schemas/doors.ts';
import { list, nothing, type OperationDescription, record } from './operation.ts';

/* Doors: `locks` on the wire. */

export const doorOperations = {
  'doors.list': {
    tag: 'Locks',
    summary: 'List doors',
    description:
      "With a login: the organization's doors, 50 a page unless `limit` says otherwise.\n\nWith a link's secret: the " +
      "doors of the link in Kisi's reduced shape, and of each whether it would open now (`unlockable`), why not " +
      '(`reason`) and when (`unlockable_at`). That is what a landing page of your own needs; it may call from another ' +
      'origin.',
    query: DoorQuery,
    answer: list(Type.Union([DoorAnswer, DoorOfLinkAnswer])),
    errors: ['credential_revoked'],
  },
  'doors.create': {
    tag: 'Locks',
    summary: 'Create a door',
    description:
      'A door in a place. It opens once an agent drives it, and for links once it belongs to their group.',
    body: { noun: 'lock', schema: NewDoor, example: { name: 'Front door', place_id: 2 } },
    answer: record(DoorAnswer),
  },
  'doors.show': {
    tag: 'Locks',
    summary: 'Show a door',
    description: 'One door, and whether its agent can be reached.',
    answer: record(DoorAnswer),
  },
  'doors.change': {
    tag: 'Locks',
    summary: 'Change a door',
    description: 'Only the fields that are sent change. A door stays in its place.',
    body: { noun: 'lock', schema: DoorChange, example: { name: 'Garden door' } },
    answer: nothing,
  },
  'doors.remove': {
    tag: 'Locks',
    summary: 'Delete a door',
    description: 'The door leaves its groups with it: no link opens it any more. Its events stay.',
    answer: nothing,
  },
  'doors.unlock': {
    tag: 'Locks',
    summary: 'Unlock a door',
    description:
      'Decides, records, and only then sends the command to the agent at the door. 200 means that the lock was driven; ' +
      '403 that the answer was no, with its `reason`; 503 that the door could not be reached or did not say in time ' +
      'what it did. A denial is an event too.\n\nWith a login the door opens in the name of the organization; with a ' +
      "link's secret within what the link allows, and it counts as a use. What Kisi's apps send along in `context` is " +
      'accepted and not looked at.',
    body: { schema: UnlockContext, example: {}, optional: true },
    answer: record(UnlockedAnswer),
    errors: [...unlockDenials, 'outcome_unknown', 'lock_failed'],
  },
  'doors.lock_down': {
    tag: 'Locks',
    summary: 'Lock a door down',
    description:
      'From the next decision on it opens for nobody, also not for logins. Its agent is told and refuses commands as well; ' +
      '`reached` says whether it has confirmed that in time. If not, it is told when it connects.\n\nDoing it twice is doing ' +
      'it once.',
    answer: record(LockDownAnswer),
  },
  'doors.cancel_lockdown': {
    tag: 'Locks',
    summary: "Cancel a door's lock-down",
    description:
      'The door opens again as it did before, unless its place is locked down: `locked_down` says how it stands.',
    answer: record(LockDownAnswer),
  },
  'doors.decide': {
    tag: 'Locks',
    summary: 'Ask whether a link would open a door',
    description:
      'Decides as an unlock would, and does nothing else: no use is spent, no command sent, no event written. `at` asks ' +
      'about another instant; uses, agents and lock-downs are as they are now. `method` is how the link would be ' +
      'presented: on its page, by the API, or with its latest QR code.\n\nA login needs `links:read` for it, too.',
    body: {
      noun: 'decision',
      schema: DecisionQuestion,
      example: { group_link_id: 7, at: '2026-12-01T18:30:00Z' },
    },
    answer: record(DecisionAnswer),
  },
} as const satisfies Record<string, OperationDescription>;
