-- The row model: every row that the bot sends has a key and a revision, and the newest revision wins,
-- in whatever order and however often rows arrive.
-- Safe to run twice; takes effect whole or not at all; run 20261122000000_tables.sql first.
begin;
set local lock_timeout = '5s';

-- A revision stays within what JavaScript can read exactly.
alter table public.system_stats
    add column if not exists event_id uuid,
    add column if not exists revision bigint not null default 0
        check (revision between 0 and 9007199254740991);

alter table public.bot_logs
    add column if not exists event_id uuid,
    add column if not exists revision bigint not null default 0
        check (revision between 0 and 9007199254740991);

alter table public.gemini_usage
    add column if not exists event_id uuid,
    add column if not exists revision bigint not null default 0
        check (revision between 0 and 9007199254740991),
    add column if not exists status text,
    add column if not exists estimated boolean default false;

alter table public.music_history
    add column if not exists event_id uuid,
    add column if not exists revision bigint not null default 0
        check (revision between 0 and 9007199254740991),
    add column if not exists ended_at timestamptz,
    add column if not exists end_reason text,
    add column if not exists played_ms bigint;

alter table public.active_sessions
    add column if not exists speed real default 1,
    add column if not exists application_id text,
    add column if not exists revision bigint not null default 0
        check (revision between 0 and 9007199254740991);

-- The default comes after the column: a column added with this default would rewrite the table
-- and keep an older bot waiting meanwhile. Rows from before keep a null event_id.
alter table public.system_stats alter column event_id set default gen_random_uuid();
alter table public.bot_logs alter column event_id set default gen_random_uuid();
alter table public.gemini_usage alter column event_id set default gen_random_uuid();
alter table public.music_history alter column event_id set default gen_random_uuid();

-- Not partial: ON CONFLICT (event_id) finds only a whole index.
create unique index if not exists system_stats_event_id_key on public.system_stats (event_id);
create unique index if not exists bot_logs_event_id_key on public.bot_logs (event_id);
create unique index if not exists gemini_usage_event_id_key on public.gemini_usage (event_id);
create unique index if not exists music_history_event_id_key on public.music_history (event_id);

create index if not exists system_stats_created_at_idx on public.system_stats (created_at desc);
create index if not exists bot_logs_created_at_idx on public.bot_logs (created_at desc);
create index if not exists gemini_usage_created_at_idx on public.gemini_usage (created_at desc);
create index if not exists gemini_usage_guild_id_created_at_idx on public.gemini_usage (guild_id, created_at desc);
create index if not exists music_history_created_at_idx on public.music_history (created_at desc);
create index if not exists music_history_guild_id_created_at_idx on public.music_history (guild_id, created_at desc);
create index if not exists command_queue_status_created_at_idx on public.command_queue (status, created_at);

-- A session's row goes when it stops; its last revision stays here, so that a late update cannot bring it back.
create table if not exists public.session_revisions (
    guild_id text primary key,
    revision bigint not null default 0 check (revision between 0 and 9007199254740991)
);
create index if not exists session_revisions_revision_idx on public.session_revisions (revision desc);

-- What must outlive an empty disk: server settings, playlists, queue snapshots.
create table if not exists public.bot_state (
    key text primary key,
    value jsonb,
    revision bigint not null default 0 check (revision between 0 and 9007199254740991)
);
create index if not exists bot_state_revision_idx on public.bot_state (revision desc);

-- An edit by hand has the same revision and other content: it passes.
-- `*=` compares the rows as stored, so that a column of a type without equality (json) does no harm.
create or replace function public.drop_stale_row() returns trigger
language plpgsql security invoker set search_path = ''
as $$
begin
    if new.revision < old.revision or new *= old then
        return null;
    end if;
    return new;
end
$$;

create or replace trigger drop_stale_row before update on public.system_stats
    for each row execute function public.drop_stale_row();
create or replace trigger drop_stale_row before update on public.active_sessions
    for each row execute function public.drop_stale_row();
