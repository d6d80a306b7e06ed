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
                where c.oid = to_regclass('public.stakeholder_sessions')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.stakeholder_sessions in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.campaign_assignments')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.campaign_assignments in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.campaigns')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.campaigns in access exclusive mode;
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

do $do$
declare
    old_name constant text := 'stakeholder_sessions';
    new_name constant text := 'campaign_assignments';
    found text;
begin
    if to_regclass('public.campaign_assignments') is not null or not exists (
        select
        from pg_catalog.pg_class as c
        where c.oid = to_regclass('public.stakeholder_sessions') and c.relkind in ('r', 'p')
    ) then
        return;
    end if;
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_note(true, array[]::text[]);
    end if;
    alter table public.stakeholder_sessions rename to campaign_assignments;
    for found in
        select c.conname
        from pg_catalog.pg_constraint as c
        where c.conrelid = 'public.campaign_assignments'::regclass and strpos(c.conname, old_name) > 0
    loop
        execute format(
            'alter table %s rename constraint %I to %I',
            'public.campaign_assignments', found, replace(found, old_name, new_name)
        );
    end loop;
    for found in
        select c.relname
        from pg_catalog.pg_index as i
        join pg_catalog.pg_class as c on c.oid = i.indexrelid
        where i.indrelid = 'public.campaign_assignments'::regclass and strpos(c.relname, old_name) > 0
    loop
        execute format(
            'alter index %I.%I rename to %I',
            'public', found, replace(found, old_name, new_name)
        );
    end loop;
    for found in
        select t.tgname
        from pg_catalog.pg_trigger as t
        where t.tgrelid = 'public.campaign_assignments'::regclass
            and not t.tgisinternal
            and strpos(t.tgname, old_name) > 0
    loop
        execute format(
            'alter trigger %I on %s rename to %I',
            found, 'public.campaign_assignments', replace(found, old_name, new_name)
        );
    end loop;
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_renamed('public', 'stakeholder_sessions', 'campaign_assignments');
    end if;
end
$do$;

