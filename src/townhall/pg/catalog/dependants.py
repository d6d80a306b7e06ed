"""What depends on functions, views and columns, directly or not, and how it is made again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, text

from townhall.pg.catalog.fragments import (
    NOT_A_CONSTRUCTOR,
    SIGNATURE,
    Key,
    comment_on,
    empty_search_path,
    firing,
    grant_option,
    grantee,
    kind_of_type,
)
from townhall.pg.catalog.operators import (
    AGGREGATES,
    CASTS,
    MEMBERS_OF_FAMILIES,
    OPERATOR_CLASSES,
    OPERATORS,
)


class Target(NamedTuple):
    """What is going to be changed or dropped.

    Attributes:
        function: A function with the types of its arguments, as SQL names it; or None.
        relation: A table, a view or a sequence as SQL names it; or None.
        column: The column of the table that changes; None for the whole relation.
        type: A type as SQL names it; or None.
        constraint: The name of a constraint of the table, which goes; None for the table itself.
        has_keys: Whether the foreign keys from and to the column can't stay.
        is_recreated: Whether the column, type or view is dropped and created again. So the column
            itself is in the way, with its indexes and constraints, and so are the domains,
            composite types and ranges that have the type.
    """

    function: str | None = None
    relation: str | None = None
    column: str | None = None
    type: str | None = None
    constraint: str | None = None
    has_keys: bool = False
    is_recreated: bool = False


_KINDS_THAT_READ = ("constraint", "foreign key", "generated column", "index")
_OF_DOMAIN = "domain "


@dataclass(frozen=True)
class Part:
    """A part of a table, a view or a domain, or what can't be declared, that depends on others.

    Attributes:
        kind: ``default``, ``domain default``, ``generated column``, ``foreign key``, another
            ``constraint``, ``index``, ``rule``, ``statistics``, ``cast``, ``operator``,
            ``operator class``, ``member of an operator family`` or ``aggregate``.
        identity: The part in words: ``constraint rated on shop.orders``.
        drop: The statement that drops it, if it exists.
        create: The statements that create it again as it is, with what was set for it.
        whole: What it is a part of, if anything: ``shop.orders``, ``table shop.orders`` or
            ``domain shop.price``.
    """

    kind: str
    identity: str
    drop: str
    create: tuple[str, ...]
    whole: str | None = None

    @property
    def table_read(self) -> str | None:
        """The table whose rows PostgreSQL reads to create it, as SQL names it, or None."""
        whole = self.whole or _OF_DOMAIN
        is_of_table = self.kind in _KINDS_THAT_READ and not whole.startswith(_OF_DOMAIN)
        return whole.removeprefix("table ") if is_of_table else None

    @property
    def domain_read(self) -> str | None:
        """The domain whose values PostgreSQL reads to create it, as SQL names it, or None."""
        whole = self.whole or ""
        is_of_domain = self.kind == "constraint" and whole.startswith(_OF_DOMAIN)
        return whole.removeprefix(_OF_DOMAIN) if is_of_domain else None

    @property
    def settings(self) -> tuple[str, ...]:
        """The statements that set up what was created."""
        return self.create[1:]


@dataclass(frozen=True)
class Dependants:
    """What depends on some targets.

    Attributes:
        entities: The keys of entities.
        parts: The parts of tables, views and domains, in an order in which they can be dropped.
    """

    entities: frozenset[Key]
    parts: Sequence[Part]


def read_dependants(connection: Connection, targets: Iterable[Target]) -> Dependants:
    """Return what has to be dropped before some targets are changed, directly or not.

    Args:
        connection: A connection within a transaction.
        targets: The functions and views to drop, and the columns that change.
    """
    asked = [*targets]
    if not asked:
        return Dependants(frozenset(), ())
    names = {name: [getattr(each, name) for each in asked] for name in Target._fields}
    with empty_search_path(connection):
        found = connection.execute(text(_QUERY), names).mappings().all()
    return Dependants(
        frozenset((row["kind"], *row["name"]) for row in found if row["drop"] is None),
        [
            _part(row["kind"], row["name"], row["drop"], row["create"])
            for row in found
            if row["drop"] is not None
        ],
    )


def _part(kind: str, name: Sequence[str], drop: str, create: Iterable[str]) -> Part:
    whole = name[1] if len(name) > 1 else None
    return Part(kind, " on ".join(name), drop, tuple(create), whole)


# The rules of a view stand for the view, the expression of a generated column for the column, the
# members of an operator class for the class, and the default of a domain, which has no object of
# its own, for column -1 of its type.
_EDGES = """
    select
        d.refclassid, d.refobjid, d.refobjsubid,
        case
            when r.oid is not null or g.oid is not null then 'pg_catalog.pg_class'::regclass::oid
            else coalesce(k.refclassid, d.classid)
        end as classid,
        coalesce(r.ev_class, g.adrelid, k.refobjid, d.objid) as objid,
        case
            when t.oid is not null then -1
            else coalesce(g.adnum, d.objsubid)
        end::integer as objsubid
    from pg_catalog.pg_depend as d
    left join (
        select w.oid, w.ev_class
        from pg_catalog.pg_rewrite as w
        join pg_catalog.pg_class as v on v.oid = w.ev_class and v.relkind in ('v', 'm')
    ) as r on d.classid = 'pg_catalog.pg_rewrite'::regclass and r.oid = d.objid
    left join (
        select f.oid, f.adrelid, f.adnum
        from pg_catalog.pg_attrdef as f
        join pg_catalog.pg_attribute as a on a.attrelid = f.adrelid and a.attnum = f.adnum
        where a.attgenerated <> ''
    ) as g on d.classid = 'pg_catalog.pg_attrdef'::regclass and g.oid = d.objid
    left join pg_catalog.pg_type as t
        on d.classid = 'pg_catalog.pg_type'::regclass
        and t.oid = d.objid
        and t.typtype = 'd'
        and t.typdefaultbin is not null
        and (d.refclassid, d.refobjid) <> ('pg_catalog.pg_type'::regclass, t.typbasetype)
        and d.refclassid not in (
            'pg_catalog.pg_collation'::regclass, 'pg_catalog.pg_namespace'::regclass
        )
    left join pg_catalog.pg_depend as k
        on d.classid in ('pg_catalog.pg_amop'::regclass, 'pg_catalog.pg_amproc'::regclass)
        and (k.classid, k.objid) = (d.classid, d.objid)
        and k.refclassid = 'pg_catalog.pg_opclass'::regclass
        and k.deptype = 'i'
    where d.deptype in ('n', 'a', 'i')
