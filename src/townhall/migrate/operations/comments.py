"""Comments that Alembic does not write: on constraints and indexes, and on tables of odd names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from alembic.operations.ops import CreateTableCommentOp, DropTableCommentOp
from sqlalchemy import Table

from townhall.migrate.operations.statements import StatementsOp, qualified_name
from townhall.migrate.operations.table_names import table_of
from townhall.pg import sql
from townhall.pg.entity import comment_statement

Kind = Literal["constraint", "index"]


class CommentOp(StatementsOp):
    """Set or remove the comment on a constraint or an index of a table."""

    def __init__(
        self, on: Table, kind: Kind, name: str, previous: str | None, target: str | None
    ) -> None:
        """Take the table, the constraint or index, and both comments; None is none."""
        self.on, self.name = on, name
        self.kind: Kind = kind
        self.previous, self.target = previous, target

    @property
    def statements(self) -> Sequence[str]:
        """``comment on``."""
        if self.kind == "index":
            part = sql.qualified(self.on.schema or "public", self.name)
        else:
            part = f"{sql.quote(self.name)} on {qualified_name(self.on)}"
        return [comment_statement(self.kind, part, self.target)]

    def reverse(self) -> CommentOp:
        """Return the opposite change."""
        return CommentOp(self.on, self.kind, self.name, self.target, self.previous)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("comment_index", "public", "events", "ix_events_name")``."""
        return (f"comment_{self.kind}", self.on.schema, self.on.name, self.name)


class TableCommentOp(StatementsOp):
    """Change the comment on a table whose name Alembic would not quote in a revision."""

    def __init__(self, change: CreateTableCommentOp | DropTableCommentOp) -> None:
        """Take Alembic's operation."""
        self.change = change
        self.table_name, self.schema = change.table_name, change.schema

    @staticmethod
    def is_needed(change: CreateTableCommentOp | DropTableCommentOp) -> bool:
        """Tell whether the names have a character that ends or changes a string of Python."""
        return any(each in f"{change.schema}{change.table_name}" for each in ("'", "\\", "\n"))

    @property
    def statements(self) -> Sequence[str]:
        """``comment on table``."""
        table = sql.qualified(*table_of(self))
        change = self.change
        comment = change.comment if isinstance(change, CreateTableCommentOp) else None
        return [comment_statement("table", table, comment)]

    def reverse(self) -> TableCommentOp:
        """Return the opposite change."""
        return TableCommentOp(self.change.reverse())

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """Return the diff tuple: ``("add_table_comment", "public", "events")``."""
        return (self.change.to_diff_tuple()[0], self.schema, self.table_name)
