"""Statements by which a column takes its numbers from another sequence, and they go on."""

from __future__ import annotations

from townhall.pg import sql


def identity_for_serial(target: str, column: str, definition: str) -> str:
    """Return the statement that makes an identity column of one with a sequence of its own.

    Args:
        target: The qualified name of the table.
        column: The name of the column.
        definition: What it is: ``generated always as identity (start with 10)``.
    """
    return _ADD_IDENTITY.format(
        target=target,
        table=sql.literal(target),
        column=sql.literal(column),
        variables=_VARIABLES,
        next_number=_NEXT_NUMBER,
        go_on=_go_on(target, column),
        alter=f"alter table {target} alter column {sql.quote(column)}",
        definition=definition,
    )


def serial_for_identity(
    target: str, column: str, sequence: str, type_: str, owner: str | None
) -> str:
    """Return the statement that makes a serial column of an identity column.

    Args:
        target: The qualified name of the table.
        column: The name of the column.
        sequence: The sequence that it gets, as a qualified identifier.
        type_: The type of the sequence.
        owner: The owner of the table, where that is not the current role.
    """
    return _ADD_SERIAL.format(
        target=target,
        table=sql.literal(target),
        column=sql.literal(column),
        name=sql.quote(column),
        variables=_VARIABLES,
        next_number=_NEXT_NUMBER,
        go_on=_go_on(target, column),
        sequence=sequence,
        as_text=sql.literal(sequence),
        type=type_,
        owner=f"alter sequence {sequence} owner to {sql.quote(owner)};" if owner else "",
        alter=f"alter table {target} alter column {sql.quote(column)}",
    )


def carry_numbers(target: str, column: str, *, to_identity: bool) -> str:
    """Return the statement that restarts one of a column's two sequences where the other is.

    A column has two while its default is replaced by an identity, or the reverse; with one nothing
    is done.

    Args:
        target: The qualified name of the table.
        column: The name of the column.
        to_identity: Whether the identity's sequence is restarted, or the one of the serial column.
    """
    return _CARRY.format(
        table=sql.literal(target),
        column=sql.literal(column),
        former="a" if to_identity else "i",
        later="i" if to_identity else "a",
        variables=_VARIABLES,
        next_number=_NEXT_NUMBER,
        go_on=_go_on(target, column),
    )


def drop_former_sequence(target: str, column: str, schema: str, former: str, name: str) -> str:
    """Return the statement that drops the sequence of a column that has an identity now.

    The sequence of the identity gets the name that it would have without the former one.

    Args:
        target: The qualified name of the table.
        column: The name of the column.
        schema: The schema of the table.
        former: The name of the sequence that is dropped.
        name: The name that PostgreSQL gives to a sequence of the column.
    """
    dropped, generated = sql.qualified(schema, former), sql.qualified(schema, name)
    steps = f"""if numbers = pg_catalog.to_regclass({sql.literal(dropped)}) then
        return;
    end if;
    drop sequence if exists {dropped};
    if pg_catalog.to_regclass({sql.literal(generated)}) is null then
        execute 'alter sequence ' || numbers || {sql.literal(f" rename to {sql.quote(name)}")};
    end if;"""
    return _of_identity(target, column, steps)


def make_room_for_sequence(target: str, column: str, schema: str, former: str) -> str:
    """Return the statement that gives another name to an identity's sequence that has a wanted one.

    Args:
        target: The qualified name of the table.
        column: The name of the column.
        schema: The schema of the table.
        former: The name of the sequence that is going to be created.
    """
    wanted = sql.literal(sql.qualified(schema, former))
    other = sql.quote(sql.shortened(f"former_{former}"))
    steps = f"""if numbers = pg_catalog.to_regclass({wanted}) then
        execute 'alter sequence ' || numbers || {sql.literal(f" rename to {other}")};
    end if;"""
    return _of_identity(target, column, steps)


def _of_identity(target: str, column: str, steps: str) -> str:
    return _WITH_IDENTITY.format(table=sql.literal(target), column=sql.literal(column), steps=steps)


