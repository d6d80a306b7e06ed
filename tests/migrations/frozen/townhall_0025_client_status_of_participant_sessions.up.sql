update public.participant_sessions as t
set client_status = case t.status
    when 'in_progress' then 'started'
    when 'completed' then 'completed'
    else 'registered'
end
where t.client_status is null;

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
        perform pg_temp.townhall_intend('public', 'participant_sessions', 'constraint', 'client_status_is_known');
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
            where c.conrelid = target and c.conname = 'client_status_is_known'
        ) then
            create table pg_temp.participant_sessions (like public.participant_sessions);
            alter table pg_temp.participant_sessions add constraint client_status_is_known check (client_status is not null) not valid;
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
        where c.conname = 'client_status_is_known'
            and c.contype in ('c', 'f')
            and (
                c.conrelid = target and not c.convalidated
                or c.conrelid <> target and c.conrelid = to_regclass('pg_temp.participant_sessions')
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
        case found when 1 then 'breaks ' else 'break ' end || 'client_status_is_known, check (client_status is not null)',
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
                where c.conrelid = 'public.participant_sessions'::regclass and c.conname = 'client_status_is_known'
            ) then
                alter table public.participant_sessions add constraint client_status_is_known check (client_status is not null) not valid;
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

alter table public.participant_sessions validate constraint client_status_is_known;

set lock_timeout = '5s';

BEGIN;

alter table public.participant_sessions alter column client_status set not null;

alter table public.participant_sessions drop constraint if exists client_status_is_known;

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
        perform pg_temp.townhall_intend('public', 'participant_sessions', 'constraint', 'ck_participant_sessions_client_status_known');
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
            where c.conrelid = target and c.conname = 'ck_participant_sessions_client_status_known'
        ) then
            create table pg_temp.participant_sessions (like public.participant_sessions);
            alter table pg_temp.participant_sessions add constraint ck_participant_sessions_client_status_known check (
    client_status in (
        'registered', 'started', 'completed', 'contacted', 'converted', 'archived'
    )
) not valid;
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
        where c.conname = 'ck_participant_sessions_client_status_known'
            and c.contype in ('c', 'f')
            and (
                c.conrelid = target and not c.convalidated
                or c.conrelid <> target and c.conrelid = to_regclass('pg_temp.participant_sessions')
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
        case found when 1 then 'breaks ' else 'break ' end || 'ck_participant_sessions_client_status_known, check ( client_status in ( ''registered'', ''started'', ''completed'', ''contacted'', ''converted'', ''archived'' ) )',
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
                where c.conrelid = 'public.participant_sessions'::regclass and c.conname = 'ck_participant_sessions_client_status_known'
            ) then
                alter table public.participant_sessions add constraint ck_participant_sessions_client_status_known check (
                client_status in (
                    'registered', 'started', 'completed', 'contacted', 'converted', 'archived'
                )
            ) not valid;
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

alter table public.participant_sessions validate constraint ck_participant_sessions_client_status_known;

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
        perform pg_temp.townhall_intend('public', 'participant_sessions', 'foreign key', 'fk_participant_sessions_tenant_id_tenant_profiles');
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
            where c.conrelid = target and c.conname = 'fk_participant_sessions_tenant_id_tenant_profiles'
        ) then
            create table public.participant_sessions_without_rows (like public.participant_sessions);
            alter table public.participant_sessions_without_rows add constraint fk_participant_sessions_tenant_id_tenant_profiles foreign key (tenant_id) references public.tenant_profiles (id) on delete set null not valid;
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
        where c.conname = 'fk_participant_sessions_tenant_id_tenant_profiles'
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
        case found when 1 then 'breaks ' else 'break ' end || 'fk_participant_sessions_tenant_id_tenant_profiles, foreign key (tenant_id) references public.tenant_profiles (id) on delete set null',
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
                where c.conrelid = 'public.participant_sessions'::regclass and c.conname = 'fk_participant_sessions_tenant_id_tenant_profiles'
            ) then
                alter table public.participant_sessions add constraint fk_participant_sessions_tenant_id_tenant_profiles foreign key (tenant_id) references public.tenant_profiles (id) on delete set null not valid;
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

alter table public.participant_sessions validate constraint fk_participant_sessions_tenant_id_tenant_profiles;

set lock_timeout = '5s';

BEGIN;

create index if not exists ix_participant_sessions_campaign_id on public.participant_sessions (campaign_id);

create index if not exists ix_participant_sessions_user_id on public.participant_sessions (user_id);

create index if not exists ix_participant_sessions_client_status on public.participant_sessions (client_status);

create index if not exists ix_participant_sessions_tenant_id on public.participant_sessions (tenant_id);

create index if not exists ix_participant_sessions_tenant_id_client_status on public.participant_sessions (tenant_id, client_status);
