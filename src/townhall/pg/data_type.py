"""What types have in common: privileges and a comment."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, ClassVar

from sqlalchemy import RowMapping

from townhall.pg import catalog, sql
from townhall.pg.alterable import AlterableEntity, Previous
from townhall.pg.entity import comment_statement
from townhall.pg.privileges import (
    API_ROLES,
    PUBLIC,
    grant_statements,
    grantee_of,
    refused_grantees,
    split_grantee,
)

EVERYONE = (PUBLIC,)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DataType(AlterableEntity):
    """A type.

    Attributes:
        comment: What the type is for.
        usage: The roles that may use it for columns, arguments and results: every role by default.
            To read and write values needs no privilege on their type.
        api_roles: The roles that may not use it unless they are in ``usage``, once ``public`` is
            not among those. Any other role keeps what it has.
    """

    sql_kind: ClassVar[str] = "type"
    letter: ClassVar[str]
    """The kind as in ``pg_type.typtype``."""

    comment: str | None = None
    usage: tuple[str, ...] = EVERYONE
    api_roles: tuple[str, ...] = field(default=API_ROLES, compare=False)

    def __post_init__(self) -> None:
        """Refuse a role that can't have a privilege.

        Raises:
            InputError: A value has another type than its field, or a role can't have a privilege.
        """
        super().__post_init__()
        if why := refused_grantees(self.usage):
            self._refuse(why)

    @property
    def grants(self) -> Mapping[str, tuple[str, ...]]:
        """The privileges of each role."""
        return {role: (f"usage{option}",) for role, option in map(split_grantee, self.usage)}

    @abstractmethod
    def _definition(self) -> str:
        """Return the statement that creates the type."""

    @abstractmethod
    def _changes(self, previous: Previous) -> Iterable[str]:
        """Yield what changes the type itself."""

    def create_statements(self) -> Iterable[str]:
        """Yield the type, unless it exists, its privileges and its comment."""
        body = (
            "\nbegin\n    if not exists (\n        select from pg_catalog.pg_type\n"
            f"        where oid = to_regtype({sql.literal(self.literal_name)})"
            f" and typtype = '{self.letter}'\n    ) then\n"
            f"        {self._definition()};\n    end if;\nend\n"
        )
        yield f"do {sql.dollar_quoted(body)}"
        yield from self._owner(self.literal_name)
        if self.usage != EVERYONE:
            yield from self._privileges(self.api_roles)
        yield comment_statement(self.sql_kind, self.literal_name, self.comment)

    def alter_statements(self, previous: Previous) -> Iterable[str]:
        """Yield what changes the type, its privileges and its comment."""
        yield from self._changes(previous)
        if self.usage != previous.usage:
            # Where every role may use it, the API's roles, which may not exist, are not named.
            known = previous.grants if self.usage == EVERYONE else self.api_roles
            yield from self._privileges([role for role in self.api_roles if role in known])
        if self.comment != previous.comment:
            yield comment_statement(self.sql_kind, self.literal_name, self.comment)

    def _privileges(self, api_roles: Sequence[str]) -> Iterable[str]:
        return grant_statements(f"type {self.literal_name}", self.grants, api_roles, self.owner)


def shared_values(row: RowMapping) -> dict[str, Any]:
    """Return the values of the fields that every type has.

    Args:
        row: A row of a query with :data:`SHARED_COLUMNS`.
    """
    return {
        "schema": row["schema"],
        "name": row["name"],
        "comment": row["comment"],
        "owner": row["owner"],
        "usage": _usage(row["entries"] or ()),
    }


def _usage(entries: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(map(grantee_of, sorted(entries, key=itemgetter("grantee"))))


SHARED_COLUMNS = f"""
        n.nspname as schema,
        t.typname as name,
        {catalog.comment("pg_type", "t")} as comment,
        {catalog.other_owner("t.typowner")} as owner,
        {catalog.entries("t.typacl", "t.typowner", "T")} as entries
"""
"""What a query reads of every type."""


def types_of_kind(letter: str, *joins: str) -> str:
    """Return the end of a query that reads types.

    Args:
        letter: The kind as in ``pg_type.typtype``: ``e`` for an enum.
        joins: Further tables of the query.
    """
    return f"""
    from pg_catalog.pg_type as t
    join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
    {" ".join(joins)}
    where t.typtype = '{letter}'
        and n.nspname = any (%(schemas)s)
        and {catalog.not_of_an_extension("pg_type", "t")}
    """
