-- The wizard that creates events.

create table profiles (
    id uuid primary key references auth.users (id) on delete cascade,
    full_name varchar(200),
    avatar_url text,
    company text,
    updated_at timestamptz
);

create table wizard_sessions (
    id uuid primary key default uuid_generate_v4(),
    user_id uuid not null references profiles (id) on delete cascade,
    event_id uuid,
    stage integer default 1 check (stage >= 1 and stage <= 6),
    status varchar(20) default 'in_progress' check (
        status in ('in_progress', 'completed', 'abandoned')
    ),
    state jsonb default '{}',
    started_at timestamptz default now(),
    last_saved_at timestamp default now(),
    completed_at timestamptz
);

create index idx_wizard_sessions_user_id on wizard_sessions (user_id);
create index wizard_sessions_status_idx on wizard_sessions (status);

create function public.touch_wizard_session() returns trigger language plpgsql as $$
begin
    new.last_saved_at = now();
    return new;
end
$$;

create trigger touch_wizard_session before update on wizard_sessions
    for each row execute function touch_wizard_session();

alter table profiles enable row level security;
alter table wizard_sessions enable row level security;

create policy "Users can view own profile" on profiles
    for select to public using (auth.uid() = id);
create policy "Users manage their own sessions" on wizard_sessions
    for all to public using (auth.uid() = user_id) with check (auth.uid() = user_id);

insert into profiles (id, full_name, company)
values ('aaaaaaaa-0000-4000-8000-000000000001', 'Ada', 'Engines Ltd');
insert into wizard_sessions (id, user_id, stage, status, state)
values
    (
        '00000000-0000-4000-8000-000000000071',
        'aaaaaaaa-0000-4000-8000-000000000001',
        3,
        'in_progress',
        '{"name": "Autumn meeting"}'
    ),
    (
        '00000000-0000-4000-8000-000000000072',
        'aaaaaaaa-0000-4000-8000-000000000001',
        null,
        null,
        null
    );
