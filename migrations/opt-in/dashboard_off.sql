-- Takes back what dashboard_read.sql and dashboard_control.sql have let in.
-- Safe to run twice; takes effect whole or not at all.
begin;
set local lock_timeout = '5s';

do $$
declare
    let_in record;
    role_name text;
begin
    for let_in in
        select policyname, tablename from pg_policies
        where schemaname = 'public'
            and policyname in ('dashboard_read', 'dashboard_control', 'dashboard_control_limits')
    loop
        execute format('drop policy %I on public.%I', let_in.policyname, let_in.tablename);
        for role_name in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
            execute format('revoke all on public.%I from %I', let_in.tablename, role_name);
            if let_in.tablename = 'active_sessions' then
                execute format('revoke all on public.active_sessions_now from %I', role_name);
            end if;
        end loop;
    end loop;
end
$$;

commit;
notify pgrst, 'reload schema';
