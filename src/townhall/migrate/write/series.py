"""Several revisions that one command writes, each of which follows the one before it.

A revision is committed before the next one begins. So what has to be committed on the way is in a
revision of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from alembic.operations import MigrateOperation
from alembic.operations.ops import DowngradeOps, MigrationScript, UpgradeOps

from townhall.migrate.operations.alterations import AddValuesOp

Operations = Sequence[MigrateOperation]


class Part(NamedTuple):
    """The operations of one revision.

    Attributes:
        upgrade: Those of its upgrade.
        downgrade: Those of its downgrade.
    """

    upgrade: Operations
    downgrade: Operations


def divided(script: MigrationScript, divide: Callable[[Part], Sequence[Part]]) -> Sequence[Part]:
    """Return the operations of the revisions that one becomes, in their order.

    New values of enums that the others use are in the first one.

    Args:
        script: The revision.
        divide: Divides the other operations.
    """
    if len(script.upgrade_ops_list) != 1:
        return []  # it is for several databases, and stays as it is
    values, others = (
        Part(
            *(
                [each for each in way if isinstance(each, AddValuesOp) is are_values]
                for way in _operations(script)
            )
        )
        for are_values in (True, False)
    )
    return [*([values] if any(values) else ()), *(divide(others) if any(others) else ())]


def series(script: MigrationScript, parts: Sequence[Part]) -> Sequence[MigrationScript]:
    """Return the revisions that one becomes, which is the revision itself where it stays whole.

    Args:
        script: The revision, which is not changed.
        parts: What :func:`divided` returned.
    """
    if not parts or parts == [_operations(script)]:
        return [script]
    return [_script(script, part, number, len(parts)) for number, part in enumerate(parts, 1)]


def _operations(script: MigrationScript) -> Part:
    (upgrade,), (downgrade,) = script.upgrade_ops_list, script.downgrade_ops_list
    return Part([*upgrade.ops], [*downgrade.ops])


def _script(script: MigrationScript, part: Part, number: int, count: int) -> MigrationScript:
    if count == 1:
        message, rev_id = script.message, script.rev_id
    else:
        message = f"{script.message or 'empty message'} ({number} of {count})"
        rev_id = script.rev_id if number == 1 else f"{script.rev_id}_{number}"
    previous = script.rev_id if number <= 2 else f"{script.rev_id}_{number - 1}"  # noqa: PLR2004 - the second one follows the first
    is_first = number == 1
    (old_upgrade,), (old_downgrade,) = script.upgrade_ops_list, script.downgrade_ops_list
    return MigrationScript(
        rev_id=rev_id,
        upgrade_ops=UpgradeOps(part.upgrade, upgrade_token=old_upgrade.upgrade_token),
        downgrade_ops=DowngradeOps(part.downgrade, downgrade_token=old_downgrade.downgrade_token),
        message=message,
        imports=set(script.imports),
        head=script.head if is_first else previous,
        splice=script.splice if is_first else None,
        branch_label=script.branch_label if is_first else None,
        version_path=script.version_path,
        depends_on=script.depends_on if is_first else None,
    )
