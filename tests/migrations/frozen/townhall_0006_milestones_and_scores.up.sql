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
                where c.oid = to_regclass('public.investor_readiness_scores')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.investor_readiness_scores in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.milestones')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.milestones in access exclusive mode;
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

CREATE TABLE IF NOT EXISTS milestones (
    id TEXT NOT NULL,
    user_id UUID NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    status TEXT DEFAULT 'planned' NOT NULL,
    due_date DATE,
    completed_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_milestones PRIMARY KEY (id),
    CONSTRAINT ck_milestones_completed_at_bounds CHECK (extract(year from completed_at at time zone 'UTC') between 2 and 9998),
    CONSTRAINT ck_milestones_description_bounds CHECK (char_length(description) <= 20000),
    CONSTRAINT ck_milestones_due_date_bounds CHECK (due_date between '0001-01-01' and '9999-12-31'),
    CONSTRAINT ck_milestones_id_bounds CHECK (char_length(id) <= 200 and id ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'),
    CONSTRAINT ck_milestones_title_bounds CHECK (char_length(title) <= 200 and title ~ '[^\s\u001c-\u001f\u0085\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]'),
    CONSTRAINT ck_milestones_status_known CHECK (status in ('planned', 'active', 'done')),
    CONSTRAINT fk_milestones_user_id_users FOREIGN KEY(user_id) REFERENCES auth.users (id) ON DELETE CASCADE
);

COMMENT ON TABLE milestones IS 'A goal of a founder.';

COMMENT ON COLUMN milestones.id IS 'A text key that the application chooses; not a UUID.';

COMMENT ON COLUMN milestones.created_at IS 'When the row was created.';

COMMENT ON COLUMN milestones.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE INDEX IF NOT EXISTS ix_milestones_user_id_created_at ON milestones (user_id, created_at DESC);

alter table public.milestones enable row level security;

alter table public.milestones no force row level security;

revoke all on table public.milestones from public, anon, authenticated, service_role;

grant select, insert (id, user_id, title, description, status, due_date, completed_at), update (title, description, status, due_date, completed_at), delete on table public.milestones to authenticated;

grant all on table public.milestones to service_role;

drop policy if exists "the owner can read" on public.milestones;

create policy "the owner can read" on public.milestones
as permissive for select
to authenticated
using (
    user_id = (select auth.uid())
);

comment on policy "the owner can read" on public.milestones is null;

drop policy if exists "the owner can insert" on public.milestones;

create policy "the owner can insert" on public.milestones
as permissive for insert
to authenticated
with check (
    user_id = (select auth.uid())
);

comment on policy "the owner can insert" on public.milestones is null;

drop policy if exists "the owner can update" on public.milestones;

create policy "the owner can update" on public.milestones
as permissive for update
to authenticated
using (
    user_id = (select auth.uid())
)
with check (
    user_id = (select auth.uid())
);

comment on policy "the owner can update" on public.milestones is null;

drop policy if exists "the owner can delete" on public.milestones;

create policy "the owner can delete" on public.milestones
as permissive for delete
to authenticated
using (
    user_id = (select auth.uid())
);

comment on policy "the owner can delete" on public.milestones is null;

drop policy if exists "the service can do everything" on public.milestones;

create policy "the service can do everything" on public.milestones
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.milestones is null;

create or replace trigger update_milestones_updated_at before update
on public.milestones
for each row
execute function private.update_updated_at_column();

comment on trigger update_milestones_updated_at on public.milestones is 'Sets updated_at.';

CREATE TABLE IF NOT EXISTS investor_readiness_scores (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    user_id UUID NOT NULL,
    overall_score NUMERIC(5, 2) NOT NULL,
    breakdown JSONB DEFAULT '{}'::jsonb NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_investor_readiness_scores PRIMARY KEY (id),
    CONSTRAINT ck_investor_readiness_scores_breakdown_bounds CHECK (octet_length(breakdown::text) <= 262144 and not jsonb_path_exists(breakdown, 'strict $.**{32} ? (@.type() == "object" || @.type() == "array")') and not jsonb_path_exists(breakdown, 'strict $.** ? (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308)')),
    CONSTRAINT ck_investor_readiness_scores_breakdown_is_object CHECK (jsonb_typeof(breakdown) = 'object'),
    CONSTRAINT ck_investor_readiness_scores_overall_score_in_range CHECK (overall_score between 0 and 100),
    CONSTRAINT fk_investor_readiness_scores_user_id_users FOREIGN KEY(user_id) REFERENCES auth.users (id) ON DELETE CASCADE
);

COMMENT ON TABLE investor_readiness_scores IS 'The investor readiness of a founder; the latest row is the current one.';

COMMENT ON COLUMN investor_readiness_scores.overall_score IS 'From 0 to 100.';

COMMENT ON COLUMN investor_readiness_scores.breakdown IS 'The parts of the score.';

COMMENT ON COLUMN investor_readiness_scores.created_at IS 'When the row was created.';

CREATE INDEX IF NOT EXISTS ix_investor_readiness_scores_user_id_created_at ON investor_readiness_scores (user_id, created_at DESC);

alter table public.investor_readiness_scores enable row level security;

alter table public.investor_readiness_scores no force row level security;

revoke all on table public.investor_readiness_scores from public, anon, authenticated, service_role;

grant select on table public.investor_readiness_scores to authenticated;

grant all on table public.investor_readiness_scores to service_role;

drop policy if exists "the owner can read" on public.investor_readiness_scores;

create policy "the owner can read" on public.investor_readiness_scores
as permissive for select
to authenticated
using (
    user_id = (select auth.uid())
);

comment on policy "the owner can read" on public.investor_readiness_scores is null;

drop policy if exists "the service can do everything" on public.investor_readiness_scores;

create policy "the service can do everything" on public.investor_readiness_scores
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.investor_readiness_scores is null;
