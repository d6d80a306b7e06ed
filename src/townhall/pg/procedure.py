"""Procedures, with the roles that may execute them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

from sqlalchemy import Connection

from townhall.pg import catalog, sql
from townhall.pg.arguments import arguments_of
from townhall.pg.entity import Entity
from townhall.pg.privileges import API_ROLES
from townhall.pg.routine import Routine, SearchPath, Security, query, shared_values


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Procedure(Routine):
    """A procedure, and the roles that may call it.

    Attributes:
        name: The name of the procedure.
        arguments: The types of the arguments by name, as those of a function.
        language: ``sql``, ``plpgsql`` or another that the server has.
        body: The source between the dollar quotes, laid out as that of a function.
        verbatim: Whether the body is stored byte for byte as it is given.
        security: Whether it has the privileges of its caller (``invoker``) or its owner
            (``definer``), who then can't end a transaction.
        settings: Settings for the time of a call, as those of a function. With one, it can't end a
            transaction.
        search_path: Whether autogenerate refuses a ``definer`` procedure with an unsafe search path
            (``safe``), or takes it ``as found``.
        execute: The roles that may call it.
        api_roles: The roles that may not call it unless they are in ``execute``; ``public`` is
            always among them. Any other role keeps what it has.
        comment: What the procedure is for.
    """

    kind: ClassVar[str] = "procedure"
    sql_kind: ClassVar[str] = "procedure"

    name: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    language: str = "sql"
    body: str
    verbatim: bool = False
    security: Security = "invoker"
    settings: Mapping[str, str] = field(default_factory=dict)
    search_path: SearchPath = field(default="safe", compare=False)
    execute: tuple[str, ...] = ()
    api_roles: tuple[str, ...] = field(default=API_ROLES, compare=False)
    comment: str | None = None

    def _definition(self) -> Iterable[str]:
        arguments = ", ".join(map(str, arguments_of(self.arguments)))
        yield f"create or replace procedure {self.literal_name}({arguments})"
        yield f"language {sql.quote(self.language)}"
        yield f"security {self.security}"
        yield from self._settings_and_body()

    def can_replace(self, other: Entity) -> bool:
        """Tell whether the arguments stay, and defaults are only added."""
        return isinstance(other, Procedure) and self.has_arguments_for(other)

    @classmethod
    def read(cls, connection: Connection, schemas: Sequence[str]) -> Sequence[Self]:
        """Return the procedures in ``schemas``."""
        rows = catalog.rows(connection, _QUERY, schemas)
        return [cls.found(**shared_values(row)) for row in rows]


_QUERY = query("p")
