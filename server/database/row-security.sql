-- Run by the owner after every migration: the database itself keeps organizations apart, whatever a statement forgets.
-- The setting postern.organization holds the organization whose rows a connection may see, or * for work on the whole
-- installation; a connection that has not said sees nothing. {{role}} is the role that the server signs in with.
do $$
declare
  tenant record;
  sees text;
begin
  for tenant in
    select c.oid::regclass as name, a.attname as key
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and not a.attisdropped
    where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace
      and (a.attname = 'organization_id' or (c.relname = 'organizations' and a.attname = 'id'))
  loop
    sees := format(
      $sql$current_setting('postern.organization', true) = '*'
        or %I = nullif(nullif(current_setting('postern.organization', true), '*'), '')::bigint$sql$,
      tenant.key);
    execute format('alter table %s enable row level security', tenant.name);
    execute format('alter table %s force row level security', tenant.name);
    execute format('drop policy if exists one_organization on %s', tenant.name);
    execute format('create policy one_organization on %s using (%s) with check (%s)', tenant.name, sees, sees);
  end loop;
end $$;

grant usage on schema {{schema}} to {{role}};
grant select, insert, update, delete on all tables in schema {{schema}} to {{role}};
grant usage, select, update on all sequences in schema {{schema}} to {{role}};
grant execute on all functions in schema {{schema}} to {{role}};
revoke update, delete on events, event_outcomes, schema_migrations from {{role}};
revoke insert on schema_migrations from {{role}};
grant update (position) on events to {{role}};