"""

# Before 16 to_regprocedure() raises an error where a type does not exist.
_ROUTINES = """
    select p.oid, p.oid::regprocedure::text as name
    from pg_catalog.pg_proc as p
    where p.pronamespace <> 'pg_catalog'::regnamespace
        and current_setting('server_version_num')::integer < 160000
"""

_SEEDS = """
    select
        not t.is_recreated
            and (
                t.column is not null
                or t.constraint is null and coalesce(c.relkind in ('r', 'p'), false)
            ) as is_altered,
        t.has_keys,
        t.is_recreated,
        case
            when t.function is not null then 'pg_catalog.pg_proc'::regclass
            when t.type is not null then 'pg_catalog.pg_type'::regclass
            when t.constraint is not null then 'pg_catalog.pg_constraint'::regclass
            else 'pg_catalog.pg_class'::regclass
        end::oid as classid,
        coalesce(
            case when current_setting('server_version_num')::integer >= 160000 then
                to_regprocedure(t.function)::oid
            end,
            p.oid,
            to_regtype(t.type)::oid,
            o.oid,
            c.oid
        ) as objid,
        coalesce(a.attnum, 0)::integer as objsubid
    from unnest(
        cast(:function as text[]), cast(:relation as text[]), cast(:column as text[]),
        cast(:type as text[]), cast(:constraint as text[]), cast(:has_keys as boolean[]),
        cast(:is_recreated as boolean[])
    ) as t (function, relation, "column", type, "constraint", has_keys, is_recreated)
    left join routines as p on p.name = replace(t.function, ', ', ',')
    -- A column changes in partitions as well, which have policies, triggers and views of their own.
    left join lateral (
        with recursive tables (oid) as (
            select to_regclass(t.relation)::oid
            union
            select i.inhrelid
            from tables
            join pg_catalog.pg_inherits as i on i.inhparent = tables.oid
            where t.column is not null
        )
        select oid from tables
    ) as tables on true
    left join pg_catalog.pg_class as c on c.oid = tables.oid
    left join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attname = t.column
    left join pg_catalog.pg_constraint as o on o.conrelid = c.oid and o.conname = t.constraint
