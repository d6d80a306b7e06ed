"""What is declared of the tables that errors are about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from sqlalchemy import (
    CheckConstraint,
    Column,
    Constraint,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Table,
)
from sqlalchemy.schema import ColumnCollectionConstraint

from townhall.pg.access import Access, Declaration
from townhall.product import own_product
from townhall.refusals import Refusal

Declared = MetaData | Declaration | Mapping[str, Refusal]
"""What errors are explained by: tables, access rules, and sentences for the rules of functions."""

Rule = Constraint | Index
"""A constraint or a unique index."""

_PUBLIC = "public"


@dataclass(frozen=True)
class Declarations:
    """The declared tables, access rules, and refusals of functions."""

    metadata: tuple[MetaData, ...]
    access_rules: tuple[Access, ...]
    refusals: Mapping[str, Refusal]

    @classmethod
    def of(cls, declared: Iterable[Declared]) -> Declarations:
        """Return what an application declares, and after it what this package does.

        Args:
            declared: The application's declarations; those that say nothing of errors are left out.
        """
        product, given = own_product(), tuple(declared)
        refusals: dict[str, Refusal] = dict(product.refusals)
        for each in given:
            if isinstance(each, Mapping):
                refusals |= each
        return cls(
            (*(each for each in given if isinstance(each, MetaData)), product.metadata),
            (*(each for each in given if isinstance(each, Access)), *product.access_rules),
            refusals,
        )

    def table(self, name: str | None, schema: str | None = None) -> Table | None:
        """Return the table of a name, if it is declared.

        Args:
            name: The name.
            schema: The schema; None for any, ``public`` first.
        """
        found = [each for each in self._tables() if each.name == name]
        in_schema = [each for each in found if (each.schema or _PUBLIC) == (schema or _PUBLIC)]
        return next(iter(in_schema or ([] if schema else found)), None)

    def access_rule(self, table: Table | None) -> Access | None:
        """Return the access rule of a table, if one is declared."""
        return next((each for each in self.access_rules if each.table is table), None)

    def columns(self) -> Iterator[Column[object]]:
        """Yield the columns of all tables."""
        for table in self._tables():
            yield from table.columns

    def _tables(self) -> Iterator[Table]:
        for metadata in self.metadata:
            yield from metadata.tables.values()


def full_name(table: Table) -> str:
    """Return the name of a table; with its schema where that is not ``public``."""
    return table.fullname if table.schema not in {None, _PUBLIC} else table.name


def rule_of(table: Table | None, name: str | None, columns: tuple[str, ...]) -> Rule | None:
    """Return the constraint or unique index of a table that a name stands for.

    Args:
        table: The table.
        name: The name in the database.
        columns: The columns that PostgreSQL names, for a rule that is declared without a name.
    """
    if table is None:
        return None
    rules: list[Rule] = [*table.constraints, *table.indexes]
    by_name = (each for each in rules if each.name is not None and str(each.name) == name)
    unnamed = (each for each in rules if not isinstance(each.name, str))
    by_columns = (each for each in unnamed if columns and columns_of(each, table) == columns)
    return next(chain(by_name, by_columns), None)  # a constraint without columns is false


def columns_of(rule: Rule, table: Table) -> tuple[str, ...]:
    """Return the names of the columns that a constraint or an index is about."""
    match rule:
        case CheckConstraint():
            return _named(str(rule.sqltext), table)
        case Index():
            return _named(" ".join(map(str, rule.expressions)), table)
        case ForeignKeyConstraint():
            return tuple(rule.column_keys)
        case ColumnCollectionConstraint():
            return tuple(each.name for each in rule.columns)
    return ()


def _named(expression: str, table: Table) -> tuple[str, ...]:
    words = re.findall(r"\w+", re.sub(r"'(?:[^']|'')*'", "''", expression))
    return tuple(dict.fromkeys(each for each in words if each in table.columns))
