-- What `python bot.py doctor` cannot see through PostgREST: row level security, Realtime and upkeep, of the bot's own.
-- It only reads the catalogue. Safe to run twice; takes effect whole or not at all; run 20261122000100_row_model.sql
-- first.
begin;
set local lock_timeout = '5s';
-- Where that file was refused, as in another program's database, nothing is changed here either.
lock table public.session_revisions in access share mode;

-- Which of the bot's jobs pg_cron runs; null where it is not switched on. With its owner's rights, because pg_cron shows
-- a role only the jobs that it made itself; it tells nothing but the names that 20261122000120_upkeep.sql gives them.
create or replace function public.scheduled_upkeep() returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
declare
    jobs jsonb;
begin
    if to_regclass('cron.job') is null then
        return null;
    end if;
    execute 'select coalesce(jsonb_agg(jobname order by jobname), ''[]'') from cron.job '
        'where active and jobname in (''discord-bot-remove-old-rows'', ''discord-bot-sweep-sessions'')' into jobs;
    return jobs;
exception
    when insufficient_privilege then
        return null;
end
$$;

-- Gives {row_security: {table: on or not}, realtime: [published table, ...], realtime_whole: database, schema or null,
-- realtime_owner: {has: role, needs: role} or null, upkeep: [job, ...], time: the database's, to the microsecond};
-- realtime is null without a publication, upkeep without pg_cron. realtime_whole says that the publication was made for
-- every table, so that no migration can take one out; realtime_owner, that the role of the tables may not change it.
create or replace function public.schema_report() returns jsonb
language sql stable security invoker set search_path = ''
as $$
    select jsonb_build_object(
        'row_security', (
            select coalesce(jsonb_object_agg(relname, relrowsecurity), '{}')
            from pg_class
            where relnamespace = 'public'::regnamespace and relname in ('system_stats', 'active_sessions', 'bot_logs',
                'gemini_usage', 'music_history', 'command_queue', 'session_revisions', 'bot_state', 'bot_retention')
        ),
        'realtime', (
            select (
                select coalesce(jsonb_agg(tablename order by tablename), '[]')
                from pg_publication_tables
                where pg_publication_tables.pubname = pg_publication.pubname and schemaname = 'public'
            )
            from pg_publication where pubname = 'supabase_realtime'
        ),
        'realtime_whole', (
            select case
                when puballtables then 'database'
                when exists (
                    select from pg_publication_namespace
                    where pnpubid = pg_publication.oid and pnnspid = 'public'::regnamespace
                ) then 'schema'
            end
            from pg_publication where pubname = 'supabase_realtime'
        ),
        'realtime_owner', (
            select jsonb_build_object('has', publication.pubowner::regrole, 'needs', session.relowner::regrole)
            from pg_publication as publication, pg_class as session
            where publication.pubname = 'supabase_realtime' and session.oid = to_regclass('public.active_sessions')
                and not pg_has_role(session.relowner, publication.pubowner, 'usage')
        ),
        'upkeep', public.scheduled_upkeep(),
        'time', clock_timestamp()
    )
$$;

do $$
declare
    grantee text;
begin
    for grantee in
        select 'public'
        union all
        select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role')
    loop
        execute format('revoke all on function public.schema_report(), public.scheduled_upkeep() from %s', grantee);
    end loop;
    if exists (select from pg_roles where rolname = 'service_role') then
        grant execute on function public.schema_report(), public.scheduled_upkeep() to service_role;
    end if;
end
$$;

commit;
notify pgrst, 'reload schema';
