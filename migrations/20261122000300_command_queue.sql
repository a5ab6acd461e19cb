-- What a dashboard asks for is carried out once, soon, or not at all: `command_queue` as the bots work through it.
-- Safe to run twice; takes effect whole or not at all; run 20261122000100_row_model.sql first.
begin;
set local lock_timeout = '5s';
-- Where that file was refused, as in another program's database, nothing is changed here either.
lock table public.session_revisions in access share mode;

alter table public.command_queue
    add column if not exists claimed_by uuid,
    add column if not exists started_at timestamptz,
    add column if not exists finished_at timestamptz,
    add column if not exists error text;

-- The age of a command is judged by this clock. A dashboard may give a `created_at` of its own, and a clock that is
-- ahead would keep its commands young for too long.
create or replace function public.stamp_command() returns trigger
language plpgsql security invoker set search_path = ''
as $$
begin
    new.created_at := least(new.created_at, now());
    return new;
end
$$;

create or replace trigger stamp_command before insert on public.command_queue
    for each row execute function public.stamp_command();

-- Claims what is pending for `guilds`, and what names no guild at all (somebody has to refuse it), oldest first. A row
-- of the answer is a command that was taken, or, in `asked` alone, a guild that other pending commands are for. Before
-- that it fails what is too late or too large, whoever's it is.
--
-- A claim whose answer was lost is asked for again with the same `claimer`; an answered one never is.
-- Rows that another call has locked are passed over, so that no bot waits for another.
create or replace function public.claim_commands(claimer uuid, guilds text[])
returns table (id uuid, command text, payload jsonb, age_s double precision, asked text)
language plpgsql volatile security invoker set search_path = ''
as $$
#variable_conflict use_column
declare
    patience constant interval := '60 seconds';
    known_guild constant text := '^[1-9][0-9]{0,19}$';
begin
    with hopeless as (
        select command.id,
            case
                when command.status = 'processing' then 'The bot that took this command did not report back within 60 s.'
                    ' / このコマンドを受け取ったボットから、60 秒以内に結果が届きませんでした。'
                when command.created_at >= now() - patience then 'The command is too large.'
                    ' / コマンドが大きすぎます。'
                else 'Too late: no bot that is in this server took the command within 60 s.'
                    ' / 時間切れです。このサーバーにいるボットが、60 秒以内に受け取りませんでした。'
            end as reason
        from public.command_queue as command
        where command.status = 'pending'
                and (command.created_at >= now() - patience) is not true
            or command.status = 'processing'
                and coalesce(command.started_at, command.created_at, '-infinity') < now() - patience
            or command.status = 'pending'
                and (octet_length(command.command) > 200 or octet_length(command.payload::text) > 4096)
        limit 1000
        for update skip locked
    )
    update public.command_queue as command set status = 'failed', error = hopeless.reason, finished_at = now()
    from hopeless where command.id = hopeless.id;

    with due as (
        select command.id
        from public.command_queue as command
        where command.status = 'pending' and command.created_at >= now() - patience
            and (command.payload ->> 'guild_id' = any (guilds)
                or jsonb_typeof(command.payload -> 'guild_id') is distinct from 'string'
                or command.payload ->> 'guild_id' !~ known_guild)
        order by command.created_at, command.id
        limit 100
        for update skip locked
    )
    update public.command_queue as command set status = 'processing', started_at = now(), claimed_by = claimer
    from due where command.id = due.id;

    return query
    select command.id, command.command, command.payload,
        extract(epoch from now() - command.created_at)::double precision, null::text
    from public.command_queue as command
    where command.status = 'processing' and command.claimed_by = claimer
    order by command.created_at, command.id;

    -- In all no more rows than a project gives at a time by default.
    return query
    select distinct null::uuid, null::text, null::jsonb, null::double precision, command.payload ->> 'guild_id'
    from public.command_queue as command
    where command.status = 'pending' and command.created_at >= now() - patience
        and command.payload ->> 'guild_id' ~ known_guild
    limit 900;
end
$$;

-- Takes [{id, status, error}, ...] with the status completed or failed, and gives the ids that it changed: told twice
-- it changes nothing.
create or replace function public.finish_commands(outcomes jsonb) returns setof uuid
language sql volatile security invoker set search_path = ''
as $$
    update public.command_queue as command
    set status = outcome.status, error = outcome.error, finished_at = now()
    from jsonb_to_recordset(outcomes) as outcome (id uuid, status text, error text)
    where command.id = outcome.id and command.status = 'processing' and outcome.status in ('completed', 'failed')
    returning command.id
$$;

-- By name, as in 20261122000200_access.sql: the project's default privileges may have let anybody in.
do $$
declare
    function text;
    grantee text;
begin
    foreach function in array array['stamp_command()', 'claim_commands(uuid, text[])', 'finish_commands(jsonb)'] loop
        for grantee in
            select 'public'
            union all
            select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role')
        loop
            execute format('revoke all on function public.%s from %s', function, grantee);
        end loop;
    end loop;
    if exists (select from pg_roles where rolname = 'service_role') then
        grant execute on function public.claim_commands(uuid, text[]) to service_role;
        grant execute on function public.finish_commands(jsonb) to service_role;
    end if;
end
$$;

commit;
notify pgrst, 'reload schema';
