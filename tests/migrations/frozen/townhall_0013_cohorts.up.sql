do $do$
declare
    allowed constant int := (
        select s.setting from pg_catalog.pg_settings as s where s.name = 'lock_timeout'
    );
    previous constant text := current_setting('lock_timeout');
    began constant timestamptz := clock_timestamp();
begin
    loop
        begin
            perform set_config(
                'lock_timeout', least(nullif(allowed, 0), 300)::text, true
            );
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.cohort_members')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.cohort_members in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.cohorts')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.cohorts in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('auth.users')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table auth.users in share row exclusive mode;
            end if;
            perform set_config('lock_timeout', previous, true);
            exit;
        exception
            when lock_not_available or deadlock_detected then
                if extract(epoch from clock_timestamp() - began) * 1000 > nullif(allowed, 0) then
                    raise;
                end if;
        end;
        perform pg_sleep(0.1);
    end loop;
end
$do$;

CREATE TABLE IF NOT EXISTS cohorts (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    name TEXT NOT NULL,
    cohort_type TEXT DEFAULT 'stage' NOT NULL,
    max_members INTEGER DEFAULT 8 NOT NULL,
    status TEXT DEFAULT 'forming' NOT NULL,
    match_criteria JSONB DEFAULT '{}'::jsonb NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_cohorts PRIMARY KEY (id),
    CONSTRAINT ck_cohorts_match_criteria_bounds CHECK (octet_length(match_criteria::text) <= 262144 and not jsonb_path_exists(match_criteria, 'strict $.**{32} ? (@.type() == "object" || @.type() == "array")') and not jsonb_path_exists(match_criteria, 'strict $.** ? (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308)')),
    CONSTRAINT ck_cohorts_name_bounds CHECK (char_length(name) <= 200 and name ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'),
    CONSTRAINT ck_cohorts_cohort_type_known CHECK (cohort_type in ('stage', 'industry', 'custom')),
    CONSTRAINT ck_cohorts_match_criteria_is_object CHECK (jsonb_typeof(match_criteria) = 'object'),
    CONSTRAINT ck_cohorts_status_known CHECK (status in ('forming', 'active', 'archived')),
    CONSTRAINT ck_cohorts_max_members_positive CHECK (max_members > 0)
);

COMMENT ON TABLE cohorts IS 'A small group of founders; only its active members can read it.';

COMMENT ON COLUMN cohorts.max_members IS 'The size that the matching aims for; not enforced by the database.';

COMMENT ON COLUMN cohorts.match_criteria IS 'The criteria by which the group was matched.';

COMMENT ON COLUMN cohorts.created_at IS 'When the row was created.';

COMMENT ON COLUMN cohorts.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE TABLE IF NOT EXISTS cohort_members (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    user_id UUID NOT NULL,
    cohort_id UUID NOT NULL,
    role TEXT DEFAULT 'member' NOT NULL,
    joined_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    left_at TIMESTAMP WITH TIME ZONE,
    is_active BOOLEAN DEFAULT true NOT NULL,
    CONSTRAINT pk_cohort_members PRIMARY KEY (id),
    CONSTRAINT ck_cohort_members_joined_at_bounds CHECK (extract(year from joined_at at time zone 'UTC') between 2 and 9998),
    CONSTRAINT ck_cohort_members_left_at_bounds CHECK (extract(year from left_at at time zone 'UTC') between 2 and 9998),
    CONSTRAINT ck_cohort_members_role_known CHECK (role in ('member', 'facilitator')),
    CONSTRAINT fk_cohort_members_user_id_users FOREIGN KEY(user_id) REFERENCES auth.users (id) ON DELETE CASCADE,
    CONSTRAINT fk_cohort_members_cohort_id_cohorts FOREIGN KEY(cohort_id) REFERENCES cohorts (id) ON DELETE CASCADE,
    CONSTRAINT uq_cohort_members_cohort_id_user_id UNIQUE (cohort_id, user_id)
);

COMMENT ON TABLE cohort_members IS 'The members of a cohort; a founder who left can''t read it.';

COMMENT ON COLUMN cohort_members.left_at IS 'When the founder left; a value ends the membership.';

COMMENT ON COLUMN cohort_members.is_active IS 'Whether the membership is active; false ends it.';

CREATE INDEX IF NOT EXISTS ix_cohort_members_user_id ON cohort_members (user_id);

create or replace function private.my_cohort_ids()
returns setof uuid
language plpgsql
stable security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    perform set_config(
        'asked_at.public.cohorts.id', statement_timestamp()::text, true
    );
    return query
    select mine.id::uuid
    from (
        select m.cohort_id
        from public.cohort_members as m
        where m.user_id = (select auth.uid())
            and m.is_active
            and m.left_at is null
    ) as mine (id);
end
$function$;

revoke all on function private.my_cohort_ids() from public, anon, authenticated, service_role;

grant execute on function private.my_cohort_ids() to authenticated;

grant execute on function private.my_cohort_ids() to service_role;

comment on function private.my_cohort_ids() is 'The cohorts that the caller belongs to and has not left.';

create or replace view private.my_cohort_ids_by_id
with (security_barrier = true) as
select mine.id::uuid
from (
    select m.cohort_id
    from public.cohort_members as m
    where m.user_id = (select auth.uid())
        and m.is_active
        and m.left_at is null
) as mine (id);

revoke all on table private.my_cohort_ids_by_id from public, anon, authenticated, service_role;

grant select on table private.my_cohort_ids_by_id to authenticated;

grant select on table private.my_cohort_ids_by_id to service_role;

comment on view private.my_cohort_ids_by_id is 'The ids of private.my_cohort_ids(), for a lookup of single ones.';

create or replace function private.my_cohort_ids_include(asked_id uuid)
returns boolean
language plpgsql
stable security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    return exists (
        select
        from private.my_cohort_ids_by_id as mine
        where mine.id = $1
        offset 0
    );
end
$function$;

revoke all on function private.my_cohort_ids_include(uuid) from public, anon, authenticated, service_role;

grant execute on function private.my_cohort_ids_include(uuid) to authenticated;

grant execute on function private.my_cohort_ids_include(uuid) to service_role;

comment on function private.my_cohort_ids_include(uuid) is 'Whether an id is one of private.my_cohort_ids().';

create or replace function private.my_cohort_ids_ask_for(asked_id uuid)
returns boolean
language plpgsql
stable security invoker parallel unsafe cost 1
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    if current_setting('asked_at.public.cohorts.id', true)
        is distinct from statement_timestamp()::text
    then
        perform
            set_config(
                'asked_for.public.cohorts.id',
                case
                    when private.my_cohort_ids_include($1)
                        then array[$1]::text
                    else ''
                end,
                true
            ),
            set_config(
                'asked_at.public.cohorts.id',
                statement_timestamp()::text,
                true
            );
    end if;
    return true;
end
$function$;

revoke all on function private.my_cohort_ids_ask_for(uuid) from public, anon, authenticated, service_role;

grant execute on function private.my_cohort_ids_ask_for(uuid) to authenticated;

grant execute on function private.my_cohort_ids_ask_for(uuid) to service_role;

comment on function private.my_cohort_ids_ask_for(uuid) is 'Asks for the first id of a statement that is one of private.my_cohort_ids().';

alter table public.cohorts enable row level security;

alter table public.cohorts no force row level security;

revoke all on table public.cohorts from public, anon, authenticated, service_role;

grant select on table public.cohorts to authenticated;

grant all on table public.cohorts to service_role;

drop policy if exists "active members of the cohort can read" on public.cohorts;

create policy "active members of the cohort can read" on public.cohorts
as permissive for select
to authenticated
using (
    (
        (
            select current_setting('asked_at.public.cohorts.id', true)
                = statement_timestamp()::text
        )
        or private.my_cohort_ids_ask_for(id) is not null
    )
    and (
        id = any (
            array(
                select asked.id
                from unnest(
                    nullif(
                        current_setting('asked_for.public.cohorts.id', true), ''
                    )::uuid[]
                ) as asked (id)
                where private.my_cohort_ids_include(asked.id)
            )
        )
        or id = any (array(select private.my_cohort_ids()))
    )
);

comment on policy "active members of the cohort can read" on public.cohorts is null;

drop policy if exists "the service can do everything" on public.cohorts;

create policy "the service can do everything" on public.cohorts
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.cohorts is null;

alter table public.cohort_members enable row level security;

alter table public.cohort_members no force row level security;

revoke all on table public.cohort_members from public, anon, authenticated, service_role;

grant select, delete on table public.cohort_members to authenticated;

grant all on table public.cohort_members to service_role;

drop policy if exists "active members of the cohort or the owner can read" on public.cohort_members;

create policy "active members of the cohort or the owner can read" on public.cohort_members
as permissive for select
to authenticated
using (
    (
        (
            select current_setting('asked_at.public.cohorts.id', true)
                = statement_timestamp()::text
        )
        or private.my_cohort_ids_ask_for(cohort_id) is not null
    )
    and (
        user_id = (select auth.uid())
        or cohort_id = any (
            array(
                select asked.id
                from unnest(
                    nullif(
                        current_setting('asked_for.public.cohorts.id', true), ''
                    )::uuid[]
                ) as asked (id)
                where private.my_cohort_ids_include(asked.id)
            )
        )
        or cohort_id = any (array(select private.my_cohort_ids()))
    )
);

comment on policy "active members of the cohort or the owner can read" on public.cohort_members is null;

drop policy if exists "the owner can delete" on public.cohort_members;

create policy "the owner can delete" on public.cohort_members
as permissive for delete
to authenticated
using (
    user_id = (select auth.uid())
);

comment on policy "the owner can delete" on public.cohort_members is null;

drop policy if exists "the service can do everything" on public.cohort_members;

create policy "the service can do everything" on public.cohort_members
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.cohort_members is null;

create or replace trigger update_cohorts_updated_at before update
on public.cohorts
for each row
execute function private.update_updated_at_column();

comment on trigger update_cohorts_updated_at on public.cohorts is 'Sets updated_at.';
