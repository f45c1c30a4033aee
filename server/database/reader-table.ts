import type { Generated } from 'kysely';

/** What reads codes at a door: of an agent, or a tablet. */
export interface ReaderRow {
  id: Generated<number>;
  organization_id: number;
  door_id: number;
  name: string;
  folded: string;
  kind: 'agent' | 'tablet';
  agent_id: number | null;
  public_key: Uint8Array | null;
  enrolled_at: string | null;
  enrollment_hash: Uint8Array | null;
  enrollment_expires_at: string | null;
  last_seen_at: string | null;
  created_at: string;
  updated_at: string;
  deleted_at: string | null;
}
