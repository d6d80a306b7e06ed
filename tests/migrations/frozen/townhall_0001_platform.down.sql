do $$
begin
    if obj_description(to_regnamespace('auth'), 'pg_namespace') like 'townhall:%' then
        drop table if exists auth.users;
        drop function if exists auth.uid(), auth.role(), auth.email(), auth.jwt();
        drop schema auth;
    end if;
end
$$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_drop_object('private', 'update_updated_at_column', 'function', (select oidvectortypes(p.proargtypes) from pg_catalog.pg_proc as p where p.oid = to_regprocedure('private.update_updated_at_column()')), 'drop function if exists private.update_updated_at_column()', 'townhall_0001');
    else
        drop function if exists private.update_updated_at_column();
    end if;
end
$do$;

do $$
begin
    -- Where it holds the memory of what was there before, that goes last, and the schema with it.
    if obj_description(to_regnamespace('private'), 'pg_namespace') like 'townhall:%'
        and to_regclass('private.townhall_origins') is null
    then
        drop schema private;
    end if;
end
$$;
