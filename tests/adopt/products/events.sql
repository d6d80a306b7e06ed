-- Events with tracks, networking and seating.

create table organizations (
    id uuid primary key default uuid_generate_v4(),
    name varchar(255) not null,
    slug varchar(100) unique not null,
    plan text default 'trial',
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create table organization_members (
    id uuid primary key default uuid_generate_v4(),
    organization_id uuid references organizations (id) on delete cascade,
    user_id uuid references auth.users (id) on delete cascade,
    role text default 'viewer' check (role in ('owner', 'manager', 'viewer')),
    created_at timestamptz default now(),
    unique (organization_id, user_id)
);

create table events (
    id uuid primary key default uuid_generate_v4(),
    organization_id uuid references organizations (id) on delete cascade,
    name varchar(255) not null,
    description text,
    starts_at timestamp,
    ends_at timestamp,
    venue text,
    status text default 'draft' check (status in ('draft', 'published', 'cancelled', 'completed')),
    settings jsonb default '{}',
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create index idx_events_organization on events (organization_id);

create table participants (
    id uuid primary key default uuid_generate_v4(),
    event_id uuid references events (id) on delete cascade,
    user_id uuid references auth.users (id) on delete set null,
    first_name varchar(100),
    last_name varchar(100),
    email varchar(255),
    phone varchar(50),
    status text default 'registered',
    is_vip boolean default false,
    dietary_notes text,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create index idx_participants_event on participants (event_id);
create index idx_participants_user on participants (user_id);

create table tracks (
    id uuid primary key default uuid_generate_v4(),
    event_id uuid not null references events (id) on delete cascade,
    name varchar(255) not null,
    description text,
    color varchar(20) default '#6366f1',
    is_active boolean default true,
    sort_order integer default 0,
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    unique (event_id, name)
);

create table participant_tracks (
    id uuid primary key default uuid_generate_v4(),
    participant_id uuid not null references participants (id) on delete cascade,
    track_id uuid not null references tracks (id) on delete cascade,
    is_primary boolean default false,
    created_at timestamptz default now(),
    unique (participant_id, track_id)
);

create table table_assignments (
    id uuid primary key default uuid_generate_v4(),
    event_id uuid not null references events (id) on delete cascade,
    participant_id uuid not null references participants (id) on delete cascade,
    table_number integer not null,
    seat_number integer,
    is_vip_table boolean default false,
    assigned_by text default 'ai' check (assigned_by in ('ai', 'manager', 'auto')),
    assigned_at timestamptz default now(),
    notes text,
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    unique (event_id, participant_id)
);

create index idx_table_assignments_event on table_assignments (event_id);
create index idx_table_assignments_table on table_assignments (event_id, table_number);

create trigger update_events_updated_at before update on events
    for each row execute function update_updated_at_column();
create trigger update_participants_updated_at before update on participants
    for each row execute function update_updated_at_column();

create view event_attendance as
select e.id, e.name, count(p.id) as participants
from events as e
left join participants as p on p.event_id = e.id
group by e.id, e.name;

alter table events enable row level security;
alter table participants enable row level security;

create policy "Events are viewable by everyone" on events for select to public using (true);
create policy "Members can manage participants" on participants for all to public using (
    exists (
        select 1
        from events as e
        join organization_members as m on m.organization_id = e.organization_id
        where e.id = participants.event_id and m.user_id = auth.uid()
    )
);

insert into organizations (id, name, slug)
values ('00000000-0000-4000-8000-000000000001', 'Cedar', 'cedar');
insert into organization_members (organization_id, user_id, role)
values (
    '00000000-0000-4000-8000-000000000001', 'aaaaaaaa-0000-4000-8000-000000000001', 'owner'
);
insert into events (id, organization_id, name, starts_at, settings, created_at)
values
    (
        '00000000-0000-4000-8000-000000000011',
        '00000000-0000-4000-8000-000000000001',
        'Autumn meeting',
        '2026-10-01 09:00',
        '{"default_networking_opt_in": true}',
        '2026-06-01 12:00+00'
    ),
    (
        '00000000-0000-4000-8000-000000000012',
        '00000000-0000-4000-8000-000000000001',
        'Spring meeting',
        null,
        null,
        null
    );
insert into participants (id, event_id, user_id, first_name, email, status, is_vip, dietary_notes)
values
    (
        '00000000-0000-4000-8000-000000000021',
        '00000000-0000-4000-8000-000000000011',
        'aaaaaaaa-0000-4000-8000-000000000001',
        'Ada',
        'ada@example.org',
        'confirmed',
        true,
        'no nuts'
    ),
    (
        '00000000-0000-4000-8000-000000000022',
        '00000000-0000-4000-8000-000000000011',
        null,
        'Ben',
        'ben@example.org',
        null,
        null,
        null
    );
insert into tracks (id, event_id, name)
values (
    '00000000-0000-4000-8000-000000000031', '00000000-0000-4000-8000-000000000011', 'Research'
);
insert into participant_tracks (participant_id, track_id, is_primary)
values (
    '00000000-0000-4000-8000-000000000021', '00000000-0000-4000-8000-000000000031', null
);
insert into table_assignments (event_id, participant_id, table_number, seat_number)
values (
    '00000000-0000-4000-8000-000000000011', '00000000-0000-4000-8000-000000000021', 1, 1
);
