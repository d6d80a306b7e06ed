update public.campaigns as t
set tenant_id = (select s.tenant_id
from public.participant_sessions as s
where s.campaign_id = t.id and s.tenant_id is not null
 limit 1)
where
            t.tenant_id is null
            and (select count(distinct s.tenant_id)
from public.participant_sessions as s
where s.campaign_id = t.id and s.tenant_id is not null
) = 1;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_note(true, array[]::text[]);
    end if;
end
$do$;

COMMIT;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_intend('public', 'campaigns', 'foreign key', 'fk_campaigns_tenant_id_tenant_profiles');
    end if;
end
$do$;

do $do$
declare
    target constant regclass := 'public.campaigns';
    breaking text;
    names text;
    key text;
    found bigint;
    first text;
begin
    begin
        if not exists (
            select
            from pg_catalog.pg_constraint as c
            where c.conrelid = target and c.conname = 'fk_campaigns_tenant_id_tenant_profiles'
        ) then
            create table public.campaigns_without_rows (like public.campaigns);
            alter table public.campaigns_without_rows add constraint fk_campaigns_tenant_id_tenant_profiles foreign key (tenant_id) references public.tenant_profiles (id) on delete set null not valid;
        end if;
        select
            case
                when c.contype = 'c' then format('not (%s)', pg_get_expr(c.conbin, c.conrelid))
                when c.confmatchtype = 'f' then
                    format('(%s) and not (%s) or %s', k.unknown, k.all_unknown, k.unmatched)
                else k.unmatched
            end
        into breaking
        from pg_catalog.pg_constraint as c
        cross join lateral (
            select
                string_agg(format('t.%I is null', a.attname), ' or ') as unknown,
                string_agg(format('t.%I is null', a.attname), ' and ') as all_unknown,
                format(
                    '%s and not exists (select from %s as r where %s)',
                    string_agg(format('t.%I is not null', a.attname), ' and '),
                    min(format('%I.%I', rn.nspname, r.relname)),
                    string_agg(
                        format(
                            'r.%I operator(%I.%s) t.%I',
                            ra.attname, opn.nspname, o.oprname, a.attname
                        ),
                        ' and '
                    )
                ) as unmatched
            from unnest(c.conkey, c.confkey, c.conpfeqop) as u (own, other, equal)
            join pg_catalog.pg_attribute as a on a.attrelid = c.conrelid and a.attnum = u.own
            join pg_catalog.pg_class as r on r.oid = c.confrelid
            join pg_catalog.pg_namespace as rn on rn.oid = r.relnamespace
            join pg_catalog.pg_attribute as ra on ra.attrelid = r.oid and ra.attnum = u.other
            join pg_catalog.pg_operator as o on o.oid = u.equal
            join pg_catalog.pg_namespace as opn on opn.oid = o.oprnamespace
        ) as k
        where c.conname = 'fk_campaigns_tenant_id_tenant_profiles'
            and c.contype in ('c', 'f')
            and (
                c.conrelid = target and not c.convalidated
                or c.conrelid <> target and c.conrelid = to_regclass('public.campaigns_without_rows')
            );
        raise exception using errcode = 'TH000';
    exception
        when insufficient_privilege or duplicate_table or sqlstate 'TH000'
            -- A function of the row takes none of the copy.
            or undefined_function or cannot_coerce
        then
            null;
    end;
    if breaking is null then
        return;
    end if;
    execute format('select count(*) from %s as t where %s', 'public.campaigns', breaking) into found;
    if found = 0 then
        return;
    end if;
    select
        coalesce(
            'concat_ws('', '', ' || string_agg(format('t.%I', a.attname), ', ') || ')', 't.ctid'
        ),
        coalesce(string_agg(quote_ident(a.attname), ', '), 'ctid')
    into key, names
    from pg_catalog.pg_index as i
    join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
    where i.indrelid = target and i.indisprimary;
    execute format(
        'select string_agg(format(''(%%s)'', k), '', '') from ('
        'select %s as k from %s as t where %s order by 1 limit 5) as shown',
        key, 'public.campaigns', breaking
    ) into first;
    raise exception '%', format(
        '%s of %s %s: (%s) = %s%s',
        case found when 1 then '1 row' else found || ' rows' end,
        'public.campaigns',
        case found when 1 then 'breaks ' else 'break ' end || 'fk_campaigns_tenant_id_tenant_profiles, foreign key (tenant_id) references public.tenant_profiles (id) on delete set null',
        names,
        first,
        case when found > 5 then ' …' end
    )
        using errcode = 'foreign_key_violation', hint = 'Correct them, and run it again.';
