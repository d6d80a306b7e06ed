"""Principals: callers in words, and the condition under which a row is theirs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_
from typing import Any

from sqlalchemy import Column, ForeignKey, FromClause, Integer, Table, Uuid

from townhall.base.asking import can_be_asked_for, setting_of
from townhall.input_error import InputError
from townhall.pg import sql
from townhall.pg.access.account import HAS_ACCOUNT
from townhall.pg.access.columns import Attribute, column_of, type_of
from townhall.pg.access.helpers import Membership
from townhall.pg.function import Function
from townhall.pg.layout import indented

_ALWAYS = "true"
_PARENT = "parent"
_LOOKUP = "lookup"


@dataclass(frozen=True)
class Principal:
    """Callers, and the condition under which a row is theirs.

    Attributes:
        name: The callers in words that can stand before "can read": ``"members of the event"``.
            The names of policies are made of it.
        condition: An SQL condition on the columns of a table. ``:caller`` in it is the caller's
            id. Columns inside a subquery are qualified.
        anonymous: Those of the callers who are not signed in; None where all of them are.
        table: The table whose columns the condition is about; None where it is not known.
        caller_columns: The columns that have the caller's id in each of these rows.
        is_lookup: Whether the condition reads another table for each row. Beside others it comes
            last, so that it is left out for the rows that they fulfil.
        of_written_row: The condition in another form, for a row that an insert or an update
            leaves; empty where the condition itself is evaluated.
        asking: Conditions that are always true, and ask for what the first row that a statement
            finds belongs to. They come before the condition where rows are found: by a select, an
            update or a delete.
    """

    name: str
    condition: str
    anonymous: Principal | None = None
    table: Table | None = field(default=None, repr=False)
    caller_columns: tuple[str, ...] = field(default=(), repr=False, compare=False)
    is_lookup: bool = field(default=False, repr=False, compare=False)
    of_written_row: str = field(default="", repr=False)
    asking: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        """Lay out the condition.

        Raises:
            TypeError: The name or the condition is no string, or ``anonymous`` no principal.
            InputError: The name or the condition is empty, or ``anonymous`` is about columns of
                another table.
        """
        for argument in ("name", "condition"):
            _check_text(getattr(self, argument), f"{argument} of a principal")
        _check_anonymous(self)
        if self.table is None and self.anonymous is not None:
            object.__setattr__(self, "table", self.anonymous.table)
        object.__setattr__(self, "condition", sql.layout(self.condition))
        written = sql.layout(self.of_written_row)
        object.__setattr__(self, "of_written_row", "" if written == self.condition else written)

    @property
    def written(self) -> str:
        """The condition for a row that an insert or an update leaves."""
        return self.of_written_row or self.condition

    @property
    def found(self) -> str:
        """The condition for a row that is read, updated or deleted."""
        if not self.asking:
            return self.condition
        return "\nand ".join(sql.parenthesized(each) for each in (*self.asking, self.condition))

    def __or__(self, other: Principal) -> Principal:
        """Return these callers and those.

        Raises:
            TypeError: ``other`` is no principal.
            InputError: The two are about columns of different tables.
        """
        if not isinstance(other, Principal):
            return NotImplemented
        if self.table is not None and other.table not in {None, self.table}:
            raise InputError(
                f"'{self.name}' is about columns of {self.table}, '{other.name}' about columns of"
                f" {other.table}; a rule is for one table, so give both the columns of that"
            )
        anonymous = [each.anonymous for each in (self, other) if each.anonymous is not None]
        first, second = _in_order(self, other)
        return Principal(
            f"{self.name} or {other.name}",
            f"{first.condition}\nor {second.condition}",
            anonymous=reduce(or_, anonymous) if anonymous else None,
            table=other.table if self.table is None else self.table,
            caller_columns=tuple(
                each for each in self.caller_columns if each in other.caller_columns
            ),
            is_lookup=second.is_lookup,
            of_written_row=f"{first.written}\nor {second.written}",
            asking=tuple(dict.fromkeys((*first.asking, *second.asking))),
        )

    def where(self, condition: str, words: str) -> Principal:
        """Return these callers, for fewer rows.

        Args:
            condition: What must also hold of a row, as in ``condition``.
            words: The same in words that follow the name: ``"who can read the post"``.

        Raises:
            TypeError: The condition is no string.
            InputError: The condition or the words are empty.
        """
        _check_text(condition, "argument condition of where()")
        _check_text(words, "argument words of where()")
        return replace(
            self,
            name=f"{self.name} {words}",
            condition=_narrowed(self.condition, condition),
            of_written_row=_narrowed(self.written, condition),
            anonymous=None if self.anonymous is None else self.anonymous.where(condition, words),
            # The settings tell nothing of a row that the caller can't read.
            asking=tuple(
                f"{sql.parenthesized(sql.layout(condition))} is not true\nor {each}"
                for each in self.asking
            ),
        )

    @property
    def with_account(self) -> Principal:
        """Those of these callers who have an account that they can come back to.

        Left out are anonymous callers, and the users of an anonymous sign-in, whose tokens have the
        claim ``is_anonymous``. The claim is read once per statement.
        """
        return replace(self, anonymous=None).where(HAS_ACCOUNT, "with an account")

    def named(self, name: str) -> Principal:
        """Return these callers under another name, such as one that is shorter.

        Args:
            name: The callers in words, as in ``name``.
        """
        anonymous = None if self.anonymous is None else self.anonymous.named(name)
        return replace(self, name=name, anonymous=anonymous)


def _in_order(one: Principal, other: Principal) -> tuple[Principal, Principal]:
    """Return lookups last, and the caller's own rows before what the caller belongs to by id."""
    first, second = sorted((one, other), key=lambda each: each.is_lookup)
    return (second, first) if first.asking and second.caller_columns else (first, second)


