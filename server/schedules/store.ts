import type { Schedule } from '../../domain/schedule.ts';
import type { Connection } from '../database/database.ts';

const selectSql = 'select weekly, exceptions from schedules where organization_id = ? and group_id = ?';

/** The schedules of a group, read on the unlock path. None: its doors open at any hour. */
export async function selectSchedules(
  connection: Connection,
  organization_id: number,
  group_id: number,
): Promise<Schedule[]> {
  const rows = await connection
    .prepare<{ weekly: string; exceptions: string }>(selectSql)
    .all(organization_id, group_id);
  return rows.map((row) => ({ weekly: JSON.parse(row.weekly), exceptions: JSON.parse(row.exceptions) }));
}