end
$do$;

do $do$
declare
    allowed constant int := (
        select s.setting from pg_catalog.pg_settings as s where s.name = 'lock_timeout'
    );
    previous constant text := current_setting('lock_timeout');
    began constant timestamptz := clock_timestamp();
begin
    loop
        begin
            perform set_config(
                'lock_timeout', least(nullif(allowed, 0), 300)::text, true
            );
            if not exists (
                select
                from pg_catalog.pg_constraint as c
                where c.conrelid = 'public.campaigns'::regclass and c.conname = 'fk_campaigns_tenant_id_tenant_profiles'
            ) then
                alter table public.campaigns add constraint fk_campaigns_tenant_id_tenant_profiles foreign key (tenant_id) references public.tenant_profiles (id) on delete set null not valid;
            end if;
            perform set_config('lock_timeout', previous, true);
            exit;
        exception
            when lock_not_available or deadlock_detected then
                if extract(epoch from clock_timestamp() - began) * 1000 > nullif(allowed, 0) then
                    raise;
                end if;
        end;
        perform pg_sleep(0.1);
    end loop;
end
$do$;

set lock_timeout = 0;

alter table public.campaigns validate constraint fk_campaigns_tenant_id_tenant_profiles;

set lock_timeout = '5s';

BEGIN;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_note(true, array[]::text[]);
    end if;
end
$do$;

COMMIT;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_intend('public', 'campaigns', 'constraint', 'ck_campaigns_assessment_type_bounds');
    end if;
end
$do$;

do $do$
declare
    target constant regclass := 'public.campaigns';
    breaking text;
    names text;
    key text;
    found bigint;
    first text;
begin
    begin
        if not exists (
            select
            from pg_catalog.pg_constraint as c
            where c.conrelid = target and c.conname = 'ck_campaigns_assessment_type_bounds'
        ) then
            create table pg_temp.campaigns (like public.campaigns);
            alter table pg_temp.campaigns add constraint ck_campaigns_assessment_type_bounds check (char_length(assessment_type) <= 200) not valid;
        end if;
        select
            case
                when c.contype = 'c' then format('not (%s)', pg_get_expr(c.conbin, c.conrelid))
                when c.confmatchtype = 'f' then
                    format('(%s) and not (%s) or %s', k.unknown, k.all_unknown, k.unmatched)
                else k.unmatched
            end
        into breaking
        from pg_catalog.pg_constraint as c
        cross join lateral (
            select
                string_agg(format('t.%I is null', a.attname), ' or ') as unknown,
                string_agg(format('t.%I is null', a.attname), ' and ') as all_unknown,
                format(
                    '%s and not exists (select from %s as r where %s)',
                    string_agg(format('t.%I is not null', a.attname), ' and '),
                    min(format('%I.%I', rn.nspname, r.relname)),
                    string_agg(
                        format(
                            'r.%I operator(%I.%s) t.%I',
                            ra.attname, opn.nspname, o.oprname, a.attname
                        ),
                        ' and '
                    )
                ) as unmatched
            from unnest(c.conkey, c.confkey, c.conpfeqop) as u (own, other, equal)
            join pg_catalog.pg_attribute as a on a.attrelid = c.conrelid and a.attnum = u.own
            join pg_catalog.pg_class as r on r.oid = c.confrelid
            join pg_catalog.pg_namespace as rn on rn.oid = r.relnamespace
            join pg_catalog.pg_attribute as ra on ra.attrelid = r.oid and ra.attnum = u.other
            join pg_catalog.pg_operator as o on o.oid = u.equal
            join pg_catalog.pg_namespace as opn on opn.oid = o.oprnamespace
        ) as k
        where c.conname = 'ck_campaigns_assessment_type_bounds'
            and c.contype in ('c', 'f')
            and (
                c.conrelid = target and not c.convalidated
                or c.conrelid <> target and c.conrelid = to_regclass('pg_temp.campaigns')
            );
        raise exception using errcode = 'TH000';
    exception
        when insufficient_privilege or duplicate_table or sqlstate 'TH000'
            -- A function of the row takes none of the copy.
            or undefined_function or cannot_coerce
        then
            null;
    end;
    if breaking is null or row_security_active(target) then
        return;
    end if;
    execute format('select count(*) from %s as t where %s', 'public.campaigns', breaking) into found;
    if found = 0 then
        return;
    end if;
    select
        coalesce(
            'concat_ws('', '', ' || string_agg(format('t.%I', a.attname), ', ') || ')', 't.ctid'
        ),
        coalesce(string_agg(quote_ident(a.attname), ', '), 'ctid')
    into key, names
    from pg_catalog.pg_index as i
    join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
    where i.indrelid = target and i.indisprimary;
    execute format(
        'select string_agg(format(''(%%s)'', k), '', '') from ('
        'select %s as k from %s as t where %s order by 1 limit 5) as shown',
        key, 'public.campaigns', breaking
    ) into first;
    raise exception '%', format(
        '%s of %s %s: (%s) = %s%s',
        case found when 1 then '1 row' else found || ' rows' end,
        'public.campaigns',
        case found when 1 then 'breaks ' else 'break ' end || 'ck_campaigns_assessment_type_bounds, check (char_length(assessment_type) <= 200)',
        names,
        first,
        case when found > 5 then ' …' end
    )
        using errcode = 'check_violation', hint = 'Correct them, and run it again.';
