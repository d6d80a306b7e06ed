CREATE TABLE IF NOT EXISTS founder_connections (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    requester_id UUID NOT NULL,
    recipient_id UUID NOT NULL,
    status TEXT DEFAULT 'pending' NOT NULL,
    source TEXT DEFAULT 'directory' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_founder_connections PRIMARY KEY (id),
    CONSTRAINT ck_founder_connections_source_known CHECK (source in ('directory', 'cohort', 'fred_suggestion', 'community')),
    CONSTRAINT ck_founder_connections_status_known CHECK (status in ('pending', 'accepted', 'blocked', 'declined')),
    CONSTRAINT ck_founder_connections_between_two CHECK (requester_id <> recipient_id),
    CONSTRAINT fk_founder_connections_recipient_id_users FOREIGN KEY(recipient_id) REFERENCES auth.users (id) ON DELETE CASCADE,
    CONSTRAINT fk_founder_connections_requester_id_users FOREIGN KEY(requester_id) REFERENCES auth.users (id) ON DELETE CASCADE,
    CONSTRAINT uq_founder_connections_requester_id_recipient_id UNIQUE (requester_id, recipient_id)
);

COMMENT ON TABLE founder_connections IS 'Requests of founders for a connection, with their answers.';

COMMENT ON COLUMN founder_connections.requester_id IS 'The account that sent the request.';

COMMENT ON COLUMN founder_connections.recipient_id IS 'The account that received the request.';

COMMENT ON COLUMN founder_connections.status IS 'The answer; only the recipient can change blocked.';

COMMENT ON COLUMN founder_connections.source IS 'Where the requester found the recipient.';

COMMENT ON COLUMN founder_connections.created_at IS 'When the row was created.';

COMMENT ON COLUMN founder_connections.updated_at IS 'When the row last changed; maintained by a trigger.';

CREATE INDEX IF NOT EXISTS ix_founder_connections_recipient_id ON founder_connections (recipient_id);

alter table public.founder_connections enable row level security;

alter table public.founder_connections no force row level security;

revoke all on table public.founder_connections from public, anon, authenticated, service_role;

grant select, insert (id, requester_id, recipient_id, status, source), update (status), delete on table public.founder_connections to authenticated;

grant all on table public.founder_connections to service_role;

drop policy if exists "the requester or the recipient can read" on public.founder_connections;

create policy "the requester or the recipient can read" on public.founder_connections
as permissive for select
to authenticated
using (
    requester_id = (select auth.uid())
    or recipient_id = (select auth.uid())
);

comment on policy "the requester or the recipient can read" on public.founder_connections is null;

drop policy if exists "the requester asking for a connection can insert" on public.founder_connections;

create policy "the requester asking for a connection can insert" on public.founder_connections
as permissive for insert
to authenticated
with check (
    (requester_id = (select auth.uid()))
    and (status = 'pending')
);

comment on policy "the requester asking for a connection can insert" on public.founder_connections is null;

drop policy if exists "the recipient or the requester unless blocked can update" on public.founder_connections;

create policy "the recipient or the requester unless blocked can update" on public.founder_connections
as permissive for update
to authenticated
using (
    recipient_id = (select auth.uid())
    or (requester_id = (select auth.uid()))
    and (status <> 'blocked')
)
with check (
    (recipient_id = (select auth.uid()))
    and (status <> 'pending')
    or (requester_id = (select auth.uid()))
    and (status = 'declined')
);

comment on policy "the recipient or the requester unless blocked can update" on public.founder_connections is null;

drop policy if exists "the recipient or the requester unless blocked can delete" on public.founder_connections;

create policy "the recipient or the requester unless blocked can delete" on public.founder_connections
as permissive for delete
to authenticated
using (
    recipient_id = (select auth.uid())
    or (requester_id = (select auth.uid()))
    and (status <> 'blocked')
);

comment on policy "the recipient or the requester unless blocked can delete" on public.founder_connections is null;

drop policy if exists "the service can do everything" on public.founder_connections;

create policy "the service can do everything" on public.founder_connections
as permissive for all
to service_role
using (
    true
)
with check (
    true
);

comment on policy "the service can do everything" on public.founder_connections is null;

create or replace trigger update_founder_connections_updated_at before update
on public.founder_connections
for each row
execute function private.update_updated_at_column();

comment on trigger update_founder_connections_updated_at on public.founder_connections is 'Sets updated_at.';
