"""Tables with their columns, constraints and indexes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, RowMapping

from townhall.pg.catalog.fragments import (
    comment,
    kept_for_a_partition,
    not_of_an_extension,
    other_owner,
    rows,
)
from townhall.pg.catalog.ties import TIES, Tie

TableName = tuple[str, str]
"""Schema and name of a table."""

TEMPORARY = "pg_temp"
"""The schema of the session's temporary tables, as SQL names it."""

Kind = Literal["table", "partitioned table", "foreign table"]
ConstraintKind = Literal["check", "exclude", "foreign key", "primary key", "unique"]


_NAME = r'(?:"(?:[^"]|"")*"|[^\s".]+)'
_START_OF_INDEX = re.compile(
    rf"CREATE (?:UNIQUE )?INDEX {_NAME} ON (?:ONLY )?{_NAME}(?:\.{_NAME})?(?= USING )"
)


class Column(NamedTuple):
    """A column.

    Attributes:
        name: The name of the column.
        type: The type with its modifiers: ``numeric(5,2)``.
        collation: The collation, where it is not that of the type.
        is_nullable: Whether NULL is accepted.
        default: The expression of the default.
        computed: The expression of a generated column.
        storage: How a generated column is kept: ``stored``, or ``virtual`` where its values are
            computed when they are read.
        identity: The clauses of an identity column: ``("generated always", "start with 1", …)``;
            empty for another column.
        sequence: The sequence of a serial column, as SQL names it: one that the column owns and
            its default takes numbers from.
        sequence_options: The type and the numbers of that sequence: ``("as integer", "start with
            1", …)``; empty for another column.
        comment: The comment on the column.
    """

    name: str
    type: str
    collation: str | None
    is_nullable: bool
    default: str | None
    computed: str | None
    storage: Literal["stored", "virtual"] | None
    identity: tuple[str, ...]
    sequence: str | None
    sequence_options: tuple[str, ...]
    comment: str | None

    @property
    def generated(self) -> str | None:
        """The expression of a generated column and how it is kept: ``(a + b) stored``."""
        return None if self.computed is None else f"({self.computed}) {self.storage}"


class Constraint(NamedTuple):
    """A constraint of a table.

    Attributes:
        name: The name of the constraint.
        kind: The kind of constraint.
        definition: The constraint as ``alter table … add constraint`` takes it after the name.
        referenced: The table that a foreign key references, as SQL names it.
        is_validated: Whether the rows that were there before it were checked.
        is_enforced: Whether all its triggers fire; only a foreign key has some.
        comment: The comment on the constraint.
        is_inherited: Whether a parent table brings it, and the table itself does not.
    """

    name: str
    kind: ConstraintKind
    definition: str
    referenced: str | None
    is_validated: bool
    is_enforced: bool
    comment: str | None
    is_inherited: bool = False


class Index(NamedTuple):
    """An index that belongs to no constraint.

    Attributes:
        name: The name of the index.
        definition: The statement that creates it.
        is_unique: Whether it is unique.
        is_valid: Whether queries use it; a concurrent build that failed leaves one they don't.
        comment: The comment on the index.
    """

    name: str
    definition: str
    is_unique: bool
    is_valid: bool
    comment: str | None

    @property
    def method_and_columns(self) -> str:
        """The part of the definition after the table: `` USING btree (name)``."""
        return _START_OF_INDEX.sub("", self.definition, count=1)


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        schema: The schema of the table.
        name: The name of the table.
        kind: The kind of table.
        persistence: ``logged``, ``unlogged`` or ``temporary``.
        row_security: Whether row level security is enabled.
        comment: The comment on the table.
        owner: The owner, where that is not the current role.
        columns: The columns, by name and in their order.
        constraints: The constraints, by name.
        indexes: The indexes that belong to no constraint, by name.
        ties: What ties the table to another one or to a type.
    """

    schema: str
    name: str
    kind: Kind
    persistence: Literal["logged", "unlogged", "temporary"]
    row_security: bool
    comment: str | None
    owner: str | None
    columns: Mapping[str, Column]
    constraints: Mapping[str, Constraint]
    indexes: Mapping[str, Index]
    ties: tuple[Tie, ...] = ()


def read_tables(connection: Connection, schemas: Sequence[str]) -> list[Table]:
    """Return the tables in some schemas; those of extensions are left out.

    Args:
        connection: A connection within a transaction, whose ``search_path`` is empty.
        schemas: Names of schemas; ``pg_temp`` is that of the session's temporary tables.
    """
    return [_table(row) for row in rows(connection, _QUERY, schemas)]


def _table(row: RowMapping) -> Table:
    columns, constraints, indexes, ties = row["parts"]
    return Table(
        schema=row["schema"],
        name=row["name"],
        kind=row["kind"],
        persistence=row["persistence"],
        row_security=row["row_security"],
        comment=row["comment"],
        owner=row["owner"],
        columns={name: _column(name, each) for name, each in (columns or {}).items()},
        constraints={name: Constraint(name, *each) for name, each in (constraints or {}).items()},
        indexes={name: Index(name, *each) for name, each in (indexes or {}).items()},
        ties=tuple([Tie(*each) for each in ties or ()]),
    )


def _column(name: str, values: Sequence[Any]) -> Column:
    *others, identity, numbers, text = values
    sequence, *options = numbers or (None,)
    return Column._make((name, *others, tuple(identity or ()), sequence, tuple(options), text))


_NUMBERS = """
                'start with ' || s.seqstart,
                'increment by ' || s.seqincrement,
                'minvalue ' || s.seqmin,
                'maxvalue ' || s.seqmax,
                'cache ' || s.seqcache,
                case when s.seqcycle then 'cycle' else 'no cycle' end