end
$do$;

do $do$
declare
    allowed constant int := (
        select s.setting from pg_catalog.pg_settings as s where s.name = 'lock_timeout'
    );
    previous constant text := current_setting('lock_timeout');
    began constant timestamptz := clock_timestamp();
begin
    loop
        begin
            perform set_config(
                'lock_timeout', least(nullif(allowed, 0), 300)::text, true
            );
            if not exists (
                select
                from pg_catalog.pg_constraint as c
                where c.conrelid = 'public.campaigns'::regclass and c.conname = 'ck_campaigns_assessment_type_bounds'
            ) then
                alter table public.campaigns add constraint ck_campaigns_assessment_type_bounds check (char_length(assessment_type) <= 200) not valid;
            end if;
            perform set_config('lock_timeout', previous, true);
            exit;
        exception
            when lock_not_available or deadlock_detected then
                if extract(epoch from clock_timestamp() - began) * 1000 > nullif(allowed, 0) then
                    raise;
                end if;
        end;
        perform pg_sleep(0.1);
    end loop;
end
$do$;

set lock_timeout = 0;

alter table public.campaigns validate constraint ck_campaigns_assessment_type_bounds;

set lock_timeout = '5s';

BEGIN;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_note(true, array[]::text[]);
    end if;
end
$do$;

COMMIT;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_intend('public', 'campaigns', 'constraint', 'ck_campaigns_results_disclosure_bounds');
    end if;
end
$do$;

do $do$
declare
    target constant regclass := 'public.campaigns';
    breaking text;
    names text;
    key text;
    found bigint;
    first text;
