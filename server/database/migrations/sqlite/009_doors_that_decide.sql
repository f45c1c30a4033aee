-- What agents need to decide alone. agent_revision rises with every change of doors, groups, hours and keys,
-- revocation_epoch with every change of the revocation list; the server signs nothing dated before statement_signed_at.
alter table organizations add column agent_revision integer not null default 0;
alter table organizations add column revocation_epoch integer not null default 0;
alter table organizations add column statement_signed_at text;

-- At which epoch the pass got onto the list; null: it is not on it.
alter table passes add column revoked_epoch integer;
update passes set revoked_epoch = 1 where revoked_at is not null;
update organizations set revocation_epoch = 1;
create index passes_by_revocation on passes (organization_id, revoked_epoch) where revoked_epoch is not null;

-- Segments of the list that are no part of it any more, because all their passes have ended.
create table ended_segments (
  organization_id integer not null references organizations (id),
  segment integer not null,
  dropped_epoch integer not null,
  primary key (organization_id, segment)
) strict, without rowid;

-- Seconds; 0: readers always ask the server. fail_secure: 1 when the door stays shut without power, null: not said.
alter table doors add column static_offline_limit integer not null default 86400;
alter table doors add column live_offline_limit integer not null default 86400;
alter table doors add column live_only integer not null default 0;
alter table doors add column fail_secure integer;
-- What its sensors said last, and when.
alter table doors add column sensor_open integer;
alter table doors add column sensor_locked integer;
alter table doors add column sensor_at text;

-- The agent's own log: which, up to where it was told, and what the agent said of itself last (JSON).
alter table agents add column outbox_id text;
alter table agents add column outbox_sequence integer not null default 0;
alter table agents add column status text;

-- Of events that an agent reported: which agent. unverified: 1 for a grant with a pass that was never signed here.
alter table events add column agent_id integer;
alter table events add column unverified integer not null default 0;
