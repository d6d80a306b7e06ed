"""Operations on schemas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from townhall.migrate.operations.statements import StatementsOp
from townhall.pg import ddl


class CreateSchemaOp(StatementsOp):
    """Create a schema."""

    def __init__(self, name: str) -> None:
        """Take the name of the schema."""
        self.name = name

    @property
    def statements(self) -> Sequence[str]:
        """``create schema``."""
        return [ddl.create_schema(self.name)]

    def reverse(self) -> DropSchemaOp:
        """Return the drop of the same schema."""
        return DropSchemaOp(self.name)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("create_schema", "shop")``."""
        return ("create_schema", self.name)


class DropSchemaOp(StatementsOp):
    """Drop a schema, which PostgreSQL refuses unless it is empty."""

    def __init__(self, name: str) -> None:
        """Take the name of the schema."""
        self.name = name

    @property
    def statements(self) -> Sequence[str]:
        """``drop schema``."""
        return [ddl.drop_schema(self.name)]

    def reverse(self) -> CreateSchemaOp:
        """Return the creation of the same schema."""
        return CreateSchemaOp(self.name)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("drop_schema", "shop")``."""
        return ("drop_schema", self.name)
