-- What somebody asked of the events, and up to which position: the events themselves stay where they are. Ids are
-- never used again, because a set goes after a day and its reader may come later.
create table event_sets (
  id integer primary key autoincrement,
  organization_id integer not null references organizations (id),
  filters text not null,
  last_position integer not null,
  created_at text not null,
  unique (organization_id, id)
) strict;
create index event_sets_by_age on event_sets (organization_id, created_at);

-- What happened at a door, or to a link, without reading the whole log.
create index events_by_object on events (organization_id, object_type, object_id, position);

-- When the link's secret was last shown again. From then on it is out of the issuer's hands.
alter table links add column revealed_at text;
