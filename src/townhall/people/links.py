"""Which rows are a person's, as the foreign keys of declared tables say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Column, ForeignKeyConstraint, MetaData, Table
from sqlalchemy.exc import NoReferencedTableError

from townhall.base.people import Accounts, LinkKind, declared_in
from townhall.input_error import InputError
from townhall.people.columns import email_columns

_ACCOUNTS = "auth.users"
_CASCADE = "CASCADE"


@dataclass(frozen=True)
class Link:
    """A foreign key to an account, or to a row of a person.

    Attributes:
        constraint: The foreign key.
        target: The qualified name of the table that it refers to.
    """

    constraint: ForeignKeyConstraint
    target: str

    @property
    def table(self) -> Table:
        """The table that has the foreign key."""
        return self.constraint.table

    @property
    def columns(self) -> tuple[Column[Any], ...]:
        """The columns of the foreign key."""
        return tuple(self.constraint.columns)

    @property
    def referred(self) -> tuple[str, ...]:
        """The names of the columns that they refer to."""
        return tuple(each.target_fullname.rpartition(".")[2] for each in self.constraint.elements)

    @property
    def kind(self) -> LinkKind | None:
        """What the foreign key is classified as, or None."""
        infos = (self.constraint.info, *(each.info for each in self.constraint.elements))
        declared = (declared_in(info) for info in infos)
        return next((each for each in declared if isinstance(each, LinkKind)), None)

    @property
    def cascades(self) -> bool:
        """Whether the row is deleted together with the row that it refers to."""
        return (self.constraint.ondelete or "").upper() == _CASCADE

    @property
    def name(self) -> str:
        """The name of the foreign key, or its columns where it has none."""
        name = self.constraint.name
        return name if isinstance(name, str) else f"({', '.join(self.constraint.column_keys)})"


Path = tuple[Link, ...]
"""The links from a row to the account: those of the row, of the row it refers to, and so on."""


def is_kept(path: Path) -> bool:
    """Tell whether the row at the beginning of a path stays where the account is deleted."""
    return not all(link.cascades for link in path)


class Links:
    """The foreign keys of declared tables by which rows are a person's."""

    def __init__(self, metadata: Iterable[MetaData]) -> None:
        """Read the tables.

        Args:
            metadata: The metadata of the product, and of an application after it.
        """
        self.tables: dict[str, Table] = {}
        for table in (table for each in metadata for table in each.tables.values()):
            # An application may declare a table of the product again, such as the accounts, for
            # its foreign keys alone: the product's declaration tells of people.
            self.tables.setdefault(qualified_name(table), table)

    @cached_property
    def accounts(self) -> str:
        """The qualified name of the table of accounts.

        Raises:
            InputError: There are several.
        """
        marked = [
            name
            for name, table in self.tables.items()
            if isinstance(declared_in(table.info), Accounts)
        ]
        if len(marked) > 1:
            raise InputError(
                f"the tables {', '.join(sorted(marked))} are declared as accounts: a person has an"
                " account in one of them, and a link of kind PERSON in the others"
            )
        return marked[0] if marked else _ACCOUNTS

    @cached_property
    def account_key(self) -> str:
        """The column with the key of an account.

        Raises:
            InputError: The table of accounts has no primary key of one column.
        """
        declared = self.tables.get(self.accounts)
        if declared is None:
            return "id"
        columns = [each.key for each in declared.primary_key.columns]
        if len(columns) != 1:
            raise InputError(f"the accounts of {self.accounts} have no primary key of one column")
        return columns[0]

    @cached_property
    def _foreign_keys(self) -> tuple[Link, ...]:
        return tuple(
            Link(constraint, _target(constraint))
            for _, table in sorted(self.tables.items())
            for constraint in sorted(table.foreign_key_constraints, key=_place)
        )

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """Every foreign key to an account, and to a table with rows of people, by table."""
        people = {self.accounts}
        size = 0
        while len(people) > size:
            size = len(people)
            people.update(
                qualified_name(link.table)
                for link in self._foreign_keys
                if link.target in people and link.kind is LinkKind.PERSON
            )
        return tuple(link for link in self._foreign_keys if link.target in people)

    @property
    def unclassified(self) -> tuple[Link, ...]:
        """The links of which it is not declared whose the row is."""
        return tuple(link for link in self.links if link.kind is None)

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """The paths by which rows are a person's, or were made by one.

        Raises:
            InputError: A link is not classified.
        """
        if self.unclassified:
            first = self.unclassified[0]
            raise InputError(
                f"it is not declared whose the rows of {qualified_name(first.table)} are, by its"
                f" foreign key {first.name}: give the foreign key info=people.PERSON, people.ACTOR"
                " or people.OTHER; townhall check lists all of them"
            )
        theirs = (link for link in self.links if link.kind is not LinkKind.OTHER)
        return tuple(path for link in theirs for path in self._beginning_with(link, ()))

    def account_column(self, link: Link) -> Column[Any]:
        """Return the column of a link to an account that has the key of the account.

        Args:
            link: The link, which may have other columns as well, such as a tenant.

        Raises:
            InputError: It has no such column.
        """
        for column, referred in zip(link.columns, link.referred, strict=True):
            if referred == self.account_key:
                return column
        raise InputError(
            f"the foreign key {link.name} of {qualified_name(link.table)} does not refer to the key"
            f" {self.account_key} of {self.accounts}, by which a person is found"
        )

    @property
    def tables_with_address_alone(self) -> list[Table]:
        """The tables with e-mail addresses of people whose rows have no link to an account."""
        linked = self.tables_of_people
        return [
            table
            for name, table in sorted(self.tables.items())
            if name != self.accounts and table not in linked and email_columns(table)
        ]

    @property
    def tables_of_people(self) -> list[Table]:
        """The tables at which the paths begin."""
        return list(dict.fromkeys(path[0].table for path in self.paths))

    def paths_of(self, table: Table) -> list[Path]:
        """Return the paths that begin at a table."""
        return [path for path in self.paths if path[0].table is table]

    def _beginning_with(self, link: Link, seen: Path) -> Iterator[Path]:
        if link.target == self.accounts:
            yield (link,)
            return
        followed = (*seen, link)
        for further in self.links:
            is_next = further.table is self.tables[link.target] and further.kind is LinkKind.PERSON
            # Once around a circle and on: what more rounds lead to is found by the same path.
            rounds = 1 if qualified_name(further.table) == further.target else 2
            if is_next and followed.count(further) < rounds:
                yield from ((link, *path) for path in self._beginning_with(further, followed))


def qualified_name(table: Table) -> str:
    """Return the name of a table with its schema, ``public`` where it names none."""
    return f"{table.schema or 'public'}.{table.name}"


def shown_name(table: Table | str) -> str:
    """Return the name of a table as results have it: with its schema unless that is ``public``.

    Args:
        table: The table, or its qualified name.
    """
    name = table if isinstance(table, str) else qualified_name(table)
    return name.removeprefix("public.")


def _target(constraint: ForeignKeyConstraint) -> str:
    element = constraint.elements[0]
    try:
        return qualified_name(element.column.table)
    except NoReferencedTableError:  # it is in another metadata
        schema, _, name = element.target_fullname.rpartition(".")[0].rpartition(".")
        return f"{schema or 'public'}.{name}"


def _place(constraint: ForeignKeyConstraint) -> tuple[list[str], str]:
    return list(constraint.column_keys), str(constraint.name)
