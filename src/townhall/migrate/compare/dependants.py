"""Changes that PostgreSQL forbids while something depends on what is changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import cast

from alembic.operations import MigrateOperation
from alembic.operations.ops import (
    AddColumnOp,
    AlterColumnOp,
    DropColumnOp,
    DropConstraintOp,
    DropIndexOp,
)
from sqlalchemy import Connection, Table

from townhall.migrate.compare.simulation import run_in_any_order
from townhall.migrate.operations.alterations import AlterEntityOp
from townhall.migrate.operations.columns import ChangeColumnOp
from townhall.migrate.operations.statements import qualified_name
from townhall.migrate.operations.table_names import OnTable, table_of
from townhall.migrate.savepoints import attempt, run_script
from townhall.pg import Domain, DropEntityOp, Entity, MaterializedView, Routine, Sequence, View, sql
from townhall.pg.catalog import Part, Target, read_dependants
from townhall.pg.data_type import DataType
from townhall.pg.state import State


class Dependants:
    """What was dropped around changes, and created again where it could be.

    Attributes:
        were_dropped: Whether anything was.
        added: The operations that add generated columns as they are declared, where they could not
            be created as they were, by the identity of the part.
    """

    def __init__(
        self,
        connection: Connection,
        actual: State,
        tables: Iterable[Table],
        invoke: Callable[[MigrateOperation], None],
    ) -> None:
        """Take what the comparison knows.

        Args:
            connection: A connection within a transaction.
            actual: The entities of the database.
            tables: The declared tables.
            invoke: Runs an operation.
        """
        self._connection, self._actual, self._invoke = connection, actual, invoke
        self._additions = {
            f"column {sql.quote(column.name)} on {qualified_name(table)}": AddColumnOp(
                table.name, column, schema=table.schema
            )
            for table in tables
            for column in table.columns
            if column.computed is not None
        }
        self._missing: dict[str, Part] = {}
        self.were_dropped = False
        self.added: dict[str, MigrateOperation] = {}

    def dropped_around(self, targets: Iterable[Target], change: Callable[[], None]) -> None:
        """Change something without what depends on it, which is then created again as it was.

        Args:
            targets: What is changed.
            change: Changes it.
        """
        found = read_dependants(self._connection, targets)
        functions = [
            entity
            for key in sorted(found.entities & self._actual.keys())
            if isinstance(entity := self._actual[key], Routine)
        ]
        run_script(
            self._connection,
            [
                *(f"{each.drop} cascade" for each in found.parts if each.kind == _COLUMN),
                *(f"{drop} cascade" for each in functions for drop in each.drop_statements()),
            ],
        )
        change()
        self._create([*found.parts, *functions])
        self.were_dropped = self.were_dropped or bool(found.entities or found.parts)

    def missing(self) -> list[Part]:
        """Return the parts that can't be created as they were, after a last attempt."""
        self._create([*self._missing.values()])
        return [*self._missing.values()]

    def _create(self, dropped: list[Part | Entity]) -> None:
        created, failures = run_in_any_order(self._connection, dropped, self._create_one)
        for part in created:
            if isinstance(part, Part) and part.identity not in self.added:
                self._missing.pop(part.identity, None)
        failed = [failure.step for failure in failures]
        self._missing |= {part.identity: part for part in failed if isinstance(part, Part)}
        added = [part for part in failed if isinstance(part, Part) and self._add(part)]
        if added:
            self._create(failed)

    def _add(self, part: Part) -> bool:
        addition = self._additions.pop(part.identity, None)
        if addition is None:
            return False
        if attempt(self._connection, lambda: self._invoke(addition)) is not None:
            self._additions[part.identity] = addition
            return False
        self.added[part.identity] = addition
        return True

    def _create_one(self, dropped: Part | Entity) -> None:
        statements = dropped.create if isinstance(dropped, Part) else dropped.create_statements()
        run_script(self._connection, statements)


_COLUMN = "generated column"


def replaced(functions: Iterable[Routine]) -> list[Target]:
    """Return functions as what is going to be dropped."""
    return [Target(function=each.literal_signature) for each in functions]


