-- Half of a domain: participants who come to events, without organizations or tracks.

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

-- What the events are to belong to: run by the adoption once there are organizations.
create function public.first_organization() returns uuid language plpgsql as $$
begin
    insert into public.organizations (id, name, slug)
    values ('00000000-0000-4000-8000-000000000001', 'First', 'first')
    on conflict do nothing;
    return '00000000-0000-4000-8000-000000000001';
end
$$;

insert into events (id, name)
values ('00000000-0000-4000-8000-000000000011', 'Autumn meeting');
insert into participants (event_id, email)
values ('00000000-0000-4000-8000-000000000011', 'ada@example.org');
