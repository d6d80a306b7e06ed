"""Steps that give columns another type, with what depends on them dropped and created again."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from alembic.util import CommandError
from sqlalchemy import Connection

from townhall.adopt.differences import OtherType
from townhall.adopt.identities import identity_of
from townhall.adopt.step import Step
from townhall.check.snapshot import Key, Snapshot
from townhall.pg import Entity, MaterializedView, Policy, View, ddl, sql
from townhall.pg.catalog import Target, read_dependants

_IN_UTC = re.compile(r"(?P<column>.+) at time zone 'UTC'", re.IGNORECASE)

_TYPE_ERRORS = (
    "datatype_mismatch or undefined_function or cannot_coerce or invalid_text_representation"
)


def convert(
    connection: Connection,
    differences: Iterable[OtherType],
    conversions: Mapping[str, str],
    actual: Snapshot,
    drops: Collection[str],
) -> Iterable[Step]:
    """Yield what gives columns their declared types, each table in a transaction.

    Args:
        connection: A connection to the database, which is only read.
        differences: The columns.
        conversions: The expressions that were decided, by the column as SQL names it.
        actual: What the database has.
        drops: The identities of what goes: it is created again for now, where the new types allow.

    Raises:
        CommandError: Something depends on a column that can't be created again.
    """
    by_table: dict[tuple[str, str], list[OtherType]] = {}
    for difference in differences:
        by_table.setdefault(difference.table, []).append(difference)
    for columns in by_table.values():
        yield _convert(connection, columns, conversions, actual, drops)


def _convert(
    connection: Connection,
    columns: list[OtherType],
    conversions: Mapping[str, str],
    actual: Snapshot,
    drops: Collection[str],
) -> Step:
    target = sql.qualified(*columns[0].table)
    changed = [Target(relation=target, column=each.declared.name) for each in columns]
    found = read_dependants(connection, changed)
    entities = _in_order(connection, _entities(found.entities, actual))
    gone = {key for key in found.entities if identity_of(actual[key]) in drops}
    alterations = [statement for each in columns for statement in _alter(target, each, conversions)]
    names = ", ".join(sql.quote(each.declared.name) for each in columns)
    return Step(
        f"convert {names} of {target}",
        (
            *(each.drop for each in found.parts),
            *(statement for each in reversed(entities) for statement in each.drop_statements()),
            *alterations,
            *(
                statement
                for each in entities
                for statement in (_creation_if_possible if each.key in gone else _creation)(each)
            ),
            *(statement for each in reversed(found.parts) for statement in each.create),
        ),
    )


def _creation(entity: Entity) -> Iterable[str]:
    return entity.create_statements()


def _creation_if_possible(entity: Entity) -> Iterable[str]:
    """Yield what creates what goes later, until what takes its place is there.

    What narrows access lets no row through meanwhile where the new type does not allow it.
    """
    created, closed = (
        sql.indented("\n".join(f"{each};" for each in statements), " " * 4)
        for statements in (entity.create_statements(), _closing(entity))
    )
    otherwise = f"\n{sql.indented(closed)}" if closed else " null;"
    yield sql.do(f"\nbegin\n{created}\nexception\n    when {_TYPE_ERRORS} then{otherwise}\nend\n")


def _closing(entity: Entity) -> Iterable[str]:
    if not isinstance(entity, Policy) or entity.permissive:
        return ()
    using, check = (None if each is None else "false" for each in (entity.using, entity.check))
    return replace(entity, using=using, check=check).create_statements()


def _entities(keys: Iterable[Key], actual: Snapshot) -> list[Entity]:
    entities = []
    for key in sorted(keys):
        item = actual.get(key)
        if item is None or item.entity is None:
            raise CommandError(
                f"{' '.join(key)} depends on a column that changes its type, and can't be created"
                " again from here: drop it, adopt, and create it again"
            )
        entities.append(item.entity)
    return entities


def _in_order(connection: Connection, entities: list[Entity]) -> list[Entity]:
    # Each is followed by what depends on it.
    below = {
        each.key: read_dependants(connection, [Target(relation=each.literal_name)]).entities
        for each in entities
        if isinstance(each, View | MaterializedView)
    }
    return sorted(
        entities, key=lambda each: (sum(each.key in keys for keys in below.values()), each.key)
    )


def _alter(table: str, difference: OtherType, conversions: Mapping[str, str]) -> Iterable[str]:
    column, name = difference.declared, sql.quote(difference.declared.name)
    decided = conversions.get(difference.column_name)
    value = decided or difference.conversion.expression
    alter = f"alter table {table} alter column {name}"
    collation = f" collate {column.collation}" if column.collation else ""
    if difference.actual.default is not None:
        yield f"{alter} drop default"
    if _is_of_utc(difference, value):
        # Without an expression PostgreSQL reads the values in the session's time zone, and leaves
        # the rows as they are where that is UTC.
        yield "set local timezone = 'UTC'"
        yield f"{alter} type {column.type}"
    else:
        yield f"{alter} type {column.type}{collation} using {value}"
    if column.sequence is not None:
        if difference.actual.sequence is not None:
            numbers = f"nextval({sql.literal(difference.actual.sequence)}::regclass)"
            yield ddl.alter_default(table, column.name, numbers)
    elif column.default is not None:
        yield ddl.alter_default(table, column.name, column.default)


def _is_of_utc(difference: OtherType, value: str) -> bool:
    types = (difference.actual.type, difference.declared.type)
    match = _IN_UTC.fullmatch(value.removeprefix("(").removesuffix(")").strip())
    return (
        types == ("timestamp without time zone", "timestamp with time zone")
        and match is not None
        and sql.unquote(match["column"].strip()) == difference.declared.name
    )