begin
    begin
        if not exists (
            select
            from pg_catalog.pg_constraint as c
            where c.conrelid = target and c.conname = 'ck_campaigns_results_disclosure_bounds'
        ) then
            create table pg_temp.campaigns (like public.campaigns);
            alter table pg_temp.campaigns add constraint ck_campaigns_results_disclosure_bounds check (char_length(results_disclosure) <= 200) not valid;
        end if;
        select
            case
                when c.contype = 'c' then format('not (%s)', pg_get_expr(c.conbin, c.conrelid))
                when c.confmatchtype = 'f' then
                    format('(%s) and not (%s) or %s', k.unknown, k.all_unknown, k.unmatched)
                else k.unmatched
            end
        into breaking
        from pg_catalog.pg_constraint as c
        cross join lateral (
            select
                string_agg(format('t.%I is null', a.attname), ' or ') as unknown,
                string_agg(format('t.%I is null', a.attname), ' and ') as all_unknown,
                format(
                    '%s and not exists (select from %s as r where %s)',
                    string_agg(format('t.%I is not null', a.attname), ' and '),
                    min(format('%I.%I', rn.nspname, r.relname)),
                    string_agg(
                        format(
                            'r.%I operator(%I.%s) t.%I',
                            ra.attname, opn.nspname, o.oprname, a.attname
                        ),
                        ' and '
                    )
                ) as unmatched
            from unnest(c.conkey, c.confkey, c.conpfeqop) as u (own, other, equal)
            join pg_catalog.pg_attribute as a on a.attrelid = c.conrelid and a.attnum = u.own
            join pg_catalog.pg_class as r on r.oid = c.confrelid
            join pg_catalog.pg_namespace as rn on rn.oid = r.relnamespace
            join pg_catalog.pg_attribute as ra on ra.attrelid = r.oid and ra.attnum = u.other
            join pg_catalog.pg_operator as o on o.oid = u.equal
            join pg_catalog.pg_namespace as opn on opn.oid = o.oprnamespace
        ) as k
        where c.conname = 'ck_campaigns_results_disclosure_bounds'
            and c.contype in ('c', 'f')
            and (
                c.conrelid = target and not c.convalidated
                or c.conrelid <> target and c.conrelid = to_regclass('pg_temp.campaigns')
            );
        raise exception using errcode = 'TH000';
    exception
        when insufficient_privilege or duplicate_table or sqlstate 'TH000'
            -- A function of the row takes none of the copy.
            or undefined_function or cannot_coerce
        then
            null;
    end;
    if breaking is null or row_security_active(target) then
        return;
    end if;
    execute format('select count(*) from %s as t where %s', 'public.campaigns', breaking) into found;
    if found = 0 then
        return;
    end if;
    select
        coalesce(
            'concat_ws('', '', ' || string_agg(format('t.%I', a.attname), ', ') || ')', 't.ctid'
        ),
        coalesce(string_agg(quote_ident(a.attname), ', '), 'ctid')
    into key, names
    from pg_catalog.pg_index as i
    join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
    where i.indrelid = target and i.indisprimary;
    execute format(
        'select string_agg(format(''(%%s)'', k), '', '') from ('
        'select %s as k from %s as t where %s order by 1 limit 5) as shown',
        key, 'public.campaigns', breaking
    ) into first;
    raise exception '%', format(
        '%s of %s %s: (%s) = %s%s',
        case found when 1 then '1 row' else found || ' rows' end,
        'public.campaigns',
        case found when 1 then 'breaks ' else 'break ' end || 'ck_campaigns_results_disclosure_bounds, check (char_length(results_disclosure) <= 200)',
        names,
        first,
        case when found > 5 then ' …' end
    )
        using errcode = 'check_violation', hint = 'Correct them, and run it again.';
end
$do$;

do $do$
declare
    allowed constant int := (
        select s.setting from pg_catalog.pg_settings as s where s.name = 'lock_timeout'
    );
    previous constant text := current_setting('lock_timeout');
    began constant timestamptz := clock_timestamp();
begin
    loop
        begin
            perform set_config(
                'lock_timeout', least(nullif(allowed, 0), 300)::text, true
            );
            if not exists (
                select
                from pg_catalog.pg_constraint as c
                where c.conrelid = 'public.campaigns'::regclass and c.conname = 'ck_campaigns_results_disclosure_bounds'
            ) then
                alter table public.campaigns add constraint ck_campaigns_results_disclosure_bounds check (char_length(results_disclosure) <= 200) not valid;
            end if;
            perform set_config('lock_timeout', previous, true);
            exit;
        exception
            when lock_not_available or deadlock_detected then
                if extract(epoch from clock_timestamp() - began) * 1000 > nullif(allowed, 0) then
                    raise;
                end if;
        end;
        perform pg_sleep(0.1);
    end loop;
end
$do$;

set lock_timeout = 0;

alter table public.campaigns validate constraint ck_campaigns_results_disclosure_bounds;

set lock_timeout = '5s';

BEGIN;

create index if not exists ix_campaigns_tenant_id_created_at on public.campaigns (tenant_id, created_at desc);

do $do$
declare
    keys text;
    condition text;
    found bigint;
    first text;
