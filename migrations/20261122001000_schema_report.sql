-- What `python bot.py doctor` cannot see through PostgREST: row level security and Realtime, of the bot's own tables.
-- It only reads the catalogue. Safe to run twice; takes effect whole or not at all.
begin;
set local lock_timeout = '5s';

-- Gives {row_security: {table: on or not}, realtime: [published table, ...]}; realtime is null without a publication.
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
        )
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
        execute format('revoke all on function public.schema_report() from %s', grantee);
    end loop;
    if exists (select from pg_roles where rolname = 'service_role') then
        grant execute on function public.schema_report() to service_role;
    end if;
end
$$;

commit;
notify pgrst, 'reload schema';
