"""Tries an access matrix: every persona runs every command on every target.

Each domain has a module ``tests/<domain>/test_access.py`` with

- ``PERSONAS``: the actor of each persona, by its name;
- ``TARGETS``: what is tried, by the name of its block in the matrix: a row of a table, read-only
  views or functions;
- ``MATRIX``: the outcomes, as ``townhall.testing.access_cases`` reads them.

``tests/structure/test_domains.py`` finds them by these names and checks that nothing is left out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import Column, MetaData, Table, delete, exists, insert, select, text, update

from townhall.testing import AccessCase, Outcome, acting, outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Executable
    from sqlalchemy.orm import DeclarativeBase

    from townhall.session import Actor

COMMANDS = ("select", "insert", "update", "delete")

NEW_KEY = UUID("00000000-0000-4000-8000-00000000ffff")
"""The primary key of a row that is inserted."""


class Target(ABC):
    """What a block of a matrix is about: something on which every persona tries some commands."""

    @property
    @abstractmethod
    def commands(self) -> tuple[str, ...]:
        """The commands that there are."""

    @abstractmethod
    def statement(self, command: str) -> Executable:
        """Return the statement that tries a command."""

    def prepare(self, connection: Connection, command: str) -> None:
        """Bring about what a command presupposes, as the login role."""
        del connection, command

    def has_taken_effect(self, connection: Connection, command: str) -> bool | None:
        """Tell by the rows, as the login role, whether a command took effect; None if unknown."""
        del connection, command
        return None


@dataclass(frozen=True)
class TableRow(Target):
    """A row of a table, or of an updatable view with the columns of the table.

    Attributes:
        model: The mapped class of the table.
        key: The primary key of the row that is read, updated and deleted.
        new: The values of another row, which is inserted.
        change: The values that an update sets; each differs from what the row has.
        names_key: Whether the insert names the primary key of the other row.
        view: The name of the view; the table itself without it.
    """

    model: type[DeclarativeBase]
    key: UUID | str
    new: dict[str, Any]
    change: dict[str, Any]
    names_key: bool = True
    view: str | None = None

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that there are for a row."""
        return COMMANDS

    @cached_property
    def table(self) -> Table:
        """The table; a view is described as one."""
        table = cast("Table", self.model.__table__)
        if self.view is None:
            return table
        columns = (Column(column.name, column.type) for column in table.columns)
        return Table(self.view, MetaData(), *columns)

    @property
    def inserted(self) -> dict[str, Any]:
        """The values that an insert names."""
        return {"id": NEW_KEY, **self.new} if self.names_key else self.new

    def statement(self, command: str) -> Executable:
        """Return the statement that tries a command."""
        row = self.table.c.id == self.key
        statements: dict[str, Executable] = {
            "select": select(self.table).where(row),
            "insert": insert(self.table).values(self.inserted),
            "update": update(self.table).where(row).values(self.change),
            "delete": delete(self.table).where(row),
        }
        return statements[command]

    def has_taken_effect(self, connection: Connection, command: str) -> bool | None:
        """Tell by the rows, as the login role, whether a command took effect."""
        columns = self.table.c
        match command:
            case "insert":
                is_inserted = (columns[name] == value for name, value in self.inserted.items())
                return bool(connection.scalar(select(exists().where(*is_inserted))))
            case "update":
                changed = select(*(columns[name] for name in self.change))
                row = connection.execute(changed.where(columns.id == self.key)).one()
                return dict(row._mapping) == self.change  # noqa: SLF001  public in spite of its name
            case "delete":
                return not connection.scalar(select(exists().where(columns.id == self.key)))
            case _:
                return None


@dataclass(frozen=True)
class Views(Target):
    """Views that can only be read.

    Attributes:
        queries: A query of each view, by its name, which is the command in the matrix.
    """

    queries: Mapping[str, str]

    @property
    def commands(self) -> tuple[str, ...]:
        """The names of the views."""
        return tuple(self.queries)

    def statement(self, command: str) -> Executable:
        """Return the query of a view."""
        return text(self.queries[command])


@dataclass(frozen=True)
class Functions(Target):
    """Functions that are called.

    Attributes:
        calls: A call of each function, by its name, which is the command in the matrix; it gives a
            row where the call is allowed.
        preconditions: Statements that are run before a call, as the login role.
    """

    calls: Mapping[str, str]
    preconditions: Mapping[str, str] = field(default_factory=dict)

    @property
    def commands(self) -> tuple[str, ...]:
        """The names of the functions."""
        return tuple(self.calls)

    def prepare(self, connection: Connection, command: str) -> None:
        """Run the precondition of a call."""
        if command in self.preconditions:
            connection.execute(text(self.preconditions[command]))

    def statement(self, command: str) -> Executable:
        """Return the call of a function."""
        return text(self.calls[command])


def check_access(
    connection: Connection,
    targets: Mapping[str, Target],
    personas: Mapping[str, Actor],
    case: AccessCase,
) -> None:
    """Try one cell of a matrix, and look at the rows afterwards."""
    target = targets[case.target]
    target.prepare(connection, case.command)
    with acting(connection, personas[case.persona]):
        assert outcome(connection, target.statement(case.command)) is case.expected
    took_effect = target.has_taken_effect(connection, case.command)
    assert took_effect in {None, case.expected is Outcome.ALLOWED}
