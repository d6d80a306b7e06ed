"""What types have in common: privileges and a comment."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any, ClassVar, Self

from sqlalchemy import RowMapping

from townhall.pg import catalog, sql
from townhall.pg.alterable import AlterableEntity, Previous
from townhall.pg.entity import Entity, comment_statement
from townhall.pg.privileges import (
    API_ROLES,
    PUBLIC,
    grant_statements,
    grantee_of,
    refused_grantees,
    split_grantee,
    unmanaged,
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
        usage_by_default: The roles that may use it as soon as it is created: every role, unless the
            default privileges of the role that creates it say otherwise. It is not compared.
    """

    sql_kind: ClassVar[str] = "type"
    letter: ClassVar[str]
    """The kind as in ``pg_type.typtype``."""

    comment: str | None = None
    usage: tuple[str, ...] = EVERYONE
    api_roles: tuple[str, ...] = field(default=API_ROLES, compare=False)
    usage_by_default: tuple[str, ...] = field(default=EVERYONE, compare=False)

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
        if {self.usage, self.usage_by_default} != {EVERYONE}:
            yield from self._privileges(self.usage_by_default)
        yield comment_statement(self.sql_kind, self.literal_name, self.comment)

    def alter_statements(self, previous: Previous) -> Iterable[str]:
        """Yield what changes the type, its privileges and its comment."""
        yield from self._changes(previous)
        if self.usage != previous.usage:
            yield from self._privileges(previous.grants)
        if self.comment != previous.comment:
            yield comment_statement(self.sql_kind, self.literal_name, self.comment)

    def _privileges(self, given: Collection[str]) -> Iterable[str]:
        # Where every role may use it, the API's roles, which may not exist, are not named, but for
        # those that have a privilege.
        known = given if PUBLIC in self.grants else self.api_roles
        roles = [role for role in self.api_roles if role in known]
        return grant_statements(f"type {self.literal_name}", self.grants, roles, self.owner)

    def with_unmanaged_grants_of(self, actual: Entity) -> Self:
        """Return the type with the unmanaged roles that may use the actual one."""
        if not isinstance(actual, DataType):
            return self
        others = unmanaged(actual.grants, (*self.api_roles, *self.grants))
        kept = [each for each in actual.usage if split_grantee(each)[0] in others]
        return replace(self, usage=(*kept, *self.usage)) if kept else self

    def rendered(self, temporary: Previous, actual: Previous) -> Self:
        """Return the declared state, without what default privileges gave to the temporary one."""
        if self.usage == EVERYONE:
            usage = EVERYONE
        else:
            usage = tuple(each for each in temporary.usage if split_grantee(each)[0] in self.grants)
        return replace(super().rendered(temporary, actual), usage=usage)


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
