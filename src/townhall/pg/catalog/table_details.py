"""What tables have beside their columns, constraints and indexes: options, privileges, rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from townhall.pg.catalog.fragments import (
    COLUMN_OPTIONS,
    column_entries,
    comment,
    entries,
    firing,
    kept_for_a_partition,
    name_of_grantee,
    not_of_an_extension,
    other_owner,
    rows,
)

Acl = Sequence[Mapping[str, Any]]
"""The entries of an access control list."""


@dataclass(frozen=True)
class NotNull:
    """A constraint that a column is not null.

    Attributes:
        name: Its name.
        is_inheritable: Whether tables that inherit from the table have it as well.
        is_validated: Whether the rows that were there before it were checked.
        comment: The comment on it.
    """

    name: str
    is_inheritable: bool
    is_validated: bool
    comment: str | None


@dataclass(frozen=True)
class ColumnDetails:
    """What a column has beside its definition.

    Attributes:
        is_inherited: Whether a parent table brings it, and the table itself does not.
        has_own_default: Whether it is inherited and has another default than in a parent table.
        has_own_not_null: Whether it is inherited, and the table itself says that it is not null;
            before PostgreSQL 18, whether it is in no parent table.
        is_not_null_inherited: Whether a parent table says that it is not null, and the table itself
            does not; known since PostgreSQL 18.
        not_null: The constraint that it is not null, where that is not as PostgreSQL makes it for
            ``not null``; known since PostgreSQL 18.
        statistics: The statistics target, where one is set.
        storage: How values are stored, where that is not how its type has them.
        compression: The compression, where one is set.
        options: The options: ``n_distinct=5``.
        constraints: The names of the table's constraints that contain it.
        indexes: The names of the other indexes that contain it.
    """

    is_inherited: bool
    has_own_default: bool
    has_own_not_null: bool
    is_not_null_inherited: bool
    not_null: NotNull | None
    statistics: int | None
    storage: str | None
    compression: str | None
    options: Sequence[str]
    constraints: Sequence[str]
    indexes: Sequence[str]


@dataclass(frozen=True)
class OwnedSequence:
    """A sequence that belongs to a column.

    Attributes:
        name: The name of the sequence as SQL has it, qualified.
        column: The name of the column.
        is_identity: Whether the column is an identity column.
        is_unlogged: Whether changes of its numbers are not written to the log.
        clauses: Its clauses: ``("as integer", "start with 1", …)``.
        comment: The comment on the sequence.
        entries: Its privileges, except the owner's.
        default_grantees: The roles to which default privileges give some on a new sequence.
    """

    name: str
    column: str
    is_identity: bool
    is_unlogged: bool
    clauses: Sequence[str]
    comment: str | None
    entries: Acl
    default_grantees: Sequence[str]


@dataclass(frozen=True)
class IndexDetails:
    """What an index has beside its definition, also one that belongs to a constraint.

    Attributes:
        options: The storage parameters; of an index without a constraint its definition has them.
        statistics: The statistics targets that are set, by the number of the column.
        is_valid: Whether queries use it; that of a partitioned table is, once each partition has
            one that is attached to it.
        attached: The indexes of partitions that are attached to it, in SQL.
        is_clustered: Whether the table was clustered by it.
        is_replica_identity: Whether it is the replica identity of the table.
        comment: The comment on the index.
    """

    options: Sequence[str]
    statistics: Mapping[str, int]
    is_valid: bool
    attached: Sequence[str]
    is_clustered: bool
    is_replica_identity: bool
    comment: str | None


@dataclass(frozen=True)
class TableDetails:
    """What a table has beside its columns, constraints and indexes.

    Attributes:
        schema: The schema of the table.
        name: The name of the table.
        owner: The owner, where that is not the current role.
        parents: The tables that it inherits from, or the one that it is a partition of, in SQL.
        bound: Which rows a partition holds: ``FOR VALUES FROM (1) TO (2)``.
        partition_key: What the table is partitioned by: ``RANGE (id)``.
        of_type: The composite type that the table is of, in SQL.
        options: The storage parameters.
        is_forced: Whether row level security holds for the owner as well.
        replica_identity: ``default``, ``full``, ``nothing`` or ``index``.
        entries: The privileges on the table, except the owner's.
        column_entries: Those on its columns.
        default_grantees: The roles to which default privileges give some on a new table.
        columns: Its columns, by name.
        sequences: The sequences that belong to its columns.
        constraints: The indexes of its constraints, by the constraint's name.
        indexes: Its other indexes, by name.
        inherited: The names of the constraints that another table brings.
        rules: The statements that create its rules.
        statistics: The statements that create its extended statistics.
    """

    schema: str
    name: str
    owner: str | None
    parents: Sequence[str]
    bound: str | None
    partition_key: str | None
    of_type: str | None
    options: Sequence[str]
    is_forced: bool
    replica_identity: str
    entries: Acl
    column_entries: Acl
    default_grantees: Sequence[str]
    columns: Mapping[str, ColumnDetails]
    sequences: Sequence[OwnedSequence]
    constraints: Mapping[str, IndexDetails]
    indexes: Mapping[str, IndexDetails]
    inherited: Sequence[str]
    rules: Sequence[str]
    statistics: Sequence[str]


def read_table_details(connection: Connection, schemas: Sequence[str]) -> list[TableDetails]:
    """Return the details of the tables in some schemas; those of extensions are left out.

    Args:
        connection: A connection within a transaction, whose ``search_path`` is empty.
        schemas: Names of schemas.
    """
    return [
        TableDetails(
            **{
                **row,
                "columns": {name: _column(each) for name, each in row["columns"].items()},
                "sequences": [OwnedSequence(**each) for each in row["sequences"]],
                "constraints": {
                    name: IndexDetails(**each) for name, each in row["constraints"].items()
                },
                "indexes": {name: IndexDetails(**each) for name, each in row["indexes"].items()},
            }
        )
        for row in rows(connection, _QUERY, schemas)
    ]


def _column(values: Mapping[str, Any]) -> ColumnDetails:
    constraint = values["not_null"]
    return ColumnDetails(
        **{**values, "not_null": None if constraint is None else NotNull(**constraint)}
    )


def _default_grantees(kind: str) -> str:
    return f"""array(
        select distinct
            {name_of_grantee("a")}
        from pg_catalog.pg_default_acl as d, pg_catalog.aclexplode(d.defaclacl) as a
        where d.defaclrole = current_user::regrole
            and d.defaclobjtype = '{kind}'
            and d.defaclnamespace in (0, n.oid)
            and a.grantee <> d.defaclrole
        order by 1
    )"""


_IS_NOT_NULL_OF_COLUMN = "o.conrelid = c.oid and o.contype = 'n' and o.conkey = array[a.attnum]"
_IS_INHERITED = "not a.attislocal and not c.relispartition"
_OF_PARENTS = """pg_catalog.pg_inherits as h
            join pg_catalog.pg_attribute as p on p.attrelid = h.inhparent"""
_IS_SAME_COLUMN = "h.inhrelid = c.oid and p.attname = a.attname and not p.attisdropped"

_COLUMNS = f"""
    select jsonb_object_agg(a.attname, jsonb_build_object(
        'is_inherited', {_IS_INHERITED},
        'has_own_default', {_IS_INHERITED} and a.attgenerated = '' and exists (
            select
            from {_OF_PARENTS}
            left join pg_catalog.pg_attrdef as pd on pd.adrelid = p.attrelid and pd.adnum = p.attnum
            where {_IS_SAME_COLUMN}
                and pg_catalog.pg_get_expr(pd.adbin, pd.adrelid) is distinct from (
                    select pg_catalog.pg_get_expr(d.adbin, d.adrelid)
                    from pg_catalog.pg_attrdef as d
                    where d.adrelid = c.oid and d.adnum = a.attnum
                )
        ),
        'has_own_not_null', {_IS_INHERITED} and a.attnotnull and (
            not exists (select from {_OF_PARENTS} where {_IS_SAME_COLUMN} and p.attnotnull)
            or exists (
                select
                from pg_catalog.pg_constraint as o
                where {_IS_NOT_NULL_OF_COLUMN}
                    and o.conislocal
            )
        ),
        'is_not_null_inherited', not c.relispartition and exists (
            select
            from pg_catalog.pg_constraint as o
            where {_IS_NOT_NULL_OF_COLUMN}
                and not o.conislocal
        ),
        'not_null', (
            select pg_catalog.jsonb_build_object(
                'name', o.conname,
                'is_inheritable', not o.connoinherit,
                'is_validated', o.convalidated,
                'comment', {comment("pg_constraint", "o")}
            )
            from pg_catalog.pg_constraint as o
            where {_IS_NOT_NULL_OF_COLUMN}
                and (
                    o.conname <> c.relname || '_' || a.attname || '_not_null'
                    or o.connoinherit
                    or not o.convalidated
                    or {comment("pg_constraint", "o")} is not null
                )
        ),
        'statistics', nullif(a.attstattarget, -1),
        'storage', case when a.attstorage <> t.typstorage then
            case a.attstorage
                when 'p' then 'plain' when 'e' then 'external'
                when 'm' then 'main' else 'extended'
            end
        end,
        'compression', case a.attcompression when 'p' then 'pglz' when 'l' then 'lz4' end,
        'options', {COLUMN_OPTIONS},
        'constraints', array(
            select o.conname
            from pg_catalog.pg_depend as d
            join pg_catalog.pg_constraint as o on o.oid = d.objid
            where d.classid = 'pg_catalog.pg_constraint'::regclass
                and d.refclassid = 'pg_catalog.pg_class'::regclass
                and d.refobjid = c.oid and d.refobjsubid = a.attnum
                and o.conrelid = c.oid and o.contype in ('c', 'f', 'p', 'u', 'x')
                and not {kept_for_a_partition("o")}
            group by o.conname
            order by o.conname
        ),
        'indexes', array(
            select i.relname
            from pg_catalog.pg_depend as d
            join pg_catalog.pg_class as i on i.oid = d.objid and i.relkind in ('i', 'I')
            where d.classid = 'pg_catalog.pg_class'::regclass
                and d.refclassid = 'pg_catalog.pg_class'::regclass
                and d.refobjid = c.oid and d.refobjsubid = a.attnum
            group by i.relname
            order by i.relname
        )
    ))
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_type as t on t.oid = a.atttypid
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
"""

_SEQUENCES = f"""
    select jsonb_agg(jsonb_build_object(
        'name', s.seqrelid::regclass::text,
        'column', a.attname,
        'is_identity', a.attidentity <> '',
        'is_unlogged', q.relpersistence = 'u',
        'clauses', jsonb_build_array(
            'as ' || pg_catalog.format_type(s.seqtypid, null),
            'start with ' || s.seqstart,
            'increment by ' || s.seqincrement,
            'minvalue ' || s.seqmin,
            'maxvalue ' || s.seqmax,
            'cache ' || s.seqcache,
            case when s.seqcycle then 'cycle' else 'no cycle' end
        ),
        'comment', {comment("pg_class", "q")},
        'entries', coalesce({entries("q.relacl", "q.relowner", "s")}, '[]'),
        'default_grantees', to_jsonb({_default_grantees("S")})
    ) order by a.attnum)
    from pg_catalog.pg_depend as d
    join pg_catalog.pg_sequence as s on s.seqrelid = d.objid
    join pg_catalog.pg_class as q on q.oid = s.seqrelid
    join pg_catalog.pg_attribute as a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    where d.classid = 'pg_catalog.pg_class'::regclass
        and d.refclassid = 'pg_catalog.pg_class'::regclass
        and d.refobjid = c.oid
        and d.deptype in ('a', 'i')
