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
        perform pg_temp.townhall_intend('public', 'communities', 'foreign key', 'fk_communities_parent_community_id_communities');
    end if;
end
$do$;

do $do$
declare
    target constant regclass := 'public.communities';
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
            where c.conrelid = target and c.conname = 'fk_communities_parent_community_id_communities'
        ) then
            create table public.communities_without_rows (like public.communities);
            alter table public.communities_without_rows add constraint fk_communities_parent_community_id_communities foreign key (parent_community_id) references public.communities (id) on delete cascade not valid;
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
        where c.conname = 'fk_communities_parent_community_id_communities'
            and c.contype in ('c', 'f')
            and (
                c.conrelid = target and not c.convalidated
                or c.conrelid <> target and c.conrelid = to_regclass('public.communities_without_rows')
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
    execute format('select count(*) from %s as t where %s', 'public.communities', breaking) into found;
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
        key, 'public.communities', breaking
    ) into first;
    raise exception '%', format(
        '%s of %s %s: (%s) = %s%s',
        case found when 1 then '1 row' else found || ' rows' end,
        'public.communities',
        case found when 1 then 'breaks ' else 'break ' end || 'fk_communities_parent_community_id_communities, foreign key (parent_community_id) references public.communities (id) on delete cascade',
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
                where c.conrelid = 'public.communities'::regclass and c.conname = 'fk_communities_parent_community_id_communities'
            ) then
                alter table public.communities add constraint fk_communities_parent_community_id_communities foreign key (parent_community_id) references public.communities (id) on delete cascade not valid;
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

alter table public.communities validate constraint fk_communities_parent_community_id_communities;

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
        perform pg_temp.townhall_intend('public', 'communities', 'constraint', 'ck_communities_parent_is_another');
    end if;
end
$do$;

do $do$
declare
    target constant regclass := 'public.communities';
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
            where c.conrelid = target and c.conname = 'ck_communities_parent_is_another'
        ) then
            create table pg_temp.communities (like public.communities);
            alter table pg_temp.communities add constraint ck_communities_parent_is_another check (parent_community_id <> id) not valid;
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
        where c.conname = 'ck_communities_parent_is_another'
            and c.contype in ('c', 'f')
            and (
                c.conrelid = target and not c.convalidated
                or c.conrelid <> target and c.conrelid = to_regclass('pg_temp.communities')
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
    execute format('select count(*) from %s as t where %s', 'public.communities', breaking) into found;
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
        key, 'public.communities', breaking
    ) into first;
    raise exception '%', format(
        '%s of %s %s: (%s) = %s%s',
        case found when 1 then '1 row' else found || ' rows' end,
        'public.communities',
        case found when 1 then 'breaks ' else 'break ' end || 'ck_communities_parent_is_another, check (parent_community_id <> id)',
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
                where c.conrelid = 'public.communities'::regclass and c.conname = 'ck_communities_parent_is_another'
            ) then
                alter table public.communities add constraint ck_communities_parent_is_another check (parent_community_id <> id) not valid;
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

alter table public.communities validate constraint ck_communities_parent_is_another;

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
        perform pg_temp.townhall_intend('public', 'communities', 'constraint', 'ck_communities_tier_required_known');
    end if;
end
$do$;

do $do$
declare
    target constant regclass := 'public.communities';
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
            where c.conrelid = target and c.conname = 'ck_communities_tier_required_known'
        ) then
            create table pg_temp.communities (like public.communities);
            alter table pg_temp.communities add constraint ck_communities_tier_required_known check (tier_required between 0 and 2) not valid;
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
        where c.conname = 'ck_communities_tier_required_known'
            and c.contype in ('c', 'f')
            and (
                c.conrelid = target and not c.convalidated
                or c.conrelid <> target and c.conrelid = to_regclass('pg_temp.communities')
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
    execute format('select count(*) from %s as t where %s', 'public.communities', breaking) into found;
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
        key, 'public.communities', breaking
    ) into first;
    raise exception '%', format(
        '%s of %s %s: (%s) = %s%s',
        case found when 1 then '1 row' else found || ' rows' end,
        'public.communities',
        case found when 1 then 'breaks ' else 'break ' end || 'ck_communities_tier_required_known, check (tier_required between 0 and 2)',
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
                where c.conrelid = 'public.communities'::regclass and c.conname = 'ck_communities_tier_required_known'
            ) then
                alter table public.communities add constraint ck_communities_tier_required_known check (tier_required between 0 and 2) not valid;
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

alter table public.communities validate constraint ck_communities_tier_required_known;

set lock_timeout = '5s';

BEGIN;

create index if not exists idx_communities_parent on public.communities (parent_community_id) where parent_community_id is not null;
