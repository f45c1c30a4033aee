-- What each row is searched for and sorted by, as `fold` in domain/fold.ts makes it; the application fills it in.
alter table links add column folded text collate "C" not null default '';
alter table places add column folded text collate "C" not null default '';
alter table doors add column folded text collate "C" not null default '';
alter table groups add column folded text collate "C" not null default '';
alter table members add column folded text collate "C" not null default '';
