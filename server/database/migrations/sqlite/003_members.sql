-- Foreign keys to members are checked again at the commit, when members is back under its name.
pragma defer_foreign_keys = on;

create temporary table old_members as select * from members;
drop table members;

-- email_folded: the address as `fold` in domain/fold.ts makes it; a person who was deleted may come back under it.
-- confirmed_at: when the member first chose a password. access_enabled: 0 while the member may open no door.
create table members (
  id integer primary key,
  organization_id integer not null references organizations (id),
  kind text not null check (kind in ('person', 'service')),
  role text not null check (role in ('owner', 'admin', 'manager', 'viewer')),
  name text not null,
  folded text not null default '',
  email text not null,
  email_folded text not null,
  password_hash text,
  confirmed_at text,
  access_enabled integer not null default 1,
  notes text,
  metadata text,
  created_at text not null,
  updated_at text not null,
  deleted_at text,
  unique (organization_id, id)
) strict;
create unique index members_by_email on members (email_folded, organization_id) where deleted_at is null;

insert into members (id, organization_id, kind, role, name, folded, email, email_folded, password_hash, confirmed_at,
    created_at, updated_at)
  select id, organization_id, kind, role, name, folded, email, fold(email), password_hash,
    case when password_hash is null then null else created_at end, created_at, updated_at
  from old_members;
drop table old_members;

-- type `login`: a member who signed in. scopes: a JSON list, or null for all that the member's role may.
create temporary table old_logins as select * from logins;
drop table logins;
create table logins (
  id integer primary key,
  organization_id integer not null,
  member_id integer not null,
  type text not null check (type in ('api', 'login')),
  name text not null,
  secret_hash blob not null unique,
  scopes text,
  created_at text not null,
  updated_at text not null,
  expires_at text,
  revoked_at text,
  unique (organization_id, id),
  foreign key (organization_id, member_id) references members (organization_id, id)
) strict;
create index logins_by_member on logins (organization_id, member_id);
insert into logins (id, organization_id, member_id, type, name, secret_hash, created_at, updated_at, revoked_at)
  select id, organization_id, member_id, type, name, secret_hash, created_at, created_at, revoked_at from old_logins;
drop table old_logins;

-- The named groups of a manager.
create table member_groups (
  organization_id integer not null,
  member_id integer not null,
  group_id integer not null,
  created_at text not null,
  primary key (organization_id, member_id, group_id),
  foreign key (organization_id, member_id) references members (organization_id, id),
  foreign key (organization_id, group_id) references groups (organization_id, id)
) strict, without rowid;
create index member_groups_by_group on member_groups (organization_id, group_id);

-- One-time links by which a member chooses a password. There is at most one of a kind that still works.
create table member_tokens (
  id integer primary key,
  organization_id integer not null,
  member_id integer not null,
  kind text not null check (kind in ('invitation', 'password_reset')),
  secret_hash blob not null unique,
  created_at text not null,
  expires_at text not null,
  used_at text,
  foreign key (organization_id, member_id) references members (organization_id, id)
) strict;
create index member_tokens_by_member on member_tokens (organization_id, member_id);
