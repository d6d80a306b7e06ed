"""Keys of the same columns as another key of their table, of which ``create table`` makes one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from alembic.operations import MigrateOperation
from alembic.operations.ops import CreateTableOp, CreateUniqueConstraintOp
from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint

from townhall.migrate.compare.constraints import key_definition


def with_second_keys_apart(operations: Sequence[MigrateOperation]) -> list[MigrateOperation]:
    """Return operations in which a key like another one is added after its table.

    Args:
        operations: The operations on tables.
    """
    return [each for operation in operations for each in (operation, *_additions(operation))]


def _additions(operation: MigrateOperation) -> list[CreateUniqueConstraintOp]:
    if not isinstance(operation, CreateTableOp):
        return []
    second = _second_keys(operation.columns)
    operation.columns = [
        each for each in operation.columns if not any(each is key for key in second)
    ]
    additions: list[CreateUniqueConstraintOp] = [
        CreateUniqueConstraintOp.from_constraint(key) for key in second
    ]
    return additions


def _second_keys(items: Iterable[object]) -> list[UniqueConstraint]:
    keys = [each for each in items if isinstance(each, PrimaryKeyConstraint | UniqueConstraint)]
    # The downgrade drops what is added by its name.
    keys.sort(key=lambda each: (isinstance(each, UniqueConstraint), bool(each.name)))
    first: dict[str, object] = {}
    return [
        each
        for each in keys
        if first.setdefault(key_definition(each).partition("(")[2], each) is not each
        and isinstance(each, UniqueConstraint)
        and each.name
    ]