"""

# PostgreSQL itself makes the indexes, constraints and statistics of a column again whose type
# changes, and its default is the column's own.
_ALTERED = """
    e.classid = 'pg_catalog.pg_class'::regclass and (
        e.objsubid <> 0 and (e.objid <> f.objid or f.objsubid <> 0)
        or exists (
            select from pg_catalog.pg_class as v where v.oid = e.objid and v.relkind in ('v', 'm')
        )
    )
    or e.classid in (
        'pg_catalog.pg_policy'::regclass,
        'pg_catalog.pg_proc'::regclass,
        'pg_catalog.pg_rewrite'::regclass,
        'pg_catalog.pg_trigger'::regclass
    )
    or f.has_keys and exists (
        select from pg_catalog.pg_constraint as k
        where e.classid = 'pg_catalog.pg_constraint'::regclass
            and k.oid = e.objid
            and k.contype = 'f'
    )
"""

# Where a type or a view is created again, a composite type that has it goes as a whole.
_FOUND = f"""
    select
        s.is_altered,
        s.has_keys,
        s.is_recreated and s.objsubid = 0 as recreates_types,
        s.classid,
        s.objid,
        s.objsubid,
        true as is_seed
    from seeds as s
    union
    select
        false,
        false,
        f.recreates_types,
        case when c.oid is null then e.classid else 'pg_catalog.pg_type'::regclass end,
        coalesce(c.reltype, e.objid),
        case when c.oid is null then e.objsubid else 0 end,
        false
    from found as f
    join edges as e
        on e.refclassid = f.classid
        and e.refobjid = f.objid
        and (f.objsubid = 0 or e.refobjsubid = f.objsubid)
    left join pg_catalog.pg_class as c
        on f.recreates_types
        and e.classid = 'pg_catalog.pg_class'::regclass
        and c.oid = e.objid
        and c.relkind = 'c'
    where not f.is_altered or {_ALTERED}
"""


_OF_COLUMN = "col_description(c.oid, a.attnum)"
_OF_CONSTRAINT = "obj_description(o.oid, 'pg_constraint')"
_OF_INDEX = "obj_description(x.indexrelid, 'pg_class')"
_OF_RULE = "obj_description(r.oid, 'pg_rewrite')"

_DEFAULTS = """
    select
        'default' as kind,
        array[format('default of %I', a.attname), c.oid::regclass::text] as name,
        format(
            'alter table if exists %s alter column %I drop default', c.oid::regclass, a.attname
        ) as drop,
        array[format(
            'alter table %s alter column %I set default %s',
            c.oid::regclass, a.attname, pg_get_expr(d.adbin, d.adrelid)
        )] as create
    from members as m
    join pg_catalog.pg_attrdef as d
        on m.classid = 'pg_catalog.pg_attrdef'::regclass and d.oid = m.objid
    join pg_catalog.pg_class as c on c.oid = d.adrelid and not c.relispartition
    join pg_catalog.pg_attribute as a on a.attrelid = d.adrelid and a.attnum = d.adnum
