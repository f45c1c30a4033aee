import { type Static, Type } from 'typebox';
import { type DenialReason, denialReasons } from './decide.ts';

/*
 * What an agent tells afterwards of what happened while it decided alone. Each report has a number in the agent's log;
 * they are told in this order, each once.
 */

const Id = Type.Integer({ minimum: 1 });

const Reason = Type.Unsafe<DenialReason>({ type: 'string', enum: [...denialReasons] });

const common = {
  /** Rises by one with each report of this log. */
  sequence: Type.Integer({ minimum: 1 }),
  /** UUID of version 7 (RFC 9562): of the event that it becomes. */
  uuid: Type.String({ pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$' }),
  /** When it happened, by the agent's clock: ISO 8601 UTC with milliseconds; null: the agent did not know the time. */
  at: Type.Union([
    Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' }),
    Type.Null(),
  ]),
};

export const Report = Type.Union([
  /** A pass was presented, and decided at the door. */
  Type.Object({
    ...common,
    kind: Type.Literal('decision'),
    door_id: Id,
    reader: Type.String({ minLength: 1, maxLength: 200 }),
    link_id: Id,
    index: Type.Integer({ minimum: 0 }),
    /** SHA-256 of the pass's text, hex: only who saw the pass can name it. The pass itself is not kept. */
    pass_hash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    /** Null: granted. */
    reason: Type.Union([Reason, Type.Null()]),
    /** What became of the lock; null: nothing was commanded. */
    outcome: Type.Union([
      Type.Literal('done'),
      Type.Literal('not_done'),
      Type.Literal('unknown'),
      Type.Null(),
    ]),
  }),
  /** Texts that are no pass of the organization were presented: at most one report a minute and reader. */
  Type.Object({
    ...common,
    kind: Type.Literal('unreadable'),
    door_id: Id,
    reader: Type.String({ minLength: 1, maxLength: 200 }),
    count: Type.Integer({ minimum: 1 }),
  }),
  /** A contact sensor contradicts what was commanded. */
  Type.Object({
    ...common,
    kind: Type.Literal('door'),
    door_id: Id,
    what: Type.Union([Type.Literal('forced_open'), Type.Literal('held_open'), Type.Literal('closed')]),
  }),
  /** Something at the agent needs a person's eye. */
  Type.Object({
    ...common,
    kind: Type.Literal('alarm'),
    message: Type.String({ minLength: 1, maxLength: 200 }),
  }),
]);
export type Report = Static<typeof Report>;

/** How many reports one message tells: less than a frame. */
export const reportsPerMessageMax = 64;
