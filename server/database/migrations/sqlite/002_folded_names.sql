-- What each row is searched for and sorted by, as `fold` in domain/fold.ts makes it; the application fills it in.
alter table links add column folded text not null default '';
alter table places add column folded text not null default '';
alter table doors add column folded text not null default '';
alter table groups add column folded text not null default '';
alter table members add column folded text not null default '';

update links set folded = fold(name, email, phone);
update places set folded = fold(name, address);
update doors set folded = fold(name);
update groups set folded = fold(name);
update members set folded = fold(name, email);