_WITH_IDENTITY = """do $do$
declare
    numbers regclass := (
        select s.seqrelid
        from pg_catalog.pg_depend as d
        join pg_catalog.pg_sequence as s on s.seqrelid = d.objid
        join pg_catalog.pg_attribute as a
            on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
        where d.classid = 'pg_catalog.pg_class'::regclass
            and d.refclassid = 'pg_catalog.pg_class'::regclass
            and d.refobjid = {table}::regclass
            and d.deptype = 'i'
            and a.attname = {column}
    );
begin
    if numbers is null then
        return;
    end if;
    {steps}
end
$do$"""

_ADD_IDENTITY = """do $do$
{variables}
begin
    if exists (
        select
        from pg_catalog.pg_attribute as a
        where a.attrelid = {table}::regclass
            and a.attname = {column}
            and a.attidentity <> ''
    ) then
        return;
    end if;
    lock table {target} in access exclusive mode;
    former := pg_catalog.pg_get_serial_sequence({table}, {column});
    {next_number}
    {alter} drop default;
    execute 'drop sequence ' || former::text;
    {alter} add {definition};
    later := pg_catalog.pg_get_serial_sequence({table}, {column});
    {go_on}
end
$do$"""

_ADD_SERIAL = """do $do$
{variables}
begin
    if not exists (
        select
        from pg_catalog.pg_attribute as a
        where a.attrelid = {table}::regclass
            and a.attname = {column}
            and a.attidentity <> ''
    ) then
        return;
    end if;
    lock table {target} in access exclusive mode;
    former := pg_catalog.pg_get_serial_sequence({table}, {column});
    {next_number}
    {alter} drop identity;
    create sequence {sequence} as {type};
    {owner}
    alter sequence {sequence} owned by {target}.{name};
    {alter}
    set default nextval({as_text}::regclass);
    later := {as_text};
    {go_on}
end
$do$"""

_CARRY = """do $do$
{variables}
begin
    select
        max(d.objid) filter (where d.deptype = '{former}'),
        max(d.objid) filter (where d.deptype = '{later}')
    into former, later
    from
        pg_catalog.pg_depend as d
        join pg_catalog.pg_sequence as s on s.seqrelid = d.objid
        join pg_catalog.pg_attribute as a
            on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    where
        d.classid = 'pg_catalog.pg_class'::regclass
        and d.refclassid = 'pg_catalog.pg_class'::regclass
        and d.refobjid = {table}::regclass
        and a.attname = {column};
    if former is null or later is null then
        return;
    end if;
    {next_number}
    {go_on}
end
$do$"""

_VARIABLES = """declare
    former regclass;
    later regclass;
    next_number numeric;
    step bigint;
    counted record;"""

_NEXT_NUMBER = """execute
        'select last_value + case when is_called then s.seqincrement else 0::numeric end,'
        || ' s.seqincrement from ' || former::text
        || ', pg_catalog.pg_sequence as s where s.seqrelid = $1'
    into strict next_number, step
    using former;"""


def _go_on(target: str, column: str) -> str:
    # What counts the other way would come to numbers that are taken, as the rows say. ``restart``
    # is undone with its transaction, but a sequence without a number left can't be set by it.
    name = sql.quote(column)
    return f"""select s.* into strict counted
    from pg_catalog.pg_sequence as s
    where s.seqrelid = later;
    if step < 0 and counted.seqincrement > 0 then
        select coalesce(max({name}) + 1::numeric, next_number) into next_number from {target};
    elsif step > 0 and counted.seqincrement < 0 then
        select coalesce(min({name}) - 1::numeric, next_number) into next_number from {target};
    end if;
    if next_number between counted.seqmin and counted.seqmax then
        execute 'alter sequence ' || later::text || ' restart with ' || next_number;
    elsif next_number > counted.seqmax and counted.seqincrement > 0 then
        perform pg_catalog.setval(later, counted.seqmax);
    elsif next_number < counted.seqmin and counted.seqincrement < 0 then
        perform pg_catalog.setval(later, counted.seqmin);
    end if;"""