"""

# The checks and the default of a domain go and come with it.
_GOES_WITH_DOMAIN = """exists (
            select from found as f
            where f.classid = 'pg_catalog.pg_type'::regclass
                and f.objid = {}
                and f.objsubid = 0
                and (f.is_seed or f.recreates_types)
        )"""

_DOMAIN_DEFAULTS = f"""
    select
        'domain default',
        array['default', 'domain ' || d.name],
        format('alter domain %s drop default', d.name),
        array[format(
            'alter domain %s set default %s', d.name, pg_get_expr(t.typdefaultbin, 0)
        )]
    from members as m
    join pg_catalog.pg_type as t
        on m.classid = 'pg_catalog.pg_type'::regclass and m.objsubid = -1 and t.oid = m.objid
    cross join lateral (select t.oid::regtype::text as name) as d
    where not {_GOES_WITH_DOMAIN.format("t.oid")}
"""

_GENERATED = f"""
    select
        'generated column',
        array[format('column %I', a.attname), c.oid::regclass::text],
        format('alter table %s drop column if exists %I', c.oid::regclass, a.attname),
        array[
            format(
                'alter table %s add column %I %s%s generated always as (%s) %s%s',
                c.oid::regclass, a.attname, format_type(a.atttypid, a.atttypmod),
                ' collate ' || nullif(a.attcollation, t.typcollation)::regcollation::text,
                pg_get_expr(d.adbin, d.adrelid),
                case a.attgenerated when 'v' then 'virtual' else 'stored' end,
                case when a.attnotnull then ' not null' end
            ),
            {comment_on("column %s.%I", "c.oid::regclass, a.attname", _OF_COLUMN)},
            case when nullif(to_jsonb(a) ->> 'attstattarget', '-1') is not null then format(
                'alter table %s alter column %I set statistics %s',
                c.oid::regclass, a.attname, to_jsonb(a) ->> 'attstattarget'
            ) end,
            case when a.attstorage <> t.typstorage then format(
                'alter table %s alter column %I set storage %s',
                c.oid::regclass, a.attname,
                case a.attstorage
                    when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main'
                    else 'extended'
                end
            ) end
        ] || array(
            select format(
                'grant %s (%I) on table %s to %s%s',
                lower(e.privilege_type), a.attname, c.oid::regclass,
                {grantee("e")},
                {grant_option("e")}
            )
            from aclexplode(a.attacl) as e
            where e.grantee <> c.relowner
            order by 1
        )
    from members as m
    join pg_catalog.pg_class as c
        on m.classid = 'pg_catalog.pg_class'::regclass and c.oid = m.objid and not c.relispartition
    join pg_catalog.pg_attribute as a
        on a.attrelid = c.oid and a.attnum = m.objsubid and a.attgenerated <> ''
        and (a.attinhcount = 0 or a.attislocal)  -- else it goes and comes with its parent's
    join pg_catalog.pg_attrdef as d on d.adrelid = c.oid and d.adnum = a.attnum
    join pg_catalog.pg_type as t on t.oid = a.atttypid
