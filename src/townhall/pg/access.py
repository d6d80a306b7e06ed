"""The vocabulary with which a domain says who may do what to a table.

A domain writes a line or two per table::

    Access(
        Participant,
        read=members("event_id") | owner("user_id"),
        write=managers("event_id"),
        fixed=("event_id",),
    )

which expands to row level security, one policy per command, and exact grants. Conditions have the
forms that stay fast at a million rows: the caller and the caller's memberships are looked up once
per statement and compared through an index, never once per row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import cast

from sqlalchemy import Table
from sqlalchemy.orm import DeclarativeBase

from townhall.base import is_kept_by_database
from townhall.pg import sql
from townhall.pg.entity import Entity
from townhall.pg.function import SAFE_SEARCH_PATH, Function
from townhall.pg.policy import Command, Policy
from townhall.pg.privileges import AUTHENTICATED, SERVICE, Grants
from townhall.pg.table_access import TableAccess


@dataclass(frozen=True)
class Who:
    """Some people, and the condition under which a row is theirs.

    Attributes:
        name: The people in words, as the policy's name says them.
        condition: An SQL condition on the table's columns.
    """

    name: str
    condition: str

    def __or__(self, other: Who) -> Who:
        """Return these people and those."""
        return Who(f"{self.name} or {other.name}", f"{self.condition}\nor {other.condition}")

    def __and__(self, other: Who) -> Who:
        """Return those of these people who are those as well."""
        return self.where(other.condition, f"among {other.name}")

    def where(self, condition: str, words: str) -> Who:
        """Return these people, for fewer rows.

        Args:
            condition: What must also hold of a row, in SQL.
            words: The same in words: ``"while pending"``.
        """
        return Who(f"{self.name} {words}", f"{_within(self.condition)}\nand {_within(condition)}")


def _within(condition: str) -> str:
    text = sql.layout(condition)
    return f"({sql.indented(text)})" if "\n" in text else f"({text})"


signed_in = Who("signed-in users", "true")
"""Everybody who is signed in."""


def owner(column: str, name: str = "the owner") -> Who:
    """Return the person whose id is in a column.

    Args:
        column: A column that holds an id of ``auth.users``, with an index.
        name: What that person is to the row.
    """
    return Who(name, f"{sql.quote(column)} = (select auth.uid())")


def either(first: str, second: str, name: str = "both parties") -> Who:
    """Return the two people whose ids are in two columns.

    Args:
        first: A column that holds an id of ``auth.users``, with an index.
        second: Another one.
        name: What the two are to the row.
    """
    return Who(name, (owner(first) | owner(second)).condition)


def anyone_with(column: str, helper: str, name: str) -> Who:
    """Return the people for whom a helper names what is in a column.

    Args:
        column: The column to look for, with an index.
        helper: A function made by :func:`membership`: ``my_event_ids``.
        name: What those people are to the row: ``"members"``.
    """
    return Who(name, f"{sql.quote(column)} = any (array(select private.{sql.quote(helper)}()))")


def membership(name: str, query: str, comment: str) -> Function:
    """Return the helper that tells policies what the caller belongs to.

    It runs with its owner's rights, because a policy that reads a table with policies of its own
    would evaluate those row by row, and one that reads its own table would never end.

    Args:
        name: The name of the function in schema ``private``.
        query: A query of one column of ids; its names are qualified.
        comment: What the ids are.
    """
    return Function(
        schema="private",
        name=name,
        returns="setof uuid",
        volatility="stable",
        security="definer",
        settings={"search_path": SAFE_SEARCH_PATH},
        body=query,
        execute=(AUTHENTICATED, SERVICE),
        comment=comment,
    )


def door(function: Function) -> Function:
    """Return the function of schema ``public`` through which clients call one of ``private``.

    A client's API shows schema ``public`` alone, and there nothing runs with its owner's rights.

    Args:
        function: A function of schema ``private``; the other has its name, arguments, result,
            comment and those who may execute it.
    """
    inputs = (name for name, text in function.arguments.items() if not text.startswith("out "))
    call = f"private.{sql.quote(function.name)}({sql.quote_all(inputs)})"
    gives_columns = function.returns.startswith(("setof ", "table "))
    return replace(
        function,
        schema="public",
        security="invoker",
        language="sql",
        body=f"select {'* from ' if gives_columns else ''}{call}",
    )


@dataclass(frozen=True)
class Access:
    """Who may do what to a table. The service may do everything; who is not named may nothing.

    Attributes:
        model: The mapped class of the table.
        read: Who sees a row.
        write: Who inserts, updates and deletes, where one rule serves all three.
        insert: Who inserts a row.
        update: Who changes a row; it must also be theirs afterwards.
        delete: Who deletes a row.
        becomes: What a changed row must be afterwards, where that is not what it was before.
        fixed: Columns that keep what they were inserted with.
        insert_columns: The columns a client may insert; by default all but those that the
            database keeps.
        update_columns: The columns a client may change; by default those it may insert, without
            the key and the fixed ones.
        policies: The clients' policies, in place of one per command where a table is to have
            others; what the rules say still decides the grants.
    """

    model: type[DeclarativeBase]
    read: Who | None = None
    write: Who | None = None
    insert: Who | None = None
    update: Who | None = None
    delete: Who | None = None
    becomes: Who | None = None
    fixed: tuple[str, ...] = ()
    insert_columns: tuple[str, ...] | None = None
    update_columns: tuple[str, ...] | None = None
    policies: tuple[Policy, ...] = ()

    @property
    def table(self) -> Table:
        """The table the rules are for."""
        return cast("Table", self.model.__table__)

    @property
    def commands(self) -> dict[Command, Who]:
        """Who may do what, by command; what nobody may is left out."""
        rules: dict[Command, Who | None] = {
            "select": self.read,
            "insert": self.insert or self.write,
            "update": self.update or self.write,
            "delete": self.delete or self.write,
        }
        return {command: who for command, who in rules.items() if who is not None}

    def entities(self) -> Iterable[Entity]:
        """Yield what the rules expand to: the table's access and its policies."""
        yield TableAccess(
            schema=self._schema,
            table=self.table.name,
            grants=self.grants,
        )
        yield from self.policies or (
            self._policy(command, who) for command, who in self.commands.items()
        )
        yield Policy(
            schema=self._schema,
            table=self.table.name,
            name="the service does everything",
            command="all",
            roles=(SERVICE,),
            using="true",
            check="true",
        )

    @property
    def _schema(self) -> str:
        return self.table.schema or "public"

    def _policy(self, command: Command, who: Who) -> Policy:
        after = (self.becomes or who) if command == "update" else who
        return Policy(
            schema=self._schema,
            table=self.table.name,
            name=f"{who.name} {command}",
            command=command,
            roles=(AUTHENTICATED,),
            using=None if command == "insert" else who.condition,
            check=after.condition if command in {"insert", "update"} else None,
        )

    @property
    def grants(self) -> Grants:
        """What each role may do with the table and its columns."""
        return {AUTHENTICATED: tuple(self._privileges()), SERVICE: ("all",)}

    def _privileges(self) -> Iterable[str]:
        columns = {"insert": self.insertable, "update": self.updatable}
        for command in self.commands:
            if command in columns:
                yield f"{command} ({sql.quote_all(columns[command])})"
            else:
                yield command

    @property
    def insertable(self) -> tuple[str, ...]:
        """The columns that a client who may insert a row may name."""
        if self.insert_columns is not None:
            return self.insert_columns
        return tuple(
            column.name for column in self.table.columns if not is_kept_by_database(column)
        )

    @property
    def updatable(self) -> tuple[str, ...]:
        """The columns that a client who may update a row may set."""
        if self.update_columns is not None:
            return self.update_columns
        keys = [column.name for column in self.table.primary_key]
        return tuple(
            column for column in self.insertable if column not in keys and column not in self.fixed
        )


def entities_of(rules: Iterable[Access]) -> tuple[Entity, ...]:
    """Return what the rules of a domain expand to."""
    return tuple(entity for rule in rules for entity in rule.entities())
