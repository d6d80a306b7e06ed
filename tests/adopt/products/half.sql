-- Halves of domains: participants who come to events, without organizations or tracks, and
-- assignments, without campaigns.

create table events (
    id uuid primary key default uuid_generate_v4(),
    name text not null,
    starts_at timestamptz,
    created_at timestamptz default now()
);

create table participants (
    id uuid primary key default uuid_generate_v4(),
    event_id uuid not null references events (id),
    email text,
    created_at timestamptz default now()
);

create table campaign_assignments (
    id uuid primary key default uuid_generate_v4(),
    campaign_id uuid,
    stakeholder_name text,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

alter table campaign_assignments enable row level security;
create policy "Anyone can view assignments" on campaign_assignments for select using (true);
create trigger touch_assignments before update on campaign_assignments
    for each row execute function update_updated_at_column();

-- What the rows are to belong to: run by the adoption once there are organizations and campaigns.
create function public.first_organization() returns uuid language plpgsql as $$
begin
    insert into public.organizations (id, name, slug)
    values ('00000000-0000-4000-8000-000000000001', 'First', 'first')
    on conflict do nothing;
    return '00000000-0000-4000-8000-000000000001';
end
$$;

create function public.first_campaign() returns uuid language plpgsql as $$
begin
    insert into public.campaigns (id, name)
    values ('00000000-0000-4000-8000-000000000002', 'First')
    on conflict do nothing;
    return '00000000-0000-4000-8000-000000000002';
end
$$;

insert into events (id, name)
values ('00000000-0000-4000-8000-000000000011', 'Autumn meeting');
insert into participants (event_id, email)
values ('00000000-0000-4000-8000-000000000011', 'ada@example.org');
insert into campaign_assignments (id, stakeholder_name)
values ('00000000-0000-4000-8000-000000000083', 'Cleo');
