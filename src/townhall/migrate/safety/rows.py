"""Rows that break a constraint, counted and named before it is added.

The constraint is added to an empty copy of the table, where PostgreSQL tells what it means, in a
block that is undone. So the count holds no lock that others wait for, and works in a script too.
Where row level security hides rows from the role, PostgreSQL finds those that break a check or an
index, uncounted; of a foreign key it would not, so that the count is refused.
"""

from __future__ import annotations

from sqlalchemy import TextClause

from townhall.pg import sql


def refuse_breaking_rows(schema: str, table: str, name: str, definition: str) -> TextClause:
    """Return a statement that fails if rows of a table break a check or a foreign key.

    Args:
        schema: The schema of the table.
        table: The name of the table.
        name: The name of the constraint; one that exists and is valid is not looked at.
        definition: The definition of the constraint.
    """
    # A temporary table can't refer to another table.
    is_key = definition.lstrip()[:7].lower() == "foreign"
    place = (schema, f"{table[:40]}_without_rows") if is_key else ("pg_temp", table)
    return _statement(
        _BREAKING,
        target=sql.qualified(schema, table),
        copy=sql.qualified(*place),
        copied=sql.literal(sql.qualified(*place)),
        name=name,
        definition=definition,
        code="foreign_key_violation" if is_key else "check_violation",
        or_hidden="" if is_key else " or row_security_active(target)",
    )


def refuse_duplicates(schema: str, table: str, name: str, definition: str) -> TextClause:
    """Return a statement that fails if rows are equal in the columns of a unique index.

    Args:
        schema: The schema of the table.
        table: The name of the table.
        name: The name of the index; one that exists and is valid is not looked at.
        definition: The definition of the index after the table.
    """
    return _statement(
        _DUPLICATES,
        target=sql.qualified(schema, table),
        copy=sql.qualified("pg_temp", table),
        index=sql.literal(sql.qualified(schema, name)),
        trial=sql.literal(sql.qualified("pg_temp", name)),
        name=name,
        definition=definition,
    )


def _statement(block: str, *, target: str, name: str, definition: str, **others: str) -> TextClause:
    body = block.format(
        target=target,
        table=sql.literal(target),
        constraint=sql.quote(name),
        name=sql.literal(name),
        definition=sql.layout(definition),
        described=sql.literal(f"{name}, {' '.join(definition.split())}"),
        **others,
    )
    return sql.statement(sql.do(body))


_BREAKING = """
declare
    target constant regclass := {table};
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
            where c.conrelid = target and c.conname = {name}
        ) then
            create table {copy} (like {target});
            alter table {copy} add constraint {constraint} {definition} not valid;
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
        where c.conname = {name}
            and c.contype in ('c', 'f')
            and (
                c.conrelid = target and not c.convalidated
                or c.conrelid <> target and c.conrelid = to_regclass({copied})
            );
        raise exception using errcode = 'TH000';
    exception
        when insufficient_privilege or duplicate_table or sqlstate 'TH000'
            -- A function of the row takes none of the copy.
            or undefined_function or cannot_coerce
        then
            null;
    end;
    if breaking is null{or_hidden} then
        return;
    end if;
    execute format('select count(*) from %s as t where %s', {table}, breaking) into found;
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
        key, {table}, breaking
    ) into first;
    raise exception '%', format(
        '%s of %s %s: (%s) = %s%s',
        case found when 1 then '1 row' else found || ' rows' end,
        {table},
        case found when 1 then 'breaks ' else 'break ' end || {described},
        names,
        first,
        case when found > 5 then ' …' end
    )
        using errcode = '{code}', hint = 'Correct them, and run it again.';
end
"""

_DUPLICATES = """
declare
    keys text;
    condition text;
    found bigint;
    first text;
begin
    if exists (
        select
        from pg_catalog.pg_index as i
        where i.indexrelid = to_regclass({index}) and i.indisvalid
    ) then
        return;
    end if;
    begin
        create table {copy} (like {target});
        create unique index {constraint} on {copy} {definition};
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
        where i.indexrelid = to_regclass({trial})
        group by i.indexrelid, i.indrelid, i.indnullsnotdistinct, i.indpred;
        raise exception using errcode = 'TH000';
    exception
        when insufficient_privilege or duplicate_table or sqlstate 'TH000'
            -- A function of the row takes none of the copy.
            or undefined_function or cannot_coerce
        then
            null;
    end;
    if keys is null or row_security_active({table}) then
        return;
    end if;
    execute format(
        'select coalesce(sum(n), 0), string_agg(format(''(%%s)'', k), '', '') filter (where i <= 5)'
        ' from (select count(*) as n, concat_ws('', '', %1$s) as k, row_number() over () as i'
        ' from %3$s as t where %2$s group by %1$s having count(*) > 1 order by 2) as equal',
        keys, condition, {table}
    )
    into found, first;
    if found > 0 then
        raise exception '%', format(
            '%s rows of %s are equal in %s: %s', found, {table}, {described}, first
        )
            using errcode = 'unique_violation', hint = 'Correct them, and run it again.';
    end if;
end
"""
