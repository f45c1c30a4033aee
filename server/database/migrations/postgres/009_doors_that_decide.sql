-- What agents need to decide alone. agent_revision rises with every change of doors, groups, hours and keys,
-- revocation_epoch with every change of the revocation list; the server signs nothing dated before statement_signed_at.
alter table organizations add column agent_revision bigint not null default 0;
alter table organizations add column revocation_epoch bigint not null default 0;
alter table organizations add column statement_signed_at text collate "C";

-- At which epoch the pass got onto the list; null: it is not on it.
alter table passes add column revoked_epoch bigint;
update passes set revoked_epoch = 1 where revoked_at is not null;
update organizations set revocation_epoch = 1;
create index passes_by_revocation on passes (organization_id, revoked_epoch) where revoked_epoch is not null;

-- Segments of the list that are no part of it any more, because all their passes have ended.
create table ended_segments (
  organization_id bigint not null references organizations (id),
  segment bigint not null,
  dropped_epoch bigint not null,
  primary key (organization_id, segment)
);

-- Seconds; 0: readers always ask the server. fail_secure: 1 when the door stays shut without power, null: not said.
alter table doors add column static_offline_limit bigint not null default 86400;
alter table doors add column live_offline_limit bigint not null default 86400;
alter table doors add column live_only bigint not null default 0;
alter table doors add column fail_secure bigint;
-- What its sensors said last, and when.
alter table doors add column sensor_open bigint;
alter table doors add column sensor_locked bigint;
alter table doors add column sensor_at text collate "C";

-- The agent's own log: which, up to where it was told, and what the agent said of itself last (JSON).
alter table agents add column outbox_id text collate "C";
alter table agents add column outbox_sequence bigint not null default 0;
alter table agents add column status text collate "C";

-- Of events that an agent reported: which agent. unverified: 1 for a grant with a pass that was never signed here.
alter table events add column agent_id bigint;
alter table events add column unverified bigint not null default 0;
