"""Keys that are replaced, and that foreign keys refer to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, text

from townhall.adopt.definitions import key_of
from townhall.adopt.differences import (
    Difference,
    OtherConstraint,
    OtherIndex,
    UndeclaredConstraint,
)
from townhall.adopt.findings import Finding, Weight, listed
from townhall.migrate.origins.unfinished import MARK
from townhall.pg import sql
from townhall.pg.catalog import Constraint, Index, Table, TableName

_MOST = 5


class Reference(NamedTuple):
    """A foreign key that refers to a key.

    Attributes:
        child: The table of the foreign key, as SQL names it.
        name: Its name, as SQL names it.
        definition: What follows the name.
        columns: The columns that it refers to, as SQL names them.
        can_be_added: Whether the role may alter its table, and PostgreSQL can add it without
            reading the rows.
    """

    child: str
    name: str
    definition: str
    columns: frozenset[str]
    can_be_added: bool


def references_to(connection: Connection, table: TableName, key: str) -> list[Reference]:
    """Return the foreign keys that refer to a key or a unique index.

    Args:
        connection: A connection to the database.
        table: Schema and name of the table.
        key: The name of the key or the index.
    """
    values = {"schema": table[0], "table": table[1], "name": key}
    return [
        Reference(row.child, row.name, row.definition, frozenset(row.columns), row.can_be_added)
        for row in connection.execute(text(_REFERENCES), values)
    ]


def tables_with_mark(connection: Connection) -> set[TableName]:
    """Return the tables whose keys an interrupted adoption has replaced.

    Foreign keys that refer to them were not validated again yet.

    Args:
        connection: A connection to the database.
    """
    return {(row.schema, row.name) for row in connection.execute(text(_MARKED), {"mark": MARK})}


def replaced_key(difference: Difference) -> tuple[Constraint | Index, Constraint | Index] | None:
    """Return the key that goes and what takes its place, where a difference replaces one.

    Args:
        difference: A difference of an existing table.
    """
    match difference:
        case OtherConstraint(declared=declared, actual=actual) if key_of(actual):
            return actual, declared
        case OtherIndex(declared=declared, actual=actual):
            return actual, declared
        case UndeclaredConstraint(constraint=constraint, replaced_by=index) if index:
            return constraint, index
    return None


def findings_on_references(
    connection: Connection,
    differences: Iterable[Difference],
    tables: Mapping[TableName, Table],
) -> Iterable[Finding]:
    """Yield a finding for each key or unique index that is replaced and that foreign keys refer to.

    Args:
        connection: A connection to the database.
        differences: The differences of existing tables.
        tables: The declared tables.
    """
    for each in differences:
        if (keys := replaced_key(each)) is None:
            continue
        previous, declared = keys
        references = references_to(connection, each.table, previous.name)
        if not references:
            continue
        text = (
            f"is another key than the declared {declared.definition}, and foreign keys refer to it:"
            f" {listed([f'{one.name} on {one.child}' for one in references], _MOST)}"
        )
        kept = {*_referable(tables[each.table])}
        if all(one.can_be_added and one.columns in kept for one in references):
            weight = Weight.CHANGE
            plan = "they are dropped and added again with the key, and validated"
        else:
            weight, plan = Weight.STOP, _by_hand(each.table, previous, references, kept)
        kind, name = "key that is referred to", sql.quote(previous.name)
        yield Finding(weight, kind, each.identity, each.table, name, text, plan)


def _referable(table: Table) -> Iterator[frozenset[str]]:
    """Yield the columns of each declared key that a foreign key can refer to."""
    parts: list[Constraint | Index] = [*table.constraints.values(), *table.indexes.values()]
    for part in parts:
        key = key_of(part)
        if key is not None and " WHERE " not in key.rest and " DEFERRABLE" not in part.definition:
            yield frozenset(key.columns)


def _by_hand(
    table: TableName,
    previous: Constraint | Index,
    references: Iterable[Reference],
    kept: Collection[frozenset[str]],
) -> str:
    """Return what a person runs so that the foreign keys refer to something that stays."""
    target, key = sql.qualified(*table), key_of(previous)
    drops = [f"alter table {each.child} drop constraint {each.name}" for each in references]
    adds = [
        f"alter table {each.child} add constraint {each.name} {each.definition}"
        for each in references
    ]
    if key is None or all(each.columns in kept for each in references):
        return f"run {'; '.join(drops)}; then adopt, and run {'; '.join(adds)}"
    columns = f"({', '.join(key.columns)})"
    names = [sql.unquote(each) for each in key.columns]
    index = sql.quote(sql.generated_name(table[1], names, "key"))
    drop = (
        f"alter table {target} drop constraint {sql.quote(previous.name)}"
        if isinstance(previous, Constraint)
        else f"drop index {sql.qualified(table[0], previous.name)}"
    )
    steps = [
        f"create unique index concurrently {index} on {target} {columns}",
        "begin",
        *drops,
        drop,
        f"alter table {target} add constraint {index} unique using index {index}",
        *(f"{each} not valid" for each in adds),
        "commit",
        *(f"alter table {each.child} validate constraint {each.name}" for each in references),
    ]
    return f"run {'; '.join(steps)}; and keep the constraint {index}"


_REFERENCES = """
    select
        pg_catalog.format('%I.%I', p.nspname, r.relname) as child,
        pg_catalog.quote_ident(f.conname) as name,
        pg_catalog.pg_get_constraintdef(f.oid) as definition,
        array(
            select pg_catalog.quote_ident(a.attname)
            from pg_catalog.pg_attribute as a
            where a.attrelid = t.oid and a.attnum = any (f.confkey)
        ) as columns,
        r.relkind <> 'p' and pg_catalog.pg_has_role(r.relowner, 'usage') as can_be_added
    from pg_catalog.pg_class as t
    join pg_catalog.pg_namespace as n on n.oid = t.relnamespace
    join pg_catalog.pg_index as i on i.indrelid = t.oid
    join pg_catalog.pg_class as c on c.oid = i.indexrelid and c.relname = :name
    join pg_catalog.pg_constraint as f on f.conindid = c.oid
        and f.contype = 'f'
        and f.conparentid = 0
    join pg_catalog.pg_class as r on r.oid = f.conrelid
    join pg_catalog.pg_namespace as p on p.oid = r.relnamespace
    where n.nspname = :schema and t.relname = :table
    order by 1, 2
"""

_MARKED = """
    select distinct n.nspname as schema, c.relname as name
    from pg_catalog.pg_constraint as k
    join pg_catalog.pg_class as c on c.oid = k.confrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    join pg_catalog.pg_description as d on d.classoid = 'pg_catalog.pg_constraint'::regclass
        and d.objoid = k.oid
    where k.contype = 'f' and pg_catalog.starts_with(d.description, :mark)
"""
