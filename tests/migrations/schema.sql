-- Everything that makes up the schema, as JSON: {kind: [line, ...]}, sorted. Columns without their order, which an
-- `alter table` cannot choose.
select json_build_object(
    'columns', (
        select json_agg(concat_ws(' ', relname, attname, format_type(atttypid, atttypmod),
            case when attnotnull then 'not null' end, 'identity=' || attidentity::text,
            pg_get_expr(adbin, adrelid)) order by relname, attname)
        from pg_attribute
        join pg_class on pg_class.oid = attrelid
        left join pg_attrdef on adrelid = attrelid and adnum = attnum
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'v') and attnum > 0 and not attisdropped
    ),
    'constraints', (
        select json_agg(concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid))
            order by conrelid::regclass::text, conname)
        from pg_constraint where connamespace = 'public'::regnamespace
    ),
    'indexes', (select json_agg(indexdef order by indexdef) from pg_indexes where schemaname = 'public'),
    'views', (
        select json_agg(concat_ws(' ', relname, reloptions, pg_get_viewdef(oid)) order by relname)
        from pg_class where relnamespace = 'public'::regnamespace and relkind = 'v'
    ),
    'triggers', (
        select json_agg(pg_get_triggerdef(pg_trigger.oid) order by pg_get_triggerdef(pg_trigger.oid))
        from pg_trigger join pg_class on pg_class.oid = tgrelid
        where not tgisinternal and relnamespace = 'public'::regnamespace
    ),
    'functions', (
        select json_agg(pg_get_functiondef(oid) order by proname) from pg_proc where pronamespace = 'public'::regnamespace
    ),
    'row_security', (
        select json_agg(concat_ws(' ', relname, relrowsecurity, relforcerowsecurity) order by relname)
        from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
    ),
    'policies', (
        select json_agg(concat_ws(' ', tablename, policyname, permissive, roles, cmd, qual, with_check)
            order by tablename, policyname)
        from pg_policies where schemaname = 'public'
    ),
    'rights', (
        select json_agg(line order by line) from (
            select concat_ws(' ', relname, grantee::regrole, privilege_type)
            from pg_class, aclexplode(relacl)
            where relnamespace = 'public'::regnamespace and relkind in ('r', 'v', 'S') and grantee <> relowner
            union all
            select concat_ws(' ', proname, grantee::regrole, privilege_type)
            from pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner)))
            where pronamespace = 'public'::regnamespace and grantee <> proowner
        ) as granted (line)
    ),
    'realtime', (
        select json_agg(tablename order by tablename) from pg_publication_tables where pubname = 'supabase_realtime'
    )
);
