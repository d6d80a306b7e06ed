"""Casts, operators, their classes and aggregates, which can't be declared, as dependent parts.

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


MEMBER_OF_FAMILY = "member of an operator family"
"""The kind of an operator or function of a family that is in none of its classes."""

_OF_CAST = "obj_description(k.oid, 'pg_cast')"
_OF_OPERATOR = "obj_description(o.oid, 'pg_operator')"
_OF_OPERATOR_CLASS = "obj_description(k.oid, 'pg_opclass')"
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

_MEMBERS_OF_FAMILIES = """
        select
            'pg_catalog.pg_amop'::regclass as classid,
            p.oid,
            p.amopfamily as family,
            format(
                'operator %s (%s, %s)',
                p.amopstrategy,
                format_type(p.amoplefttype, null),
                format_type(p.amoprighttype, null)
            ) as name,
            format(
                'operator %s %s%s',
                p.amopstrategy,
                p.amopopr::regoperator,
                (
                    select format(' for order by %I.%I', s.nspname, f.opfname)
                    from pg_catalog.pg_opfamily as f
                    join pg_catalog.pg_namespace as s on s.oid = f.opfnamespace
                    where f.oid = p.amopsortfamily
                )
            ) as definition
        from pg_catalog.pg_amop as p
        union all
        select
            'pg_catalog.pg_amproc'::regclass,
            p.oid,
            p.amprocfamily,
            format('function %s %s', p.amprocnum, t.types),
            format('function %s %s %s', p.amprocnum, t.types, p.amproc::oid::regprocedure)
        from pg_catalog.pg_amproc as p
        cross join lateral (
            select format(
                '(%s, %s)',
                format_type(p.amproclefttype, null), format_type(p.amprocrighttype, null)
            ) as types
        ) as t
"""

OPERATOR_CLASSES = f"""
    select
        'operator class',
        array['operator class ' || e.name],
        'drop operator class if exists ' || e.name,
        array[
            format(
                'create operator class %I.%I%s for type %s using %I family %I.%I as %s',
                n.nspname,
                k.opcname,
                case when k.opcdefault then ' default' end,
                format_type(k.opcintype, null),
                a.amname,
                s.nspname,
                f.opfname,
                concat_ws(
                    ', ',
                    'storage ' || format_type(coalesce(nullif(k.opckeytype, 0), k.opcintype), null),
                    (
                        select string_agg(o.definition, ', ' order by o.definition)
                        from ({_MEMBERS_OF_FAMILIES}) as o
                        join pg_catalog.pg_depend as d
                            on d.classid = o.classid
                            and d.objid = o.oid
                            and d.refclassid = 'pg_catalog.pg_opclass'::regclass
                            and d.refobjid = k.oid
                            and d.deptype = 'i'
                    )
                )
            ),
            'alter operator class ' || e.name || ' owner to '
                || quote_ident({other_owner("k.opcowner")}),
            {comment_on("operator class %s", "e.name", _OF_OPERATOR_CLASS)}
        ]
    from members as m
    join pg_catalog.pg_opclass as k
        on m.classid = 'pg_catalog.pg_opclass'::regclass and k.oid = m.objid
    join pg_catalog.pg_namespace as n on n.oid = k.opcnamespace
    join pg_catalog.pg_am as a on a.oid = k.opcmethod
    join pg_catalog.pg_opfamily as f on f.oid = k.opcfamily
    join pg_catalog.pg_namespace as s on s.oid = f.opfnamespace
    cross join lateral (
        select format('%I.%I using %I', n.nspname, k.opcname, a.amname) as name
    ) as e
    where {not_of_an_extension("pg_opclass", "k")}
"""

MEMBERS_OF_FAMILIES = f"""
    select
        '{MEMBER_OF_FAMILY}',
        array[o.name, 'operator family ' || e.name],
        -- It goes with what it depends on, without an error.
        format(
            'do %L',
            format(
                'begin alter operator family %s drop %s;'
                    ' exception when undefined_object then null; end',
                e.name, o.name
            )
        ),
        array[format('alter operator family %s add %s', e.name, o.definition)]
    from members as m
    join ({_MEMBERS_OF_FAMILIES}) as o on o.classid = m.classid and o.oid = m.objid
    join pg_catalog.pg_opfamily as f on f.oid = o.family
    join pg_catalog.pg_namespace as n on n.oid = f.opfnamespace
    join pg_catalog.pg_am as a on a.oid = f.opfmethod
    cross join lateral (
        select format('%I.%I using %I', n.nspname, f.opfname, a.amname) as name
    ) as e
    where {not_of_an_extension("pg_opfamily", "f")}
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
