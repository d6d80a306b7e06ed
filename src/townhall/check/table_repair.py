"""The SQL that makes tables, columns, constraints and indexes what is declared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from townhall.check.snapshot import Object
from townhall.pg import ddl, sql
from townhall.pg.catalog import Column, Constraint, Index, Table
from townhall.pg.entity import comment_statement


def create_table(table: Table) -> list[str]:
    """Return what creates a table with its columns and constraints, without comments."""
    parts = [
        *map(ddl.define_column, table.columns.values()),
        *(ddl.define_constraint(each.name, each.definition) for each in table.constraints.values()),
    ]
    unlogged = "unlogged " if table.persistence == "unlogged" else ""
    name = sql.qualified(table.schema, table.name)
    listed = ",\n    ".join(parts)
    created = f"create {unlogged}table {name} (\n    {listed}\n)"
    return _with_sequences(name, [*table.columns.values()], created)


def add_column(table: str, column: Column) -> list[str]:
    """Return what adds a column to a table, with the sequence of a serial one."""
    return _with_sequences(table, [column], ddl.add_column(table, column))


def _with_sequences(table: str, columns: Sequence[Column], statement: str) -> list[str]:
    serial = [column for column in columns if column.sequence is not None]
    return [
        *(f"create sequence if not exists {each.sequence} as {each.type}" for each in serial),
        statement,
        *(
            f"alter sequence {each.sequence} owned by {table}.{sql.qualified(each.name)}"
            for each in serial
        ),
    ]


def create_index(index: Index) -> str:
    """Return what creates an index."""
    return index.definition


def change_column(fact: str, declared: Object, actual: Object) -> Iterable[str]:
    """Yield what changes a fact of a column.

    Args:
        fact: The name of the fact.
        declared: The column as declared.
        actual: The column as it is.
    """
    column, former = declared.record, actual.record
    assert isinstance(column, Column)  # noqa: S101 - the record of every column
    assert isinstance(former, Column)  # noqa: S101 - as before
    table = sql.qualified(*declared.names[:2])
    if fact in {"type", "collation"}:
        yield ddl.alter_type(table, column)
    elif fact == "generated":
        yield from _change_generated(table, column, former)
    elif fact != "comment":
        # An identity column refuses NULL and another default.
        if former.identity and not column.identity:
            yield ddl.drop_identity(table, column.name)
        yield from _change_value(fact, table, column, former)


def _change_value(fact: str, table: str, column: Column, former: Column) -> Iterable[str]:
    match fact:
        case "is_nullable":
            yield ddl.alter_nullability(table, column.name, is_nullable=column.is_nullable)
        case "default" if not column.generated and not former.generated:
            default = ddl.alter_default(table, column.name, column.default)
            yield from _with_sequences(table, [column], default)
        case "sequence_options":
            yield f"alter sequence {former.sequence}\n{' '.join(column.sequence_options)}"
        case "identity" if column.identity:
            yield ddl.alter_identity(table, column.name, former.identity, column.identity)


def _change_generated(table: str, column: Column, former: Column) -> Iterable[str]:
    if column.generated is None and former.storage == "stored":
        yield ddl.drop_expression(table, column.name)
    else:
        yield ddl.drop_column(table, column.name)
        yield ddl.add_column(table, column)
        if column.comment is not None:
            name = sql.qualified(column.name)
            yield comment_statement("column", f"{table}.{name}", column.comment)


def change_constraint(fact: str, declared: Object, actual: Object) -> Iterable[str]:
    """Yield what changes a fact of a constraint.

    Args:
        fact: The name of the fact.
        declared: The constraint as declared.
        actual: The constraint as it is.
    """
    constraint = declared.record
    assert isinstance(constraint, Constraint)  # noqa: S101 - the record of every constraint
    table = sql.qualified(*declared.names[:2])
    if fact == "is_enforced":
        tables = dict.fromkeys([table, constraint.referenced or table])
        yield from (f"alter table {each} enable trigger all" for each in tables)
    elif fact == "definition":
        if actual.facts["definition"] == f"{constraint.definition} NOT VALID":
            yield ddl.validate_constraint(table, constraint.name)
        else:
            yield ddl.replace_constraint(table, constraint.name, constraint.definition)


def change_index(fact: str, declared: Object, _: Object) -> Iterable[str]:
    """Yield what changes a fact of an index.

    Args:
        fact: The name of the fact.
        declared: The index as declared.
    """
    index = declared.record
    assert isinstance(index, Index)  # noqa: S101 - the record of every index
    name = sql.qualified(declared.names[0], index.name)
    if fact == "is_valid":
        yield f"reindex index {name}"
    elif fact != "comment":
        yield f"drop index {name}"
        yield create_index(index)
        yield comment_statement("index", name, index.comment)
