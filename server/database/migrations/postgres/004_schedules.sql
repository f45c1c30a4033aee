-- type: in Kisi's words. A recurring one has windows and exceptions (JSON, as `Schedule` in domain/schedule.ts); the
-- others have an absolute start and end, or a first date and the date after the last. name: null where there is none.
alter table schedules
  alter column name drop not null,
  alter column weekly set default '[]',
  alter column exceptions set default '[]',
  add column type text collate "C" not null default 'recurring_event',
  add column enabled bigint not null default 1,
  add column override bigint not null default 0,
  add column starts_at text collate "C",
  add column ends_at text collate "C",
  add column starts_at_date text collate "C",
  add column ends_at_date text collate "C",
  add constraint schedules_type_check check (type in ('recurring_event', 'single_event', 'single_all_day_event')),
  add constraint schedules_organization_id_id_key unique (organization_id, id);
alter table group_doors add constraint group_doors_organization_id_id_key unique (organization_id, id);

-- A place can be locked down as a whole, whatever its doors are. state_revision counts the changes of what an agent is
-- told of a door: the door's and its place's added up say which of two messages is the newer.
alter table places
  add column locked_down_at text collate "C",
  add column state_revision bigint not null default 0;
alter table doors add column state_revision bigint not null default 0;

alter table agents
  add column folded text collate "C" not null default '',
  add column updated_at text collate "C" not null default '',
  add column last_seen_at text collate "C",
  add column deleted_at text collate "C";
update agents set folded = lower(name), updated_at = created_at;
create index doors_by_agent on doors (organization_id, agent_id);
