"""Rows that everybody tries to read and to write, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import delete, exists, insert, select, update

from tests.support.stage import PERSONAS
from townhall.testing import AccessCase, Outcome, acting, outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Executable, Table

    from townhall import Base

COMMANDS = ("select", "insert", "update", "delete")

NEW = UUID("00000000-0000-4000-8000-00000000ffff")
"""The key of a row that is inserted."""


@dataclass(frozen=True)
class Subject:
    """A row of a table on which everybody tries the four commands.

    Attributes:
        model: The mapped class of the table.
        key: The row that is read, updated and deleted.
        new: Another row, which is inserted.
        change: What an update sets.
        names_key: Whether the insert says which key the other row gets.
    """

    model: type[Base]
    key: UUID | str
    new: dict[str, Any]
    change: dict[str, Any]
    names_key: bool = True

    @property
    def table(self) -> Table:
        """The table."""
        return cast("Table", self.model.__table__)

    @property
    def row(self) -> dict[str, Any]:
        """What an insert says of the other row."""
        return {"id": NEW, **self.new} if self.names_key else self.new

    def statement(self, command: str) -> Executable:
        """Return the statement that tries a command."""
        mine = self.table.c.id == self.key
        statements: dict[str, Executable] = {
            "select": select(self.table).where(mine),
            "insert": insert(self.table).values(self.row),
            "update": update(self.table).where(mine).values(self.change),
            "delete": delete(self.table).where(mine),
        }
        return statements[command]

    def is_done(self, connection: Connection, command: str) -> bool:
        """Tell by the rows, as whoever sees all of them, whether a command took effect."""
        table = self.table
        match command:
            case "insert":
                is_it = (table.c[name] == value for name, value in self.row.items())
                return bool(connection.scalar(select(exists().where(*is_it))))
            case "update":
                columns = [table.c[name] for name in self.change]
                row = connection.execute(select(*columns).where(table.c.id == self.key)).one()
                return dict(row._mapping) == self.change  # noqa: SLF001  public in spite of its name
            case _:
                return not connection.scalar(select(exists().where(table.c.id == self.key)))


def check_access(
    connection: Connection,
    subject: Subject,
    case: AccessCase,
    personas: Mapping[str, tuple[str, UUID | None]] = PERSONAS,
) -> None:
    """Try a case, and look at the row afterwards."""
    with acting(connection, *personas[case.persona]):
        assert outcome(connection, subject.statement(case.command)) is case.expected
    if case.command != "select":
        is_allowed = case.expected is Outcome.ALLOWED
        assert subject.is_done(connection, case.command) == is_allowed
