-- Tables without constraints, with rows that break each of ours.

create table organizations (
    id uuid,
    name text,
    slug text,
    settings jsonb,
    created_at timestamptz,
    updated_at timestamptz
);

create table organization_members (
    id uuid,
    organization_id uuid,
    user_id uuid,
    role text,
    created_at timestamptz
);

create table events (
    id uuid,
    organization_id uuid,
    name text,
    description text,
    starts_at timestamptz,
    ends_at timestamptz,
    status text,
    settings jsonb,
    created_at timestamptz,
    updated_at timestamptz
);

create table participants (
    id uuid,
    event_id uuid,
    user_id uuid,
    first_name text,
    last_name text,
    email text,
    phone text,
    status text,
    is_vip boolean,
    networking_opt_in boolean,
    created_at timestamptz,
    updated_at timestamptz
);

create table table_assignments (
    id uuid,
    event_id uuid,
    participant_id uuid,
    table_number integer,
    seat_number integer,
    is_vip_table boolean,
    assigned_by text,
    assigned_at timestamptz,
    notes text,
    created_at timestamptz,
    updated_at timestamptz
);

-- The same key twice, no name, a blank name, a slug twice, settings that are no object or too long.
insert into organizations (id, name, slug, settings)
values
    ('00000000-0000-4000-8000-000000000001', null, 'cedar', '[]'),
    ('00000000-0000-4000-8000-000000000001', '  ', 'cedar', '{}'),
    (
        null,
        repeat('n', 201),
        repeat('s', 201),
        jsonb_build_object('text', repeat('s', 262144))
    );

-- An organization and an account that do not exist, an unknown role, a membership twice.
insert into organization_members (id, organization_id, user_id, role)
values
    (
        '00000000-0000-4000-8000-000000000002',
        '99999999-0000-4000-8000-000000000001',
        '99999999-0000-4000-8000-000000000002',
        'admin'
    ),
    (
        '00000000-0000-4000-8000-000000000002',
        '99999999-0000-4000-8000-000000000001',
        '99999999-0000-4000-8000-000000000002',
        null
    );

-- An end before the start, times that no client shows, texts that are too long, an unknown status.
insert into events (
    id, organization_id, name, description, starts_at, ends_at, status, settings
)
values
    (
        '00000000-0000-4000-8000-000000000011',
        '99999999-0000-4000-8000-000000000001',
        '',
        repeat('d', 20001),
        'infinity',
        '2026-10-01 08:00+00',
        'unknown',
        '"text"'
    ),
    (
        '00000000-0000-4000-8000-000000000011',
        null,
        repeat('n', 201),
        null,
        '2026-10-01 09:00+00',
        'infinity',
        null,
        jsonb_build_object('text', repeat('s', 262144))
    );

-- An event and an account that do not exist, an address twice but for its case.
insert into participants (
    id, event_id, user_id, first_name, last_name, email, phone, status
)
values
    (
        '00000000-0000-4000-8000-000000000021',
        '99999999-0000-4000-8000-000000000011',
        '99999999-0000-4000-8000-000000000002',
        repeat('f', 201),
        repeat('l', 201),
        'ada@example.org',
        repeat('p', 2001),
        'unknown'
    ),
    (
        '00000000-0000-4000-8000-000000000021',
        '99999999-0000-4000-8000-000000000011',
        null,
        null,
        null,
        'ADA@example.org',
        null,
        null
    ),
    (null, null, null, null, null, repeat('e', 2001), null, null);

-- A table and a seat below 1, a seat given twice, a participant who does not exist, a time that no
-- client shows.
insert into table_assignments (
    id, event_id, participant_id, table_number, seat_number, assigned_by, assigned_at, notes
)
values
    (
        '00000000-0000-4000-8000-000000000041',
        '99999999-0000-4000-8000-000000000011',
        '99999999-0000-4000-8000-000000000021',
        0,
        0,
        'unknown',
        'infinity',
        repeat('n', 20001)
    ),
    (
        '00000000-0000-4000-8000-000000000041',
        '99999999-0000-4000-8000-000000000011',
        '99999999-0000-4000-8000-000000000021',
        0,
        0,
        null,
        null,
        null
    );
