-- type: in Kisi's words. A recurring one has windows and exceptions (JSON, as `Schedule` in domain/schedule.ts); the
-- others have an absolute start and end, or a first date and the date after the last. name: null where there is none.
-- Rows of these two tables go for good, and their ids must not come back: events and callers still know them.
create temporary table old_schedules as select * from schedules;
drop table schedules;
create table schedules (
  id integer primary key autoincrement,
  organization_id integer not null,
  group_id integer not null,
  name text,
  type text not null default 'recurring_event' check (type in ('recurring_event', 'single_event', 'single_all_day_event')),
  enabled integer not null default 1,
  override integer not null default 0,
  weekly text not null default '[]',
  exceptions text not null default '[]',
  starts_at text,
  ends_at text,
  starts_at_date text,
  ends_at_date text,
  created_at text not null,
  updated_at text not null,
  unique (organization_id, id),
  foreign key (organization_id, group_id) references groups (organization_id, id)
) strict;
create index schedules_by_group on schedules (organization_id, group_id);
insert into schedules (id, organization_id, group_id, name, type, weekly, exceptions, created_at, updated_at)
  select id, organization_id, group_id, name, 'recurring_event', weekly, exceptions, created_at, updated_at
  from old_schedules;
drop table old_schedules;

create temporary table old_group_doors as select * from group_doors;
drop table group_doors;
create table group_doors (
  id integer primary key autoincrement,
  organization_id integer not null,
  group_id integer not null,
  door_id integer not null,
  created_at text not null,
  updated_at text not null,
  unique (organization_id, id),
  unique (organization_id, group_id, door_id),
  foreign key (organization_id, group_id) references groups (organization_id, id),
  foreign key (organization_id, door_id) references doors (organization_id, id)
) strict;
create index group_doors_by_door on group_doors (organization_id, door_id);
insert into group_doors (id, organization_id, group_id, door_id, created_at, updated_at)
  select id, organization_id, group_id, door_id, created_at, updated_at from old_group_doors;
drop table old_group_doors;

-- A place can be locked down as a whole, whatever its doors are. state_revision counts the changes of what an agent is
-- told of a door: the door's and its place's added up say which of two messages is the newer.
alter table places add column locked_down_at text;
alter table places add column state_revision integer not null default 0;
alter table doors add column state_revision integer not null default 0;

alter table agents add column folded text not null default '';
alter table agents add column updated_at text not null default '';
alter table agents add column last_seen_at text;
alter table agents add column deleted_at text;
update agents set folded = fold(name), updated_at = created_at;
create index doors_by_agent on doors (organization_id, agent_id);
