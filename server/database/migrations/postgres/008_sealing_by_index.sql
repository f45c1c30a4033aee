-- A position is unique among those given. As a plain unique column it counted as a key, and giving one waited for
-- whoever just wrote what became of that event (a foreign key holds the keys of the row it names).
create unique index events_by_position on events (position) where position is not null;
alter table events drop constraint events_position_key;

-- The same as before, one row after the other and by index whatever the planner believes of the table: it plans once for
-- the life of a connection, often while the table is small or was never analyzed, and then read all of it every time.
create or replace function seal_events() returns bigint language plpgsql
  set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
as $$
declare
  before bigint;
  last bigint;
  fresh bigint;
begin
  perform pg_advisory_xact_lock(hashtext('postern events'));
  select position into before from events where position is not null order by position desc limit 1;
  before := coalesce(before, 0);
  last := before;
  for fresh in select id from events where position is null order by id loop
    last := last + 1;
    update events set position = last where id = fresh;
  end loop;
  if last > before then
    perform pg_notify('postern_events', last::text);
  end if;
  return last;
end $$;
