-- Where every session is now: active_sessions with `position_ms` and `updated_at` as of this moment, so that a page
-- that asks once a second, or once, shows the right place. `stamped_at` is when the bot last wrote the row.
-- Safe to run twice; takes effect whole or not at all; run 20261122000100_row_model.sql first.
begin;
set local lock_timeout = '5s';

-- security_invoker: otherwise the view would read past row level security with its owner's rights.
-- A row that was edited by hand must not take the others along, so nothing here can fail: whatever is null, infinite
-- or absurd counts as a session that stands still, and numeric holds what a bigint would not.
create or replace view public.active_sessions_now with (security_invoker = true) as
select
    session.guild_id,
    session.track_title,
    case when session.position_ms is not null then least(
        session.position_ms + elapsed.ms,
        case when session.duration_ms > 0 then session.duration_ms end,  -- 0 is a live stream, which has no end
        9223372036854775807
    )::bigint end as position_ms,
    session.duration_ms,
    session.is_playing,
    moment.now as updated_at,
    session.speed,
    session.application_id,
    session.revision,
    session.updated_at as stamped_at
from public.active_sessions as session
cross join statement_timestamp() as moment (now)
cross join lateral (
    select case
        when session.is_playing and isfinite(session.updated_at) and session.updated_at < moment.now
        then extract(epoch from moment.now - session.updated_at) * 1000
            * (case when session.speed between 0 and 100 then session.speed else 1 end)::numeric
        else 0
    end
) as elapsed (ms);

commit;
notify pgrst, 'reload schema';
