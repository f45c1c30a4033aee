-- Instants are ISO 8601 UTC text with milliseconds; booleans are 0 or 1. Every table of a tenant carries
-- organization_id, and refers to others by (organization_id, id), so that no row can point across organizations.

create table installation (
  name text primary key,
  value blob not null
) strict;

create table organizations (
  id integer primary key,
  name text not null,
  domain text not null unique,
  default_quick_response_code_type text not null default 'offline',
  default_validity_s integer not null default 604800,
  validity_s_max integer not null default 31622400,
  next_pass_index integer not null default 0,
  created_at text not null,
  updated_at text not null
) strict;

-- The keys that sign an organization's passes. kid: the first 4 bytes of the public key's SHA-256.
create table organization_keys (
  id integer primary key,
  organization_id integer not null references organizations (id),
  kid blob not null,
  public_key blob not null,
  private_key_sealed blob,
  created_at text not null,
  retired_at text,
  unique (organization_id, kid)
) strict;

create table members (
  id integer primary key,
  organization_id integer not null references organizations (id),
  kind text not null check (kind in ('person', 'service')),
  role text not null check (role in ('owner', 'admin', 'manager', 'viewer')),
  name text not null,
  email text not null,
  password_hash text,
  created_at text not null,
  updated_at text not null,
  unique (organization_id, id),
  unique (organization_id, email)
) strict;

create table logins (
  id integer primary key,
  organization_id integer not null,
  member_id integer not null,
  type text not null check (type in ('api')),
  name text not null,
  secret_hash blob not null unique,
  created_at text not null,
  revoked_at text,
  foreign key (organization_id, member_id) references members (organization_id, id)
) strict;

create table places (
  id integer primary key,
  organization_id integer not null references organizations (id),
  name text not null,
  description text,
  address text not null,
  latitude real,
  longitude real,
  time_zone text not null,
  created_at text not null,
  updated_at text not null,
  deleted_at text,
  unique (organization_id, id)
) strict;

-- public_key: 32 bytes, Ed25519.
create table agents (
  id integer primary key,
  organization_id integer not null references organizations (id),
  name text not null,
  public_key blob not null,
  created_at text not null,
  unique (organization_id, id)
) strict;

create table doors (
  id integer primary key,
  organization_id integer not null,
  place_id integer not null,
  agent_id integer,
  name text not null,
  description text,
  latitude real,
  longitude real,
  order_id integer,
  pulse_ms integer not null default 5000,
  locked_down_at text,
  created_at text not null,
  updated_at text not null,
  deleted_at text,
  unique (organization_id, id),
  foreign key (organization_id, place_id) references places (organization_id, id),
  foreign key (organization_id, agent_id) references agents (organization_id, id)
) strict;
create index doors_by_place on doors (organization_id, place_id);

create table groups (
  id integer primary key,
  organization_id integer not null references organizations (id),
  place_id integer,
  name text not null,
  description text,
  created_at text not null,
  updated_at text not null,
  deleted_at text,
  unique (organization_id, id),
  foreign key (organization_id, place_id) references places (organization_id, id)
) strict;

create table group_doors (
  id integer primary key,
  organization_id integer not null,
  group_id integer not null,
  door_id integer not null,
  created_at text not null,
  updated_at text not null,
  unique (organization_id, group_id, door_id),
  foreign key (organization_id, group_id) references groups (organization_id, id),
  foreign key (organization_id, door_id) references doors (organization_id, id)
) strict;
create index group_doors_by_door on group_doors (organization_id, door_id);

-- weekly and exceptions: JSON, as `Schedule` in domain/schedule.ts.
create table schedules (
  id integer primary key,
  organization_id integer not null,
  group_id integer not null,
  name text not null,
  weekly text not null,
  exceptions text not null,
  created_at text not null,
  updated_at text not null,
  foreign key (organization_id, group_id) references groups (organization_id, id)
) strict;
create index schedules_by_group on schedules (organization_id, group_id);

create table links (
  id integer primary key,
  organization_id integer not null,
  group_id integer not null,
  name text not null,
  email text,
  phone text,
  valid_from text,
  valid_until text not null,
  link_enabled integer not null,
  quick_response_code_type text check (quick_response_code_type in ('online', 'offline')),
  max_uses integer,
  uses integer not null default 0,
  suspended_at text,
  revoked_at text,
  secret_hash blob not null unique,
  secret_sealed blob,
  metadata text,
  created_by_id integer not null,
  last_used_at text,
  created_at text not null,
  updated_at text not null,
  unique (organization_id, id),
  foreign key (organization_id, group_id) references groups (organization_id, id),
  foreign key (organization_id, created_by_id) references members (organization_id, id)
) strict;
create index links_by_group on links (organization_id, group_id);

-- One row per signed pass; the pass itself is signed again from it and never stored.
create table passes (
  organization_id integer not null,
  pass_index integer not null,
  link_id integer not null,
  group_id integer not null,
  online integer not null,
  issued_at_s integer not null,
  not_before_s integer not null,
  expires_at_s integer not null,
  revoked_at text,
  primary key (organization_id, pass_index),
  foreign key (organization_id, link_id) references links (organization_id, id)
) strict, without rowid;
create index passes_by_link on passes (organization_id, link_id, pass_index);

-- position counts committed events without a gap: one writer takes the next rowid, and no row is ever removed.
create table events (
  position integer primary key,
  uuid text not null unique,
  organization_id integer not null references organizations (id),
  type text not null,
  created_at text not null,
  recorded_at text not null,
  actor_type text,
  actor_id integer,
  actor_name text,
  actor_email text,
  authenticated_by_type text,
  authenticated_by_id integer,
  object_type text not null,
  object_id integer not null,
  object_name text not null,
  action text not null,
  success integer not null,
  message text,
  reason text,
  error_code text,
  error_message text,
  sequence text not null,
  place_id integer,
  method text,
  reader text
) strict;
create index events_by_organization on events (organization_id, position);
create index events_by_actor on events (organization_id, actor_type, actor_id, position);

create trigger events_are_never_changed before update on events
begin
  select raise(abort, 'events are only ever appended');
end;
create trigger events_are_never_removed before delete on events
begin
  select raise(abort, 'events are only ever appended');
end;

-- What became of the command that a granted event sent.
create table event_outcomes (
  event_uuid text primary key references events (uuid),
  organization_id integer not null references organizations (id),
  outcome text not null check (outcome in ('done', 'not_done', 'unknown')),
  recorded_at text not null
) strict, without rowid;
