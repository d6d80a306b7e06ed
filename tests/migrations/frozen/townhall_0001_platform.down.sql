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
    if obj_description(to_regnamespace('private'), 'pg_namespace') like 'townhall:%' then
        drop schema private;
    end if;
end
$$;
