"""Steps that let a column count up as declared, behind the numbers that rows have."""

from __future__ import annotations

from collections.abc import Iterable

from townhall.adopt.step import Step
from townhall.pg import ddl, sql
from townhall.pg.catalog import Column, TableName
from townhall.pg.numbers import identity_for_serial


def number(table: TableName, declared: Column, actual: Column) -> Iterable[Step]:
    """Yield what gives a column a sequence of its own, or its sequence the declared options.

    Args:
        table: Schema and name of the table.
        declared: The column as declared, with a sequence.
        actual: The column as it is.
    """
    target, options = sql.qualified(*table), " ".join(declared.sequence_options)
    title = f"let {sql.qualified(*table, declared.name)} count up"
    if actual.sequence is not None:
        yield Step(title, (f"alter sequence {actual.sequence} {options}",))
        return
    body = _NUMBER.format(
        sequence=declared.sequence,
        literal=sql.literal(str(declared.sequence)),
        options=options,
        table=target,
        table_literal=sql.literal(target),
        column=sql.quote(declared.name),
    )
    yield Step(title, (f"do {sql.dollar_quoted(body, 'numbers')}",))


def identify(table: TableName, declared: Column, actual: Column) -> Iterable[Step]:
    """Yield what makes a column an identity column.

    Args:
        table: Schema and name of the table.
        declared: The column as declared.
        actual: The column as it is.
    """
    target, name = sql.qualified(*table), declared.name
    title = f"generate {sql.qualified(*table, name)} as declared"
    alteration = ddl.alter_identity(target, name, actual.identity, declared.identity)
    if actual.identity:
        yield Step(title, (alteration,))
    elif actual.sequence is not None:
        definition = alteration.partition("\nadd ")[2]
        yield Step(title, (identity_for_serial(target, name, definition),))
    else:
        sequence = f"pg_catalog.pg_get_serial_sequence({sql.literal(target)}, {sql.literal(name)})"
        column = sql.quote(name)
        numbers = (
            f"select pg_catalog.setval({sequence}, pg_catalog.max({column})) from {target}"
            f" having pg_catalog.max({column}) > 0"
        )
        yield Step(title, (ddl.alter_default(target, name, None), alteration, numbers))


_NUMBER = """
begin
    create sequence if not exists {sequence} {options};
    execute (
        select pg_catalog.format('alter sequence %s owner to %I', {literal}, r.rolname)
        from pg_catalog.pg_class as c
        join pg_catalog.pg_roles as r on r.oid = c.relowner
        where c.oid = {table_literal}::regclass
    );
    alter sequence {sequence} {options} owned by {table}.{column};
    alter table {table} alter column {column} set default nextval({literal}::regclass);
    perform pg_catalog.setval({literal}, pg_catalog.max({column}))
    from {table}
    having pg_catalog.max({column}) >= (select last_value from {sequence});
end
"""
