"""Functions around the rules: what the caller belongs to, and what clients can call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from townhall.base.asking import setting_of, time_setting_of
from townhall.input_error import InputError
from townhall.pg import sql
from townhall.pg.access.account import HAS_ACCOUNT
from townhall.pg.access.columns import Attribute, column_of, type_of
from townhall.pg.arguments import arguments_of
from townhall.pg.entity import Entity
from townhall.pg.function import SAFE_SEARCH_PATH, Function
from townhall.pg.layout import indented
from townhall.pg.view import View
from townhall.roles import HELPER_SCHEMA, Roles

# PostgreSQL evaluates the conditions of a policy in the order of what it expects them to cost, and
# the one that asks comes before the one that compares with what is asked for.
_COST_OF_ASKING = 1


@dataclass(frozen=True, kw_only=True)
class Membership:
    """A function that returns the ids of what the caller belongs to, made by :func:`membership`.

    Attributes:
        schema: The schema of the function.
        name: The name of the function.
        ids: The type of the ids, as PostgreSQL names it.
        query: A query of one column of ids.
        comment: The comment on the function.
        by_id: The same query in a form that uses an index where one id is looked up.
        setting: The setting that has the ids for which a statement asks; empty without ``by_id``.
        time_setting: The setting that has the time at which it did; empty without ``by_id``.
    """

    schema: str
    name: str
    ids: str
    query: str
    comment: str
    by_id: str | None = None
    setting: str = ""
    time_setting: str = ""

    @property
    def with_account(self) -> Membership:
        """The same for callers who have an account; others get no ids.

        Left out are the users of an anonymous sign-in, as with :attr:`Principal.with_account`.
        """
        return replace(
            self,
            query=f"{_ids_of(self.query)}\nwhere {HAS_ACCOUNT}",
            by_id=self.by_id and f"{_ids_of(self.by_id)}\nwhere {HAS_ACCOUNT}",
        )

    def entities(self, roles: Roles) -> Iterable[Entity]:
        """Yield the function, and with ``by_id`` a view and two functions for single ids.

        Users and the service may use them. PL/pgSQL keeps its plan for the session. Before
        PostgreSQL 18 a function in SQL would be planned anew in each statement.

        Args:
            roles: The roles of the application.
        """
        readers = tuple(role for role in (roles.user, roles.service) if role is not None)
        ids = Function(
            schema=self.schema,
            name=self.name,
            returns=f"setof {self.ids}",
            language="plpgsql",
            volatility="stable",
            security="definer",
            settings={"search_path": SAFE_SEARCH_PATH},
            body=self._body,
            execute=readers,
            api_roles=roles.names,
            comment=self.comment,
        )
        yield ids
        if self.by_id is None:
            return
        # It reads tables with its owner's rights, as the function does, and a condition of its
        # reader is evaluated for the caller's ids alone.
        yield View(
            schema=self.schema,
            name=f"{self.name}_by_id",
            definition=self._ids(self.by_id),
            security_invoker=False,
            security_barrier=True,
            grants=dict.fromkeys(readers, ("select",)),
            api_roles=roles.names,
            comment=f"The ids of {self.schema}.{self.name}(), for a lookup of single ones.",
        )
        yield replace(
            ids,
            name=f"{self.name}_include",
            arguments={"asked_id": self.ids},
            returns="boolean",
            body=_block(f"return {self.looked_up('$1')}"),
            comment=f"Whether an id is one of {self.schema}.{self.name}().",
        )
        yield replace(
            ids,
            name=f"{self.name}_ask_for",
            arguments={"asked_id": self.ids},
            returns="boolean",
            security="invoker",
            cost=_COST_OF_ASKING,
            body=_block(self._ask_for),
            comment=f"Asks for the first id of a statement that is one of"
            f" {self.schema}.{self.name}().",
        )

    @property
    def _body(self) -> str:
        query = f"return query\n{self._ids(self.query)}"
        if self.by_id is None:
            return _block(query)
        # Who has all ids needs to ask for none: see Principal.asking.
        setting = f"'{self.time_setting}', statement_timestamp()::text, true"
        return _block(f"perform set_config(\n    {setting}\n);\n{query}")

    @property
    def _ask_for(self) -> str:
        # The setting is the caller's to read, so that it never has the id of another's row.
        return sql.layout(
            f"""
            if current_setting('{self.time_setting}', true)
                is distinct from statement_timestamp()::text
            then
                perform
                    set_config(
                        '{self.setting}',
                        case
                            when {self._function("include")}($1)
                                then array[$1]::text
                            else ''
                        end,
                        true
                    ),
                    set_config(
                        '{self.time_setting}',
                        statement_timestamp()::text,
                        true
                    );
            end if;
            return true
            """
        )

    def _ids(self, query: str) -> str:
        return f"select mine.id::{self.ids}\nfrom (\n{indented(query)}\n) as mine (id)"

    def looked_up(self, value: str) -> str:
        """Return the condition that a value is one of the ids, which looks up that one alone.

        Args:
            value: An SQL expression; a column in it is qualified.
        """
        view = f"{sql.quote(self.schema)}.{sql.quote(f'{self.name}_by_id')}"
        # Without `offset 0` PostgreSQL may read all ids and hash them.
        return sql.layout(
            f"""
            exists (
                select
                from {view} as mine
                where mine.id = {value}
                offset 0
            )
            """
        )

    def asking(self, column: str) -> str:
        """Return a condition that is always true, and asks for the id of the first row found.

        It does so once for a statement: not where that asks for ids itself, or where all ids of the
        caller were looked up before the first row, for an index. That is told once.

        Args:
            column: The column of ids.
        """
        at = f"current_setting('{self.time_setting}', true)"
        # PostgreSQL expects nearly all values of a function not to be null, and a third to be true.
        return sql.layout(
            f"""
            (select {at} = statement_timestamp()::text)
            or {self._function("ask_for")}({column}) is not null
            """
        )

    def _function(self, suffix: str) -> str:
        return f"{sql.quote(self.schema)}.{sql.quote(f'{self.name}_{suffix}')}"

    @property
    def asked(self) -> str:
        """An SQL array of those of the ids for which a statement asks, with ``asking_for()``."""
        return sql.layout(
            f"""
            array(
                select asked.id
                from unnest(
                    nullif(current_setting('{self.setting}', true), '')::{self.ids}[]
                ) as asked (id)
                where {self._function("include")}(asked.id)
            )
            """
        )


def membership(  # noqa: PLR0913 - the parts of a function
    name: str,
    ids: Attribute,
    query: str,
    comment: str,
    *,
    by_id: str | None = None,
    schema: str = HELPER_SCHEMA,
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
        by_id: The same ids, for callers who belong to many: a query that uses an index where a
            comparison with one id is added, such as a join in place of an array. What is written is
            checked by it, and a statement with :func:`~townhall.base.asking_for` runs it for the
            ids that it names. None where callers belong to few.
        schema: The schema of the function, one that clients can't reach through an API.

    Raises:
        TypeError: ``ids`` is no mapped attribute of a column.
        InputError: A text is empty, or a name is none that a setting of PostgreSQL may have.
    """
    texts = {"name": name, "query": query, "schema": schema, "by_id": by_id}
    for argument, text in texts.items():
        if text is not None and not text.strip():
            raise InputError(f"membership() needs a {argument}; it is empty")
    column = column_of(ids, "membership()")
    return Membership(
        schema=schema,
        name=name,
        ids=type_of(column),
        query=sql.layout(query),
        comment=comment,
        by_id=None if by_id is None else sql.layout(by_id),
        setting="" if by_id is None else setting_of(column),
        time_setting="" if by_id is None else time_setting_of(column),
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


def _block(statement: str) -> str:
    return f"begin\n{indented(statement)};\nend"


def _ids_of(query: str) -> str:
    return f"select mine.id\nfrom (\n{indented(query)}\n) as mine (id)"


def _passed(function: Function) -> Iterable[str]:
    """Yield the arguments of a function as another one with the same arguments passes them."""
    inputs = [each for each in arguments_of(function.arguments) if each.is_input]
    for position, each in enumerate(inputs, start=1):
        value = f"${position}" if each.name.startswith("$") else sql.quote(each.name)
        yield f"variadic {value}" if each.mode == "variadic" else value
