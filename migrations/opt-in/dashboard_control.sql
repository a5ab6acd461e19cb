-- Opt-in: lets a dashboard control the player by inserting into command_queue, with the anon key or as a user who is
-- signed in (authenticated). Whoever holds that key controls the player of every server that the bot is in, and the
-- anon key is in every web page that uses it. To let in only users who are signed in, leave 'anon' out of
-- `controllers` and run this again; dashboard_off.sql takes it all back.
-- Safe to run twice; takes effect whole or not at all; run the files of migrations/ first.
begin;
set local lock_timeout = '5s';

do $$
declare
    controllers constant text[] := array['anon', 'authenticated'];
    role_name text;
    let_in text;
begin
    if to_regclass('public.active_sessions_now') is null then
        raise exception using
            errcode = 'undefined_table',
            message = 'Nothing was changed: run the files of migrations/ in order first.',
            hint = '先に migrations/ のファイルを順に実行してください。';
    end if;
    select string_agg(quote_ident(rolname), ', ') into let_in from pg_roles where rolname = any (controllers);
    alter table public.command_queue enable row level security;
    drop policy if exists dashboard_control on public.command_queue;
    drop policy if exists dashboard_control_limits on public.command_queue;
    for role_name in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
        execute format('revoke insert on public.command_queue from %I', role_name);
    end loop;
    if let_in is null then
        raise notice 'Nobody to let in: this database has none of the roles anon and authenticated.';
        raise notice 'このデータベースには anon も authenticated もないため、何も許可しませんでした。';
        return;
    end if;
    execute format('create policy dashboard_control on public.command_queue for insert to %s with check (true)',
        let_in);
    -- Restrictive, so that a policy that was there before does not let more through. A command is judged by its age, so
    -- it may not come from the future.
    execute format($policy$
        create policy dashboard_control_limits on public.command_queue as restrictive for insert to %s with check (
            status = 'pending'
            and created_at <= now()
            and length(payload::text) <= 200
            and payload @? 'strict $.guild_id ? (@ like_regex "^[0-9]{1,20}$")'
            and case
                when command in ('pause', 'resume', 'skip', 'stop') then true
                when command = 'seek' then payload @? 'strict $.position_ms ? (@ >= 0 && @ <= 9007199254740991)'
                when command = 'volume' then payload @? 'strict $.level ? (@ >= 0 && @ <= 1000)'
                else false
            end
        )
    $policy$, let_in);
    execute format('grant insert (id, command, payload, status, created_at) on public.command_queue to %s', let_in);
    raise notice 'Whoever holds the key of % controls the player of every server that the bot is in.', let_in;
    raise notice '% のキーを持つ人は誰でも、Bot がいるすべてのサーバーの再生を操作できます。', let_in;
end
$$;

commit;
notify pgrst, 'reload schema';
