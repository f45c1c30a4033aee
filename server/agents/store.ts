import { type Connection, only, type Transaction } from '../database/database.ts';

export function selectAgent(connection: Connection, id: number) {
  return connection.query.selectFrom('agents').selectAll().where('id', '=', id).executeTakeFirst();
}

/** The doors that an agent drives. */
export async function selectDoorIdsOfAgent(
  connection: Connection,
  organization_id: number,
  agent_id: number,
) {
  const rows = await connection.query
    .selectFrom('doors')
    .select('id')
    .where('organization_id', '=', organization_id)
    .where('agent_id', '=', agent_id)
    .execute();
  return rows.map(({ id }) => id);
}

export async function insertAgent(
  tx: Transaction,
  row: { organization_id: number; name: string; public_key: Uint8Array; created_at: string },
): Promise<number> {
  return only(await tx.query.insertInto('agents').values(row).returning('id').executeTakeFirst()).id;
}
