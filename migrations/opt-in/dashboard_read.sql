-- Opt-in: lets a dashboard read, with the anon key or as a user who is signed in (authenticated).
-- The anon key is in every web page that uses it: whoever has the page's address can then read every row, that is what
-- was played, who asked for it, who talked to Gemini how much, and the log. To let in only users who are signed in,
-- leave 'anon' out of `readers` and run this again; dashboard_off.sql takes it all back.
-- Safe to run twice; takes effect whole or not at all; run the files of migrations/ first.
begin;
set local lock_timeout = '5s';

do $$
declare
    readers constant text[] := array['anon', 'authenticated'];
    tables constant text[] := array['system_stats', 'active_sessions', 'bot_logs', 'gemini_usage', 'music_history',
        'command_queue'];
    object text;
    role_name text;
    let_in text;
begin
    if to_regclass('public.active_sessions_now') is null then
        raise exception using
            errcode = 'undefined_table',
            message = 'Nothing was changed: run the files of migrations/ in order first.',
            hint = '先に migrations/ のファイルを順に実行してください。';
    end if;
    select string_agg(quote_ident(rolname), ', ') into let_in from pg_roles where rolname = any (readers);
    foreach object in array tables loop
        execute format('alter table public.%I enable row level security', object);
        execute format('drop policy if exists dashboard_read on public.%I', object);
        if let_in is not null then
            execute format('create policy dashboard_read on public.%I for select to %s using (true)', object, let_in);
        end if;
    end loop;
    foreach object in array tables || array['active_sessions_now'] loop
        for role_name in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
            execute format('revoke select on public.%I from %I', object, role_name);
        end loop;
        if let_in is not null then
            execute format('grant select on public.%I to %s', object, let_in);
        end if;
    end loop;
    if let_in is null then
        raise notice 'Nobody to let in: this database has none of the roles anon and authenticated.';
        raise notice 'このデータベースには anon も authenticated もないため、何も許可しませんでした。';
    end if;
end
$$;

commit;
notify pgrst, 'reload schema';
