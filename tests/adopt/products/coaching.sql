-- Coaching tenants and campaigns.

create table tenant_profiles (
    id uuid primary key default uuid_generate_v4(),
    user_id uuid references auth.users (id) on delete set null,
    slug varchar(100) unique not null,
    display_name varchar(200) not null,
    tenant_type text default 'coach',
    brand_config jsonb default '{}',
    email_config jsonb default '{}',
    enabled_assessments text[] default '{}',
    subscription_tier text default 'free',
    is_active boolean default true,
    custom_domain text,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create table campaigns (
    id uuid primary key default uuid_generate_v4(),
    name varchar(255) not null,
    description text,
    status text default 'draft' check (status in ('draft', 'active', 'completed', 'archived')),
    created_by uuid references auth.users (id) on delete set null,
    starts_at timestamptz,
    ends_at timestamptz,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create table campaign_assignments (
    id uuid primary key default uuid_generate_v4(),
    campaign_id uuid references campaigns (id) on delete cascade,
    stakeholder_name text,
    stakeholder_email text,
    stakeholder_role text,
    user_id uuid references auth.users (id) on delete set null,
    status text default 'pending',
    started_at timestamptz,
    completed_at timestamptz,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create index idx_campaign_assignments_campaign on campaign_assignments (campaign_id);

create trigger update_campaigns_updated_at before update on campaigns
    for each row execute function update_updated_at_column();

alter table tenant_profiles enable row level security;
alter table campaigns enable row level security;

create policy "Public can view active tenants" on tenant_profiles
    for select to public using (is_active);
create policy "Creators manage campaigns" on campaigns
    for all to public using (auth.uid() = created_by);

insert into tenant_profiles (id, user_id, slug, display_name, brand_config)
values (
    '00000000-0000-4000-8000-000000000081',
    'aaaaaaaa-0000-4000-8000-000000000001',
    'cedar-coaching',
    'Cedar Coaching',
    '{"tagline": "Grow"}'
);
insert into campaigns (id, name, status, created_by)
values (
    '00000000-0000-4000-8000-000000000082',
    'Leaders',
    'active',
    'aaaaaaaa-0000-4000-8000-000000000001'
);
insert into campaign_assignments (id, campaign_id, stakeholder_name, stakeholder_role, status)
values
    (
        '00000000-0000-4000-8000-000000000083',
        '00000000-0000-4000-8000-000000000082',
        'Cleo',
        'peer',
        'in_progress'
    ),
    (
        '00000000-0000-4000-8000-000000000084',
        '00000000-0000-4000-8000-000000000082',
        'Dan',
        'manager',
        null
    );
