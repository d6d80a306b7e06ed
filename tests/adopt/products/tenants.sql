-- Coaching after the migrations of the product: assignments are participants' sessions, campaigns
-- belong to tenants, usage is logged, and the first tenant is there.

alter table campaign_assignments rename to participant_sessions;
alter table participant_sessions add column client_status text default 'registered';
alter table participant_sessions add column tenant_id uuid references tenant_profiles (id);
create index idx_participant_sessions_tenant on participant_sessions (tenant_id);

create view campaign_assignments as select * from participant_sessions;

alter table campaigns add column tenant_id uuid references tenant_profiles (id) on delete set null;
alter table campaigns add column assessment_type text default 'industry4';
alter table campaigns add column results_disclosure text default 'full';

create table usage_events (
    id uuid primary key default uuid_generate_v4(),
    tenant_id uuid references tenant_profiles (id) on delete set null,
    user_id uuid references auth.users (id) on delete set null,
    event_type text not null,
    event_data jsonb default '{}',
    tokens_used integer default 0,
    model_used text,
    cost_cents numeric(10, 4) default 0,
    created_at timestamptz default now()
);

create index idx_usage_events_tenant on usage_events (tenant_id);
create index idx_usage_events_created on usage_events (created_at);

create function public.log_usage_event(
    p_tenant_id uuid,
    p_event_type text,
    p_event_data jsonb default '{}',
    p_user_id uuid default null,
    p_tokens_used integer default 0,
    p_model_used text default null,
    p_cost_cents numeric default 0
) returns uuid language plpgsql security definer as $$
declare
    v_id uuid;
begin
    insert into usage_events (
        tenant_id, event_type, event_data, user_id, tokens_used, model_used, cost_cents
    )
    values (
        p_tenant_id, p_event_type, p_event_data, p_user_id, p_tokens_used, p_model_used,
        p_cost_cents
    )
    returning id into v_id;
    return v_id;
end
$$;

alter table participant_sessions enable row level security;
alter table usage_events enable row level security;

create policy "Tenant owners can view sessions" on participant_sessions
    for select to public using (
        tenant_id in (select id from tenant_profiles where user_id = auth.uid())
    );
create policy "Service role full access" on usage_events
    for all to public using (auth.role() = 'service_role');

insert into tenant_profiles (id, slug, display_name, brand_config, enabled_assessments)
values (
    '00000000-0000-4000-8000-000000000085',
    'leadingwithmeaning',
    'Leading with Meaning',
    '{"colors": {"primary": "#0a5c36"}}',
    '{industry4}'
);
update campaigns set tenant_id = '00000000-0000-4000-8000-000000000085';
update participant_sessions
set tenant_id = '00000000-0000-4000-8000-000000000085', client_status = 'started'
where stakeholder_name = 'Cleo';
insert into usage_events (tenant_id, event_type, tokens_used, cost_cents)
values
    ('00000000-0000-4000-8000-000000000085', 'report', 1200, 3.5),
    (null, 'report', null, null);
