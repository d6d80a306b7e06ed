-- The whole of a founder community, beside its communities and its feed: sponsors, cohorts, experts,
-- reputation, scores and benchmarks.

create table investor_readiness_scores (
    id uuid primary key default uuid_generate_v4(),
    user_id uuid references auth.users (id) on delete cascade,
    overall_score numeric(5, 2) not null check (overall_score >= 0 and overall_score <= 100),
    breakdown jsonb,
    created_at timestamptz default now()
);

alter table communities add column parent_community_id uuid references communities (id);
alter table communities add column is_sponsored boolean default false;
alter table communities add column tier_required integer default 0;

create index idx_communities_parent on communities (parent_community_id)
    where parent_community_id is not null;

create table subcommunity_sponsors (
    id uuid primary key default uuid_generate_v4(),
    community_id uuid not null references communities (id) on delete cascade,
    sponsor_user_id uuid references auth.users (id) on delete set null,
    sponsor_name text not null,
    sponsor_logo_url text,
    sponsor_url text,
    is_featured boolean default false,
    started_at timestamptz default now(),
    expires_at timestamptz,
    is_active boolean default true,
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    constraint unique_sponsor unique (community_id, sponsor_user_id)
);

create table cohorts (
    id uuid primary key default uuid_generate_v4(),
    name text not null,
    cohort_type text default 'stage' check (cohort_type in ('stage', 'industry', 'custom')),
    max_members integer default 8,
    status text default 'forming',
    match_criteria jsonb default '{}',
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create table cohort_members (
    id uuid primary key default uuid_generate_v4(),
    cohort_id uuid not null references cohorts (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade,
    role text default 'member',
    joined_at timestamptz default now(),
    left_at timestamptz,
    is_active boolean default true,
    unique (cohort_id, user_id)
);

create table expert_listings (
    id uuid primary key default uuid_generate_v4(),
    user_id uuid not null references auth.users (id) on delete cascade,
    expertise_type text not null,
    title text not null,
    description text not null,
    hourly_rate numeric,
    is_active boolean default true,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create table reputation_events (
    id uuid primary key default uuid_generate_v4(),
    user_id uuid not null references auth.users (id) on delete cascade,
    event_type text not null,
    points integer default 1,
    source_id uuid,
    source_type text,
    metadata jsonb default '{}',
    created_at timestamptz default now()
);

create table engagement_streaks (
    id uuid primary key default uuid_generate_v4(),
    user_id uuid unique not null references auth.users (id) on delete cascade,
    current_streak integer default 0,
    longest_streak integer default 0,
    total_checkins integer default 0,
    last_checkin_date date,
    streak_started_at timestamptz,
    updated_at timestamptz default now()
);

create materialized view benchmark_stage_aggregates as
select
    p.stage,
    count(distinct p.id) as founder_count,
    avg(s.overall_score)::numeric(5, 2) as avg_irs_score,
    percentile_cont(0.5) within group (order by s.overall_score)::numeric(5, 2) as median_irs_score
from profiles as p
join consent_preferences as c on c.user_id = p.id and c.category = 'benchmarks' and c.enabled
left join investor_readiness_scores as s on s.user_id = p.id
where p.stage is not null
group by p.stage;

create unique index idx_benchmark_stage_agg_stage on benchmark_stage_aggregates (stage);

create function public.refresh_benchmark_aggregates() returns void
language plpgsql security definer as $$
begin
    refresh materialized view concurrently benchmark_stage_aggregates;
end
$$;

create function public.update_comment_count() returns trigger
language plpgsql security definer as $$
begin
    update social_feed_posts set comment_count = comment_count + 1 where id = new.post_id;
    return new;
end
$$;

create trigger comment_count_trigger after insert on social_feed_comments
    for each row execute function update_comment_count();

do $$
declare
    one text;
begin
    foreach one in array array[
        'subcommunity_sponsors', 'cohorts', 'cohort_members', 'expert_listings',
        'reputation_events', 'engagement_streaks', 'social_feed_comments', 'founder_connections'
    ] loop
        execute format('alter table %I enable row level security', one);
        execute format(
            'create policy "Authenticated users can view %s" on %I for select to public'
            ' using (auth.role() = ''authenticated'')',
            one,
            one
        );
    end loop;
end
$$;

create policy "Users can create connections" on founder_connections
    for insert to public with check (auth.uid() = requester_id);
create policy "Users can manage own listings" on expert_listings
    for all to public using (auth.uid() = user_id);

insert into investor_readiness_scores (user_id, overall_score, breakdown)
values
    ('aaaaaaaa-0000-4000-8000-000000000001', 71.5, '{"team": 80}'),
    ('aaaaaaaa-0000-4000-8000-000000000002', 12, null);
insert into communities (id, name, slug, parent_community_id, is_sponsored)
values (
    '00000000-0000-4000-8000-000000000042',
    'Seed',
    'seed',
    '00000000-0000-4000-8000-000000000041',
    true
);
insert into subcommunity_sponsors (community_id, sponsor_name, is_featured)
values ('00000000-0000-4000-8000-000000000042', 'Engines Ltd', null);
insert into cohorts (id, name, match_criteria)
values ('00000000-0000-4000-8000-000000000043', 'Seed of spring', null);
insert into cohort_members (cohort_id, user_id, role)
values (
    '00000000-0000-4000-8000-000000000043', 'aaaaaaaa-0000-4000-8000-000000000001', 'facilitator'
);
insert into expert_listings (user_id, expertise_type, title, description, hourly_rate)
values (
    'aaaaaaaa-0000-4000-8000-000000000001', 'legal', 'Contracts', 'Reviews of contracts', 120
);
insert into reputation_events (user_id, event_type, points)
values ('aaaaaaaa-0000-4000-8000-000000000001', 'intro_made', null);
insert into engagement_streaks (user_id, current_streak, longest_streak)
values ('aaaaaaaa-0000-4000-8000-000000000001', 2, 5);
refresh materialized view benchmark_stage_aggregates;