"""

_CONSTRAINTS = f"""
    select
        case o.contype when 'f' then 'foreign key' else 'constraint' end,
        array[format('constraint %I', o.conname), s.name],
        format('alter %s drop constraint if exists %I', s.name, o.conname),
        array[
            format(
                'alter %s add constraint %I %s', s.name, o.conname, pg_get_constraintdef(o.oid)
            ),
            {comment_on("constraint %I on %s", "o.conname, s.commented", _OF_CONSTRAINT)},
            case when x.indisclustered then format('alter %s cluster on %I', s.name, o.conname) end,
            case when x.indisreplident then
                format('alter %s replica identity using index %I', s.name, o.conname)
            end,
            {comment_on("index %s", "x.indexrelid::regclass", _OF_INDEX)},
            (
                select format(
                    'alter index %s set (%s)', i.oid::regclass, array_to_string(i.reloptions, ', ')
                )
                from pg_catalog.pg_class as i
                where i.oid = x.indexrelid and i.reloptions is not null
            )
        ]
    from (
        select m.objid
        from members as m
        where m.classid = 'pg_catalog.pg_constraint'::regclass
        union
        -- The expressions of an exclusion constraint are those of its index.
        select i.oid
        from members as m
        join pg_catalog.pg_constraint as i on i.contype = 'x' and i.conindid = m.objid
        where m.classid = 'pg_catalog.pg_class'::regclass
    ) as m
    join pg_catalog.pg_constraint as o on o.oid = m.objid
    left join pg_catalog.pg_index as x
        on x.indexrelid = o.conindid and o.contype in ('p', 'u', 'x')
    cross join lateral (
        select
            'table ' || nullif(o.conrelid, 0)::regclass as name,
            nullif(o.conrelid, 0)::regclass::text as commented
        where o.conrelid <> 0
        union all
        select 'domain ' || o.contypid::regtype, 'domain ' || o.contypid::regtype
        where o.contypid <> 0
    ) as s
    where o.contype <> 'n' and o.conparentid = 0 and o.coninhcount = 0
        and not {_GOES_WITH_DOMAIN.format("o.contypid")}
"""

_INDEXES = f"""
    select
        'index',
        array[format('index %I', c.relname), x.indrelid::regclass::text],
        format('drop index if exists %s', c.oid::regclass),
        array[
            -- That of a partitioned table comes with those of the partitions.
            replace(
                pg_get_indexdef(c.oid),
                format(' INDEX %I ON ONLY ', c.relname),
                format(' INDEX %I ON ', c.relname)
            ),
            {comment_on("index %s", "x.indexrelid::regclass", _OF_INDEX)},
            case when x.indisclustered then
                format('alter table %s cluster on %I', x.indrelid::regclass, c.relname)
            end,
            case when x.indisreplident then format(
                'alter table %s replica identity using index %I', x.indrelid::regclass, c.relname
            ) end
        ] || array(
            select format(
                'alter index %s alter column %s set statistics %s',
                c.oid::regclass, a.attnum, to_jsonb(a) ->> 'attstattarget'
            )
            from pg_catalog.pg_attribute as a
            where a.attrelid = c.oid and nullif(to_jsonb(a) ->> 'attstattarget', '-1') is not null
            order by a.attnum
        )
    from members as m
    join pg_catalog.pg_class as c
        on m.classid = 'pg_catalog.pg_class'::regclass and c.oid = m.objid and m.objsubid = 0
    join pg_catalog.pg_index as x on x.indexrelid = c.oid
    join pg_catalog.pg_class as r on r.oid = x.indrelid and r.relkind not in ('m', 't')
    where not c.relispartition
        and not exists (
            select from pg_catalog.pg_constraint as o
            where o.conindid = c.oid and o.contype in ('p', 'u', 'x')
        )
"""

_STATISTICS = f"""
    select
        'statistics',
        array['statistics ' || e.name, s.stxrelid::regclass::text],
        format('drop statistics if exists %s', e.name),
        array[
            pg_get_statisticsobjdef(s.oid),
            case when nullif(to_jsonb(s) ->> 'stxstattarget', '-1') is not null then format(
                'alter statistics %s set statistics %s', e.name, to_jsonb(s) ->> 'stxstattarget'
            ) end,
            {comment_on("statistics %s", "e.name", "obj_description(s.oid, 'pg_statistic_ext')")}
        ]
    from members as m
    join pg_catalog.pg_statistic_ext as s
        on m.classid = 'pg_catalog.pg_statistic_ext'::regclass and s.oid = m.objid
    cross join lateral (
        select format('%s.%I', s.stxnamespace::regnamespace, s.stxname) as name
    ) as e
