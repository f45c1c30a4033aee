import type { Replica } from '../../domain/replica.ts';
import type { Connection } from '../database/database.ts';
import { scheduleOf } from '../schedules/store.ts';

/** What a replica says, but for its revision: the same content need not be sent twice. */
export type ReplicaContent = Omit<Replica, 'revision'>;

/** Everything that the agents of an organization are told parts of, read once for all of them. */
export interface ReplicaSource {
  organization_id: number;
  keys: Replica['keys'];
  doors: (Replica['doors'][number] & { agent_id: number | null })[];
  schedules: ReadonlyMap<number, Replica['groups'][number]['schedules']>;
  readers: { id: number; name: string; agent_id: number | null }[];
}

export async function readReplicaSource(
  connection: Connection,
  organization_id: number,
): Promise<ReplicaSource> {
  const keys = await selectKeys(connection, organization_id);
  const doors = await selectDrivenDoors(connection, organization_id);
  const groups = await selectGroupsOfDoors(connection, organization_id);
  const schedules = await selectSchedulesInForce(connection, organization_id);
  return {
    organization_id,
    keys: keys.map(({ kid, public_key }) => ({
      kid: Buffer.from(kid).toString('hex'),
      public_key: Buffer.from(public_key).toString('base64url'),
    })),
    doors: doors.map((door) => ({
      ...door,
      live_only: door.live_only === 1,
      group_ids: groups.get(door.id) ?? [],
    })),
    schedules,
    readers: await selectAgentReaders(connection, organization_id),
  };
}

/** What one agent needs of it. */
export function replicaOf(
  { organization_id, keys, ...source }: ReplicaSource,
  agent_id: number,
): ReplicaContent {
  const own = source.doors.filter((door) => door.agent_id === agent_id);
  const group_ids = [...new Set(own.flatMap((door) => door.group_ids))].sort((one, other) => one - other);
  return {
    organization_id,
    keys,
    doors: own.map(({ agent_id: _, ...door }) => door),
    groups: group_ids.map((id) => ({ id, schedules: source.schedules.get(id) ?? [] })),
    readers: source.readers
      .filter((reader) => reader.agent_id === agent_id)
      .map(({ id, name }) => ({ id, name })),
  };
}

function selectAgentReaders(connection: Connection, organization_id: number) {
  return connection.query
    .selectFrom('readers')
    .select(['id', 'name', 'agent_id'])
    .where('organization_id', '=', organization_id)
    .where('agent_id', 'is not', null)
    .where('deleted_at', 'is', null)
    .orderBy('id')
    .execute();
}

function selectKeys(connection: Connection, organization_id: number) {
  return connection.query
    .selectFrom('organization_keys')
    .select(['kid', 'public_key'])
    .where('organization_id', '=', organization_id)
    .orderBy('id')
    .execute();
}

function selectDrivenDoors(connection: Connection, organization_id: number) {
  return connection.query
    .selectFrom('doors')
    .innerJoin('places', (join) =>
      join
        .onRef('places.organization_id', '=', 'doors.organization_id')
        .onRef('places.id', '=', 'doors.place_id'),
    )
    .select(['doors.id', 'doors.name', 'doors.agent_id', 'doors.pulse_ms', 'places.time_zone'])
    .select(['doors.static_offline_limit', 'doors.live_offline_limit', 'doors.live_only'])
    .where('doors.organization_id', '=', organization_id)
    .where('doors.agent_id', 'is not', null)
    .where('doors.deleted_at', 'is', null)
    .orderBy('doors.id')
    .execute();
}

async function selectGroupsOfDoors(
  connection: Connection,
  organization_id: number,
): Promise<Map<number, number[]>> {
  const rows = await connection.query
    .selectFrom('group_doors')
    .select(['group_id', 'door_id'])
    .where('organization_id', '=', organization_id)
    .orderBy('group_id')
    .execute();
  return Map.groupBy(rows, ({ door_id }) => door_id)
    .entries()
    .reduce(
      (groups, [door_id, its]) =>
        groups.set(
          door_id,
          its.map(({ group_id }) => group_id),
        ),
      new Map<number, number[]>(),
    );
}

async function selectSchedulesInForce(
  connection: Connection,
  organization_id: number,
): Promise<ReplicaSource['schedules']> {
  const rows = await connection.query
    .selectFrom('schedules')
    .selectAll()
    .where('organization_id', '=', organization_id)
    .where('enabled', '=', 1)
    .orderBy('id')
    .execute();
  const schedules = new Map<number, Replica['groups'][number]['schedules']>();
  for (const row of rows) {
    const { weekly, exceptions, days = [], spans = [], override = false } = scheduleOf(row);
    const copy = {
      weekly: [...weekly],
      exceptions: [...exceptions],
      days: [...days],
      spans: [...spans],
      override,
    };
    // What was read from JSON a moment ago has no readonly parts.
    schedules.set(row.group_id, [
      ...(schedules.get(row.group_id) ?? []),
      copy as Replica['groups'][number]['schedules'][number],
    ]);
  }
  return schedules;
}