CREATE TABLE IF NOT EXISTS campaigns (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    status TEXT DEFAULT 'draft' NOT NULL,
    created_by UUID,
    starts_at TIMESTAMP WITH TIME ZONE,
    ends_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_campaigns PRIMARY KEY (id),
    CONSTRAINT ck_campaigns_description_bounds CHECK (char_length(description) <= 20000),
    CONSTRAINT ck_campaigns_ends_at_bounds CHECK (extract(year from ends_at at time zone 'UTC') between 2 and 9998),
    CONSTRAINT ck_campaigns_name_bounds CHECK (char_length(name) <= 200 and name ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'),
    CONSTRAINT ck_campaigns_starts_at_bounds CHECK (extract(year from starts_at at time zone 'UTC') between 2 and 9998),
    CONSTRAINT ck_campaigns_status_known CHECK (status in ('draft', 'active', 'completed', 'archived')),
    CONSTRAINT fk_campaigns_created_by_users FOREIGN KEY(created_by) REFERENCES auth.users (id) ON DELETE SET NULL
);

COMMENT ON TABLE campaigns IS 'An assessment that a coach invites people to.';

COMMENT ON COLUMN campaigns.created_by IS 'The account that created the campaign; null once that account is deleted.';

COMMENT ON COLUMN campaigns.created_at IS 'When the row was created.';

COMMENT ON COLUMN campaigns.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE INDEX IF NOT EXISTS ix_campaigns_created_by_created_at ON campaigns (created_by, created_at DESC);

alter table public.campaigns enable row level security;

alter table public.campaigns no force row level security;

revoke all on table public.campaigns from public, anon, authenticated, service_role;

grant select, insert (id, name, description, status, created_by, starts_at, ends_at), update (name, description, status, starts_at, ends_at), delete on table public.campaigns to authenticated;

grant all on table public.campaigns to service_role;

drop policy if exists "the creator can read" on public.campaigns;

create policy "the creator can read" on public.campaigns
as permissive for select
to authenticated
using (
    created_by = (select auth.uid())
);

comment on policy "the creator can read" on public.campaigns is null;

drop policy if exists "the creator with an account can insert" on public.campaigns;

create policy "the creator with an account can insert" on public.campaigns
as permissive for insert
to authenticated
with check (
    (created_by = (select auth.uid()))
    and (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    )
);

comment on policy "the creator with an account can insert" on public.campaigns is null;

drop policy if exists "the creator with an account can update" on public.campaigns;

create policy "the creator with an account can update" on public.campaigns
as permissive for update
to authenticated
using (
    (created_by = (select auth.uid()))
    and (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    )
)
with check (
    (created_by = (select auth.uid()))
    and (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    )
);

comment on policy "the creator with an account can update" on public.campaigns is null;

drop policy if exists "the creator with an account can delete" on public.campaigns;

create policy "the creator with an account can delete" on public.campaigns
as permissive for delete
to authenticated
using (
    (created_by = (select auth.uid()))
    and (
        (
            select
                nullif(current_setting('request.jwt.claims', true), '')::jsonb
                ->> 'is_anonymous'
        ) is distinct from 'true'
    )
);

comment on policy "the creator with an account can delete" on public.campaigns is null;

drop policy if exists "the service can do everything" on public.campaigns;

create policy "the service can do everything" on public.campaigns
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.campaigns is null;

create or replace trigger update_campaigns_updated_at before update
on public.campaigns
for each row
execute function private.update_updated_at_column();

comment on trigger update_campaigns_updated_at on public.campaigns is 'Sets updated_at.';

do $function$
begin
if to_regclass('public.participant_sessions') is null then
CREATE TABLE IF NOT EXISTS campaign_assignments (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    campaign_id UUID NOT NULL,
    stakeholder_name TEXT,
    stakeholder_email TEXT,
    user_id UUID,
    status TEXT DEFAULT 'pending' NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE,
    completed_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_campaign_assignments PRIMARY KEY (id),
    CONSTRAINT ck_campaign_assignments_completed_at_bounds CHECK (extract(year from completed_at at time zone 'UTC') between 2 and 9998),
    CONSTRAINT ck_campaign_assignments_stakeholder_email_bounds CHECK (char_length(stakeholder_email) <= 2000),
    CONSTRAINT ck_campaign_assignments_stakeholder_name_bounds CHECK (char_length(stakeholder_name) <= 200),
    CONSTRAINT ck_campaign_assignments_started_at_bounds CHECK (extract(year from started_at at time zone 'UTC') between 2 and 9998),
    CONSTRAINT ck_campaign_assignments_status_known CHECK (status in ('pending', 'in_progress', 'completed')),
    CONSTRAINT fk_campaign_assignments_campaign_id_campaigns FOREIGN KEY(campaign_id) REFERENCES campaigns (id) ON DELETE CASCADE,
    CONSTRAINT fk_campaign_assignments_user_id_users FOREIGN KEY(user_id) REFERENCES auth.users (id) ON DELETE SET NULL
);

COMMENT ON TABLE campaign_assignments IS 'One person''s part in a campaign.';

COMMENT ON COLUMN campaign_assignments.user_id IS 'The person''s account; null for a guest without one.';

COMMENT ON COLUMN campaign_assignments.status IS 'The progress of the person.';

COMMENT ON COLUMN campaign_assignments.created_at IS 'When the row was created.';

COMMENT ON COLUMN campaign_assignments.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE INDEX IF NOT EXISTS ix_campaign_assignments_campaign_id ON campaign_assignments (campaign_id);

CREATE INDEX IF NOT EXISTS ix_campaign_assignments_lower_stakeholder_email ON campaign_assignments (lower(stakeholder_email));

CREATE INDEX IF NOT EXISTS ix_campaign_assignments_user_id ON campaign_assignments (user_id);

alter table public.campaign_assignments enable row level security;

alter table public.campaign_assignments no force row level security;

revoke all on table public.campaign_assignments from public, anon, authenticated, service_role;

grant select on table public.campaign_assignments to authenticated;

grant all on table public.campaign_assignments to service_role;

drop policy if exists "the participant can read" on public.campaign_assignments;

create policy "the participant can read" on public.campaign_assignments
as permissive for select
to authenticated
using (
    user_id = (select auth.uid())
);

comment on policy "the participant can read" on public.campaign_assignments is null;

drop policy if exists "the service can do everything" on public.campaign_assignments;

create policy "the service can do everything" on public.campaign_assignments
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.campaign_assignments is null;

create or replace trigger update_campaign_assignments_updated_at before update
on public.campaign_assignments
for each row
execute function private.update_updated_at_column();

comment on trigger update_campaign_assignments_updated_at on public.campaign_assignments is 'Sets updated_at.';


end if;
end
$function$;