"""

_RULES = f"""
    select
        'rule',
        array['rule ' || e.name, e.relation],
        format('drop rule if exists %s on %s', e.name, e.relation),
        array[
            pg_get_ruledef(r.oid),
            case when r.ev_enabled <> 'O' then format(
                'alter table %s %s rule %s',
                e.relation,
                {firing("r.ev_enabled")},
                e.name
            ) end,
            {comment_on("rule %s on %s", "e.name, e.relation", _OF_RULE)}
        ]
    from members as m
    join pg_catalog.pg_rewrite as r
        on m.classid = 'pg_catalog.pg_rewrite'::regclass and r.oid = m.objid
    cross join lateral (
        select quote_ident(r.rulename) as name, r.ev_class::regclass::text as relation
    ) as e
"""

_ENTITIES = f"""
    select
        case c.relkind when 'm' then 'materialized view' else 'view' end,
        array[n.nspname, c.relname]::text[],
        null,
        null::text[]
    from members as m
    join pg_catalog.pg_class as c
        on m.classid = 'pg_catalog.pg_class'::regclass and c.oid = m.objid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('v', 'm') and m.objsubid = 0
    union all
    select 'policy', array[n.nspname, c.relname, p.polname]::text[], null, null
    from members as m
    join pg_catalog.pg_policy as p
        on m.classid = 'pg_catalog.pg_policy'::regclass and p.oid = m.objid
    join pg_catalog.pg_class as c on c.oid = p.polrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    union all
    select 'trigger', array[n.nspname, c.relname, t.tgname]::text[], null, null
    from members as m
    join pg_catalog.pg_trigger as t
        on m.classid = 'pg_catalog.pg_trigger'::regclass and t.oid = m.objid
    join pg_catalog.pg_class as c on c.oid = t.tgrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where not t.tgisinternal and t.tgparentid = 0
    union all
    select
        case p.prokind when 'p' then 'procedure' else 'function' end,
        array[n.nspname, {SIGNATURE}]::text[],
        null,
        null
    from members as m
    join pg_catalog.pg_proc as p on m.classid = 'pg_catalog.pg_proc'::regclass and p.oid = m.objid
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    where p.prokind in ('f', 'p') and {NOT_A_CONSTRUCTOR}
    union all
    select
        {kind_of_type("t")},
        array[n.nspname, t.typname]::text[],
        null,
        null
    from members as m
    join pg_catalog.pg_type as t on m.classid = 'pg_catalog.pg_type'::regclass and t.oid = m.objid
    join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
    left join pg_catalog.pg_class as c on c.oid = t.typrelid
    where m.recreates_types and m.objsubid = 0
        and (t.typtype in ('d', 'r') or c.relkind = 'c')
"""

_QUERY = f"""
    with recursive
    edges as materialized ({_EDGES}),
    routines as materialized ({_ROUTINES}),
    seeds as ({_SEEDS}),
    found as ({_FOUND}),
    members as (
        select f.classid, f.objid, f.objsubid, bool_or(f.recreates_types) as recreates_types
        from found as f
        where not f.is_seed
            and (f.classid, f.objid, f.objsubid) not in (
                select s.classid, s.objid, s.objsubid
                from seeds as s
                where not s.is_recreated or s.objsubid = 0
            )
        group by f.classid, f.objid, f.objsubid
    )
    select p.kind, p.name, p.drop, array_remove(p.create, null) as create
    from (
        {_DEFAULTS}
        union all
        {_DOMAIN_DEFAULTS}
        union all
        {_GENERATED}
        union all
        {_CONSTRAINTS}
        union all
        {_INDEXES}
        union all
        {_STATISTICS}
        union all
        {_RULES}
        union all
        {CASTS}
        union all
        {OPERATORS}
        union all
        {OPERATOR_CLASSES}
        union all
        {MEMBERS_OF_FAMILIES}
        union all
        {AGGREGATES}
        union all
        {_ENTITIES}
    ) as p (kind, name, drop, "create")
    order by
        array_position(
            array[
                'rule', 'foreign key', 'constraint', 'statistics', 'index', 'generated column'
            ],
            p.kind
        ),
        p.name
"""
