"""New values of enums that the SQL or the rows use which a hook of the application adds."""

from __future__ import annotations

from alembic.operations import MigrateOperation
from alembic.operations.ops import BulkInsertOp, ExecuteSQLOp, MigrationScript

from townhall.migrate.operations.alterations import AddValuesOp, AlterEntityOp, adds_values
from townhall.migrate.write.revision import flat
from townhall.pg import EnumType


def add_values_before_data(script: MigrationScript) -> None:
    """Have the values added in a revision before the one whose SQL or rows name one of them.

    The comparison does not see what a hook adds.

    Args:
        script: The revision, which is changed.
    """
    upgrade = [each for container in script.upgrade_ops_list for each in flat(container)]
    texts = [*map(_data, upgrade)]
    used = {
        each.target.key
        for each in upgrade
        if adds_values(each) and any(value in text for value in _new(each) for text in texts)
    }
    if used:
        for container in (*script.upgrade_ops_list, *script.downgrade_ops_list):
            container.ops[:] = [
                AddValuesOp.of(each)
                if isinstance(each, AlterEntityOp) and each.target.key in used
                else each
                for each in container.ops
            ]


def _data(operation: MigrateOperation) -> str:
    if isinstance(operation, ExecuteSQLOp):
        return str(operation.sqltext)
    return str(operation.rows) if isinstance(operation, BulkInsertOp) else ""


def _new(addition: AlterEntityOp) -> set[str]:
    target, previous = addition.target, addition.previous
    assert isinstance(target, EnumType)  # noqa: S101 - values are added
    assert isinstance(previous, EnumType)  # noqa: S101 - likewise
    return {*target.values} - {*previous.values}