def _narrowed(condition: str, further: str) -> str:
    narrowed = sql.layout(further)
    if condition == _ALWAYS:
        return narrowed
    return f"{sql.parenthesized(condition)}\nand {sql.parenthesized(narrowed)}"


def _check_text(text: object, what: str) -> None:
    if not isinstance(text, str):
        raise TypeError(f"the {what} is a string, not {text!r}")
    if not sql.layout(text):
        raise InputError(f"the {what} is empty; write it")


def _check_anonymous(principal: Principal) -> None:
    anonymous = principal.anonymous
    if not isinstance(anonymous, Principal | None):
        raise TypeError(
            f"the anonymous callers of '{principal.name}' are a principal, not {anonymous!r}"
        )
    tables = {each.table for each in (principal, anonymous) if each is not None} - {None}
    if len(tables) > 1:
        raise InputError(
            f"'{principal.name}' is about columns of {principal.table}, and its anonymous callers"
            " are about columns of another table; give both the columns of one"
        )


signed_in = Principal("signed-in users", _ALWAYS)
"""Every caller who is signed in."""

anyone = Principal("anyone", _ALWAYS, anonymous=Principal("anyone", _ALWAYS))
"""Every caller, signed in or not."""


def owner(column: Attribute, name: str = "the owner") -> Principal:
    """Return the user whose id is in a column.

    Args:
        column: A column of user ids, with an index: ``Participant.user_id``.
        name: What that user is to the row.

    Raises:
        TypeError: ``column`` is no mapped attribute of a column.
    """
    owned = _compared(column, ":caller", name, "owner()")
    return replace(owned, caller_columns=(column_of(column, "owner()").name,))


def either(first: Attribute, second: Attribute, name: str = "either party") -> Principal:
    """Return the two users whose ids are in two columns of a table.

    Args:
        first: A column of user ids, with an index.
        second: Another one.
        name: What the two are to the row.

    Raises:
        TypeError: One of the two is no mapped attribute of a column.
        InputError: The columns are of different tables, or the same.
    """
    if column_of(first, "either()") is column_of(second, "either()"):
        raise InputError(f"either() takes two columns, and both are {first}; use owner()")
    return (owner(first) | owner(second)).named(name)


def anyone_with(column: Attribute, helper: Membership | Function, name: str) -> Principal:
    """Return the callers whose memberships include the id in a column.

    Args:
        column: A column of ids, with an index: ``Participant.event_id``.
        helper: What :func:`membership` returned, or a function without arguments that returns a
            set of ids.
        name: What those callers are to the row: ``"members of the event"``.

    Raises:
        TypeError: ``column`` is no mapped attribute of a column, or ``helper`` no helper.
        InputError: ``helper`` takes arguments or returns no set.
    """
    if not isinstance(helper, Membership | Function):
        raise TypeError(
            f"anyone_with() takes what membership() returned as its helper, not {helper!r}"
        )
    if isinstance(helper, Function) and (helper.arguments or not helper.returns_set):
        raise InputError(
            f"anyone_with() takes a function without arguments that returns a set of ids, and"
            f" {helper.identity} returns {helper.returns}; declare one with membership()"
        )
    function = f"{sql.quote(helper.schema)}.{sql.quote(helper.name)}"
    belongs = _compared(column, f"any (array(select {function}()))", name, "anyone_with()")
    if not isinstance(helper, Membership) or helper.by_id is None:
        return belongs
    # Each array is evaluated once for a statement, when a row is first compared with it: the array
    # of all ids is not made while each row has one of the ids asked for. Both conditions can use an
    # index, which needs the ids before a row is found: then all are made, and none is asked for.
    asked = _compared(column, f"any (\n{indented(helper.asked)}\n)", name, "anyone_with()")
    own = column_of(column, "anyone_with()")
    return replace(
        belongs,
        condition=f"{asked.condition}\nor {belongs.condition}",
        asking=(helper.asking(sql.quote(own.name)),),
        of_written_row=helper.looked_up(f"{_full_name(own.table)}.{sql.quote(own.name)}"),
    )


