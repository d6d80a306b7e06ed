"""Conditions of policies as principals of the vocabulary of access."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase

from townhall.migrate.write.python_source import quoted, render_sql
from townhall.pg import ColumnType, Function, Policy, sql
from townhall.pg.access import (
    Attribute,
    Principal,
    anyone,
    anyone_with,
    either,
    owner,
    signed_in,
)
from townhall.pg.catalog import Column, TableName
from townhall.pull.definitions import unwrapped
from townhall.pull.models import Mapped
from townhall.pull.renderings import Renderings
from townhall.roles import CALLER_TYPES, Roles

_OWNER, _PARTY = "the owner", "either party"
"""The names that principals of the vocabulary have by default."""
_TRUE, _OR, _AND, _TWO = "true", " or ", " AND ", 2
_INDENTATION = 16


class Helper(NamedTuple):
    """A function that may tell what a caller belongs to.

    Attributes:
        function: The function.
        constant: The name of the constant that it is declared as.
    """

    function: Function
    constant: str


@dataclass(frozen=True)
class Written:
    """A principal, and how a module makes it.

    Attributes:
        principal: The principal.
        source: Its Python source.
        helpers: The functions that the source names.
    """

    principal: Principal
    source: str
    helpers: tuple[Helper, ...] = ()


class Model:
    """A mapped class that stands in for the one that a pull writes."""

    def __init__(self, mapped: Mapped) -> None:
        """Map a table of the same columns.

        Args:
            mapped: The table, and the names that it is written with.
        """
        self.name: TableName = mapped.name
        self.class_name = mapped.class_name
        self.columns = mapped.table.columns
        self.table = table = sa.Table(
            mapped.table.name,
            sa.MetaData(),
            *(_column(each, mapped) for each in self.columns.values()),
            schema=None if mapped.table.schema == "public" else mapped.table.schema,
        )
        # A column may have a name that no attribute of a mapped class can have.
        numbered = {f"column_{number}": each for number, each in enumerate(table.columns)}
        values = {
            **numbered,
            "__table__": table,
            "__mapper_args__": {"primary_key": [*table.primary_key] or [*table.columns]},
        }
        base = type("Base", (DeclarativeBase,), {})
        self.mapped: type[DeclarativeBase] = type(mapped.class_name, (base,), values)
        self.attributes: dict[str, Attribute] = {
            column.name: getattr(self.mapped, name) for name, column in numbered.items()
        }
        self.sources = {
            column: f"{mapped.class_name}.{attribute}"
            for column, attribute in mapped.attributes.items()
        }


def _column(column: Column, mapped: Mapped) -> sa.Column[object]:
    is_always = column.identity[:1] == ("generated always",)
    given = [sa.Computed(column.computed)] if column.computed is not None else []
    return sa.Column(
        column.name,
        ColumnType(column.type),
        *given,
        *([sa.Identity(always=True)] if is_always else []),
        primary_key=column.name in mapped.key_columns,
    )


class Principals:
    """The principals whose conditions the policies of a table have."""

    def __init__(
        self,
        model: Model,
        policies: Iterable[Policy],
        helpers: Iterable[Helper],
        roles: Roles,
        renderings: Renderings,
    ) -> None:
        """Find the columns and helpers that the conditions name.

        Args:
            model: The mapped class.
            policies: The policies of the table.
            helpers: The functions that may tell what a caller belongs to.
            roles: The roles of the application.
            renderings: What PostgreSQL makes of conditions.
        """
        self._model, self._roles, self._renderings = model, roles, renderings
        text = "\n".join(
            each for policy in policies for each in (policy.using, policy.check) if each is not None
        )
        named = [each for each in model.columns.values() if sql.quote(each.name) in text]
        own = [each for each in helpers if each.function.literal_name in text]
        self._parts = [
            *(_Part(model, each.name) for each in named if each.type == self._caller_type),
            *(
                _Part(model, each.name, helper)
                for helper in own
                for each in named
                if helper.function.returns.lower() == f"setof {each.type}"
            ),
        ]
        self._narrowed: dict[str, str] = {}
        columns = {each.column for each in self._parts}
        renderings.add_table(model.name, [each for each in named if each.name in columns])

    def written(self, words: str, condition: str) -> Written:
        """Return the principal of a condition: in words of the vocabulary where it has their form.

        Args:
            words: The callers in words.
            condition: The condition as PostgreSQL renders it.
        """
        if condition == _TRUE:
            return _renamed(Written(signed_in, "signed_in"), words)
        candidate = _either(self._parts_of(condition), words)
        if candidate is not None and self.is_rendered(candidate.principal.condition, condition):
            return candidate
        if words.startswith(f"{signed_in.name} "):
            return _narrowed(Written(signed_in, "signed_in"), words, condition)
        if (narrowed := self._narrowing(words, condition)) is not None:
            return narrowed
        source = f"Principal({quoted(words)}, {_text(condition)})"
        return Written(Principal(words, condition), source)

    def including(self, users: Written, words: str, condition: str) -> Written:
        """Return callers together with those who are not signed in.

        Args:
            users: The callers who are signed in.
            words: The others in words.
            condition: The condition for these.
        """
        name, own = users.principal.name, users.principal.condition
        if (words, condition) == (name, own):
            if condition == _TRUE:
                return _renamed(Written(anyone, "anyone"), name)
            if name.startswith(f"{anyone.name} "):
                return _narrowed(Written(anyone, "anyone"), name, condition)
        others = self.written(words, condition)
        return Written(
            Principal(name, own, anonymous=others.principal),
            f"Principal({quoted(name)}, {_text(own)}, anonymous={others.source})",
            others.helpers,
        )

    def is_rendered(self, declared: str, found: str) -> bool:
        """Tell whether a condition is what was found, as PostgreSQL renders it.

        Args:
            declared: The condition; ``:caller`` in it is the caller's id.
            found: The condition that was found.
        """
        narrowed = self._narrowed.get(sql.layout(declared))
        return found in {declared, narrowed} or found in self._rendered(declared)

    def _narrowing(self, words: str, condition: str) -> Written | None:
        """Return callers of the vocabulary for fewer rows, if that is what a condition says."""
        name, rest_of_words = _split_words(words)
        inner = unwrapped(condition)
        for match in re.finditer(_AND, inner):
            first, rest = inner[: match.start()], inner[match.end() :]
            candidate = _either(self._parts_of(first), name)
            if candidate is None or not self.is_rendered(candidate.principal.condition, first):
                continue
            # PostgreSQL keeps two conditions apart from three.
            if not rest_of_words or (_AND in rest and unwrapped(rest) == rest):
                return None
            written = _narrowed(candidate, words, rest)
            # What it becomes can't be rendered, since its table has other columns there.
            caller = f"(select {self._roles.caller})"
            for declared in (
                written.principal.condition,
                sql.substituted(written.principal.condition, "caller", caller),
            ):
                self._narrowed[declared] = condition
            return written
        return None

    def _parts_of(self, condition: str) -> list[_Part]:
        """Return the simple conditions that stand in one, in their order."""
        places = [
            (condition.find(text), part)
            for part in self._parts
            for text in self._rendered(part.written("it").principal.condition)
            if text in condition
        ]
        return [part for _, part in sorted(places, key=lambda each: each[0])]

    def _rendered(self, declared: str) -> frozenset[str]:
        caller = f"(select {self._roles.caller})"
        return self._renderings.of(self._model.name, sql.substituted(declared, "caller", caller))

    @property
    def _caller_type(self) -> str:
        return CALLER_TYPES[self._roles.caller_type]


@dataclass(frozen=True)
class _Part:
    """A column that is compared with the caller, or with what the caller belongs to."""

    model: Model
    column: str
    helper: Helper | None = None

    def written(self, name: str) -> Written:
        attribute, source = self.model.attributes[self.column], self.model.sources[self.column]
        if self.helper is None:
            named = "" if name == _OWNER else f", {quoted(name)}"
            return Written(owner(attribute, name), f"owner({source}{named})")
        return Written(
            anyone_with(attribute, self.helper.function, name),
            f"anyone_with({source}, {self.helper.constant}, {quoted(name)})",
            (self.helper,),
        )


def _either(parts: Sequence[_Part], words: str) -> Written | None:
    if not parts:
        return None
    if len(parts) == 1:
        return parts[0].written(words)
    if len(parts) == _TWO and not any(each.helper for each in parts):
        first, second = parts
        model = first.model
        columns = ", ".join(model.sources[each.column] for each in parts)
        named = "" if words == _PARTY else f", {quoted(words)}"
        if first.column != second.column:
            attributes = (model.attributes[first.column], model.attributes[second.column])
            return Written(either(*attributes, words), f"either({columns}{named})")
    names = words.split(_OR)
    is_each_named = len(names) == len(parts)
    written = [
        part.written(name)
        for part, name in zip(parts, names if is_each_named else [words] * len(parts), strict=True)
    ]
    source = " | ".join(each.source for each in written)
    return Written(
        reduce(or_, (each.principal for each in written)).named(words),
        source if is_each_named else f"({source}).named({quoted(words)})",
        tuple(helper for each in written for helper in each.helpers),
    )


def _renamed(written: Written, words: str) -> Written:
    if written.principal.name == words:
        return written
    return Written(written.principal.named(words), f"{written.source}.named({quoted(words)})")


def _narrowed(written: Written, words: str, condition: str) -> Written:
    rest = words.removeprefix(f"{written.principal.name} ")
    return Written(
        written.principal.where(condition, rest),
        f"{written.source}.where({_text(condition)}, {quoted(rest)})",
        written.helpers,
    )


def _split_words(words: str) -> tuple[str, str]:
    """Return who callers are, and which rows they are narrowed to."""
    first, _, rest = words.partition(" ")
    if first in {"the", "either"} and " " in rest:
        second, _, rest = rest.partition(" ")
        first = f"{first} {second}"
    return first, rest


def _text(condition: str) -> str:
    return render_sql(condition, _INDENTATION)
