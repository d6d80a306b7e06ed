"""Casts, operators and aggregates, which can't be declared, as parts that depend on others.

Each query reads them from ``members``, the objects that were found to depend on something.
"""

from __future__ import annotations

from townhall.pg.catalog.fragments import (
    comment_on,
    grant_option,
    grantee,
    not_of_an_extension,
    other_owner,
)


def _function(label: str, column: str) -> str:
    return f"'{label} = ' || nullif({column}::oid, 0)::regproc"


def _operator(label: str, column: str) -> str:
    return f"""'{label} = ' || (
                    select format('operator(%I.%s)', s.nspname, u.oprname)
                    from pg_catalog.pg_operator as u
                    join pg_catalog.pg_namespace as s on s.oid = u.oprnamespace
                    where u.oid = {column}::oid
                )"""


def _type(label: str, column: str) -> str:
    return f"'{label} = ' || format_type(nullif({column}, 0), null)"


def _modification(label: str, column: str) -> str:
    return f"""'{label} = ' || case {column}
                    when 'r' then 'read_only' when 's' then 'shareable' else 'read_write'
                end"""


_OF_CAST = "obj_description(k.oid, 'pg_cast')"
_OF_OPERATOR = "obj_description(o.oid, 'pg_operator')"
_OF_AGGREGATE = "obj_description(p.oid, 'pg_proc')"

CASTS = f"""
    select
        'cast' as kind,
        array['cast ' || e.name] as name,
        'drop cast if exists ' || e.name as drop,
        array[
            format(
                'create cast %s %s%s',
                e.name,
                case k.castmethod
                    when 'f' then 'with function ' || k.castfunc::regprocedure
                    when 'i' then 'with inout'
                    else 'without function'
                end,
                case k.castcontext when 'a' then ' as assignment' when 'i' then ' as implicit' end
            ),
            {comment_on("cast %s", "e.name", _OF_CAST)}
        ] as create
    from members as m
    join pg_catalog.pg_cast as k on m.classid = 'pg_catalog.pg_cast'::regclass and k.oid = m.objid
    cross join lateral (
        select format(
            '(%s as %s)', format_type(k.castsource, null), format_type(k.casttarget, null)
        ) as name
    ) as e
    where {not_of_an_extension("pg_cast", "k")}
        -- That of a range type to its multirange type belongs to it.
        and not exists (
            select
            from pg_catalog.pg_depend as d
            where d.classid = 'pg_catalog.pg_cast'::regclass and d.objid = k.oid and d.deptype = 'i'
        )
"""

OPERATORS = f"""
    select
        'operator',
        array['operator ' || e.name || e.operands],
        format('drop operator if exists %s %s', e.name, e.operands),
        array[
            format(
                'create operator %s (%s)',
                e.name,
                concat_ws(
                    ', ',
                    {_function("function", "o.oprcode")},
                    {_type("leftarg", "o.oprleft")},
                    {_type("rightarg", "o.oprright")},
                    {_operator("commutator", "o.oprcom")},
                    {_operator("negator", "o.oprnegate")},
                    {_function("restrict", "o.oprrest")},
                    {_function("join", "o.oprjoin")},
                    case when o.oprcanhash then 'hashes' end,
                    case when o.oprcanmerge then 'merges' end
                )
            ),
            'alter operator ' || e.name || ' ' || e.operands || ' owner to '
                || quote_ident({other_owner("o.oprowner")}),
            {comment_on("operator %s %s", "e.name, e.operands", _OF_OPERATOR)}
        ]
    from members as m
    join pg_catalog.pg_operator as o
        on m.classid = 'pg_catalog.pg_operator'::regclass and o.oid = m.objid
    join pg_catalog.pg_namespace as n on n.oid = o.oprnamespace
    cross join lateral (
        select
            format('%I.%s', n.nspname, o.oprname) as name,
            format(
                '(%s, %s)',
                coalesce(format_type(nullif(o.oprleft, 0), null), 'none'),
                format_type(o.oprright, null)
            ) as operands
    ) as e
    where {not_of_an_extension("pg_operator", "o")}
"""

AGGREGATES = f"""
    select
        'aggregate',
        array['aggregate ' || e.name],
        'drop aggregate if exists ' || e.name,
        array[
            format(
                'create aggregate %I.%I(%s) (%s)',
                n.nspname,
                p.proname,
                coalesce(nullif(pg_get_function_arguments(p.oid), ''), '*'),
                concat_ws(
                    ', ',
                    {_function("sfunc", "a.aggtransfn")},
                    {_type("stype", "a.aggtranstype")},
                    'sspace = ' || nullif(a.aggtransspace, 0),
                    {_function("finalfunc", "a.aggfinalfn")},
                    case when a.aggfinalextra then 'finalfunc_extra' end,
                    {_modification("finalfunc_modify", "a.aggfinalmodify")},
                    {_function("combinefunc", "a.aggcombinefn")},
                    {_function("serialfunc", "a.aggserialfn")},
                    {_function("deserialfunc", "a.aggdeserialfn")},
                    'initcond = ' || quote_literal(a.agginitval),
                    {_function("msfunc", "a.aggmtransfn")},
                    {_function("minvfunc", "a.aggminvtransfn")},
                    {_type("mstype", "a.aggmtranstype")},
                    'msspace = ' || nullif(a.aggmtransspace, 0),
                    {_function("mfinalfunc", "a.aggmfinalfn")},
                    case when a.aggmfinalextra then 'mfinalfunc_extra' end,
                    case when a.aggmtranstype <> 0 then
                        {_modification("mfinalfunc_modify", "a.aggmfinalmodify")}
                    end,
                    'minitcond = ' || quote_literal(a.aggminitval),
                    {_operator("sortop", "a.aggsortop")},
                    'parallel = ' || case p.proparallel
                        when 's' then 'safe' when 'r' then 'restricted' else 'unsafe'
                    end,
                    case when a.aggkind = 'h' then 'hypothetical' end
                )
            ),
            'alter aggregate ' || e.name || ' owner to '
                || quote_ident({other_owner("p.proowner")}),
            {comment_on("aggregate %s", "e.name", _OF_AGGREGATE)},
            case when p.proacl is not null then
                'revoke all on function ' || p.oid::regprocedure || ' from public'
            end
        ] || array(
            select format(
                'grant execute on function %s to %s%s',
                p.oid::regprocedure, {grantee("e")}, {grant_option("e")}
            )
            from aclexplode(p.proacl) as e
            where e.grantee <> p.proowner
            order by 1
        )
    from members as m
    join pg_catalog.pg_proc as p on m.classid = 'pg_catalog.pg_proc'::regclass and p.oid = m.objid
    join pg_catalog.pg_aggregate as a on a.aggfnoid = p.oid
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    cross join lateral (
        select format(
            '%I.%I(%s)',
            n.nspname,
            p.proname,
            coalesce(nullif(pg_get_function_identity_arguments(p.oid), ''), '*')
        ) as name
    ) as e
    where {not_of_an_extension("pg_proc", "p")}
"""
