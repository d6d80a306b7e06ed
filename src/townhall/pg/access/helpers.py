"""Functions around the rules: what the caller belongs to, and what clients can call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from townhall.input_error import InputError
from townhall.pg import sql
from townhall.pg.access.account import HAS_ACCOUNT
from townhall.pg.access.columns import Attribute, column_of, type_of
from townhall.pg.arguments import arguments_of
from townhall.pg.entity import Entity
from townhall.pg.function import SAFE_SEARCH_PATH, Function
from townhall.pg.layout import indented
from townhall.roles import HELPER_SCHEMA, Roles


@dataclass(frozen=True, kw_only=True)
class Membership:
    """A function that returns the ids of what the caller belongs to, made by :func:`membership`.

    Attributes:
        schema: The schema of the function.
        name: The name of the function.
        ids: The type of the ids, as PostgreSQL names it.
        query: A query of one column of ids.
        comment: The comment on the function.
    """

    schema: str
    name: str
    ids: str
    query: str
    comment: str

    @property
    def with_account(self) -> Membership:
        """The same for callers who have an account; others get no ids.

        Left out are the users of an anonymous sign-in, as with :attr:`Principal.with_account`.
        """
        mine = f"select mine.id\nfrom (\n{indented(self.query)}\n) as mine (id)"
        return replace(self, query=f"{mine}\nwhere {HAS_ACCOUNT}")

    def entities(self, roles: Roles) -> Iterable[Entity]:
        """Yield the function, which users and the service may execute.

        PL/pgSQL keeps its plan for the session. Before PostgreSQL 18 one in SQL would be planned
        anew in each statement.

        Args:
            roles: The roles of the application.
        """
        lines = (
            "begin",
            "    return query",
            f"    select mine.id::{self.ids}",
            "    from (",
            indented(self.query, " " * 8),
            "    ) as mine (id);",
            "end",
        )
        yield Function(
            schema=self.schema,
            name=self.name,
            returns=f"setof {self.ids}",
            language="plpgsql",
            volatility="stable",
            security="definer",
            settings={"search_path": SAFE_SEARCH_PATH},
            body="\n".join(lines),
            execute=tuple(role for role in (roles.user, roles.service) if role is not None),
            api_roles=roles.names,
            comment=self.comment,
        )


def membership(
    name: str, ids: Attribute, query: str, comment: str, *, schema: str = HELPER_SCHEMA
) -> Membership:
    """Return the function that tells policies what the caller belongs to.

    It runs with its owner's rights: a policy that reads a table with policies of its own would
    evaluate those for each row, and one that reads its own table would recurse infinitely.

    Args:
        name: The name of the function.
        ids: The column whose values the function returns, which has their type: ``Event.id``.
        query: A query of one column of ids. ``:caller`` in it is the caller's id; names other than
            PostgreSQL's own are qualified.
        comment: What the ids are.
        schema: The schema of the function, one that clients can't reach through an API.

    Raises:
        TypeError: ``ids`` is no mapped attribute of a column.
        InputError: A text is empty.
    """
    for argument, text in {"name": name, "query": query, "schema": schema}.items():
        if not text.strip():
            raise InputError(f"membership() needs a {argument}; it is empty")
    return Membership(
        schema=schema,
        name=name,
        ids=type_of(column_of(ids, "membership()")),
        query=sql.layout(query),
        comment=comment,
    )


def public_wrapper(function: Function, *, schema: str = "public") -> Function:
    """Return the public wrapper of a function: clients call it, and it calls the function.

    An API exposes one schema, and no function there should run with its owner's rights. The wrapper
    runs with its caller's, and has the name, arguments, result, comment and grants of the function.
    Of its settings it has the search path alone: the others hold within the function.

    Args:
        function: A function of another schema.
        schema: The schema that the API exposes.

    Raises:
        InputError: The function is in that schema already, or is for a trigger.
    """
    if function.schema == schema:
        raise InputError(
            f"{function.identity} is in schema {schema} already and can't have a wrapper there;"
            " put the function into a schema that clients can't reach, such as private"
        )
    if function.returns.lower() in {"trigger", "event_trigger"}:
        raise InputError(
            f"{function.identity} is for a trigger and can't be called; wrap another function"
        )
    call = f"{function.literal_name}({', '.join(_passed(function))})"
    path = {name: value for name, value in function.settings.items() if name == "search_path"}
    return replace(
        function,
        schema=schema,
        security="invoker",
        language="sql",
        settings=path,
        verbatim=False,
        body=f"select {'* from ' if function.returns_set else ''}{call}",
    )


def _passed(function: Function) -> Iterable[str]:
    """Yield the arguments of a function as another one with the same arguments passes them."""
    inputs = [each for each in arguments_of(function.arguments) if each.is_input]
    for position, each in enumerate(inputs, start=1):
        value = f"${position}" if each.name.startswith("$") else sql.quote(each.name)
        yield f"variadic {value}" if each.mode == "variadic" else value
