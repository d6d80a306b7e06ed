-- The wizard as its own migration makes it, with the names of functions, triggers and policies that
-- are declared, too.

create table profiles (
    id uuid primary key references auth.users (id) on delete cascade,
    full_name text,
    tier integer not null default 0
);

create table organizations (
    id uuid primary key default gen_random_uuid(),
    name text not null,
    slug text not null unique
);

create table events (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null references organizations (id) on delete cascade,
    name text not null
);

create table wizard_sessions (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references profiles (id) on delete cascade,
    event_id uuid references events (id) on delete set null,
    stage integer not null default 1 check (stage between 1 and 6),
    status text not null default 'in_progress' check (
        status in ('in_progress', 'completed', 'abandoned')
    ),
    state jsonb not null default '{}'::jsonb,
    started_at timestamptz not null default now(),
    last_saved_at timestamptz not null default now(),
    completed_at timestamptz
);

create index idx_wizard_sessions_user_id on wizard_sessions (user_id);
create index idx_wizard_sessions_status on wizard_sessions (status);
create index idx_wizard_sessions_last_saved_at on wizard_sessions (last_saved_at);
create index idx_wizard_sessions_user_status on wizard_sessions (user_id, status);

create function public.update_wizard_session_timestamp() returns trigger language plpgsql as $$
begin
    new.last_saved_at = now();
    if new.status = 'completed' and old.status != 'completed' then
        new.completed_at = now();
    end if;
    return new;
end
$$;

create trigger update_wizard_session_timestamp before update on wizard_sessions
    for each row execute function update_wizard_session_timestamp();

alter table wizard_sessions enable row level security;

create policy wizard_sessions_policy on wizard_sessions
    for all using (auth.uid() = user_id);
create policy wizard_sessions_insert_policy on wizard_sessions
    for insert with check (auth.uid() = user_id);

comment on table wizard_sessions is 'Drafts of events.';

insert into profiles (id, full_name) values ('aaaaaaaa-0000-4000-8000-000000000001', 'Ada');
insert into organizations (id, name, slug)
values ('00000000-0000-4000-8000-000000000001', 'Cedar', 'cedar');
insert into events (id, organization_id, name)
values (
    '00000000-0000-4000-8000-000000000011',
    '00000000-0000-4000-8000-000000000001',
    'Autumn meeting'
);
insert into wizard_sessions (id, user_id, event_id, stage, status, state, completed_at)
values
    (
        '00000000-0000-4000-8000-000000000071',
        'aaaaaaaa-0000-4000-8000-000000000001',
        '00000000-0000-4000-8000-000000000011',
        6,
        'completed',
        '{"name": "Autumn meeting"}',
        '2026-09-01 12:00+00'
    ),
    (
        '00000000-0000-4000-8000-000000000072',
        'aaaaaaaa-0000-4000-8000-000000000001',
        null,
        2,
        'in_progress',
        '{"name": "Winter meeting"}',
        null
    );
