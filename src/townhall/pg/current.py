"""Alembic's current operations, which ``op`` stands for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from alembic import op
from alembic.operations import Operations


@contextmanager
def as_current(operations: Operations) -> Iterator[None]:
    """Let ``op`` stand for some operations within the block, and for the former ones after it.

    Args:
        operations: The operations.
    """
    # Alembic's own way to set the current operations forgets the former ones.
    outer = cast("Operations | None", vars(op).get("_proxy"))
    operations._install_proxy()  # noqa: SLF001 - there is no public way
    try:
        yield
    finally:
        operations._remove_proxy()  # noqa: SLF001 - likewise
        if outer is not None:
            outer._install_proxy()  # noqa: SLF001 - likewise