def changed_column(operation: MigrateOperation) -> Target | None:
    """Return the column that an operation changes or drops, or None."""
    if not isinstance(operation, AlterColumnOp | ChangeColumnOp | DropColumnOp):
        return None
    table = sql.qualified(*table_of(operation))
    return Target(relation=table, column=operation.column_name)


def target_of(operation: MigrateOperation) -> Target | None:
    """Return what an operation drops or changes and other things can depend on, or None."""
    if isinstance(operation, DropEntityOp):
        return target_of_entity(operation.target)
    if (target := changed_column(operation)) is not None:
        return target
    if getattr(operation, "table_name", None) is None:
        return None
    if isinstance(operation, DropIndexOp):
        return Target(relation=sql.qualified(table_of(operation)[0], str(operation.index_name)))
    name = operation.constraint_name if isinstance(operation, DropConstraintOp) else None
    constraint = None if name is None else str(name)
    table = sql.qualified(*table_of(cast("OnTable", operation)))
    return Target(relation=table, constraint=constraint)


def target_of_entity(entity: Entity) -> Target | None:
    """Return an entity on which others can depend as what is going to be dropped, or None."""
    if isinstance(entity, Routine):
        return Target(function=entity.literal_signature)
    if isinstance(entity, DataType):
        return Target(type=entity.literal_name)
    if isinstance(entity, View | MaterializedView | Sequence):
        return Target(relation=entity.literal_name)
    return None


def default_of(operation: MigrateOperation) -> str | None:
    """Return the identity of the default that an operation changes, as of a part, or None."""
    if not isinstance(operation, ChangeColumnOp):
        return None
    if not operation.sets_default and operation.previous.default == operation.target.default:
        return None
    return f"default of {_column_of_table(operation)}"


def without_default(operation: MigrateOperation) -> MigrateOperation:
    """Return the change of a default that was dropped before, and which its reverse drops."""
    if not isinstance(operation, ChangeColumnOp):
        return operation
    previous = replace(operation.previous, default=None)
    return ChangeColumnOp(
        operation.owner,
        operation.column_name,
        previous,
        operation.target,
        is_other_type=operation.is_other_type,
    )


def checks_of(operation: MigrateOperation) -> set[str]:
    """Return the identities of the checks of a domain that an operation changes, as of parts."""
    return {*_changed_checks(operation).values()}


def without_checks(operation: MigrateOperation, dropped: Collection[str]) -> MigrateOperation:
    """Return the change of a domain whose checks were dropped before, and which its reverse drops.

    Args:
        operation: The change; any other operation is returned as it is.
        dropped: The identities of the parts that were dropped.
    """
    names = {name for name, identity in _changed_checks(operation).items() if identity in dropped}
    if not names or not isinstance(operation, AlterEntityOp):
        return operation
    previous = operation.previous
    assert isinstance(previous, Domain)  # noqa: S101 - it has checks
    checks, comments = (
        {name: text for name, text in texts.items() if name not in names}
        for texts in (previous.checks, previous.check_comments)
    )
    former = replace(previous, checks=checks, check_comments=comments)
    return AlterEntityOp(operation.target, former)


def _changed_checks(operation: MigrateOperation) -> dict[str, str]:
    if not isinstance(operation, AlterEntityOp):
        return {}
    target, previous = operation.target, operation.previous
    if not isinstance(target, Domain) or not isinstance(previous, Domain):
        return {}
    return {
        name: f"constraint {sql.quote(name)} on domain {target.literal_name}"
        for name, check in previous.checks.items()
        if check != target.checks.get(name)
        or previous.check_comments.get(name) != target.check_comments.get(name)
    }


def column_of(operation: MigrateOperation) -> str | None:
    """Return the identity of the column that an operation changes, as of a part, or None."""
    if not isinstance(operation, AlterColumnOp | ChangeColumnOp):
        return None
    return f"column {_column_of_table(operation)}"


def _column_of_table(operation: AlterColumnOp | ChangeColumnOp) -> str:
    table = sql.qualified(*table_of(operation))
    return f"{sql.quote(operation.column_name)} on {table}"
