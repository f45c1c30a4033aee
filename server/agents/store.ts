import { sql, type Updateable } from 'kysely';
import type { AgentMessage, ToldDoorState } from '../../domain/agent-protocol.ts';
import { fold } from '../../domain/fold.ts';
import type { Sight } from '../context.ts';
import { type Connection, only, type RowKey, type Transaction } from '../database/database.ts';
import type { Tables } from '../database/tables.ts';
import { doorIdsIn } from '../doors/store.ts';
import { containing, idsOf, type ListQuery, listPage } from '../http/lists.ts';

export type AgentStatus = Omit<Extract<AgentMessage, { type: 'status' }>, 'type'> & {
  clock_drift_ms: number | null;
};

export type StoredAgent = NonNullable<Awaited<ReturnType<typeof selectAgentSeen>>>;

export interface AgentListQuery extends ListQuery {
  online?: boolean;
  sort?: string;
  /** The agents that are connected, for `online`. */
  reachableAgents: readonly number[];
}

/** Of whatever organization: by this an agent that connects is recognised. One that was removed is none. */
export function selectAgent(connection: Connection, id: number) {
  return connection.query
    .selectFrom('agents')
    .selectAll()
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
}

export function selectAgents(connection: Connection, sight: Sight, query: AgentListQuery) {
  let rows = agents(connection, sight);
  if (query.ids) rows = rows.where('agents.id', 'in', idsOf(query.ids));
  if (query.online === true) rows = rows.where('agents.id', 'in', [0, ...query.reachableAgents]);
  if (query.online === false) rows = rows.where('agents.id', 'not in', [0, ...query.reachableAgents]);
  if (query.query) rows = rows.where(sql<boolean>`agents.folded like ${containing(query.query)} escape '\\'`);
  rows = rows.orderBy(sql`agents.folded`, query.sort === '-name' ? 'desc' : 'asc').orderBy('agents.id');
  return listPage(rows, query);
}

/** The agent, if there is one that this caller may see. */
export function selectAgentSeen(connection: Connection, sight: Sight, id: number) {
  return agents(connection, sight).where('agents.id', '=', id).executeTakeFirst();
}

/** The doors that these agents drive, in the order of their ids. */
export async function selectDoorsOfAgents(
  connection: Connection,
  { organization_id, group_ids }: Sight,
  agent_ids: readonly number[],
) {
  if (agent_ids.length === 0) return [];
  const rows = connection.query
    .selectFrom('doors')
    .select(['id', 'name', 'agent_id'])
    .where('organization_id', '=', organization_id)
    .where('agent_id', 'in', [...agent_ids])
    .orderBy('id');
  if (!group_ids) return rows.execute();
  return rows.where('doors.id', 'in', doorIdsIn(connection, { organization_id, group_ids })).execute();
}

export async function selectDoorIdsOfAgent(
  connection: Connection,
  organization_id: number,
  agent_id: number,
): Promise<number[]> {
  const doors = await selectDoorsOfAgents(connection, { organization_id, group_ids: null }, [agent_id]);
  return doors.map(({ id }) => id);
}

/** What an agent is told of its doors. */
export async function selectDoorStatesOfAgent(
  connection: Connection,
  { organization_id, id }: RowKey,
): Promise<ToldDoorState[]> {
  const rows = await connection.query
    .selectFrom('doors')
    .innerJoin('places', (join) =>
      join
        .onRef('places.organization_id', '=', 'doors.organization_id')
        .onRef('places.id', '=', 'doors.place_id'),
    )
    .select(['doors.id', sql<number>`doors.state_revision + places.state_revision`.as('revision')])
    .select(['doors.locked_down_at', 'places.locked_down_at as place_locked_down_at'])
    .where('doors.organization_id', '=', organization_id)
    .where('doors.agent_id', '=', id)
    .orderBy('doors.id')
    .execute();
  return rows.map((door) => ({
    door_id: door.id,
    revision: door.revision,
    locked_down: door.locked_down_at !== null || door.place_locked_down_at !== null,
  }));
}

export async function insertAgent(
  tx: Transaction,
  row: { organization_id: number; name: string; public_key: Uint8Array | null; created_at: string },
): Promise<number> {
  const enrolled_at = row.public_key === null ? null : row.created_at;
  const values = { ...row, folded: fold(row.name), updated_at: row.created_at, enrolled_at };
  return only(await tx.query.insertInto('agents').values(values).returning('id').executeTakeFirst()).id;
}

export async function updateAgent(
  tx: Transaction,
  { organization_id, id }: RowKey,
  change: Updateable<Tables['agents']>,
): Promise<void> {
  await tx.query
    .updateTable('agents')
    .set({ ...change, ...(change.name === undefined ? {} : { folded: fold(change.name) }) })
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .execute();
}

