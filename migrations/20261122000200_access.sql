-- Who may do what: the bot's service key everything that it needs, the anon and authenticated keys nothing,
-- but for what a file of opt-in/ has let in.
-- On plain PostgreSQL, without Supabase's roles and publication, the parts that name them do nothing.
-- Safe to run twice; takes effect whole or not at all; run the files before it first.
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
alter table public.bot_retention enable row level security;

-- Rights are laid down anew, by name: a project's default privileges may have given any of them to any role,
-- and `revoke ... from public` takes nothing from a role that was granted it by name.
do $$
declare
    tables constant text[] := array['system_stats', 'active_sessions', 'bot_logs', 'gemini_usage', 'music_history',
        'command_queue', 'session_revisions', 'bot_state', 'bot_retention'];
    views constant text[] := array['active_sessions_now'];
    functions constant text[] := array['drop_stale_row()', 'date_old_session()', 'apply_sessions(jsonb)',
        'sweep_sessions()', 'remove_old_rows()'];
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
        foreach object in array views loop
            execute format('revoke all on public.%I from %s', object, grantee);
            if grantee = 'service_role' then
                execute format('grant select on public.%I to service_role', object);
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
        raise notice 'From now on a bot with the anon key is refused: give it the service_role key.';
        raise notice 'これ以降、anon キーの Bot は拒否されます。service_role キーを設定してください。';
        if not exists (select from pg_policies where schemaname = 'public' and policyname = 'dashboard_read') then
            raise notice 'A dashboard with the anon key is blank until opt-in/dashboard_read.sql is applied.';
            raise notice 'anon キーのダッシュボードは、opt-in/dashboard_read.sql を適用するまで何も表示しません。';
        end if;
    end if;
end
$$;

-- What a file of opt-in/ has let in stays let in: its policies say to whom.
do $$
declare
    let_in record;
begin
    for let_in in
        select policy.policyname, policy.tablename, reader.role
        from pg_policies as policy, unnest(policy.roles) as reader (role)
        where policy.schemaname = 'public' and policy.policyname in ('dashboard_read', 'dashboard_control')
    loop
        if let_in.policyname = 'dashboard_control' then
            execute format('grant insert (id, command, payload, status, created_at) on public.command_queue to %I',
                let_in.role);
        else
            execute format('grant select on public.%I to %I', let_in.tablename, let_in.role);
            if let_in.tablename = 'active_sessions' then
                execute format('grant select on public.active_sessions_now to %I', let_in.role);
            end if;
        end if;
    end loop;
end
$$;

-- Realtime: what dashboards listen to. The bot's own bookkeeping is nobody's news.
do $$
declare
    listened constant text[] := array['system_stats', 'active_sessions', 'bot_logs', 'gemini_usage', 'music_history',
        'command_queue'];
    bookkeeping constant text[] := array['session_revisions', 'bot_state', 'bot_retention'];
    object text;
begin
    if not exists (select from pg_publication where pubname = 'supabase_realtime' and not puballtables) then
        return;
    end if;
    foreach object in array listened loop
        if not exists (select from pg_publication_tables
                       where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = object) then
            execute format('alter publication supabase_realtime add table public.%I', object);
        end if;
    end loop;
    -- Only what was added by name can be taken out by name: a publication of the whole schema has no such entry.
    foreach object in array bookkeeping loop
        if exists (select from pg_publication_rel as member
                   join pg_publication as publication on publication.oid = member.prpubid
                   where publication.pubname = 'supabase_realtime'
                       and member.prrelid = format('public.%I', object)::regclass) then
            execute format('alter publication supabase_realtime drop table public.%I', object);
        end if;
    end loop;
exception
    when insufficient_privilege then
        raise notice 'Realtime was left as it is: the publication supabase_realtime belongs to another role.';
        raise notice 'supabase_realtime は別のロールのものなので、Realtime は変更しませんでした。';
end
$$;

commit;
notify pgrst, 'reload schema';
