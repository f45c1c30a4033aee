-- The decision once more, written from docs/concepts/decision.md: sets of wall time instead of checks of minutes, and
-- PostgreSQL's own calendar and zone data. It shares nothing with domain/ but that page.

create table known_zone (name text primary key);
insert into known_zone select distinct name from pg_timezone_names;

-- Where PostgreSQL's zone data (18.4: tzdata 2026b) is older than Node's (2026c): from then on another zone shows the
-- right time. Morocco stays on UTC from 2026-09-20.
create table newer_zone_rule (name text primary key, since timestamptz not null, zone text not null);
insert into newer_zone_rule values ('Africa/Casablanca', '2026-09-20T01:00:00Z', 'UTC');

-- Null: it is not written as an instant is.
create function instant_of(written text) returns timestamptz language sql stable as $$
  select case when written ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$' then written::timestamptz end
$$;

create function date_of(written text) returns date language sql immutable as $$
  select case when written ~ '^\d{4}-\d\d-\d\d$' then written::date end
$$;

-- How long after midnight the wall shows it, on a day without a change of clocks.
create function time_of(written text) returns interval language sql immutable as $$
  select case when written ~ '^([01]\d|2[0-3]):[0-5]\d$' then written::interval end
$$;

-- The wall time that hours of this day hold. Unreadable ones: none, or of an override all on which they would count.
create function wall_time_of(opens interval, ends interval, day date, shuts boolean)
returns tsrange language sql immutable as $$
  select case
    when opens is null or ends is null then case when shuts then tsrange(day, day + 2) else 'empty' end
    else tsrange(day + opens, day + ends + case when ends > opens then interval '0' else interval '1 day' end)
  end
$$;

-- Whether a range holds a value; where an end of it cannot be read, whether it shuts.
create function holds(first anyelement, after_last anyelement, value anyelement, shuts boolean)
returns boolean language sql immutable as $$
  select case when first is null or after_last is null then shuts else first <= value and value < after_last end
$$;

-- One answer a question: `granted`, or the reason of the denial.
create function second_opinion(questions jsonb) returns table (n int, answer text) language sql stable
set enable_nestloop = off set jit = off as $$
  with question as materialized (
    select q.n, instant_of(q.at) as at, method, q.reader_id, evidence, coalesce(credential ->> 'kind', 'nothing') as kind, l.*, d.*
    from jsonb_to_recordset(questions) as q(n int, at text, method text, reader_id bigint, credential jsonb, door jsonb, evidence jsonb),
      jsonb_to_record(coalesce(credential, '{}') || jsonb_build_object('only_reader', credential -> 'reader_id')) as l(
        revoked boolean, suspended boolean, valid_from text, valid_until text, link_enabled boolean,
        includes_door boolean, schedules jsonb, max_uses bigint, uses bigint, only_reader bigint),
      jsonb_to_record(door) as d(locked_down boolean, time_zone text, reachable boolean, live_only boolean)
  ),
  schedule as materialized (
    select n, place, coalesce((body ->> 'override')::boolean, false) as shuts, body, at,
      at at time zone coalesce(newer.zone, known.name) as wall -- null: nobody knows the zone
    from question
      left join known_zone as known on known.name = time_zone
      left join newer_zone_rule as newer on newer.name = time_zone and at >= newer.since,
      jsonb_array_elements(schedules) with ordinality as s(body, place)
  ),
  -- Today and the day before, as the wall names them: what began on either may hold now.
  near as materialized (
    select n, place, shuts, body, wall, day, to_char(day, 'YYYY-MM-DD') as date
    from schedule, unnest(array[wall::date - 1, wall::date]) as day
  ),
  beginning as (
    select n, place, shuts, wall, day, hours
    from near, jsonb_array_elements(body -> 'exceptions') as e, jsonb_array_elements(e -> 'hours') as hours
    where e ->> 'date' = date
    union all
    select n, place, shuts, wall, day, hours
    from near, jsonb_array_elements(body -> 'weekly') as hours
    where hours -> 'days' @> to_jsonb(extract(isodow from day)::int)
      and not body -> 'exceptions' @> jsonb_build_array(jsonb_build_object('date', date))
  ),
  -- Everything that a schedule consists of, and whether it holds the instant.
  part as (
    select n, place, shuts, false as holds from schedule
    union all
    select n, place, shuts, wall_time_of(
      time_of(hours ->> 'start'),
      case hours ->> 'end' when '24:00' then interval '24 hours' else time_of(hours ->> 'end') end,
      day, shuts) @> wall
    from beginning
    union all
    select n, place, shuts, holds(date_of(d ->> 'start'), date_of(d ->> 'end'), wall::date, shuts)
    from schedule, jsonb_array_elements(body -> 'days') as d
    union all
    select n, place, shuts, holds(instant_of(s ->> 'from'), instant_of(s ->> 'until'), at, shuts)
    from schedule, jsonb_array_elements(body -> 'spans') as s
  ),
  group_of_schedules as (
    select n,
      coalesce(bool_or(holds) filter (where shuts), false) as forbidden,
      coalesce(bool_or(holds) filter (where not shuts), true) as open
    from part group by n
  )
  select n, coalesce((
    select reason from (values
      -- order, whom it binds, reason, whether it applies
      (1, array['nothing'], 'credential_unknown', true),
      (2, array['login', 'link'], 'clock_unknown', at is null),
      (3, array['link'], 'credential_revoked', revoked),
      (4, array['link'], 'credential_suspended', suspended),
      (5, array['link'], 'credential_not_active', at < instant_of(valid_from)),
      (6, array['link'], 'credential_expired', not at < instant_of(valid_until)),
      (7, array['link'], 'door_not_included', not includes_door),
      (8, array['login', 'link'], 'door_locked_down', locked_down),
      (9, array['link'], 'outside_schedule', forbidden or not open
        or jsonb_array_length(schedules) > 0 and not exists (select from known_zone where name = time_zone)),
      (10, array['link'], 'remote_unlock_not_allowed', not link_enabled and method <> 'qr'),
      (11, array['link'], 'live_code_required', live_only and method = 'qr'),
      (12, array['link'], 'revocation_list_too_old', jsonb_typeof(evidence) = 'object' and not coalesce(
        (evidence ->> 'age_ms_max')::bigint > 0
          and at <= instant_of(evidence ->> 'at') + (evidence ->> 'age_ms_max')::bigint * interval '1 millisecond',
        false)),
      (13, array['link'], 'online_check_required', (evidence ->> 'needs_server')::boolean),
      (14, array['link'], 'reader_not_assigned', only_reader is not null and only_reader is distinct from reader_id),
      (15, array['login', 'link'], 'door_unreachable', not reachable),
      (16, array['link'], 'use_limit_reached', uses >= max_uses)
    ) as checks(place, binds, reason, denies)
    where denies and kind = any (binds)
    order by place limit 1), 'granted')
  from question left join group_of_schedules using (n)
$$;
