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
                where c.oid = to_regclass('public.table_assignments')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.table_assignments in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.participants')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.participants in access exclusive mode;
            end if;
            if exists (
                select
                from pg_catalog.pg_class as c
                where c.oid = to_regclass('public.events')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.events in share row exclusive mode;
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

CREATE TABLE IF NOT EXISTS table_assignments (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    event_id UUID NOT NULL,
    participant_id UUID NOT NULL,
    table_number INTEGER NOT NULL,
    seat_number INTEGER,
    is_vip_table BOOLEAN DEFAULT false NOT NULL,
    assigned_by TEXT DEFAULT 'ai' NOT NULL,
    assigned_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    notes TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_table_assignments PRIMARY KEY (id),
    CONSTRAINT ck_table_assignments_assigned_at_bounds CHECK (extract(year from assigned_at at time zone 'UTC') between 2 and 9998),
    CONSTRAINT ck_table_assignments_notes_bounds CHECK (char_length(notes) <= 20000),
    CONSTRAINT ck_table_assignments_assigned_by_known CHECK (assigned_by in ('ai', 'manager', 'auto')),
    CONSTRAINT ck_table_assignments_seat_number_positive CHECK (seat_number > 0),
    CONSTRAINT ck_table_assignments_table_number_positive CHECK (table_number > 0),
    CONSTRAINT fk_table_assignments_event_id_participant_id_participants FOREIGN KEY(event_id, participant_id) REFERENCES participants (event_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_table_assignments_event_id_events FOREIGN KEY(event_id) REFERENCES events (id) ON DELETE CASCADE,
    CONSTRAINT uq_table_assignments_event_id_participant_id UNIQUE (event_id, participant_id),
    CONSTRAINT uq_table_assignments_event_id_table_number_seat_number UNIQUE (event_id, table_number, seat_number) DEFERRABLE INITIALLY IMMEDIATE
);

COMMENT ON TABLE table_assignments IS 'שיבוץ משתתפים לשולחנות (Seats at tables: one per participant and event)';

COMMENT ON COLUMN table_assignments.event_id IS 'האירוע (The event)';

COMMENT ON COLUMN table_assignments.participant_id IS 'המשתתף, מאותו אירוע (The participant, of the same event)';

COMMENT ON COLUMN table_assignments.table_number IS 'מספר השולחן, מ-1 (The number of the table, from 1)';

COMMENT ON COLUMN table_assignments.seat_number IS 'מספר המושב ליד השולחן, מ-1; NULL כשלא נקבע (The seat at the table, from 1; null where none was chosen)';

COMMENT ON COLUMN table_assignments.is_vip_table IS 'האם זה שולחן VIP (Whether it is a VIP table)';

COMMENT ON COLUMN table_assignments.assigned_by IS 'מי שיבץ: בינה מלאכותית, מנהל או אוטומטי (Assigned by: ai, manager, auto)';

COMMENT ON COLUMN table_assignments.assigned_at IS 'מועד השיבוץ (When the seat was chosen)';

COMMENT ON COLUMN table_assignments.notes IS 'הערות לשיבוץ (Notes on the seat)';

COMMENT ON COLUMN table_assignments.created_at IS 'מועד יצירת השורה (When the row was created)';

COMMENT ON COLUMN table_assignments.updated_at IS 'מועד השינוי האחרון; נשמר בטריגר (When the row last changed; maintained by a trigger)';

CREATE INDEX IF NOT EXISTS idx_table_assignments_event ON table_assignments (event_id);

CREATE INDEX IF NOT EXISTS idx_table_assignments_participant ON table_assignments (participant_id);

CREATE INDEX IF NOT EXISTS idx_table_assignments_table ON table_assignments (event_id, table_number);

CREATE INDEX IF NOT EXISTS idx_table_assignments_vip ON table_assignments (event_id, table_number) WHERE is_vip_table;

ALTER TABLE participants ADD COLUMN IF NOT EXISTS networking_opt_in BOOLEAN DEFAULT false NOT NULL;

COMMENT ON COLUMN participants.networking_opt_in IS 'הסכמה מפורשת להשתתף בנטוורקינג; NULL בהוספה מקבל את ברירת המחדל של האירוע (Explicit consent to networking; NULL on insert takes the event''s default)';

create or replace function private.set_networking_opt_in(participant_id uuid, opt_in boolean)
returns void
language plpgsql
volatile security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    if opt_in is null then
        raise exception 'consent to networking is true or false, not null'
            using errcode = 'not_null_violation',
                schema = 'public',
                table = 'participants',
                column = 'networking_opt_in',
                constraint = 'networking_opt_in_is_given';
    end if;
    update public.participants as p
    set networking_opt_in = set_networking_opt_in.opt_in
    where p.id = set_networking_opt_in.participant_id
        and (
            p.user_id = (select auth.uid())
            or p.user_id is null
                and private.my_managed_event_ids_include(p.event_id)
        );
    if not found then
        raise exception 'participant % is not yours', participant_id
            using errcode = 'insufficient_privilege',
                hint = 'Participants set their own opt-in, and managers'
                    ' that of guests without an account.',
                schema = 'public',
                table = 'participants',
                column = 'networking_opt_in',
                constraint = 'networking_opt_in_is_own';
    end if;
end
$function$;

revoke all on function private.set_networking_opt_in(uuid, boolean) from public, anon, authenticated, service_role;

grant execute on function private.set_networking_opt_in(uuid, boolean) to authenticated;

comment on function private.set_networking_opt_in(uuid, boolean) is 'מעדכן בהרשאות הבעלים את ההסכמה: המשתתף את שלו, מנהל את של אורח ללא חשבון (Sets a networking opt-in with its owner''s rights: the caller''s own, or as a manager that of a guest without an account)';

create or replace function public.set_networking_opt_in(participant_id uuid, opt_in boolean)
returns void
language sql
volatile security invoker parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
select private.set_networking_opt_in(participant_id, opt_in)
$function$;

revoke all on function public.set_networking_opt_in(uuid, boolean) from public, anon, authenticated, service_role;

grant execute on function public.set_networking_opt_in(uuid, boolean) to authenticated;

comment on function public.set_networking_opt_in(uuid, boolean) is 'מגדיר הסכמה לנטוורקינג: המשתתף את שלו, מנהל את של אורח ללא חשבון (Sets a networking opt-in: the caller''s own, or as a manager that of a guest without an account; an error for another participant)';

alter table public.participants enable row level security;

alter table public.participants no force row level security;

revoke all on table public.participants from public, anon, authenticated, service_role;

grant select, insert (id, event_id, user_id, first_name, last_name, email, phone, status, is_vip, networking_opt_in), update (user_id, first_name, last_name, email, phone, status, is_vip), delete on table public.participants to authenticated;

grant all on table public.participants to service_role;

alter table public.table_assignments enable row level security;

alter table public.table_assignments no force row level security;

revoke all on table public.table_assignments from public, anon, authenticated, service_role;

grant select, insert (id, event_id, participant_id, table_number, seat_number, is_vip_table, assigned_by, assigned_at, notes), update (participant_id, table_number, seat_number, is_vip_table, assigned_by, assigned_at, notes), delete on table public.table_assignments to authenticated;

grant all on table public.table_assignments to service_role;

drop policy if exists "members of the event or the participant can read" on public.table_assignments;

create policy "members of the event or the participant can read" on public.table_assignments
as permissive for select
to authenticated
using (
    (
        (
            select current_setting('asked_at.public.events.id', true)
                = statement_timestamp()::text
        )
        or private.my_event_ids_ask_for(event_id) is not null
    )
    and (
        event_id = any (
            array(
                select asked.id
                from unnest(
                    nullif(
                        current_setting('asked_for.public.events.id', true), ''
                    )::uuid[]
                ) as asked (id)
                where private.my_event_ids_include(asked.id)
            )
        )
        or event_id = any (array(select private.my_event_ids()))
        or participant_id = any (array(select private.my_participant_ids()))
    )
);

comment on policy "members of the event or the participant can read" on public.table_assignments is null;

drop policy if exists "managers of the event can insert" on public.table_assignments;

create policy "managers of the event can insert" on public.table_assignments
as permissive for insert
to authenticated
with check (
    exists (
        select
        from private.my_managed_event_ids_by_id as mine
        where mine.id = public.table_assignments.event_id
        offset 0
    )
);

comment on policy "managers of the event can insert" on public.table_assignments is null;

drop policy if exists "managers of the event can update" on public.table_assignments;

create policy "managers of the event can update" on public.table_assignments
as permissive for update
to authenticated
using (
    (
        (
            select current_setting('asked_at.public.events.id', true)
                = statement_timestamp()::text
        )
        or private.my_managed_event_ids_ask_for(event_id) is not null
    )
    and (
        event_id = any (
            array(
                select asked.id
                from unnest(
                    nullif(
                        current_setting('asked_for.public.events.id', true), ''
                    )::uuid[]
                ) as asked (id)
                where private.my_managed_event_ids_include(asked.id)
            )
        )
        or event_id = any (array(select private.my_managed_event_ids()))
    )
)
with check (
    exists (
        select
        from private.my_managed_event_ids_by_id as mine
        where mine.id = public.table_assignments.event_id
        offset 0
    )
);

comment on policy "managers of the event can update" on public.table_assignments is null;

drop policy if exists "managers of the event can delete" on public.table_assignments;

create policy "managers of the event can delete" on public.table_assignments
as permissive for delete
to authenticated
using (
    (
        (
            select current_setting('asked_at.public.events.id', true)
                = statement_timestamp()::text
        )
        or private.my_managed_event_ids_ask_for(event_id) is not null
    )
    and (
        event_id = any (
            array(
                select asked.id
                from unnest(
                    nullif(
                        current_setting('asked_for.public.events.id', true), ''
                    )::uuid[]
                ) as asked (id)
                where private.my_managed_event_ids_include(asked.id)
            )
        )
        or event_id = any (array(select private.my_managed_event_ids()))
    )
);

comment on policy "managers of the event can delete" on public.table_assignments is null;

drop policy if exists "the service can do everything" on public.table_assignments;

create policy "the service can do everything" on public.table_assignments
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.table_assignments is null;

create or replace function private.start_networking_opt_in()
returns trigger
language plpgsql
volatile security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    new.networking_opt_in := coalesce(
        (
            select e.settings -> 'default_networking_opt_in' = 'true'::jsonb
            from public.events as e
            where e.id = new.event_id
        ),
        false
    );
    return new;
end
$function$;

revoke all on function private.start_networking_opt_in() from public, anon, authenticated, service_role;

comment on function private.start_networking_opt_in() is 'ההסכמה לנטוורקינג של משתתף חדש שלא ענה בעצמו: NULL הופך לברירת המחדל של האירוע (Sets the opt-in of a new participant who has not answered: NULL to the event''s default, or to false)';

create or replace function private.leave_networking_opt_in()
returns trigger
language plpgsql
volatile security invoker parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    if row_security_active('public.participants')
        and not pg_has_role('service_role', 'usage')
    then
        new.networking_opt_in := false;
    end if;
    return new;
end
$function$;

revoke all on function private.leave_networking_opt_in() from public, anon, authenticated, service_role;

comment on function private.leave_networking_opt_in() is 'בעל חשבון עונה בעצמו (Leaves the opt-in of a person with an account to them: what a client gives becomes false)';

create or replace function public.withdraw_networking_opt_in()
returns trigger
language plpgsql
volatile security invoker parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
begin
    new.networking_opt_in := false;
    return new;
end
$function$;

revoke all on function public.withdraw_networking_opt_in() from public, anon, authenticated, service_role;

comment on function public.withdraw_networking_opt_in() is 'מבטל את ההסכמה לנטוורקינג (Sets the networking opt-in to false)';

create or replace trigger update_table_assignments_updated_at before update
on public.table_assignments
for each row
execute function private.update_updated_at_column();

comment on trigger update_table_assignments_updated_at on public.table_assignments is 'מעדכן את updated_at (Sets updated_at)';

create or replace trigger start_networking_opt_in before insert
on public.participants
for each row
when (new.networking_opt_in is null)
execute function private.start_networking_opt_in();

comment on trigger start_networking_opt_in on public.participants is 'NULL הופך לברירת המחדל של האירוע (NULL becomes the event''s default)';

create or replace trigger leave_networking_opt_in before insert
on public.participants
for each row
when (new.networking_opt_in and new.user_id is not null)
execute function private.leave_networking_opt_in();

comment on trigger leave_networking_opt_in on public.participants is 'בעל חשבון עונה בעצמו (A person with an account answers for themselves)';

create or replace trigger withdraw_networking_opt_in before update of user_id
on public.participants
for each row
when (old.user_id is distinct from new.user_id)
execute function public.withdraw_networking_opt_in();

comment on trigger withdraw_networking_opt_in on public.participants is 'ההסכמה אינה עוברת לאדם אחר (A consent does not pass to another person)';

create or replace view public.track_statistics
with (security_invoker = true) as
select
    t.id as track_id,
    t.event_id,
    t.name as track_name,
    t.color,
    count(pt.id) as participant_count,
    count(pt.id) filter (where p.is_vip) as vip_count,
    count(pt.id) filter (where pt.is_primary) as primary_count,
    round(
        100.0 * count(pt.id)
        / nullif(sum(count(pt.id)) over (partition by t.event_id), 0),
        1
    ) as percentage
from public.tracks as t
left join public.participant_tracks as pt
    on pt.event_id = t.event_id and pt.track_id = t.id
left join public.participants as p
    on p.event_id = pt.event_id and p.id = pt.participant_id
where t.is_active
group by t.id, t.event_id, t.name, t.color;

revoke all on table public.track_statistics from public, anon, authenticated, service_role;

grant select on table public.track_statistics to authenticated;

grant select on table public.track_statistics to service_role;

comment on view public.track_statistics is 'סטטיסטיקת מסלולים לכל אירוע (Statistics of the active tracks of each event)';

comment on column public.track_statistics.track_id is 'המסלול (The track)';

comment on column public.track_statistics.event_id is 'האירוע (The event)';

comment on column public.track_statistics.track_name is 'שם המסלול (The track''s name)';

comment on column public.track_statistics.color is 'צבע המסלול (The track''s colour)';

comment on column public.track_statistics.participant_count is 'מספר המשתתפים במסלול (Participants in the track)';

comment on column public.track_statistics.vip_count is 'מתוכם אורחי VIP (Of them VIPs)';

comment on column public.track_statistics.primary_count is 'מתוכם במסלול כראשי (Of them with this as their main track)';

comment on column public.track_statistics.percentage is 'חלקו של המסלול בשיבוצים של מסלולי האירוע הפעילים, באחוזים (The track''s share of the placements in the event''s active tracks, in percent)';
