-- Events after the networking and seating migration of the product: consents, seats and statistics.

alter table participants add column networking_opt_in boolean;

create index idx_table_assignments_participant on table_assignments (participant_id);
create index idx_table_assignments_vip on table_assignments (event_id) where is_vip_table = true;

alter table table_assignments add constraint unique_seat unique (
    event_id, table_number, seat_number
);

create function public.set_default_networking_opt_in() returns trigger language plpgsql as $$
begin
    if new.networking_opt_in is null then
        select coalesce((e.settings ->> 'default_networking_opt_in')::boolean, false)
        into new.networking_opt_in
        from events as e
        where e.id = new.event_id;
    end if;
    return new;
end
$$;

create trigger participants_networking_default before insert on participants
    for each row execute function set_default_networking_opt_in();
create trigger update_table_assignments_updated_at before update on table_assignments
    for each row execute function update_updated_at_column();

create view track_statistics as
select
    t.id as track_id,
    t.event_id,
    t.name as track_name,
    t.color,
    count(pt.id) as participant_count,
    count(pt.id) filter (where p.is_vip) as vip_count,
    count(pt.id) filter (where pt.is_primary) as primary_count,
    round(
        count(pt.id) * 100.0 / nullif(
            (select count(*) from participants as everyone where everyone.event_id = t.event_id), 0
        ),
        1
    ) as percentage
from tracks as t
left join participant_tracks as pt on pt.track_id = t.id
left join participants as p on p.id = pt.participant_id
where t.is_active
group by t.id;

comment on view track_statistics is 'סטטיסטיקות מסלולים';

alter table table_assignments enable row level security;
alter table tracks enable row level security;

create policy "Users can view table assignments" on table_assignments for select to public using (
    exists (
        select 1
        from events as e
        join organization_members as m on m.organization_id = e.organization_id
        where e.id = table_assignments.event_id and m.user_id = auth.uid()
    )
);
create policy "Service role can manage assignments" on table_assignments
    for all to public using (auth.role() = 'service_role');
create policy "Tracks are visible" on tracks for select to public using (is_active);

grant select on track_statistics to anon, authenticated;

insert into participants (id, event_id, first_name, email, networking_opt_in)
values (
    '00000000-0000-4000-8000-000000000023',
    '00000000-0000-4000-8000-000000000011',
    'Cleo',
    'cleo@example.org',
    true
);
insert into table_assignments (event_id, participant_id, table_number, seat_number, is_vip_table)
values (
    '00000000-0000-4000-8000-000000000011', '00000000-0000-4000-8000-000000000023', 1, 2, null
);