begin
    if exists (
        select
        from pg_catalog.pg_index as i
        where i.indexrelid = to_regclass('public.uq_campaigns_id_tenant_id') and i.indisvalid
    ) then
        return;
    end if;
    begin
        create table pg_temp.campaigns (like public.campaigns);
        create unique index uq_campaigns_id_tenant_id on pg_temp.campaigns (id, tenant_id);
        select
            string_agg(pg_get_indexdef(i.indexrelid, k.n, false), ', ' order by k.n),
            concat_ws(
                ' and ',
                coalesce('(' || pg_get_expr(i.indpred, i.indrelid) || ')', 'true'),
                case when not i.indnullsnotdistinct then
                    string_agg(
                        pg_get_indexdef(i.indexrelid, k.n, false) || ' is not null', ' and '
                    )
                end
            )
        into keys, condition
        from pg_catalog.pg_index as i
        cross join generate_series(1, i.indnkeyatts) as k (n)
        where i.indexrelid = to_regclass('pg_temp.uq_campaigns_id_tenant_id')
        group by i.indexrelid, i.indrelid, i.indnullsnotdistinct, i.indpred;
        raise exception using errcode = 'TH000';
    exception
        when insufficient_privilege or duplicate_table or sqlstate 'TH000'
            -- A function of the row takes none of the copy.
            or undefined_function or cannot_coerce
        then
            null;
    end;
    if keys is null or row_security_active('public.campaigns') then
        return;
    end if;
    execute format(
        'select coalesce(sum(n), 0), string_agg(format(''(%%s)'', k), '', '') filter (where i <= 5)'
        ' from (select count(*) as n, concat_ws('', '', %1$s) as k, row_number() over () as i'
        ' from %3$s as t where %2$s group by %1$s having count(*) > 1 order by 2) as equal',
        keys, condition, 'public.campaigns'
    )
    into found, first;
    if found > 0 then
        raise exception '%', format(
            '%s rows of %s are equal in %s: %s', found, 'public.campaigns', 'uq_campaigns_id_tenant_id, (id, tenant_id)', first
        )
            using errcode = 'unique_violation', hint = 'Correct them, and run it again.';
    end if;
end
$do$;

create unique index if not exists uq_campaigns_id_tenant_id on public.campaigns (id, tenant_id);

do $do$
begin
    if not exists (
        select
        from pg_catalog.pg_constraint as c
        where c.conrelid = 'public.campaigns'::regclass and c.conname = 'uq_campaigns_id_tenant_id'
    ) then
        alter table public.campaigns add constraint uq_campaigns_id_tenant_id unique using index uq_campaigns_id_tenant_id;
    end if;
end
$do$;

do $do$
declare
    refused constant bigint := (
    select count(distinct s.campaign_id)
    from public.participant_sessions as s
    join public.campaigns as c on c.id = s.campaign_id
    where s.tenant_id is distinct from c.tenant_id and s.tenant_id is not null
);
begin
    if refused > 0 then
        raise exception 'the sessions of % campaigns are in pipelines of other tenants', refused
            using hint = 'Give each session the tenant of its campaign, or none, and try again.';
    end if;
end
$do$;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_note(true, array[]::text[]);
    end if;
end
$do$;

COMMIT;

do $do$
begin
    if to_regclass('private.townhall_origins') is not null then
        perform pg_temp.townhall_intend('public', 'participant_sessions', 'foreign key', 'fk_participant_sessions_campaign_id_tenant_id_campaigns');
    end if;
end
$do$;

do $do$
declare
    target constant regclass := 'public.participant_sessions';
    breaking text;
    names text;
    key text;
    found bigint;
    first text;
begin
    begin
        if not exists (
            select
            from pg_catalog.pg_constraint as c
            where c.conrelid = target and c.conname = 'fk_participant_sessions_campaign_id_tenant_id_campaigns'
        ) then
            create table public.participant_sessions_without_rows (like public.participant_sessions);
            alter table public.participant_sessions_without_rows add constraint fk_participant_sessions_campaign_id_tenant_id_campaigns foreign key (campaign_id, tenant_id) references public.campaigns (id, tenant_id)
