"""The rule for a table: who may do what, and which columns may be written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any, cast

from sqlalchemy import Table
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute

from townhall.input_error import InputError
from townhall.pg.access.columns import Attribute, column_of, is_writable
from townhall.pg.access.principals import Principal
from townhall.pg.policy import Command, Policy
from townhall.roles import LONGEST_NAME

SERVICE_POLICY = "the service can do everything"
"""The name of the policy for the service, which every rule has."""

_PRINCIPALS = ("read", "write", "insert", "update", "delete", "becomes")
_COLUMNS = ("fixed", "insert_columns", "update_columns")
_NEVER_NONE = ("fixed", "policies")


@dataclass(frozen=True, eq=False, repr=False)
class Access:
    """Who may do what to a table.

    The service may do everything. Callers that no principal of the rule includes may do nothing.
    What contradicts itself or names what is not there is refused when the rule is made.

    Attributes:
        model: The mapped class of the table.
        read: Who may read a row.
        write: Who may insert, update and delete a row; ``insert``, ``update`` and ``delete`` take
            precedence.
        insert: Who may insert a row.
        update: Who may update a row. The updated row must be theirs as well, unless ``becomes``
            says otherwise.
        delete: Who may delete a row.
        becomes: Whose the updated row must be, where that differs from ``update``.
        fixed: Columns that a client may insert and not update.
        insert_columns: The columns that a client may insert; by default all but those that the
            database keeps or generates.
        update_columns: The columns that a client may update; by default those that may be inserted,
            without the primary key and ``fixed``.
        policies: The policies for clients, in place of those that the principals are expanded to.
            The principals still decide the grants.
    """

    model: type[DeclarativeBase]
    read: Principal | None = None
    write: Principal | None = None
    insert: Principal | None = None
    update: Principal | None = None
    delete: Principal | None = None
    becomes: Principal | None = None
    fixed: tuple[Attribute, ...] = ()
    insert_columns: tuple[Attribute, ...] | None = None
    update_columns: tuple[Attribute, ...] | None = None
    policies: tuple[Policy, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what contradicts itself or names what is not there.

        Raises:
            TypeError: A value has another type than its attribute takes.
            InputError: Two values contradict each other, or one is about another table.
        """
        _check_types(self)
        for contradiction in _contradictions(self):
            raise InputError(f"{self._words}: {contradiction}")

    def __eq__(self, other: object) -> bool:
        """Tell whether two rules declare the same."""
        return isinstance(other, Access) and self._declared == other._declared

    def __hash__(self) -> int:
        """Return a hash of what is declared."""
        return hash(self._declared)

    def __repr__(self) -> str:
        """Return the rule as it is declared, without what is left out."""
        (_, model), *rest = self._declared
        given = [f"{name}={value!r}" for name, value in rest if value]
        return f"Access({', '.join([model.__name__, *given])})"

    @property
    def _declared(self) -> tuple[tuple[str, Any], ...]:
        """The names and values of the fields; columns as text, whose ``==`` is a comparison."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return tuple(
            (name, tuple(map(str, value)) if name in _COLUMNS and value else value)
            for name, value in values
        )

    @property
    def _words(self) -> str:
        return f"the access rule of {self.model.__name__}"

    @property
    def table(self) -> Table:
        """The table of the rule."""
        return cast("Table", self.model.__table__)

    @property
    def schema(self) -> str:
        """The schema of the table."""
        return self.table.schema or "public"

    @property
    def commands(self) -> dict[Command, Principal]:
        """The principal for each command that a client may use."""
        principals: dict[Command, Principal | None] = {
            "select": self.read,
            "insert": self.insert or self.write,
            "update": self.update or self.write,
            "delete": self.delete or self.write,
        }
        return {command: each for command, each in principals.items() if each is not None}

    @property
    def insertable(self) -> tuple[str, ...]:
        """The names of the columns that a client who may insert a row may insert."""
        if self.insert_columns is not None:
            return _names(self.insert_columns)
        return tuple(column.name for column in self.table.columns if is_writable(column))

    @property
    def updatable(self) -> tuple[str, ...]:
        """The names of the columns that a client who may update a row may update."""
        if self.update_columns is not None:
            return _names(self.update_columns)
        kept = {*(column.name for column in self.table.primary_key), *_names(self.fixed)}
        return tuple(name for name in self.insertable if name not in kept)


def policy_name(principal: Principal, command: Command, *, anonymous: bool = False) -> str:
    """Return the name of the policy for a command: ``"members of the event can read"``.

    Args:
        principal: Who may use the command.
        command: The command.
        anonymous: Whether the policy is for callers who are not signed in.
    """
    verb = "read" if command == "select" else command
    return f"{principal.name} can {verb}{' without signing in' if anonymous else ''}"


def _names(attributes: Iterable[Attribute]) -> tuple[str, ...]:
    return tuple(column_of(attribute, "an access rule").name for attribute in attributes)


def _is_mapped(model: object) -> bool:
    return isinstance(model, type) and isinstance(getattr(model, "__table__", None), Table)


def _check_types(rule: Access) -> None:
    if not _is_mapped(rule.model):
        raise TypeError(f"Access() takes a mapped class that has a table, not {rule.model!r}")
    place = f"the access rule of {rule.model.__name__}"
    for name in _PRINCIPALS:
        value = getattr(rule, name)
        if not isinstance(value, Principal | None):
            raise TypeError(
                f"{place}: {name} takes a principal, such as signed_in or owner(Note.owner_id),"
                f" not {value!r}"
            )
    for name in (*_COLUMNS, "policies"):
        value = getattr(rule, name)
        if not isinstance(value, tuple) and (value is not None or name in _NEVER_NONE):
            raise TypeError(
                f"{place}: {name} takes a tuple, such as (Note.owner_id,) with its comma,"
                f" not {value if isinstance(value, InstrumentedAttribute) else repr(value)}"
            )
    for name in _COLUMNS:
        for attribute in getattr(rule, name) or ():
            column_of(attribute, f"{place}: {name}")
    for policy in rule.policies:
        if not isinstance(policy, Policy):
            raise TypeError(f"{place}: policies takes policies, not {policy!r}")


def _contradictions(rule: Access) -> Iterator[str]:
    """Yield what contradicts itself in a rule, or is about another table."""
    yield from _foreign_principals(rule)
    yield from _wrong_columns(rule)
    yield from _wrong_commands(rule)
    yield from _useless_columns(rule)
    yield from _wrong_policies(rule) if rule.policies else _long_names(rule)


def _foreign_principals(rule: Access) -> Iterator[str]:
    for name in _PRINCIPALS:
        principal = getattr(rule, name)
        if principal is not None and principal.table not in {None, rule.table}:
            yield (
                f"{name} is for '{principal.name}', which is about columns of {principal.table};"
                f" give it columns of {rule.model.__name__}"
            )


def _wrong_columns(rule: Access) -> Iterator[str]:
    for name in _COLUMNS:
        attributes = getattr(rule, name) or ()
        names = _names(attributes)
        for attribute in attributes:
            column = column_of(attribute, name)
            if column.table is not rule.table:
                yield (
                    f"{name} has {attribute}, a column of {column.table};"
                    f" name a column of {rule.model.__name__}"
                )
            if names.count(column.name) > 1:
                yield f"{name} has {attribute} twice; name it once"
            if not is_writable(column):
                yield (
                    f"{name} has {attribute}, which the database keeps or generates and no client"
                    " may write; leave it out"
                )


def _wrong_commands(rule: Access) -> Iterator[str]:
    if rule.write and rule.insert and rule.update and rule.delete:
        yield "insert, update and delete take precedence over write; leave write out"
    read = rule.read
    for command in ("update", "delete"):
        principal = rule.commands.get(command)
        if principal is not None and read is None:
            yield (
                f"{command} needs read, since a row that can't be read can't be found to"
                f" {command} it; add read"
            )
        elif principal is not None and principal.anonymous and read and not read.anonymous:
            yield (
                f"{command} includes anonymous callers and read does not, so that they can't find"
                f" a row to {command} it; include them in read, such as by anyone.where(…)"
            )
    update = rule.commands.get("update")
    if rule.becomes and update is None:
        yield "becomes says whose an updated row must be, and there is no update; add update"
    if rule.becomes and update and update.anonymous and not rule.becomes.anonymous:
        yield (
            "update includes anonymous callers and becomes does not, so that they could update"
            " nothing; include them in both or in neither"
        )


def _useless_columns(rule: Access) -> Iterator[str]:
    for name, command in (
        ("insert_columns", "insert"),
        ("update_columns", "update"),
        ("fixed", "update"),
    ):
        is_given = bool(rule.fixed) if name == "fixed" else getattr(rule, name) is not None
        if is_given and command not in rule.commands:
            yield f"{name} is about {command}, and there is no {command}; add {command} or write"
    if rule.fixed and rule.update_columns is not None:
        yield "update_columns says which columns may be updated; leave fixed out"
    for attribute, name in zip(rule.fixed, _names(rule.fixed), strict=True):
        if name in rule.table.primary_key.columns:
            yield (
                f"fixed has {attribute}, a column of the primary key, which no client may update;"
                " leave it out"
            )
        elif name not in rule.insertable:
            yield f"fixed has {attribute}, which insert_columns leaves out already; leave it out"
    for command, columns in (("insert", rule.insertable), ("update", rule.updatable)):
        if command in rule.commands and not columns:
            yield (
                f"there is {command}, and no column that a client may {command};"
                f" name some in {command}_columns"
            )


def _long_names(rule: Access) -> Iterator[str]:
    for command, principal in rule.commands.items():
        names = [policy_name(principal, command)]
        if principal.anonymous is not None:
            names.append(policy_name(principal.anonymous, command, anonymous=True))
        for name in names:
            if len(name.encode()) > LONGEST_NAME:
                yield (
                    f"the policy '{name}' has a name of {len(name.encode())} bytes, and PostgreSQL"
                    f" takes {LONGEST_NAME}; shorten the principal's with named()"
                )


def _wrong_policies(rule: Access) -> Iterator[str]:
    names = [policy.name for policy in rule.policies]
    if not rule.commands:
        yield (
            "there are policies, and nothing that a client may do; say in the rule who may, such"
            " as read=signed_in"
        )
    if rule.becomes:
        yield "becomes has no effect beside policies; make it the check of a policy"
    for policy in rule.policies:
        if (policy.schema, policy.table) != (rule.schema, rule.table.name):
            yield (
                f"policies has '{policy.name}' of {policy.schema}.{policy.table};"
                f" a policy in a rule is of {rule.schema}.{rule.table.name}"
            )
        if names.count(policy.name) > 1 or policy.name == SERVICE_POLICY:
            yield f"policies has '{policy.name}', a name that is taken; give it another one"
        if policy.command not in {"all", *rule.commands}:
            yield (
                f"policies has '{policy.name}' for {policy.command}, which is granted to no client;"
                " say in the rule who may, or leave the policy out"
            )
    permitted = {policy.command for policy in rule.policies if policy.permissive}
    for command in rule.commands:
        if permitted.isdisjoint({command, "all"}):
            yield (
                f"policies has no permissive policy for {command}, which would reach no row;"
                " add one"
            )
