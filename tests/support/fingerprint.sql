-- All that Supabase has in a database, a row per thing.

with
schemas as (
    select oid
    from pg_namespace
    where nspname in ('auth', 'extensions', 'graphql_public', 'realtime', 'storage')
),

relations as (
    select oid from pg_class where relnamespace in (select oid from schemas)
),

things as (
    select
        'role ' || rolname as thing,
        jsonb_build_object(
            'super', rolsuper, 'inherit', rolinherit, 'createrole', rolcreaterole,
            'createdb', rolcreatedb, 'login', rolcanlogin, 'replication', rolreplication,
            'bypassrls', rolbypassrls, 'settings', rolconfig
        ) as facts
    from pg_roles
    where rolname in ('anon', 'authenticated', 'service_role', 'authenticator', 'dashboard_user')
       or starts_with(rolname, 'supabase_')

    union all
    select
        'schema ' || nspname,
        jsonb_build_object(
            'owner', nspowner::regrole, 'privileges', nspacl::text[],
            'comment', obj_description(oid, 'pg_namespace')
        )
    from pg_namespace
    where oid in (select oid from schemas) or nspname = 'public'

    union all
    select
        'relation ' || oid::regclass,
        jsonb_build_object(
            'kind', relkind, 'owner', relowner::regrole, 'privileges', relacl::text[],
            'row_security', relrowsecurity, 'forced', relforcerowsecurity,
            'replica_identity', relreplident, 'options', reloptions,
            'comment', obj_description(oid, 'pg_class'),
            'index', case when relkind in ('i', 'I') then pg_get_indexdef(oid) end
        )
    from pg_class
    where oid in (select oid from relations)

    union all
    select
        'column ' || attrelid::regclass || '.' || attname,
        jsonb_build_object(
            'type', format_type(atttypid, atttypmod), 'not_null', attnotnull,
            'generated', attgenerated, 'identity', attidentity, 'privileges', attacl::text[],
            'default', pg_get_expr(adbin, adrelid), 'comment', col_description(attrelid, attnum)
        )
    from pg_attribute
    left join pg_attrdef on adrelid = attrelid and adnum = attnum
    where attnum > 0
      and attrelid in (select oid from relations)

    union all
    select
        'constraint ' || conname || ' of ' || conrelid::regclass,
        jsonb_build_object(
            'definition', pg_get_constraintdef(oid), 'validated', convalidated,
            'comment', obj_description(oid, 'pg_constraint')
        )
    from pg_constraint
    where connamespace in (select oid from schemas) and contype <> 'n'

    union all
    select
        'trigger ' || tgname || ' of ' || tgrelid::regclass,
        jsonb_build_object(
            'definition', pg_get_triggerdef(pg_trigger.oid), 'enabled', tgenabled,
            'comment', obj_description(pg_trigger.oid, 'pg_trigger')
        )
    from pg_trigger
    where not tgisinternal
      and tgrelid in (select oid from relations)

    union all
    select
        'rule ' || rulename || ' of ' || ev_class::regclass,
        jsonb_build_object('definition', pg_get_ruledef(pg_rewrite.oid))
    from pg_rewrite
    where ev_class in (select oid from relations)

    union all
    select
        'policy ' || polname || ' of ' || polrelid::regclass,
        jsonb_build_object(
            'command', polcmd, 'permissive', polpermissive, 'roles', polroles::regrole[],
            'using', pg_get_expr(polqual, polrelid), 'check', pg_get_expr(polwithcheck, polrelid),
            'comment', obj_description(oid, 'pg_policy')
        )
    from pg_policy
    where polrelid in (select oid from relations)

    union all
    select
        'function ' || oid::regprocedure,
        jsonb_build_object(
            'owner', proowner::regrole, 'privileges', proacl::text[], 'settings', proconfig,
            'comment', obj_description(oid, 'pg_proc'),
            'definition', case when prokind in ('f', 'p') then pg_get_functiondef(oid) end
        )
    from pg_proc
    where pronamespace in (select oid from schemas)

    union all
    select
        'type ' || oid::regtype,
        jsonb_build_object(
            'owner', typowner::regrole, 'privileges', typacl::text[],
            'labels', (
                select array_agg(enumlabel order by enumsortorder)
                from pg_enum
                where enumtypid = pg_type.oid
            ),
            'comment', obj_description(oid, 'pg_type')
        )
    from pg_type
    where typnamespace in (select oid from schemas)

    union all
    select
        'extension ' || extname,
        jsonb_build_object(
            'owner', extowner::regrole, 'version', extversion, 'schema', extnamespace::regnamespace
        )
    from pg_extension

    union all
    select
        'event trigger ' || evtname,
        jsonb_build_object(
            'owner', evtowner::regrole, 'event', evtevent, 'tags', evttags,
            'function', evtfoid::regproc, 'enabled', evtenabled
        )
    from pg_event_trigger

    union all
    select
        'publication ' || pubname,
        jsonb_build_object(
            'owner', pubowner::regrole, 'all', puballtables, 'insert', pubinsert,
            'update', pubupdate, 'delete', pubdelete, 'truncate', pubtruncate,
            'tables', (
                select array_agg(prrelid::regclass::text order by prrelid::regclass::text)
                from pg_publication_rel
                where prpubid = pg_publication.oid
            )
        )
    from pg_publication

    union all
    select
        'default privileges of ' || defaclrole::regrole || ' in ' || defaclnamespace::regnamespace
            || ' on ' || defaclobjtype::text,
        jsonb_build_object('privileges', defaclacl::text[])
    from pg_default_acl
)

select thing, facts
from things
