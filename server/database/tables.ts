import type { Generated } from 'kysely';
import type { ReaderRow } from './reader-table.ts';

/** The tables of `migrations/`, column by column. Booleans are 0 or 1, instants ISO 8601 UTC text, bytes Uint8Array. */
export interface Tables {
  installation: { name: string; value: Uint8Array };
  organizations: OrganizationRow;
  organization_keys: OrganizationKeyRow;
  members: MemberRow;
  member_groups: MemberGroupRow;
  member_tokens: MemberTokenRow;
  logins: LoginRow;
  places: PlaceRow;
  agents: AgentRow;
  doors: DoorRow;
  readers: ReaderRow;
  groups: GroupRow;
  group_doors: GroupDoorRow;
  schedules: ScheduleRow;
  links: LinkRow;
  passes: PassRow;
  events: EventRow;
  event_outcomes: EventOutcomeRow;
  idempotency_keys: IdempotencyKeyRow;
  used_presses: UsedPressRow;
  event_sets: EventSetRow;
  ended_segments: EndedSegmentRow;
}

interface Timestamps {
  created_at: string;
  updated_at: string;
}

interface OrganizationRow extends Timestamps {
  id: Generated<number>;
  name: string;
  domain: string;
  default_quick_response_code_type: Generated<'online' | 'offline'>;
  default_validity_s: Generated<number>;
  validity_s_max: Generated<number>;
  next_pass_index: Generated<number>;
  agent_revision: Generated<number>;
  revocation_epoch: Generated<number>;
  statement_signed_at: Generated<string | null>;
}

interface OrganizationKeyRow {
  id: Generated<number>;
  organization_id: number;
  kid: Uint8Array;
  public_key: Uint8Array;
  private_key_sealed: Uint8Array | null;
  created_at: string;
  retired_at: string | null;
}

export interface MemberRow extends Timestamps {
  id: Generated<number>;
  organization_id: number;
  kind: 'person' | 'service';
  role: 'owner' | 'admin' | 'manager' | 'viewer';
  name: string;
  folded: string;
  email: string;
  email_folded: string;
  password_hash: string | null;
  confirmed_at: string | null;
  access_enabled: Generated<number>;
  notes: string | null;
  metadata: string | null;
  deleted_at: string | null;
}

export interface LoginRow extends Timestamps {
  id: Generated<number>;
  organization_id: number;
  member_id: number;
  type: 'api' | 'login';
  name: string;
  secret_hash: Uint8Array;
  scopes: string | null;
  expires_at: string | null;
  revoked_at: string | null;
}

interface MemberGroupRow {
  organization_id: number;
  member_id: number;
  group_id: number;
  created_at: string;
}

interface MemberTokenRow {
  id: Generated<number>;
  organization_id: number;
  member_id: number;
  kind: 'invitation' | 'password_reset';
  secret_hash: Uint8Array;
  created_at: string;
  expires_at: string;
  used_at: string | null;
}

interface PlaceRow extends Timestamps {
  id: Generated<number>;
  organization_id: number;
  name: string;
  folded: string;
  description: string | null;
  address: string;
  latitude: number | null;
  longitude: number | null;
  time_zone: string;
  locked_down_at: string | null;
  state_revision: Generated<number>;
  deleted_at: string | null;
}

interface AgentRow extends Timestamps {
  id: Generated<number>;
  organization_id: number;
  name: string;
  folded: string;
  public_key: Uint8Array | null;
  last_seen_at: string | null;
  enrolled_at: string | null;
  enrollment_code_hash: Uint8Array | null;
  enrollment_code_expires_at: string | null;
  deleted_at: string | null;
  outbox_id: Generated<string | null>;
  outbox_sequence: Generated<number>;
  status: Generated<string | null>;
}

interface DoorRow extends Timestamps {
  id: Generated<number>;
  organization_id: number;
  place_id: number;
  agent_id: number | null;
  name: string;
  folded: string;
  description: string | null;
  latitude: number | null;
  longitude: number | null;
  order_id: number | null;
  pulse_ms: Generated<number>;
  static_offline_limit: Generated<number>;
  live_offline_limit: Generated<number>;
  live_only: Generated<number>;
  fail_secure: Generated<number | null>;
  sensor_open: Generated<number | null>;
  sensor_locked: Generated<number | null>;
  sensor_at: Generated<string | null>;
  locked_down_at: string | null;
  state_revision: Generated<number>;
  deleted_at: string | null;
}

interface EndedSegmentRow {
  organization_id: number;
  segment: number;
  dropped_epoch: number;
}

interface GroupRow extends Timestamps {
  id: Generated<number>;
  organization_id: number;
  place_id: number | null;
  name: string;
  folded: string;
  description: string | null;
  deleted_at: string | null;
}

interface GroupDoorRow extends Timestamps {
  id: Generated<number>;
  organization_id: number;
  group_id: number;
  door_id: number;
}

export interface ScheduleRow extends Timestamps {
  id: Generated<number>;
  organization_id: number;
  group_id: number;
  name: string | null;
  type: Generated<'recurring_event' | 'single_event' | 'single_all_day_event'>;
  enabled: Generated<number>;
  override: Generated<number>;
  weekly: Generated<string>;
  exceptions: Generated<string>;
  starts_at: string | null;
  ends_at: string | null;
  starts_at_date: string | null;
  ends_at_date: string | null;
}

export interface LinkRow extends Timestamps {
  id: Generated<number>;
  organization_id: number;
  group_id: number;
  name: string;
  folded: string;
  email: string | null;
  phone: string | null;
  valid_from: string | null;
  valid_until: string;
  link_enabled: number;
  quick_response_code_type: 'online' | 'offline' | null;
  max_uses: number | null;
  uses: Generated<number>;
  suspended_at: string | null;
  revoked_at: string | null;
  secret_hash: Uint8Array;
  secret_sealed: Uint8Array | null;
  metadata: string | null;
  created_by_id: number;
  last_used_at: string | null;
  revealed_at: string | null;
}

interface PassRow {
  organization_id: number;
  pass_index: number;
  link_id: number;
  group_id: number;
  online: number;
  issued_at_s: number;
  not_before_s: number;
  expires_at_s: number;
  revoked_at: string | null;
  revoked_epoch: Generated<number | null>;
}

export interface EventRow {
  position: Generated<number>;
  uuid: string;
  organization_id: number;
  type: string;
  created_at: string;
  recorded_at: string;
  actor_type: string | null;
  actor_id: number | null;
  actor_name: string | null;
  actor_email: string | null;
  authenticated_by_type: string | null;
  authenticated_by_id: number | null;
  object_type: string;
  object_id: number;
  object_name: string;
  action: string;
  success: number;
  message: string | null;
  reason: string | null;
  error_code: string | null;
  error_message: string | null;
  sequence: string;
  place_id: number | null;
  method: string | null;
  reader: string | null;
  agent_id: Generated<number | null>;
  unverified: Generated<number>;
}

interface EventOutcomeRow {
  event_uuid: string;
  organization_id: number;
  outcome: 'done' | 'not_done' | 'unknown';
  recorded_at: string;
}

interface EventSetRow {
  id: Generated<number>;
  organization_id: number;
  filters: string;
  last_position: number;
  created_at: string;
}

interface IdempotencyKeyRow {
  organization_id: number;
  key_hash: Uint8Array;
  request_hash: Uint8Array;
  effect: Uint8Array | null;
  answer: Uint8Array | null;
  under_way: number;
  created_at: string;
}

interface UsedPressRow {
  organization_id: number;
  press_id: Uint8Array;
  used_at: string;
}