on update cascade on delete cascade not valid;
        end if;
        select
            case
                when c.contype = 'c' then format('not (%s)', pg_get_expr(c.conbin, c.conrelid))
                when c.confmatchtype = 'f' then
                    format('(%s) and not (%s) or %s', k.unknown, k.all_unknown, k.unmatched)
                else k.unmatched
            end
        into breaking
        from pg_catalog.pg_constraint as c
        cross join lateral (
            select
                string_agg(format('t.%I is null', a.attname), ' or ') as unknown,
                string_agg(format('t.%I is null', a.attname), ' and ') as all_unknown,
                format(
                    '%s and not exists (select from %s as r where %s)',
                    string_agg(format('t.%I is not null', a.attname), ' and '),
                    min(format('%I.%I', rn.nspname, r.relname)),
                    string_agg(
                        format(
                            'r.%I operator(%I.%s) t.%I',
                            ra.attname, opn.nspname, o.oprname, a.attname
                        ),
                        ' and '
                    )
                ) as unmatched
            from unnest(c.conkey, c.confkey, c.conpfeqop) as u (own, other, equal)
            join pg_catalog.pg_attribute as a on a.attrelid = c.conrelid and a.attnum = u.own
            join pg_catalog.pg_class as r on r.oid = c.confrelid
            join pg_catalog.pg_namespace as rn on rn.oid = r.relnamespace
            join pg_catalog.pg_attribute as ra on ra.attrelid = r.oid and ra.attnum = u.other
            join pg_catalog.pg_operator as o on o.oid = u.equal
            join pg_catalog.pg_namespace as opn on opn.oid = o.oprnamespace
        ) as k
        where c.conname = 'fk_participant_sessions_campaign_id_tenant_id_campaigns'
            and c.contype in ('c', 'f')
            and (
                c.conrelid = target and not c.convalidated
                or c.conrelid <> target and c.conrelid = to_regclass('public.participant_sessions_without_rows')
            );
        raise exception using errcode = 'TH000';
    exception
        when insufficient_privilege or duplicate_table or sqlstate 'TH000'
            -- A function of the row takes none of the copy.
            or undefined_function or cannot_coerce
        then
            null;
    end;
    if breaking is null then
        return;
    end if;
    execute format('select count(*) from %s as t where %s', 'public.participant_sessions', breaking) into found;
    if found = 0 then
        return;
    end if;
    select
        coalesce(
            'concat_ws('', '', ' || string_agg(format('t.%I', a.attname), ', ') || ')', 't.ctid'
        ),
        coalesce(string_agg(quote_ident(a.attname), ', '), 'ctid')
    into key, names
    from pg_catalog.pg_index as i
    join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
    where i.indrelid = target and i.indisprimary;
    execute format(
        'select string_agg(format(''(%%s)'', k), '', '') from ('
        'select %s as k from %s as t where %s order by 1 limit 5) as shown',
        key, 'public.participant_sessions', breaking
    ) into first;
    raise exception '%', format(
        '%s of %s %s: (%s) = %s%s',
        case found when 1 then '1 row' else found || ' rows' end,
        'public.participant_sessions',
        case found when 1 then 'breaks ' else 'break ' end || 'fk_participant_sessions_campaign_id_tenant_id_campaigns, foreign key (campaign_id, tenant_id) references public.campaigns (id, tenant_id) on update cascade on delete cascade',
        names,
        first,
        case when found > 5 then ' …' end
    )
        using errcode = 'foreign_key_violation', hint = 'Correct them, and run it again.';
end
$do$;

do $do$
declare
    allowed constant int := (
        select s.setting from pg_catalog.pg_settings as s where s.name = 'lock_timeout'
    );
    previous constant text := current_setting('lock_timeout');
    began constant timestamptz := clock_timestamp();
begin
    loop
        begin
            perform set_config(
                'lock_timeout', least(nullif(allowed, 0), 300)::text, true
            );
            if not exists (
                select
                from pg_catalog.pg_constraint as c
                where c.conrelid = 'public.participant_sessions'::regclass and c.conname = 'fk_participant_sessions_campaign_id_tenant_id_campaigns'
            ) then
                alter table public.participant_sessions add constraint fk_participant_sessions_campaign_id_tenant_id_campaigns foreign key (campaign_id, tenant_id) references public.campaigns (id, tenant_id)
            on update cascade on delete cascade not valid;
            end if;
            perform set_config('lock_timeout', previous, true);
            exit;
        exception
            when lock_not_available or deadlock_detected then
                if extract(epoch from clock_timestamp() - began) * 1000 > nullif(allowed, 0) then
                    raise;
                end if;
        end;
        perform pg_sleep(0.1);
    end loop;
end
$do$;

set lock_timeout = 0;

alter table public.participant_sessions validate constraint fk_participant_sessions_campaign_id_tenant_id_campaigns;

set lock_timeout = '5s';

BEGIN;
