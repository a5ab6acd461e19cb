-- What every Supabase project has before its first migration: roles, default rights on the schema, the Realtime
-- publication, and an event trigger that has PostgREST read the schema again after each change.
-- supabase.com/docs/guides/database/postgres/roles, docs.postgrest.org (Schema Cache Reloading).
do $$
begin
    if not exists (select from pg_roles where rolname = 'authenticator') then
        create role anon nologin noinherit;
        create role authenticated nologin noinherit;
        create role service_role nologin noinherit bypassrls;
        create role authenticator login noinherit;
        grant anon, authenticated, service_role to authenticator;
        alter role authenticator set statement_timeout = '8s';
        alter role authenticated set statement_timeout = '8s';
        alter role anon set statement_timeout = '3s';
    end if;
end
$$;

grant usage on schema public to anon, authenticated, service_role;

create publication supabase_realtime;

create schema extensions;
create function extensions.reload_schema() returns event_trigger
language plpgsql set search_path = ''
as $$
begin
    notify pgrst, 'reload schema';
end
$$;
create event trigger reload_schema_after_change on ddl_command_end execute function extensions.reload_schema();
create event trigger reload_schema_after_drop on sql_drop execute function extensions.reload_schema();