create or replace trigger drop_stale_row before update on public.bot_logs
    for each row execute function public.drop_stale_row();
create or replace trigger drop_stale_row before update on public.gemini_usage
    for each row execute function public.drop_stale_row();
create or replace trigger drop_stale_row before update on public.music_history
    for each row execute function public.drop_stale_row();
create or replace trigger drop_stale_row before update on public.bot_state
    for each row execute function public.drop_stale_row();

-- A row of revision 0 is an older bot's, which never wrote `updated_at`: its upsert is what stamps the row.
-- Triggers fire in the order of their names, so that this one comes before drop_stale_row.
create or replace function public.date_old_session() returns trigger
language plpgsql security invoker set search_path = ''
as $$
begin
    if new.revision = 0 and new.updated_at is not distinct from old.updated_at then
        new.updated_at := now();
    end if;
    return new;
end
$$;

create or replace trigger date_old_session before update on public.active_sessions
    for each row execute function public.date_old_session();

-- Takes [{guild_id, revision, deleted, track_title, position_ms, duration_ms, is_playing, speed,
-- application_id, updated_at}, ...], a row whole or `deleted`; gives the revision that the database has now for
-- each guild named, and whether it came from this call. Raises only SQLSTATE classes 22 and 23.
--
-- Three statements on purpose: each has a snapshot of its own, taken after the first one's locks were granted.
-- In one statement the delete would not see a row that another connection was just inserting.
-- Claiming in the order of guild_id keeps two calls from waiting for each other.
-- A row that was given a higher revision by hand would drop the update: that revision is claimed in its place and
-- answered, so that the bot goes above it.
create or replace function public.apply_sessions(items jsonb)
returns table (guild_id text, revision bigint, applied boolean)
language plpgsql volatile security invoker set search_path = ''
as $$
#variable_conflict use_column
declare
    claimed jsonb;
begin
    with newest as (
        select distinct on (head.guild_id) head.guild_id, head.revision, element.item
        from jsonb_array_elements(items) as element (item),
            jsonb_to_record(element.item) as head (guild_id text, revision bigint)
        order by head.guild_id, head.revision desc
    ), claim as (
        insert into public.session_revisions as known (guild_id, revision)
        select newest.guild_id,
            case when session.revision > newest.revision then session.revision else newest.revision end
        from newest left join public.active_sessions as session using (guild_id)
        order by newest.guild_id
        on conflict (guild_id) do update set revision = excluded.revision
            where known.revision < excluded.revision
        returning guild_id, revision
    )
    select coalesce(jsonb_agg(newest.item), '[]') into claimed
    from claim join newest using (guild_id, revision);

    delete from public.active_sessions as session
    using jsonb_to_recordset(claimed) as item (guild_id text, deleted boolean)
    where item.deleted and session.guild_id = item.guild_id;

    insert into public.active_sessions as session (guild_id, track_title, position_ms, duration_ms, is_playing,
        speed, application_id, updated_at, revision)
    select item.guild_id, item.track_title, item.position_ms, item.duration_ms, item.is_playing,
        item.speed, item.application_id, item.updated_at, item.revision
    from jsonb_to_recordset(claimed) as item (guild_id text, deleted boolean, track_title text, position_ms bigint,
        duration_ms bigint, is_playing boolean, speed real, application_id text, updated_at timestamptz,
        revision bigint)
    where item.deleted is not true
    order by item.guild_id
    on conflict (guild_id) do update set
        track_title = excluded.track_title, position_ms = excluded.position_ms,
        duration_ms = excluded.duration_ms, is_playing = excluded.is_playing, speed = excluded.speed,
        application_id = excluded.application_id, updated_at = excluded.updated_at, revision = excluded.revision;

    return query
    select known.guild_id, known.revision,
        known.guild_id in (select item ->> 'guild_id' from jsonb_array_elements(claimed) as element (item))
    from public.session_revisions as known
    where known.guild_id in (select item ->> 'guild_id' from jsonb_array_elements(items) as element (item));
end
$$;

commit;
notify pgrst, 'reload schema';
