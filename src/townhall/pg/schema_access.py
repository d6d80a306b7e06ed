"""The access of a schema: which roles may use it and create objects in it; and its comment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from sqlalchemy import Connection

from townhall.pg import catalog
from townhall.pg.entity import comment_statement
from townhall.pg.owned import AccessOfOwned
from townhall.pg.privileges import (
    API_ROLES,
    grant_statements,
    grantee_of,
    refused_grantees,
    split_grantee,
)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SchemaAccess(AccessOfOwned):
    """The privileges on a schema.

    A schema without a declared access keeps the privileges it has. A role that holds privileges on
    a table or a function needs ``usage`` of its schema as well.

    Attributes:
        usage: The roles that may name objects in the schema: ``("authenticated",)``. A role that
            may pass this on is written ``authenticated with grant option``.
        create: The roles that may create objects in it.
        api_roles: The roles that have no privilege but those in ``usage`` and ``create``;
            ``public`` is always among them. Any other role keeps what it has.
        comment: What the schema is for; an empty text for no comment, and None to keep the comment
            that it has.
    """

    kind: ClassVar[str] = "schema access"
    is_own_object: ClassVar[bool] = False
    name_fields: ClassVar[tuple[str, ...]] = ("schema",)
    drop_fields: ClassVar[tuple[str, ...]] = ("api_roles",)

    usage: tuple[str, ...] = ()
    create: tuple[str, ...] = ()
    api_roles: tuple[str, ...] = field(default=API_ROLES, compare=False)
    comment: str | None = None

    def __post_init__(self) -> None:
        """Refuse a role that can't have a privilege.

        Raises:
            InputError: A value has another type than its field, or a role can't have a privilege.
        """
        super().__post_init__()
        if why := refused_grantees((*self.usage, *self.create)):
            self._refuse(why)

    @property
    def name_parts(self) -> tuple[str, ...]:
        """The schema."""
        return (self.schema,)

    @property
    def grants(self) -> dict[str, tuple[str, ...]]:
        """The privileges of each role."""
        grants: dict[str, tuple[str, ...]] = {}
        for privilege, grantees in (("usage", self.usage), ("create", self.create)):
            for grantee in grantees:
                role, option = split_grantee(grantee)
                grants[role] = (*grants.get(role, ()), f"{privilege}{option}")
        return grants

    def create_statements(self) -> Iterable[str]:
        """Yield the privileges and the comment."""
        yield from grant_statements(self._target, self.grants, self.api_roles, self.owner)
        if self.comment is not None:
            yield comment_statement("schema", self.literal_schema, self.comment or None)

    def drop_statements(self) -> Iterable[str]:
        """Yield the revocation of all privileges."""
        yield from grant_statements(self._target, {}, self.api_roles, self.owner)

    @property
    def _target(self) -> str:
        return f"schema {self.literal_schema}"

    @classmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> Sequence[Self]:
        """Return the access of ``schemas``."""
        return [
            cls.found(
                schema=schema.name,
                usage=_grantees(schema.entries, "USAGE"),
                create=_grantees(schema.entries, "CREATE"),
                comment=schema.comment or "",
                owner=schema.owner,
            )
            for schema in catalog.read_schemas(connection, schemas)
            if not schema.is_of_extension
        ]


def _grantees(entries: Iterable[Mapping[str, Any]], privilege: str) -> tuple[str, ...]:
    return tuple(sorted(grantee_of(each) for each in entries if each["privilege"] == privilege))
