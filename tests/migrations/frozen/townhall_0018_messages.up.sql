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
                where c.oid = to_regclass('public.founder_messages')
                    and c.relkind in ('r', 'p', 'v')
                    and has_table_privilege(c.oid, 'update, delete, truncate')
            ) then
                lock table public.founder_messages in access exclusive mode;
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

CREATE TABLE IF NOT EXISTS founder_messages (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    sender_id UUID NOT NULL,
    recipient_id UUID NOT NULL,
    content TEXT NOT NULL,
    is_read BOOLEAN DEFAULT false NOT NULL,
    is_fred_facilitated BOOLEAN DEFAULT false NOT NULL,
    metadata JSONB DEFAULT '{}'::jsonb NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_founder_messages PRIMARY KEY (id),
    CONSTRAINT ck_founder_messages_content_bounds CHECK (char_length(content) <= 20000),
    CONSTRAINT ck_founder_messages_metadata_bounds CHECK (octet_length(metadata::text) <= 262144 and not jsonb_path_exists(metadata, 'strict $.**{32} ? (@.type() == "object" || @.type() == "array")') and not jsonb_path_exists(metadata, 'strict $.** ? (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308)')),
    CONSTRAINT ck_founder_messages_metadata_is_object CHECK (jsonb_typeof(metadata) = 'object'),
    CONSTRAINT fk_founder_messages_recipient_id_users FOREIGN KEY(recipient_id) REFERENCES auth.users (id) ON DELETE CASCADE,
    CONSTRAINT fk_founder_messages_sender_id_users FOREIGN KEY(sender_id) REFERENCES auth.users (id) ON DELETE CASCADE
);

COMMENT ON TABLE founder_messages IS 'Messages between founders; immutable.';

COMMENT ON COLUMN founder_messages.is_read IS 'Whether the recipient has read it; set by mark_messages_read().';

COMMENT ON COLUMN founder_messages.is_fred_facilitated IS 'Whether Fred, the assistant, introduced the two; written by the service.';

COMMENT ON COLUMN founder_messages.created_at IS 'When the row was created.';

CREATE INDEX IF NOT EXISTS ix_founder_messages_recipient_id_created_at ON founder_messages (recipient_id, created_at DESC);

CREATE INDEX IF NOT EXISTS ix_founder_messages_sender_id_recipient_id_created_at ON founder_messages (sender_id, recipient_id, created_at DESC, id DESC);

create or replace function private.mark_messages_read(message_ids uuid[])
returns bigint
language sql
volatile security definer parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
select m.id
from public.founder_messages as m
where m.id = any (message_ids)
    and m.recipient_id = (select auth.uid())
    and not m.is_read
order by m.id
for no key update;
with marked as (
    update public.founder_messages as m
    set is_read = true
    where m.id = any (message_ids)
        and m.recipient_id = (select auth.uid())
        and not m.is_read
    returning m.id
)
select count(*) from marked
$function$;

revoke all on function private.mark_messages_read(uuid[]) from public, anon, authenticated, service_role;

grant execute on function private.mark_messages_read(uuid[]) to authenticated;

comment on function private.mark_messages_read(uuid[]) is 'Marks messages to the caller as read; returns how many were unread.';

create or replace function public.mark_messages_read(message_ids uuid[])
returns bigint
language sql
volatile security invoker parallel unsafe
set search_path = 'pg_catalog', 'pg_temp'
as $function$
select private.mark_messages_read(message_ids)
$function$;

revoke all on function public.mark_messages_read(uuid[]) from public, anon, authenticated, service_role;

grant execute on function public.mark_messages_read(uuid[]) to authenticated;

comment on function public.mark_messages_read(uuid[]) is 'Marks messages to the caller as read; returns how many were unread.';

alter table public.founder_messages enable row level security;

alter table public.founder_messages no force row level security;

revoke all on table public.founder_messages from public, anon, authenticated, service_role;

grant select, insert (sender_id, recipient_id, content, metadata) on table public.founder_messages to authenticated;

grant all on table public.founder_messages to service_role;

drop policy if exists "the sender or the recipient can read" on public.founder_messages;

create policy "the sender or the recipient can read" on public.founder_messages
as permissive for select
to authenticated
using (
    sender_id = (select auth.uid())
    or recipient_id = (select auth.uid())
);

comment on policy "the sender or the recipient can read" on public.founder_messages is null;

drop policy if exists "the service can do everything" on public.founder_messages;

create policy "the service can do everything" on public.founder_messages
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.founder_messages is null;

alter table public.founder_messages replica identity full;
