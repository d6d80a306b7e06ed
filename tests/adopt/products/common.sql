-- What nearly every product begins with: keys made by uuid-ossp, and a trigger function of every
-- tutorial. Where a server does not have the extension, a function has its place.

do $$
begin
    if exists (select from pg_available_extensions where name = 'uuid-ossp') then
        create extension if not exists "uuid-ossp" with schema extensions;
    else
        create function extensions.uuid_generate_v4() returns uuid language sql as
            'select gen_random_uuid()';
    end if;
end
$$;

create function public.update_updated_at_column() returns trigger language plpgsql as $$
begin
    new.updated_at = now();
    return new;
end
$$;