"""

# The values of a part are in the order of its fields, without their names, which take long to read.
_COLUMNS = f"""
    select json_object_agg(a.attname, json_build_array(
        pg_catalog.format_type(a.atttypid, a.atttypmod),
        -- Joined, all types of the database would be read once for each table.
        case when a.attcollation <> 0 then nullif(
            a.attcollation,
            (select t.typcollation from pg_catalog.pg_type as t where t.oid = a.atttypid)
        )::regcollation::text end,
        not a.attnotnull,
        case when a.attgenerated = '' then
            pg_catalog.pg_get_expr(d.adbin, d.adrelid)
        end,
        case when a.attgenerated <> '' then
            pg_catalog.pg_get_expr(d.adbin, d.adrelid)
        end,
        case a.attgenerated when 's' then 'stored' when 'v' then 'virtual' end,
        -- Since PostgreSQL 17 a partition has the identity of its table, and no sequence.
        case when a.attidentity <> '' then (
            select json_build_array(
                case a.attidentity
                    when 'a' then 'generated always' else 'generated by default'
                end,
                {_NUMBERS}
            )
            from pg_catalog.pg_depend as i
            join pg_catalog.pg_sequence as s on s.seqrelid = i.objid
            where i.refclassid = 'pg_catalog.pg_class'::regclass
                and i.refobjid = c.oid and i.refobjsubid = a.attnum and i.deptype = 'i'
                and i.classid = 'pg_catalog.pg_class'::regclass
        ) end,
        (
            select json_build_array(
                u.refobjid::regclass,
                'as ' || pg_catalog.format_type(s.seqtypid, null),
                {_NUMBERS}
            )
            from pg_catalog.pg_depend as u
            join pg_catalog.pg_depend as o on o.objid = u.refobjid and o.classid = u.refclassid
            join pg_catalog.pg_sequence as s on s.seqrelid = u.refobjid
            where u.classid = 'pg_catalog.pg_attrdef'::regclass and u.objid = d.oid
                and u.refclassid = 'pg_catalog.pg_class'::regclass
                and o.refclassid = 'pg_catalog.pg_class'::regclass
                and o.refobjid = c.oid and o.refobjsubid = a.attnum and o.deptype = 'a'
        ),
        (
            select m.description
            from pg_catalog.pg_description as m
            where m.classoid = 'pg_catalog.pg_class'::regclass
                and m.objoid = c.oid and m.objsubid = a.attnum
        )
    ) order by a.attnum)
    from pg_catalog.pg_attribute as a
    left join pg_catalog.pg_attrdef as d on d.adrelid = c.oid and d.adnum = a.attnum
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
"""

_CONSTRAINTS = f"""
    select json_object_agg(o.conname, json_build_array(
        case o.contype
            when 'c' then 'check' when 'x' then 'exclude' when 'f' then 'foreign key'
            when 'p' then 'primary key' when 'u' then 'unique'
        end,
        pg_catalog.pg_get_constraintdef(o.oid),
        nullif(o.confrelid, 0)::regclass::text,
        o.convalidated,
        o.contype <> 'f' or not exists (
            select
            from pg_catalog.pg_trigger as g
            where g.tgconstraint = o.oid and g.tgenabled in ('D', 'R')
        ),
        {comment("pg_constraint", "o")},
        not (o.conislocal or c.relispartition)
    ) order by o.conname)
    from pg_catalog.pg_constraint as o
    where o.conrelid = c.oid
        and o.contype in ('c', 'f', 'p', 'u', 'x')
        and not {kept_for_a_partition("o")}
"""

_INDEXES = f"""
    select json_object_agg(i.relname, json_build_array(
        pg_catalog.pg_get_indexdef(i.oid),
        x.indisunique,
        x.indisvalid,
        {comment("pg_class", "i")}
    ) order by i.relname)
    from pg_catalog.pg_index as x
    join pg_catalog.pg_class as i on i.oid = x.indexrelid
    where x.indrelid = c.oid
        and not exists (
            select
            from pg_catalog.pg_constraint as o
            where o.conindid = i.oid and o.conrelid = c.oid and o.contype in ('p', 'u', 'x')
        )
"""

_TIES = f"""
    select json_agg(json_build_array(t.text, t.release) order by t.text)
    from ({TIES.replace("%", "%%")}) as t
    where t.relation = c.oid
"""

_QUERY = f"""
    select
        n.name as schema,
        c.relname as name,
        case c.relkind
            when 'p' then 'partitioned table' when 'f' then 'foreign table' else 'table'
        end as kind,
        case c.relpersistence
            when 'u' then 'unlogged' when 't' then 'temporary' else 'logged'
        end as persistence,
        c.relrowsecurity as row_security,
        {comment("pg_class", "c")} as comment,
        {other_owner("c.relowner")} as owner,
        -- One document is read faster than four.
        json_build_array(({_COLUMNS}), ({_CONSTRAINTS}), ({_INDEXES}), ({_TIES})) as parts
    from pg_catalog.pg_class as c
    join (
        select
            n.oid,
            case n.oid when pg_catalog.pg_my_temp_schema() then '{TEMPORARY}' else n.nspname end
                as name
        from pg_catalog.pg_namespace as n
    ) as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'f')
        and n.name = any (%(schemas)s)
        and {not_of_an_extension("pg_class", "c")}
"""
