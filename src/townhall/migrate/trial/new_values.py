"""Enums with the values that an earlier revision of the same run adds and commits.

PostgreSQL lets a value that was added to an enum be used once it is committed, and the values of a
new enum at once. So whatever has an enum is made again with a new one, until a savepoint is rolled
back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from alembic.util import CommandError
from sqlalchemy import Connection

from townhall.migrate.compare import alterables
from townhall.migrate.compare.exact_privileges import created_exactly
from townhall.migrate.compare.simulation import run_in_any_order
from townhall.migrate.guard.rows import set_tables_aside
from townhall.migrate.operations.alterations import AlterEntityOp
from townhall.migrate.operations.bodies import CHECKED, are_checked
from townhall.migrate.savepoints import attempt, run_script
from townhall.migrate.trial.differences import everything, lost
from townhall.pg import DataType, Domain, Entity, EnumType, catalog, sql
from townhall.pg.catalog import Part, Target, read_dependants
from townhall.pg.state import Key, State, read_state

_FORMER = "townhall_former_"


class NotReplacedError(CommandError):
    """An enum could not be made again with everything that has it."""

    def __init__(self, why: str) -> None:
        """Take what PostgreSQL refused, or what would be lost."""
        super().__init__(
            "what uses the new values of an enum can't be tried in the run that adds them, because"
            f" no other enum can be put in its place: {why}"
        )


def replace_enums(
    connection: Connection,
    additions: Iterable[AlterEntityOp],
    schemas: Sequence[str],
    api_roles: tuple[str, ...],
) -> None:
    """Let enums have further values, which can be used, until a savepoint is rolled back.

    Tables with columns of the enums are emptied.

    Args:
        connection: A connection within a savepoint that is going to be rolled back.
        additions: The operations that are going to add the values.
        schemas: The schemas that are compared.
        api_roles: The roles whose privileges are exact.

    Raises:
        NotReplacedError: PostgreSQL refuses it, or something would be lost.
        DBAPIError: A lock was not granted in time.
    """
    enums = {each.target.key: _with_values(each) for each in additions}
    before = everything(connection, schemas)
    were_checked = are_checked(connection)
    replacement = partial(_replace, connection, enums, schemas, api_roles)
    if (error := attempt(connection, replacement)) is not None:
        raise NotReplacedError(str(error.orig).partition("\n")[0])
    if were_checked:
        run_script(connection, [CHECKED])
    if losses := lost(before, everything(connection, schemas)):
        raise NotReplacedError("; ".join(losses))


def _with_values(addition: AlterEntityOp) -> EnumType:
    target, previous = addition.target, addition.previous
    assert isinstance(target, EnumType)  # noqa: S101 - values are added
    assert isinstance(previous, EnumType)  # noqa: S101 - likewise
    # Its comment and its privileges are changed when the operation runs.
    return replace(previous, values=target.values)


def _replace(
    connection: Connection,
    enums: Mapping[Key, EnumType],
    schemas: Sequence[str],
    api_roles: tuple[str, ...],
) -> None:
    state = _state(connection, schemas, api_roles)
    types = [*_types(connection, enums, state, schemas)]
    found = read_dependants(connection, [Target(type=each.literal_name) for each in types])
    # Views and functions of other schemas may use the tables as well.
    if elsewhere := sorted({key[1] for key in found.entities - state.keys()}):
        state |= _state(connection, elsewhere, api_roles)
    if unknown := found.entities - state.keys():
        raise NotReplacedError(f"the {' '.join(min(unknown))} depends on it")
    held: list[Part | Entity] = [*found.parts, *(state[key] for key in sorted(found.entities))]
    _run_all(connection, held, _drop)
    _replace_types(connection, types)
    _run_all(connection, [*held, *map(_checks, filter(_has_checks, types))], _create)


def _state(connection: Connection, schemas: Sequence[str], api_roles: tuple[str, ...]) -> State:
    state = read_state(connection, schemas)
    return {key: entity.with_api_roles(api_roles) for key, entity in state.items()}


def _types(
    connection: Connection,
    enums: Mapping[Key, EnumType],
    state: State,
    schemas: Sequence[str],
) -> Iterator[DataType]:
    """Yield the enums and the types that are made of them, each after those that it is made of."""
    users = alterables.uses(connection, schemas)
    pending, known = [*enums], {*enums}
    while pending:
        key = pending.pop(0)
        type_ = enums.get(key, state.get(key))
        if isinstance(type_, DataType):
            yield type_
            used_by = {each for each in users.get(key, ()) if each in state} - known
            known |= used_by
            pending += sorted(used_by)


def _replace_types(connection: Connection, types: Sequence[DataType]) -> None:
    with catalog.empty_search_path(connection):
        columns = catalog.read_columns_of_types(connection, sorted({each.schema for each in types}))
    uses = [use for each in types for use in columns.get((each.schema, each.name), ())]
    set_tables_aside(connection, {(use.schema, use.table) for use in uses})
    former = [replace(each, name=f"{_FORMER}{number}") for number, each in enumerate(types)]
    run_script(
        connection,
        (
            line
            for each, other in zip(types, former, strict=True)
            for line in each.rename_statements(other.name)
        ),
    )
    without_checks = created_exactly(connection, map(_without_checks, types), are_new=False)
    _run_all(connection, without_checks, _create)
    run_script(
        connection,
        (
            f"alter table {sql.qualified(use.schema, use.table)} alter column"
            f" {sql.quote(use.column)} type {use.type} using null::{use.type}"
            for use in uses
        ),
    )
    _run_all(connection, former, _drop)


def _without_checks(type_: DataType) -> DataType:
    # They may call functions that come back after the types.
    return replace(type_, checks={}, check_comments={}) if isinstance(type_, Domain) else type_


def _has_checks(type_: DataType) -> bool:
    return isinstance(type_, Domain) and bool(type_.checks)


def _checks(domain: DataType) -> Part:
    statements = domain.alter_statements(_without_checks(domain))
    return Part("constraint", f"checks of {domain.literal_name}", "", tuple(statements))


def _drop(held: Part | Entity) -> Iterable[str]:
    return [held.drop] if isinstance(held, Part) else held.drop_statements()


def _create(held: Part | Entity) -> Iterable[str]:
    return held.create if isinstance(held, Part) else held.create_without_data_statements()


def _run_all(
    connection: Connection,
    held: Sequence[Part | Entity],
    statements: Callable[[Part | Entity], Iterable[str]],
) -> None:
    _, failures = run_in_any_order(
        connection, held, lambda each: run_script(connection, statements(each))
    )
    if failures:
        raise failures[0].error
