-- Upkeep: old rows go, and so do the sessions of a bot that is gone. pg_cron runs it where it is switched on
-- (Supabase: Integrations > Cron); after switching it on, run this file once more.
-- Safe to run twice; takes effect whole or not at all; run 20261122000100_row_model.sql first.
begin;
set local lock_timeout = '5s';
-- Where that file was refused, as in another program's database, nothing is changed here either.
lock table public.session_revisions in access share mode;

-- The one place to set how long rows are kept; null keeps them for ever. Running this file again changes no choice.
create table if not exists public.bot_retention (
    table_name text primary key,
    days integer check (days > 0)
);
insert into public.bot_retention (table_name, days) values
    ('system_stats', 30), ('bot_logs', 30), ('gemini_usage', 365), ('music_history', 365), ('command_queue', 7)
on conflict (table_name) do nothing;

-- Removes at most 500 rows a table and says how many in all: each is a message to everyone who listens by Realtime,
-- and a small bite never keeps the bot waiting. Every five minutes that is 144,000 rows a day and table.
-- An array, because a subquery with a limit may be carried out more than once; and what the bot is just writing is
-- skipped here and in the sweep, so that neither waits for the other.
create or replace function public.remove_old_rows() returns integer
language plpgsql volatile security invoker set search_path = ''
as $$
declare
    kept record;
    removed integer;
    total integer := 0;
begin
    for kept in
        select retention.table_name, now() - make_interval(days => retention.days) as since
        from public.bot_retention as retention
        where retention.days is not null and retention.table_name in
            ('system_stats', 'bot_logs', 'gemini_usage', 'music_history', 'command_queue')
    loop
        execute format(
            'delete from public.%1$I where id = any (array(select id from public.%1$I where created_at < $1 '
            'order by created_at limit 500 for update skip locked))', kept.table_name) using kept.since;
        get diagnostics removed = row_count;
        total := total + removed;
    end loop;
    return total;
end
$$;

-- Removes the sessions that nobody has stamped for 30 minutes, and says how many. A live bot stamps its sessions,
-- paused ones too, every 5 minutes. session_revisions stays: a late update of a session that has stopped does not bring
-- it back, while the next stamp of one that lives has a newer revision and does.
-- An older bot (revision 0) stamps only when a track starts, so its session may be as old as what is left of the track.
create or replace function public.sweep_sessions() returns integer
language plpgsql volatile security invoker set search_path = ''
as $$
declare
    removed integer;
begin
    delete from public.active_sessions where guild_id = any (array(
        select guild_id from public.active_sessions
        where updated_at is null or updated_at < now() - case
            when revision = 0 and is_playing and duration_ms > 0 then make_interval(secs =>
                greatest(1800, least(86400, (duration_ms::numeric - coalesce(position_ms, 0)) / 1000))::float8)
            else interval '30 minutes'
        end
        for update skip locked
    ));
    get diagnostics removed = row_count;
    return removed;
end
$$;

-- A job of the same name is replaced, so that there is one of each however often this runs.
do $$
begin
    if to_regprocedure('cron.schedule(text, text, text)') is null then
        raise notice 'pg_cron is not switched on: old rows stay until it is and this file is run again.';
        raise notice 'pg_cron が有効ではありません。有効にしてこのファイルをもう一度実行するまで、古い行は残ります。';
        return;
    end if;
    perform cron.schedule('discord-bot-sweep-sessions', '*/5 * * * *', 'select public.sweep_sessions()');
    perform cron.schedule('discord-bot-remove-old-rows', '*/5 * * * *', 'select public.remove_old_rows()');
exception
    when insufficient_privilege then
        raise notice 'Nothing was scheduled: this role may not use pg_cron. Run this file as postgres.';
        raise notice 'このロールは pg_cron を使えないため、予約しませんでした。postgres で実行してください。';
end
$$;

commit;
notify pgrst, 'reload schema';
