-- kind `agent`: what an agent's own file names, by (agent_id, name). kind `tablet`: a page in a browser, by its own key.
-- public_key: of a tablet that is enrolled, a point of P-256 uncompressed (SEC 1 §2.3.3). enrollment_hash: of the code that
-- enrolls it, until it is used or another is made.
create table readers (
  id integer primary key,
  organization_id integer not null,
  door_id integer not null,
  name text not null,
  folded text not null,
  kind text not null check (kind in ('agent', 'tablet')),
  agent_id integer,
  public_key blob,
  enrolled_at text,
  enrollment_hash blob unique,
  enrollment_expires_at text,
  last_seen_at text,
  created_at text not null,
  updated_at text not null,
  deleted_at text,
  unique (organization_id, id),
  unique (agent_id, name),
  check ((kind = 'agent') = (agent_id is not null)),
  foreign key (organization_id, door_id) references doors (organization_id, id),
  foreign key (organization_id, agent_id) references agents (organization_id, id)
) strict;
create index readers_by_door on readers (organization_id, door_id);