"""


def _indexes(name: str, condition: str) -> str:
    return f"""
    select jsonb_object_agg({name}, jsonb_build_object(
        'options', to_jsonb(coalesce(i.reloptions, '{{}}')),
        'statistics', coalesce((
            select jsonb_object_agg(e.attnum, e.attstattarget)
            from pg_catalog.pg_attribute as e
            where e.attrelid = i.oid and e.attstattarget >= 0
        ), '{{}}'),
        'is_valid', x.indisvalid,
        'attached', array(
            select h.inhrelid::regclass::text
            from pg_catalog.pg_inherits as h
            where h.inhparent = i.oid
            order by 1
        ),
        'is_clustered', x.indisclustered,
        'is_replica_identity', x.indisreplident,
        'comment', {comment("pg_class", "i")}
    ))
    from pg_catalog.pg_index as x
    join pg_catalog.pg_class as i on i.oid = x.indexrelid
    left join pg_catalog.pg_constraint as o
        on o.conindid = i.oid and o.conrelid = c.oid and o.contype in ('p', 'u', 'x')
    where x.indrelid = c.oid and {condition}
"""


_QUERY = f"""
    select
        n.nspname as schema,
        c.relname as name,
        {other_owner("c.relowner")} as owner,
        array(
            select h.inhparent::regclass::text
            from pg_catalog.pg_inherits as h
            where h.inhrelid = c.oid
            order by h.inhseqno
        ) as parents,
        pg_catalog.pg_get_expr(c.relpartbound, c.oid) as bound,
        case when c.relkind = 'p' then pg_catalog.pg_get_partkeydef(c.oid) end as partition_key,
        nullif(c.reloftype, 0)::regtype::text as of_type,
        array(
            select option from unnest(c.reloptions) as option
            union all
            select 'toast.' || option
            from pg_catalog.pg_class as t, unnest(t.reloptions) as option
            where t.oid = c.reltoastrelid
        ) as options,
        c.relforcerowsecurity as is_forced,
        case c.relreplident
            when 'd' then 'default' when 'f' then 'full' when 'n' then 'nothing' else 'index'
        end as replica_identity,
        coalesce({entries("c.relacl", "c.relowner", "r")}, '[]') as entries,
        coalesce({column_entries("c")}, '[]') as column_entries,
        {_default_grantees("r")} as default_grantees,
        coalesce(({_COLUMNS}), '{{}}') as columns,
        coalesce(({_SEQUENCES}), '[]') as sequences,
        coalesce(({_indexes("o.conname", "o.oid is not null")}), '{{}}') as constraints,
        coalesce(({_indexes("i.relname", "o.oid is null")}), '{{}}') as indexes,
        array(
            select o.conname::text
            from pg_catalog.pg_constraint as o
            where o.conrelid = c.oid
                and (not o.conislocal or o.conparentid <> 0 and o.contype = 'f')
        ) as inherited,
        array(
            select statement
            from pg_catalog.pg_rewrite as r
            cross join lateral (
                values
                    (pg_catalog.pg_get_ruledef(r.oid)),
                    (
                        case when r.ev_enabled <> 'O' then pg_catalog.format(
                            'alter table %%s %%s rule %%I',
                            c.oid::regclass,
                            {firing("r.ev_enabled")},
                            r.rulename
                        ) end
                    ),
                    (
                        'comment on rule ' || pg_catalog.quote_ident(r.rulename)
                            || ' on ' || c.oid::regclass || ' is '
                            || pg_catalog.quote_literal({comment("pg_rewrite", "r")})
                    )
            ) as p (statement)
            where r.ev_class = c.oid and statement is not null
            order by r.rulename
        ) as rules,
        array(
            select statement
            from pg_catalog.pg_statistic_ext as s
            cross join lateral (
                select s.stxnamespace::regnamespace || '.' || pg_catalog.quote_ident(s.stxname)
            ) as q (name)
            cross join lateral (
                values
                    (pg_catalog.pg_get_statisticsobjdef(s.oid)),
                    (
                        'alter statistics ' || q.name || ' set statistics '
                            || nullif(to_jsonb(s) ->> 'stxstattarget', '-1')
                    ),
                    (
                        'comment on statistics ' || q.name || ' is '
                            || pg_catalog.quote_literal({comment("pg_statistic_ext", "s")})
                    ),
                    (
                        'alter statistics ' || q.name || ' owner to '
                            || case when s.stxowner <> current_user::regrole then
                                s.stxowner::regrole::text
                            end
                    )
            ) as p (statement)
            where s.stxrelid = c.oid and statement is not null
            order by s.stxname
        ) as statistics
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p')
        and n.nspname = any (%(schemas)s)
        and {not_of_an_extension("pg_class", "c")}
"""