/** Which log of the agent's the server knows, and up to where. */
export function selectOutbox(connection: Connection, { organization_id, id }: RowKey) {
  return connection.query
    .selectFrom('agents')
    .select(['outbox_id', 'outbox_sequence', 'status'])
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .executeTakeFirst();
}

/** What an agent said of itself last; null: nothing yet. */
export async function selectAgentStatus(connection: Connection, key: RowKey): Promise<AgentStatus | null> {
  return agentStatus((await selectOutbox(connection, key))?.status ?? null);
}

/** As `noteStatus` writes it. */
export function agentStatus(text: string | null): AgentStatus | null {
  return text === null ? null : JSON.parse(text); // our own words
}

/** A door that there is or was: what happened at it is told also when it is gone. */
export function selectAnyDoor(connection: Connection, { organization_id, id }: RowKey) {
  return connection.query
    .selectFrom('doors')
    .select(['id', 'name', 'place_id'])
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .executeTakeFirst();
}

export async function selectEventUuid(connection: Connection, uuid: string): Promise<boolean> {
  const row = await connection.query
    .selectFrom('events')
    .select('uuid')
    .where('uuid', '=', uuid)
    .executeTakeFirst();
  return row !== undefined;
}

export async function updateSensors(
  tx: Transaction,
  { organization_id, id }: RowKey,
  said: { agent_id: number; open?: boolean; locked?: boolean; at: string },
): Promise<void> {
  await tx.query
    .updateTable('doors')
    .set({
      ...(said.open === undefined ? {} : { sensor_open: Number(said.open) }),
      ...(said.locked === undefined ? {} : { sensor_locked: Number(said.locked) }),
      sensor_at: said.at,
    })
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .where('agent_id', '=', said.agent_id)
    .execute();
}

/** Of whatever organization: by this an agent that is being enrolled is recognised. */
export function selectAgentByCode(connection: Connection, code_hash: Uint8Array) {
  return connection.query
    .selectFrom('agents')
    .select(['id', 'organization_id', 'public_key'])
    .where('enrollment_code_hash', '=', code_hash)
    .executeTakeFirst();
}

/** Uses a code up for this key. Undefined: somebody was faster, the code has ended, or its agent was removed. */
export function takeEnrolmentCode(
  tx: Transaction,
  { organization_id, id }: RowKey,
  { code_hash, public_key, at }: { code_hash: Uint8Array; public_key: Uint8Array; at: string },
) {
  return tx.query
    .updateTable('agents')
    .set({ public_key, enrolled_at: at, updated_at: at })
    .set({ enrollment_code_hash: null, enrollment_code_expires_at: null })
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .where('enrollment_code_hash', '=', code_hash)
    .where('enrollment_code_expires_at', '>', at)
    .where('deleted_at', 'is', null)
    .returning(['id', 'name'])
    .executeTakeFirst();
}

/** The doors that an agent names, and who drives each. */
export async function selectClaimedDoors(
  connection: Connection,
  organization_id: number,
  ids: readonly number[],
) {
  if (ids.length === 0) return [];
  return connection.query
    .selectFrom('doors')
    .select(['id', 'name', 'agent_id'])
    .where('organization_id', '=', organization_id)
    .where('id', 'in', [...ids])
    .where('deleted_at', 'is', null)
    .orderBy('id')
    .execute();
}

/** From now on this agent drives the door. */
export async function attachDoor(
  tx: Transaction,
  { organization_id, id }: RowKey,
  agent_id: number,
): Promise<void> {
  await tx.query
    .updateTable('doors')
    .set({ agent_id })
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .execute();
}

/** Takes the agent from a door that it drives. */
export async function detachDoor(tx: Transaction, { organization_id, id }: RowKey): Promise<void> {
  await tx.query
    .updateTable('doors')
    .set({ agent_id: null })
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .execute();
}

function agents(connection: Connection, { organization_id, group_ids }: Sight) {
  const rows = connection.query
    .selectFrom('agents')
    .select(['agents.id', 'agents.organization_id', 'agents.name', 'agents.last_seen_at', 'agents.status'])
    .select(['agents.created_at', 'agents.updated_at', 'agents.enrolled_at'])
    .where('agents.organization_id', '=', organization_id)
    .where('agents.deleted_at', 'is', null);
  if (!group_ids) return rows;
  const driving = connection.query
    .selectFrom('doors')
    .select('agent_id')
    .where('organization_id', '=', organization_id)
    .where('doors.id', 'in', doorIdsIn(connection, { organization_id, group_ids }));
  return rows.where('agents.id', 'in', driving);
}
