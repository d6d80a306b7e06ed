"""What the domain of a column says of its values, which a conversion to another type takes away."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from townhall.check.snapshot import Snapshot
from townhall.pg import Domain, sql
from townhall.pg.catalog import Column, Constraint, TableName
from townhall.pg.domain import NOT_VALID
from townhall.pg.layout import pieces

Domains = Mapping[str, Domain]
"""The domains of a database, as SQL names them."""

_MODIFIER = re.compile(r"\([^()]*\)")
_VALUE = re.compile(r"\bVALUE\b")
"""The value, as PostgreSQL renders it in the check of a domain."""


def domains_of(actual: Snapshot) -> dict[str, Domain]:
    """Return the domains of a database, as SQL names them."""
    return {
        sql.qualified(*item.names): item.entity
        for item in actual.values()
        if isinstance(item.entity, Domain)
    }


def base_of(type_: str, domains: Domains) -> str:
    """Return the type that a domain is made of in the end; another type as it is.

    Args:
        type_: A type, as PostgreSQL renders it.
        domains: The domains of the database.
    """
    for each in _chain(type_, domains):
        type_ = each.base
    return type_


def has_checked_elements(type_: str, domains: Domains) -> bool:
    """Tell whether a type is an array of a domain that refuses values.

    Args:
        type_: A type, as PostgreSQL renders it.
        domains: The domains of the database.
    """
    return type_.endswith("[]") and any(
        each.checks or not each.is_nullable for each in _chain(type_.removesuffix("[]"), domains)
    )


def with_default(column: Column, domains: Domains) -> Column:
    """Return a column with the default that it takes from its domain, where it has none.

    Args:
        column: The column.
        domains: The domains of the database.
    """
    if column.default is not None or column.identity or column.computed is not None:
        return column
    defaults = (each.default for each in _chain(column.type, domains))
    return column._replace(default=next((each for each in defaults if each is not None), None))


def checks_of(table: TableName, column: Column, domains: Domains) -> Iterator[Constraint]:
    """Yield what the domain of a column says of its values, as constraints of the table.

    Args:
        table: Schema and name of the table.
        column: The column.
        domains: The domains of the database.
    """
    name = sql.quote(column.name)
    for domain in _chain(column.type, domains):
        if not domain.is_nullable:
            words = [column.name, domain.name]
            yield _check(sql.generated_name(table[1], words, "not_null"), f"{name} IS NOT NULL")
        for check, text in domain.checks.items():
            words = [column.name, check.removesuffix("_check")]
            condition = "".join(
                piece if is_opaque else _VALUE.sub(lambda _: name, piece)
                for piece, is_opaque in pieces(text.removesuffix(NOT_VALID))
            )
            is_validated = not text.endswith(NOT_VALID)
            yield _check(
                sql.generated_name(table[1], words, "check"), condition, is_validated=is_validated
            )


def _check(name: str, condition: str, *, is_validated: bool = True) -> Constraint:
    definition = f"CHECK ({condition})"
    return Constraint(name, "check", definition, None, is_validated, is_enforced=True, comment=None)


def _chain(type_: str, domains: Domains) -> Iterator[Domain]:
    while (domain := domains.get(_MODIFIER.sub("", type_))) is not None:
        yield domain
        type_ = domain.base
