"""Types of columns, compared as Alembic compares them."""

from __future__ import annotations

from typing import Any

from alembic.ddl.impl import DefaultImpl
from sqlalchemy import Column


def is_other_type(impl: DefaultImpl, actual: Column[Any], declared: Column[Any]) -> bool:
    """Tell whether Alembic finds a difference between the types of two columns.

    It takes the place of Alembic's method, which takes apart what is written for either type. That
    takes long, and nearly always the same is written for both.

    Args:
        impl: What Alembic has for the dialect.
        actual: The column as it was reflected.
        declared: The declared column.
    """
    write = impl.dialect.type_compiler.process
    if write(actual.type) == write(declared.type):
        return False
    return type(impl).compare_type(impl, actual, declared)
