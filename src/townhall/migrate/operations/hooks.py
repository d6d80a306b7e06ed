"""Operations that hooks of an application make."""

from __future__ import annotations

from alembic.operations import MigrateOperation

_OWN_PACKAGES = ("alembic.", "townhall.")


def is_of_hook(operation: MigrateOperation) -> bool:
    """Tell whether the class of an operation is of another package, such as GeoAlchemy2.

    It may be written as a call that has other arguments than Alembic's.

    Args:
        operation: Any operation.
    """
    return not type(operation).__module__.startswith(_OWN_PACKAGES)
