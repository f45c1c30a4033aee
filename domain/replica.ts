import { type Static, Type } from 'typebox';

/*
 * What an agent needs to decide alone: keys, doors, groups, hours. Not one record for a visitor: a visitor whom it has
 * never heard of gets in on the signature.
 */

const Id = Type.Integer({ minimum: 1 });
const Text = Type.String({ maxLength: 200 });
const Hours = { start: Type.String(), end: Type.String() };

/** As `domain/schedule.ts` has it. */
const ScheduleSchema = Type.Object({
  weekly: Type.Array(Type.Object({ days: Type.Array(Type.Integer()), ...Hours })),
  exceptions: Type.Array(Type.Object({ date: Type.String(), hours: Type.Array(Type.Object(Hours)) })),
  days: Type.Array(Type.Object(Hours)),
  spans: Type.Array(Type.Object({ from: Type.String(), until: Type.String() })),
  override: Type.Boolean(),
});

const ReplicaDoor = Type.Object({
  id: Id,
  name: Text,
  /** IANA zone of the door's place. */
  time_zone: Type.String(),
  /** How long the lock stays released, in milliseconds. */
  pulse_ms: Type.Integer({ minimum: 1, maximum: 60_000 }),
  /** How old the evidence of a pass that does not change may be, in seconds; 0: such passes are never decided here. */
  static_offline_limit: Type.Integer({ minimum: 0 }),
  /** The same for a pass that changes every few seconds. */
  live_offline_limit: Type.Integer({ minimum: 0 }),
  live_only: Type.Boolean(),
  group_ids: Type.Array(Id),
});
export type ReplicaDoor = Static<typeof ReplicaDoor>;

export const Replica = Type.Object({
  organization_id: Id,
  /** Rises with every change. */
  revision: Type.Integer({ minimum: 0 }),
  keys: Type.Array(
    Type.Object({
      /** 4 bytes, hex. */
      kid: Type.String({ pattern: '^[0-9a-f]{8}$' }),
      /** Ed25519, 32 bytes, base64url. */
      public_key: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
    }),
  ),
  doors: Type.Array(ReplicaDoor),
  /** Those that any of the doors is in, with the schedules that are in force. */
  groups: Type.Array(Type.Object({ id: Id, schedules: Type.Array(ScheduleSchema) })),
  /** The agent's readers, by the names that it gave them. */
  readers: Type.Array(Type.Object({ id: Id, name: Text })),
});
export type Replica = Static<typeof Replica>;
