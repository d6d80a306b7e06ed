do $$
begin
    if obj_description(to_regnamespace('auth'), 'pg_namespace') like 'townhall:%' then
        drop table if exists auth.users;
        drop function if exists auth.uid(), auth.role(), auth.email(), auth.jwt();
        drop schema auth;
    end if;
end
$$;

drop function if exists private.update_updated_at_column();

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