def readers_of(
    column: Attribute, name: str, where: str | None = None, *, of_written_row: bool = False
) -> Principal:
    """Return the callers who can read the row that a column refers to.

    The policies of that row's table decide, so that one rule says who can read it. It is looked up
    by its key, once for all rows of a statement that refer to it, and never together with rows to
    which none refers. A statement that names the row with :func:`~townhall.base.asking_for`
    compares its rows with a key that is looked up before the first of them, which takes less time
    for each.

    Args:
        column: A column with a foreign key of its own: ``Comment.post_id``.
        name: What those callers are to the row: ``"readers of the post"``.
        where: What must also hold of the row that is referred to, as an SQL condition in which
            ``parent`` is that row; None for nothing more.
        of_written_row: Whether it is for a row that is written, as with ``insert`` and ``becomes``.
            Then nothing is remembered or asked for, which is faster for one row and slower for
            many.

    Raises:
        TypeError: ``column`` is no mapped attribute of a column, or ``where`` no string.
        InputError: ``column`` has no foreign key of its own, or several; it refers to its own
            table; its table is called ``parent`` or ``lookup``; or ``where`` is empty.
    """
    child = column_of(column, "readers_of()")
    referred = [each for each in child.foreign_keys if _is_alone(each)]
    if len(referred) != 1:
        raise InputError(
            f"readers_of() takes a column with one foreign key of its own, and {child} has"
            f" {len(referred)}; write the condition as a Principal"
        )
    parent = referred[0].column
    if parent.table is child.table:
        raise InputError(
            f"readers_of() takes a column that refers to another table, and {child} refers to its"
            " own, whose policy would call itself"
        )
    if child.table.name in {_PARENT, _LOOKUP}:
        raise InputError(
            f'in the condition of readers_of() "{_PARENT}" is the row that is referred to, and'
            f' "{_LOOKUP}" what it is joined with: for a table called "{child.table.name}", write'
            " the condition as a Principal"
        )
    if where is not None:
        _check_text(where, "argument where of readers_of()")
        where = sql.layout(where)
    row = f"{_full_name(parent.table)} as {_PARENT}"
    own = f"{_PARENT}.{sql.quote(parent.name)}"
    key = f"{sql.quote(child.table.name)}.{sql.quote(child.name)}"
    lookup = _plain_lookup if of_written_row else _memoized_lookup
    # Without `offset 0` PostgreSQL may read all rows that the caller can read and hash them, for a
    # query of few: its estimate of the cost leaves out a `limit` of the query.
    lines = (
        "exists (",
        "    select",
        *map(indented, lookup(row, own, key, where)),
        "    offset 0",
        ")",
    )
    if not of_written_row and isinstance(parent.type, Uuid | Integer) and can_be_asked_for(parent):
        asked = map(indented, _asked_lookup(row, own, parent, where))
        first, *rest = lines
        lines = (f"{sql.quote(child.name)} = any (", *asked, ")", f"or {first}", *rest)
    return Principal(name, "\n".join(lines), table=child.table, is_lookup=True)


def _asked_lookup(row: str, own: str, parent: Column[Any], where: str | None) -> Iterator[str]:
    """Yield an SQL array of the keys for which a statement asks and whose rows can be read."""
    setting = f"nullif(current_setting('{setting_of(parent)}', true), '')"
    yield "array("
    yield f"    select {own}"
    yield f"    from unnest({setting}::{type_of(parent)}[]) as {_LOOKUP} (id)"
    yield f"    join {row}"
    yield f"        on {own} = {_LOOKUP}.id"
    if where is not None:
        yield indented(f"where {where}")
    yield ")"


def _plain_lookup(row: str, own: str, key: str, where: str | None) -> Iterator[str]:
    """Yield the clauses that look up the row that is referred to, by its key."""
    yield f"from {row}"
    yield f"where {own} = {key}"
    if where is not None:
        yield indented(f"and {sql.parenthesized(where)}")


def _memoized_lookup(row: str, own: str, key: str, where: str | None) -> Iterator[str]:
    """Yield the clauses that look up the row that is referred to once for each key.

    A subquery of a policy is run for each row. PostgreSQL keeps the result of a join for a key
    (Memoize), also from one run to the next, where it estimates more rows than distinct keys: the
    function, which returns one row, is estimated to return a hundred, and a boolean to have two
    values.
    """
    yield "from jsonb_to_recordset('[{\"is_made\": true}]')"
    yield f"    as {_LOOKUP} (is_made boolean)"
    yield f"join {row}"
    yield f"    on {own} = case"
    yield f"        when {_LOOKUP}.is_made then {key}"
    yield "    end"
    if where is not None:
        yield f"where {where}"


def _is_alone(foreign_key: ForeignKey) -> bool:
    constraint = foreign_key.constraint
    return constraint is None or len(constraint.elements) == 1


def _full_name(table: FromClause) -> str:
    schema = getattr(table, "schema", None) or "public"
    return f"{sql.quote(schema)}.{sql.quote(str(table.description))}"


def _compared(attribute: Attribute, value: str, name: str, place: str) -> Principal:
    column = column_of(attribute, place)
    return Principal(name, f"{sql.quote(column.name)} = {value}", table=column.table)
