-- Who may do what: the bot's service key everything that it needs, the anon and authenticated keys nothing.
-- On plain PostgreSQL, without Supabase's roles and publication, the parts that name them do nothing.
-- Safe to run twice; takes effect whole or not at all; run 20261122000100_row_model.sql first.
begin;
set local lock_timeout = '5s';

alter table public.system_stats enable row level security;
alter table public.active_sessions enable row level security;
alter table public.bot_logs enable row level security;
alter table public.gemini_usage enable row level security;
alter table public.music_history enable row level security;
alter table public.command_queue enable row level security;
alter table public.session_revisions enable row level security;
alter table public.bot_state enable row level security;

-- Rights are laid down anew, by name: a project's default privileges may have given any of them to any role,
-- and `revoke ... from public` takes nothing from a role that was granted it by name.
do $$
declare
    tables constant text[] := array['system_stats', 'active_sessions', 'bot_logs', 'gemini_usage', 'music_history',
        'command_queue', 'session_revisions', 'bot_state'];
    functions constant text[] := array['drop_stale_row()', 'apply_sessions(jsonb)'];
    grantee text;
    object text;
    id_sequence text;
begin
    for grantee in
        select 'public'
        union all
        select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role')
    loop
        foreach object in array tables loop
            execute format('revoke all on public.%I from %s', object, grantee);
            if exists (select from pg_attribute
                       where attrelid = format('public.%I', object)::regclass and attname = 'id') then
                id_sequence := pg_get_serial_sequence(format('public.%I', object), 'id');
            else
                id_sequence := null;
            end if;
            if id_sequence is not null then
                execute format('revoke all on sequence %s from %s', id_sequence, grantee);
            end if;
            if grantee = 'service_role' then
                execute format('grant select, insert, update, delete on public.%I to service_role', object);
                -- An identity needs no right to its sequence, a serial column of an older table does.
                if id_sequence is not null then
                    execute format('grant usage on sequence %s to service_role', id_sequence);
                end if;
            end if;
        end loop;
        foreach object in array functions loop
            execute format('revoke all on function public.%s from %s', object, grantee);
        end loop;
    end loop;

    if exists (select from pg_roles where rolname = 'service_role') then
        grant execute on function public.apply_sessions(jsonb) to service_role;
    end if;
    if exists (select from pg_roles where rolname = 'anon') then
        raise notice 'From now on a client with the anon key is refused: give bots the service_role key; '
            'a dashboard that reads with the anon key stays blank until it is let in.';
        raise notice 'これ以降、anon キーのクライアントは拒否されます。Bot には service_role キーを設定してください。'
            'anon キーで読むダッシュボードは、許可するまで何も表示しません。';
    end if;
end
$$;

-- Realtime: what dashboards listen to. The bot's own bookkeeping is nobody's news.
do $$
declare
    listened constant text[] := array['system_stats', 'active_sessions', 'bot_logs', 'gemini_usage', 'music_history',
        'command_queue'];
    bookkeeping constant text[] := array['session_revisions', 'bot_state'];
    object text;
    members text[];
begin
    if not exists (select from pg_publication where pubname = 'supabase_realtime' and not puballtables) then
        return;
    end if;
    select coalesce(array_agg(tablename::text), '{}') into members
    from pg_publication_tables
    where pubname = 'supabase_realtime' and schemaname = 'public';
    foreach object in array listened loop
        if object <> all (members) then
            execute format('alter publication supabase_realtime add table public.%I', object);
        end if;
    end loop;
    foreach object in array bookkeeping loop
        if object = any (members) then
            execute format('alter publication supabase_realtime drop table public.%I', object);
        end if;
    end loop;
exception
    when insufficient_privilege then
        raise notice 'Realtime was left as it is: the publication supabase_realtime belongs to another role.';
end
$$;

commit;
notify pgrst, 'reload schema';
