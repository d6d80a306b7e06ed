-- Communities with profiles and consents.

create table profiles (
    id uuid primary key references auth.users (id) on delete cascade,
    full_name text,
    avatar_url text,
    stage varchar(50),
    industry varchar(100),
    tier integer default 0,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create table communities (
    id uuid primary key default uuid_generate_v4(),
    name varchar(200) not null,
    slug varchar(100) not null unique,
    description text,
    created_by uuid references auth.users (id) on delete set null,
    is_private boolean default false,
    is_archived boolean default false,
    member_count integer default 0,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create table community_members (
    id uuid primary key default uuid_generate_v4(),
    community_id uuid not null references communities (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade,
    role text default 'member' check (role in ('member', 'moderator', 'owner')),
    joined_at timestamp default now(),
    unique (community_id, user_id)
);

create index community_members_user_id_idx on community_members (user_id);

create table community_profiles (
    id uuid primary key default uuid_generate_v4(),
    user_id uuid not null unique references auth.users (id) on delete cascade,
    display_name text,
    bio text,
    avatar_url text,
    achievements text[] default '{}',
    visibility_settings jsonb default '{"show_name": true}',
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create table consent_preferences (
    id uuid primary key default uuid_generate_v4(),
    user_id uuid not null references auth.users (id) on delete cascade,
    category text not null check (
        category in ('benchmarks', 'social_feed', 'directory', 'messaging', 'investor_intros')
    ),
    enabled boolean default false,
    updated_at timestamptz default now(),
    unique (user_id, category)
);

create table consent_audit_log (
    id uuid primary key default uuid_generate_v4(),
    user_id uuid not null references auth.users (id) on delete cascade,
    category text not null,
    previous_value boolean,
    new_value boolean,
    changed_at timestamptz default now(),
    ip_address text,
    user_agent text
);

create index idx_consent_audit_user on consent_audit_log (user_id);

create function public.log_consent_change() returns trigger
language plpgsql security definer as $$
begin
    insert into consent_audit_log (user_id, category, previous_value, new_value)
    values (new.user_id, new.category, coalesce(old.enabled, false), new.enabled);
    return new;
end
$$;

create trigger consent_audit_trigger after insert or update on consent_preferences
    for each row execute function log_consent_change();

create function public.count_community_members() returns trigger
language plpgsql security definer as $$
begin
    update communities
    set member_count = (
        select count(*) from community_members where community_id = new.community_id
    )
    where id = new.community_id;
    return new;
end
$$;

create trigger count_members after insert on community_members
    for each row execute function count_community_members();
create trigger update_communities_updated_at before update on communities
    for each row execute function update_updated_at_column();

alter table communities enable row level security;
alter table community_members enable row level security;
alter table community_profiles enable row level security;
alter table consent_preferences enable row level security;
alter table consent_audit_log enable row level security;

create policy "Communities are viewable by everyone" on communities
    for select to public using (true);
create policy "Authenticated users can view profiles" on community_profiles
    for select to public using (auth.role() = 'authenticated');
create policy "Users can manage own profile" on community_profiles
    for all to public using (auth.uid() = user_id);
create policy "Users can view own consents" on consent_preferences
    for all to public using (auth.uid() = user_id);
create policy "System can insert audit log" on consent_audit_log
    for insert to public with check (true);

insert into profiles (id, full_name, stage, tier)
values
    ('aaaaaaaa-0000-4000-8000-000000000001', 'Ada', 'seed', 1),
    ('aaaaaaaa-0000-4000-8000-000000000002', 'Ben', null, null);
insert into communities (id, name, slug, created_by)
values (
    '00000000-0000-4000-8000-000000000041',
    'Founders',
    'founders',
    'aaaaaaaa-0000-4000-8000-000000000001'
);
insert into community_members (community_id, user_id, role)
values
    (
        '00000000-0000-4000-8000-000000000041',
        'aaaaaaaa-0000-4000-8000-000000000001',
        'owner'
    ),
    ('00000000-0000-4000-8000-000000000041', 'aaaaaaaa-0000-4000-8000-000000000002', null);
insert into community_profiles (user_id, display_name, bio)
values
    ('aaaaaaaa-0000-4000-8000-000000000001', 'Ada', 'Engines'),
    ('aaaaaaaa-0000-4000-8000-000000000002', null, null);
insert into consent_preferences (user_id, category, enabled)
values
    ('aaaaaaaa-0000-4000-8000-000000000001', 'benchmarks', true),
    ('aaaaaaaa-0000-4000-8000-000000000002', 'directory', false);
